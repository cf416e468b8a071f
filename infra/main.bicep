// What Stageward is made of, in a resource group of its own. `azd up` deploys it; docs/deploy.md explains.
//
// Nothing here touches another resource group, not even to give a right there: `azd down` deletes every
// resource group that a deployment of it has touched, and one of those would be the workspace's. What
// Stageward needs at the workspace is in governance.bicep, which a hook deploys.
targetScope = 'subscription'

@description('Name of the azd environment; in the name of the resource group, and hashed into all others.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Region of everything that is made here; one that has Flex Consumption.')
@minLength(1)
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Object id of whoever deploys, who may read the ledger to back it up; empty for nobody.')
param principalId string = ''

@description('What whoever deploys is.')
@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
param principalType string = 'User'

@description('Name of the Azure ML workspace that is governed.')
@minLength(3)
@maxLength(33)
param workspaceName string

@description('Its resource group.')
@minLength(1)
@maxLength(90)
param workspaceResourceGroup string

@description('Resource ids of Azure ML registries, separated by commas; the configuration file names them by AZUREML_REGISTRY_1, 2, ….')
param registryIds string = ''

@description('How people sign in: entra (App Service authentication) or tokens of Stageward.')
@allowed([
  'entra'
  'tokens'
])
param signIn string = 'entra'

@description('Client id of the app registration that people sign in to, where they do by Entra.')
param entraClientId string = ''

@description('Who is written to when an alert fires: a mail address; empty for nobody.')
param alertMail string = ''

@description('Resource id of a Key Vault with the secrets of `secretSettings`; empty where there are none.')
param keyVaultId string = ''

@description('Names of settings that are secrets of the Key Vault, separated by commas; there they have `-` for `_`.')
param secretSettings string = ''

@description('From the end of a scan of a registry to the next one, in minutes; the timer rings every five. More is later and cheaper: docs/operate.md.')
@minValue(5)
@maxValue(1440)
param scanMinutes int = 5

@description('So old the last complete scan of a registry may be, in seconds, before it is late: see docs/operate.md for how many assets.')
@minValue(300)
@maxValue(604800)
param scanAgeSeconds int = 3600

@description('Resource id of a subnet, delegated to Microsoft.App/environments and with the service endpoint Microsoft.Storage; the storage accounts then admit it alone. Empty for public networks.')
param subnetId string = ''

@description('Instances that wait for events all the time, and cost all the time; 0 starts one when needed.')
@minValue(0)
@maxValue(20)
param alwaysReady int = 0

@description('How often the ledger is kept, and where: in one, or three zones of the region; G: in another region too.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
])
param ledgerSku string = 'Standard_ZRS'

@description('Whether the ledger cannot be deleted before its lock is.')
param lockLedger bool = true

@description('Whether each write to the ledger is logged, with who wrote.')
param ledgerLogs bool = true

@description('How long logs and traces are kept, in days.')
@allowed([
  30
  60
  90
  120
  180
  270
  365
  550
  730
])
param logRetentionDays int = 90

@description('How long deleted blobs (packages, dead letters) can be brought back, in days.')
@minValue(1)
@maxValue(365)
param softDeleteDays int = 14

