// The ledger: four tables in a storage account of their own, without keys, and locked against deletion.

@description('Name of the storage account.')
param name string

@description('Its region.')
param location string

@description('Tags of every resource.')
param tags object

@description('How often the ledger is kept, and where.')
param sku string

@description('Resource id of the only subnet that is admitted; empty for public networks.')
param subnetId string

@description('Whether the account cannot be deleted before its lock is.')
param lock bool

@description('Whether writes are logged.')
param logs bool

@description('Object id of the identity of the app.')
param appId string

@description('Object id of whoever deploys; empty for nobody.')
param deployerId string

@description('What whoever deploys is.')
param deployerType string

@description('Whether they may write too: they issue tokens where people sign in by tokens.')
param deployerWrites bool

@description('Resource id of the Log Analytics workspace that is told of writes.')
param logWorkspaceId string

var storageTableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
var storageTableDataReader = '76199698-9eea-4c19-bc75-cec21354c6b6'
var deployerRole = deployerWrites ? storageTableDataContributor : storageTableDataReader
var tableNames = [
  'stagewardledger'
  'stagewardwork'
  'stagewardcatalog'
  'stagewardblobs'
]

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

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {}
}

// The app makes them as well if they are missing.
resource tables 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-06-01' = [
  for table in tableNames: {
    parent: tableService
    name: table
  }
]

resource writes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, appId, storageTableDataContributor)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageTableDataContributor)
    principalId: appId
    principalType: 'ServicePrincipal'
  }
}

resource deployer 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployerId)) {
  name: guid(account.id, deployerId, deployerRole)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', deployerRole)
    principalId: deployerId
    principalType: deployerType
  }
}

resource stays 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  name: 'stageward-ledger'
  scope: account
  properties: {
    level: 'CanNotDelete'
    notes: 'The ledger of Stageward: the only proof of who approved what. Take a backup before this lock is removed.'
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (logs) {
  name: 'stageward'
  scope: tableService
  properties: {
    workspaceId: logWorkspaceId
    logs: [
      {
        category: 'StorageWrite'
        enabled: true
      }
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}

output name string = account.name
output tablesEndpoint string = account.properties.primaryEndpoints.table
