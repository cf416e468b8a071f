// Storage of the Functions host: the deployed package, locks of timers, and dead letters of Event Grid.
// The ledger is in an account of its own: whoever may write a package here has no way to write there.

@description('Name of the storage account.')
param name string

@description('Its region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the only subnet that is admitted; empty for public networks.')
param subnetId string

@description('How long deleted blobs can be brought back, in days.')
param softDeleteDays int

@description('Object id of the identity of the app.')
param appId string

@description('Resource id of the Log Analytics workspace that is told of writes.')
param logWorkspaceId string

var storageBlobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
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
      bypass: 'AzureServices' // Event Grid writes dead letters by its identity
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
      days: softDeleteDays
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
  }
}

resource packages 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobs
  name: 'app-package'
  properties: {
    publicAccess: 'None'
  }
}

resource deadLetters 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobs
  name: 'eg-deadletter'
  properties: {
    publicAccess: 'None'
  }
}

// Locks of timers and keys of the host are blobs, and the host makes containers for them: it takes Owner. It
// covers the dead letters, which are counted, replayed and then deleted.
resource owns 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, appId, storageBlobDataOwner)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataOwner)
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

output id string = account.id
output name string = account.name
output packageContainer string = packages.name
output deadLetterContainer string = deadLetters.name
