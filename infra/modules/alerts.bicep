// Alerts on the figures that Stageward counts at each sweep (docs/operate.md), on its silence, and on functions that fail.

@description('How the names of the alerts begin.')
@minLength(1)
@maxLength(60)
param name string

@description('Region of the Application Insights component.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the Application Insights component that takes the figures.')
param insightsId string

@description('Who is written to when an alert fires: a mail address; empty for nobody, then alerts are only listed.')
param mail string

@description('So old the last complete scan of a registry may be, in seconds: three times as long as from one to the next.')
@minValue(300)
param scanAgeSeconds int = 900

// Of each figure the smallest value of a quarter of an hour, so that one that mends itself wakes nobody; of a key the
// largest, since what is left of it only shrinks. `of` is the attribute that tells several apart.
var figures = [
  {
    name: 'registry-stopped'
    figure: 'stageward.registry.stopped'
    of: 'registry'
    smallest: true
    limit: 0
    severity: 1
    says: 'Stageward does not act on a registry that it is to govern, or cannot read it.'
  }
  {
    name: 'scan-late'
    figure: 'stageward.registry.scan.age'
    of: 'registry'
    smallest: true
    limit: scanAgeSeconds
    severity: 2
    says: 'No scan of a registry has come to its end for long: what no event tells of is not found.'
  }
  {
    name: 'work-parked'
    figure: 'stageward.outbox.parked'
    of: ''
    smallest: true
    limit: 0
    severity: 2
    says: 'Owed work is given up until somebody retries it: tags or events do not follow.'
  }
  {
    name: 'work-late'
    figure: 'stageward.outbox.oldest.age'
    of: ''
    smallest: true
    limit: 3600
    severity: 2
    says: 'A decision waits to be carried out for more than an hour.'
  }
  {
    name: 'dead-letters'
    figure: 'stageward.dead_letters'
    of: ''
    smallest: true
    limit: 0
    severity: 2
    says: 'Events could not be delivered, and wait as dead letters.'
  }
  {
    name: 'clock-skewed'
    figure: 'stageward.clock.skew'
    of: 'source'
    smallest: true
    limit: 30
    severity: 1
    says: 'The clock of Stageward is far from that of its store or of a registry: deadlines are judged by it.'
  }
  {
    name: 'key-ends'
    figure: 'stageward.key.expiry'
    of: 'key'
    smallest: false
    limit: 1209600
    severity: 3
    says: 'A token or key ends in less than 14 days, or has ended.'
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(mail)) {
  name: '${name}-operators'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'stageward'
    enabled: true
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: mail
        useCommonAlertSchema: true
      }
    ]
  }
}

resource onFigures 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for one in figures: {
    name: '${name}-${one.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Stageward: ${one.name}'
      description: '${one.says} See docs/operate.md.'
      severity: one.severity
      enabled: true
      scopes: [
        insightsId
      ]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        allOf: [
          {
            query: 'customMetrics | where name == "${one.figure}" | extend Figure = valueSum / valueCount, Part = tostring(customDimensions["${one.of}"])' // `of` is a word of the language
            metricMeasureColumn: 'Figure'
            timeAggregation: one.smallest ? 'Minimum' : 'Maximum'
            dimensions: [
              {
                name: 'Part'
                operator: 'Include'
                values: [
                  '*'
                ]
              }
            ]
            operator: one.smallest ? 'GreaterThan' : 'LessThan'
            threshold: one.limit
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      autoMitigate: true
      actions: {
        actionGroups: empty(mail) ? [] : [
          people.id
        ]
      }
    }
  }
]

resource onSilence 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: '${name}-silent'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Stageward: silent'
    description: 'No sweep has counted anything for a quarter of an hour: it does not run, or cannot send. See docs/operate.md.'
    severity: 1
    enabled: true
    scopes: [
      insightsId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      allOf: [
        {
          query: 'customMetrics | where name == "stageward.outbox.waiting"'
          timeAggregation: 'Count'
          operator: 'LessThan'
          threshold: 1
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    actions: {
      actionGroups: empty(mail) ? [] : [
        people.id
      ]
    }
  }
}

resource onFailures 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: '${name}-failing'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Stageward: failing'
    description: 'Functions fail, or requests are answered with a fault of Stageward, again and again. See docs/operate.md.'
    severity: 2
    enabled: true
    scopes: [
      insightsId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      allOf: [
        {
          // What a caller did wrong is no failure, and 503 asks for patience.
          query: 'requests | where success == false and not(resultCode startswith "4") and resultCode != "503"'
          timeAggregation: 'Count'
          dimensions: [
            {
              name: 'name'
              operator: 'Include'
              values: [
                '*'
              ]
            }
          ]
          operator: 'GreaterThan'
          threshold: 3
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    actions: {
      actionGroups: empty(mail) ? [] : [
        people.id
      ]
    }
  }
}

output actionGroupId string = empty(mail) ? '' : people.id
