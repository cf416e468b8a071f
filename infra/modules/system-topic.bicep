// A system topic: the events of one Azure resource. A source can have only one.

@description('Name of the system topic.')
param name string

@description('Region of the source; `global` for that of a resource group.')
param location string

@description('Tags of the topic.')
param tags object

@description('Resource id of whose events they are.')
param source string

@description('Type of the topic.')
@allowed([
  'Microsoft.MachineLearningServices.Workspaces'
  'Microsoft.Resources.ResourceGroups'
])
param topicType string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned' // by which dead letters are written
  }
  properties: {
    source: source
    topicType: topicType
  }
}
