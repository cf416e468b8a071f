// What Stageward needs at the workspace that it governs: rights, events, and Azure Policy. A hook deploys it when
// the app is there (an event subscription needs the function that it calls), and by `az`, not by azd: `azd down`
// deletes every resource group that azd's own deployment has touched.
targetScope = 'subscription'

@description('Name of the azd environment.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Name of the Azure ML workspace that is governed.')
@minLength(3)
@maxLength(33)
param workspaceName string

@description('Its resource group.')
@minLength(1)
@maxLength(90)
param workspaceResourceGroup string

@description('Resource ids of Azure ML registries, separated by commas.')
param registryIds string = ''

@description('observe: the app may only read at Azure ML; enforce: it may write what it decides.')
@allowed([
  'observe'
  'enforce'
])
param mode string = 'observe'

@description('What Azure Policy does about writes that go round Stageward.')
@allowed([
  'audit'
  'deny'
  'disabled'
])
param policyEffect string = 'audit'

@description('Object id of the identity of the app.')
@minLength(36)
@maxLength(36)
param governorId string

@description('Resource id of the Functions app.')
@minLength(1)
param functionAppId string

@description('Resource id of the storage account that dead letters are written to.')
@minLength(1)
param hostStorageId string

@description('Object id of the Entra group of risk officers, who may read evidence at the workspace; empty for none.')
param officersId string = ''

@description('Name of the system topic that the workspace has already; empty to make one. A source can have only one.')
param workspaceTopic string = ''

@description('Name of the system topic that the resource group of the workspace has already; empty to make one.')
param groupTopic string = ''

@description('Resource id of the action group that is told of alerts; empty for none.')
param alertGroupId string = ''

@description('Resource id of the Key Vault with secret settings; empty for none.')
param keyVaultId string = ''

var abbreviations = loadJsonContent('abbreviations.json')
var machineLearning = 'Microsoft.MachineLearningServices'
var token = toLower(uniqueString(subscription().id, environmentName, workspace.id))
var workspaceTopicName = empty(workspaceTopic) ? '${abbreviations.eventGridSystemTopics}${token}-workspace' : workspaceTopic
var groupTopicName = empty(groupTopic) ? '${abbreviations.eventGridSystemTopics}${token}-writes' : groupTopic
var vault = split(empty(keyVaultId) ? workspace.id : keyVaultId, '/') // a scope is read even of what is not made
var registries = empty(registryIds) ? [] : split(registryIds, ',')
var tags = {
  'stageward-environment': environmentName
}

resource workspaceGroup 'Microsoft.Resources/resourceGroups@2024-03-01' existing = {
  name: workspaceResourceGroup
}

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-12-01' existing = {
  name: workspaceName
  scope: workspaceGroup
}

module rights 'modules/rights.bicep' = {
  name: 'stageward-rights-${token}'
  scope: workspaceGroup
  params: {
    suffix: '${environmentName} ${token}'
    workspaceName: workspaceName
    mode: mode
    governorId: governorId
    officersId: officersId
  }
}

module registryRights 'modules/registry-rights.bicep' = [
  for (id, i) in registries: {
    name: 'stageward-registry-${i}-${token}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      registryName: last(split(id, '/'))
      mode: mode
      governorId: governorId
    }
  }
]

module vaultRights 'modules/vault-rights.bicep' = if (!empty(keyVaultId)) {
  name: 'stageward-vault-${token}'
  scope: resourceGroup(vault[2], vault[4])
  params: {
    vaultName: last(vault)
    readerId: governorId
  }
}

module newWorkspaceTopic 'modules/system-topic.bicep' = if (empty(workspaceTopic)) {
  name: 'stageward-workspace-topic-${token}'
  scope: workspaceGroup
  params: {
    name: workspaceTopicName
    location: workspace.location
    tags: tags
    source: workspace.id
    topicType: 'Microsoft.MachineLearningServices.Workspaces'
  }
}

module newGroupTopic 'modules/system-topic.bicep' = if (empty(groupTopic)) {
  name: 'stageward-group-topic-${token}'
  scope: workspaceGroup
  params: {
    name: groupTopicName
    location: 'global'
    tags: tags
    source: workspaceGroup.id
    topicType: 'Microsoft.Resources.ResourceGroups'
  }
}

