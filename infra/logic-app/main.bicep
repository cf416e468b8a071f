// A Logic App that writes mail, and posts a card to Teams, when Stageward publishes that an approval was
// requested. Its workflow is in approval-mail.json; how to deploy it, in README.md.
targetScope = 'resourceGroup'

@description('Name of the Logic App.')
param name string = 'stageward-approvals'

@description('Where it runs.')
param location string = resourceGroup().location

@description('Where people reach Stageward, such as https://stageward.example.org.')
param stagewardUrl string

@description('Who is written to: mail addresses, separated by semicolons.')
param approvers string

@description('Address of a Teams workflow that takes cards; empty for none. It is a secret.')
@secure()
param teamsWorkflowUrl string = ''

resource office365 'Microsoft.Web/connections@2016-06-01' = {
  name: '${name}-office365'
  location: location
  properties: {
    displayName: 'Mail about approvals'
    api: {
      id: subscriptionResourceId('Microsoft.Web/locations/managedApis', location, 'office365')
    }
  }
}

resource workflow 'Microsoft.Logic/workflows@2019-05-01' = {
  name: name
  location: location
  properties: {
    state: 'Enabled'
    definition: loadJsonContent('approval-mail.json')
    parameters: {
      '$connections': {
        value: {
          office365: {
            connectionId: office365.id
            connectionName: office365.name
            id: subscriptionResourceId('Microsoft.Web/locations/managedApis', location, 'office365')
          }
        }
      }
      stagewardUrl: {
        value: stagewardUrl
      }
      approvers: {
        value: approvers
      }
      teamsWorkflowUrl: {
        value: teamsWorkflowUrl
      }
    }
  }
}

@description('The Logic App, of which the trigger `event` has the address that Stageward posts to.')
output workflowId string = workflow.id
