// Alerts on what Event Grid itself counts of a system topic: what is not delivered, given up, and lost.

@description('How the names of the alerts begin.')
@minLength(1)
@maxLength(60)
param name string

@description('Tags of every resource.')
param tags object

@description('Name of the system topic, in this resource group.')
param topicName string

@description('Resource id of the action group that is told; empty for none.')
param actionGroupId string

var counts = [
  {
    name: 'dead-lettered'
    metric: 'DeadLetteredCount'
    limit: 0
    severity: 2
    says: 'Event Grid has given up events, and kept them as dead letters.'
  }
  {
    name: 'dropped'
    metric: 'DroppedEventCount'
    limit: 0
    severity: 1
    says: 'Event Grid has lost events: it had nowhere to keep them. The scan finds what they told of.'
  }
  {
    name: 'undelivered'
    metric: 'DeliveryAttemptFailCount'
    limit: 20
    severity: 3
    says: 'Event Grid cannot deliver many events at the first try; it goes on trying for a day.'
  }
]

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource onTopic 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for one in counts: {
    name: '${name}-${one.name}'
    location: 'global'
    tags: tags
    properties: {
      description: '${one.says} See docs/operate.md.'
      severity: one.severity
      enabled: true
      scopes: [
        topic.id
      ]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      targetResourceType: 'Microsoft.EventGrid/systemTopics'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: one.name
            metricNamespace: 'Microsoft.EventGrid/systemTopics'
            metricName: one.metric
            timeAggregation: 'Total'
            operator: 'GreaterThan'
            threshold: one.limit
          }
        ]
      }
      autoMitigate: true
      actions: empty(actionGroupId) ? [] : [
        {
          actionGroupId: actionGroupId
        }
      ]
    }
  }
]
