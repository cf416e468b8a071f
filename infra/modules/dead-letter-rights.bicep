// The right of system topics to write what could not be delivered into one container, and nowhere else.

@description('Name of the storage account.')
param accountName string

@description('The topics: `topic`, its resource id, and `principalId`, the object id of its identity.')
param writers array

var storageBlobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: account
  name: 'default'
}

resource deadLetters 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  parent: blobs
  name: 'eg-deadletter'
}

resource write 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for writer in writers: {
    name: guid(deadLetters.id, writer.topic, storageBlobDataContributor)
    scope: deadLetters
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
      principalId: writer.principalId
      principalType: 'ServicePrincipal'
    }
  }
]
