// A Logic App that makes a ticket and starts a deployment in Azure DevOps when a version reaches a stage. Its workflow
// is in to-production.json; how to deploy it, in ../README.md.
targetScope = 'resourceGroup'

@description('Name of the Logic App.')
param name string = 'stageward-to-production'

@description('Where it runs.')
param location string = resourceGroup().location

@description('Where people reach Stageward, such as https://stageward.example.org.')
param stagewardUrl string

@description('The stage that a version has to reach.')
param stage string = 'Production'

@description('How the names of the assets begin that count, such as demo/models/; empty for all.')
param assets string = ''

@description('The project of Azure DevOps, such as https://dev.azure.com/contoso/ml.')
param project string

@description('The type of work item that a ticket is there.')
param ticketType string = 'Issue'

@description('Id of the pipeline that deploys; it takes the parameters asset and version.')
param pipelineId string

@description('The branch that the pipeline is taken from.')
param branch string = 'refs/heads/main'

resource workflow 'Microsoft.Logic/workflows@2019-05-01' = {
  name: name
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    state: 'Enabled'
    definition: loadJsonContent('to-production.json')
    parameters: {
      stagewardUrl: {
        value: stagewardUrl
      }
      stage: {
        value: stage
      }
      assets: {
        value: assets
      }
      project: {
        value: project
      }
      ticketType: {
        value: ticketType
      }
      pipelineId: {
        value: pipelineId
      }
      branch: {
        value: branch
      }
    }
  }
}

@description('The Logic App, of which the trigger `event` has the address that Stageward posts to.')
output workflowId string = workflow.id

@description('Its identity, which has to be a member of the project.')
output principalId string = workflow.identity.principalId