var abbreviations = loadJsonContent('abbreviations.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
var workspaceId = '${subscription().id}/resourceGroups/${workspaceResourceGroup}/providers/Microsoft.MachineLearningServices/workspaces/${workspaceName}'
var registries = empty(registryIds) ? [] : split(registryIds, ',')
var secrets = empty(secretSettings) ? [] : split(secretSettings, ',')
var registrySettings = toObject(range(0, length(registries)), i => 'AZUREML_REGISTRY_${i + 1}', i => registries[i])
var vaultSettings = toObject(secrets, name => name, name => '@Microsoft.KeyVault(VaultName=${last(split(keyVaultId, '/'))};SecretName=${replace(name, '_', '-')})')

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: '${abbreviations.resourceGroups}${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'stageward-identity'
  scope: group
  params: {
    name: '${abbreviations.identities}${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'stageward-monitoring'
  scope: group
  params: {
    logWorkspaceName: '${abbreviations.logWorkspaces}${token}'
    insightsName: '${abbreviations.insightsComponents}${token}'
    location: location
    tags: tags
    retentionDays: logRetentionDays
    publisherId: identity.outputs.principalId
  }
}

module host 'modules/host.bicep' = {
  name: 'stageward-host'
  scope: group
  params: {
    name: '${abbreviations.storageAccounts}${token}'
    location: location
    tags: tags
    subnetId: subnetId
    softDeleteDays: softDeleteDays
    appId: identity.outputs.principalId
    logWorkspaceId: monitoring.outputs.logWorkspaceId
  }
}

module ledger 'modules/ledger.bicep' = {
  name: 'stageward-ledger'
  scope: group
  params: {
    name: '${abbreviations.ledgerAccounts}${token}'
    location: location
    tags: tags
    sku: ledgerSku
    subnetId: subnetId
    lock: lockLedger
    logs: ledgerLogs
    appId: identity.outputs.principalId
    deployerId: principalId
    deployerType: principalType
    deployerWrites: signIn == 'tokens'
    logWorkspaceId: monitoring.outputs.logWorkspaceId
  }
}

module anchors 'modules/anchors.bicep' = {
  name: 'stageward-anchors'
  scope: group
  params: {
    name: '${abbreviations.anchorAccounts}${token}'
    location: location
    tags: tags
    sku: ledgerSku
    subnetId: subnetId
    appId: identity.outputs.principalId
    logWorkspaceId: monitoring.outputs.logWorkspaceId
  }
}

module topic 'modules/topic.bicep' = {
  name: 'stageward-topic'
  scope: group
  params: {
    name: '${abbreviations.eventGridTopics}${token}'
    location: location
    tags: tags
    senderId: identity.outputs.principalId
    logWorkspaceId: monitoring.outputs.logWorkspaceId
  }
}

module app 'modules/app.bicep' = {
  name: 'stageward-app'
  scope: group
  params: {
    name: '${abbreviations.functionApps}${token}'
    planName: '${abbreviations.functionPlans}${token}'
    location: location
    tags: tags
    siteTags: union(tags, { 'azd-service-name': 'stageward' }) // azd deploys to the one resource that has it
    identityName: identity.outputs.name
    hostAccountName: host.outputs.name
    packageContainer: host.outputs.packageContainer
    deadLetterContainer: host.outputs.deadLetterContainer
    ledgerEndpoint: ledger.outputs.tablesEndpoint
    anchorContainer: anchors.outputs.container
    topicEndpoint: topic.outputs.endpoint
    insightsName: monitoring.outputs.insightsName
    logWorkspaceId: monitoring.outputs.logWorkspaceId
    workspaceId: workspaceId
    moreSettings: union(registrySettings, vaultSettings)
    signIn: signIn
    entraClientId: entraClientId
    subnetId: subnetId
    alwaysReady: alwaysReady
    scanMinutes: scanMinutes
    scanAgeSeconds: scanAgeSeconds
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'stageward-alerts'
  scope: group
  params: {
    name: 'stageward-${environmentName}'
    location: location
    tags: tags
    insightsId: monitoring.outputs.insightsId
    mail: alertMail
    scanAgeSeconds: scanAgeSeconds
  }
}

// What azd keeps in its environment: for `azd deploy`, for the hooks, and for whoever reads docs/deploy.md.
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_FUNCTION_APP_ID string = app.outputs.id
output AZURE_FUNCTION_APP_NAME string = app.outputs.name
output AZURE_HOST_STORAGE_ID string = host.outputs.id
output AZURE_LEDGER_STORAGE_NAME string = ledger.outputs.name
output AZURE_ANCHOR_STORAGE_NAME string = anchors.outputs.name
output ALERT_GROUP_ID string = alerts.outputs.actionGroupId
output AZUREML_WORKSPACE_ID string = workspaceId
output GOVERNOR_PRINCIPAL_ID string = identity.outputs.principalId
output STAGEWARD_URL string = app.outputs.url
output STAGEWARD_TABLES_ENDPOINT string = ledger.outputs.tablesEndpoint
output STAGEWARD_EVENTGRID_ENDPOINT string = topic.outputs.endpoint
