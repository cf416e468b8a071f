// Where the ledger is anchored: an account of its own, whose one container lets nobody change or delete a blob.

@description('Name of the storage account.')
param name string

@description('Its region.')
param location string

@description('Tags of every resource.')
param tags object

@description('How often anchors are kept, and where.')
param sku string

@description('Resource id of the only subnet that is admitted; empty for public networks.')
param subnetId string

@description('Object id of the identity of the app.')
param appId string

@description('Resource id of the Log Analytics workspace that is told of what is deleted.')
param logWorkspaceId string

@description('So long no blob can be changed or deleted, in days.')
param days int = 365

var writer = loadJsonContent('../roles/anchor-writer.json')

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    isLocalUserEnabled: false
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: 'Enabled'
    supportsHttpsTrafficOnly: true
    networkAcls: {
      bypass: 'None'
      defaultAction: empty(subnetId) ? 'Allow' : 'Deny'
      virtualNetworkRules: empty(subnetId) ? [] : [
        {
          id: subnetId
          action: 'Allow'
        }
      ]
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: 90
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 90
    }
  }
}

resource anchors 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobs
  name: 'anchors'
  properties: {
    publicAccess: 'None'
  }
}

// Unlocked: it can still be taken off, which is logged. Whoever audits wants it locked: docs/deploy.md says how.
resource stays 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2025-06-01' = {
  parent: anchors
  name: 'default'
  properties: {
    immutabilityPeriodSinceCreationInDays: days
    allowProtectedAppendWrites: false
  }
}

resource writerRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, name, writer.Name)
  properties: {
    roleName: '${writer.Name} (${name})'
    type: 'CustomRole'
    description: writer.Description
    permissions: [
      {
        actions: writer.Actions
        notActions: writer.NotActions
        dataActions: writer.DataActions
      }
    ]
    assignableScopes: [
      resourceGroup().id
    ]
  }
}

resource writes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(anchors.id, appId, writerRole.id)
  scope: anchors
  properties: {
    roleDefinitionId: writerRole.id
    principalId: appId
    principalType: 'ServicePrincipal'
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'stageward'
  scope: blobs
  properties: {
    workspaceId: logWorkspaceId
    logs: [
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}

output name string = account.name
output container string = '${account.properties.primaryEndpoints.blob}${anchors.name}'