module workspaceTopicIdentity 'modules/topic-identity.bicep' = {
  name: 'stageward-workspace-identity-${token}'
  scope: workspaceGroup
  params: {
    topicName: workspaceTopicName
  }
  dependsOn: [
    newWorkspaceTopic
  ]
}

module groupTopicIdentity 'modules/topic-identity.bicep' = {
  name: 'stageward-group-identity-${token}'
  scope: workspaceGroup
  params: {
    topicName: groupTopicName
  }
  dependsOn: [
    newGroupTopic
  ]
}

// Event Grid tries the container when a subscription is made: so these rights come before it.
module deadLetters 'modules/dead-letter-rights.bicep' = {
  name: 'stageward-dead-letters-${token}'
  scope: resourceGroup(split(hostStorageId, '/')[2], split(hostStorageId, '/')[4])
  params: {
    accountName: last(split(hostStorageId, '/'))
    writers: [
      {
        topic: workspaceTopicIdentity.outputs.topicId
        principalId: workspaceTopicIdentity.outputs.principalId
      }
      {
        topic: groupTopicIdentity.outputs.topicId
        principalId: groupTopicIdentity.outputs.principalId
      }
    ]
  }
}

module workspaceEvents 'modules/events.bicep' = {
  name: 'stageward-workspace-events-${token}'
  scope: workspaceGroup
  params: {
    topicName: workspaceTopicName
    functionAppId: functionAppId
    hostStorageId: hostStorageId
    subscriptionName: 'stageward-${token}'
    filter: {
      includedEventTypes: [
        '${machineLearning}.ModelRegistered'
        '${machineLearning}.ModelDeployed'
        '${machineLearning}.RunCompleted'
      ]
    }
  }
  dependsOn: [
    deadLetters
  ]
}

// A topic of a resource group carries every write in it, of whatever resource: so it is filtered.
module groupEvents 'modules/events.bicep' = {
  name: 'stageward-group-events-${token}'
  scope: workspaceGroup
  params: {
    topicName: groupTopicName
    functionAppId: functionAppId
    hostStorageId: hostStorageId
    subscriptionName: 'stageward-${token}'
    filter: {
      includedEventTypes: [
        'Microsoft.Resources.ResourceWriteSuccess'
        'Microsoft.Resources.ResourceDeleteSuccess'
      ]
      subjectBeginsWith: '${workspace.id}/'
      advancedFilters: [
        {
          operatorType: 'StringBeginsWith'
          key: 'data.operationName'
          values: [
            '${machineLearning}/workspaces/models/'
            '${machineLearning}/workspaces/data/'
            '${machineLearning}/workspaces/datasets/'
            '${machineLearning}/workspaces/environments/'
            '${machineLearning}/workspaces/components/'
            '${machineLearning}/workspaces/onlineEndpoints/'
            '${machineLearning}/workspaces/batchEndpoints/'
          ]
        }
      ]
    }
  }
  dependsOn: [
    deadLetters
  ]
}

// Of topics that are made here; those of others have alerts of theirs, and count what is not ours.
module workspaceAlerts 'modules/alerts-events.bicep' = if (empty(workspaceTopic)) {
  name: 'stageward-workspace-alerts-${token}'
  scope: workspaceGroup
  params: {
    name: 'stageward-${token}-workspace'
    tags: tags
    topicName: workspaceTopicName
    actionGroupId: alertGroupId
  }
  dependsOn: [
    newWorkspaceTopic
  ]
}

module groupAlerts 'modules/alerts-events.bicep' = if (empty(groupTopic)) {
  name: 'stageward-group-alerts-${token}'
  scope: workspaceGroup
  params: {
    name: 'stageward-${token}-writes'
    tags: tags
    topicName: groupTopicName
    actionGroupId: alertGroupId
  }
  dependsOn: [
    newGroupTopic
  ]
}

module policy 'modules/policy.bicep' = if (policyEffect != 'disabled') {
  name: 'stageward-policy-${token}'
  params: {
    token: token
    workspaceName: workspaceName
    workspaceResourceGroup: workspaceResourceGroup
    effect: policyEffect
    governorId: governorId
  }
}
