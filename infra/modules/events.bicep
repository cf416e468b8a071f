// The subscription by which a system topic calls the function `on_event`. The topic has an identity of its own.

@description('Name of the system topic.')
param topicName string

@description('Resource id of the Functions app.')
param functionAppId string

@description('Resource id of the storage account that dead letters are written to.')
param hostStorageId string

@description('Name of the event subscription.')
@minLength(3)
@maxLength(64)
param subscriptionName string

@description('Which events are delivered.')
param filter object

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource subscription 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: subscriptionName
  properties: {
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: '${functionAppId}/functions/on_event'
        maxEventsPerBatch: 1
        preferredBatchSizeInKilobytes: 64
      }
    }
    eventDeliverySchema: 'EventGridSchema'
    filter: filter
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
    }
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: hostStorageId
          blobContainerName: 'eg-deadletter'
        }
      }
    }
  }
}
