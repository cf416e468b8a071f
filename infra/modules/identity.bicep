// The one identity of the app: it signs in to everything as this, and there is no secret.

@description('Name of the identity.')
param name string

@description('Its region.')
param location string

@description('Tags of every resource.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

output name string = identity.name
output principalId string = identity.properties.principalId
