// What is known of a system topic that is there: its id, and the identity that it writes dead letters by.

@description('Name of the system topic.')
param topicName string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

output topicId string = topic.id
output principalId string = topic.identity.principalId
