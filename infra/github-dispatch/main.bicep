// A Logic App that tells GitHub when another version stands at a stage, so that a workflow deploys it.
// Its workflow is in dispatch.json; how to deploy it, in README.md.
targetScope = 'resourceGroup'

@description('Name of the Logic App.')
param name string = 'stageward-github'

@description('Where it runs.')
param location string = resourceGroup().location

@description('Which asset is told of: registry/kind/name.')
param asset string

@description('Which stage of it.')
param stage string = 'Production'

@description('The repository whose workflow is started: owner/name.')
param repository string

@description('The API of GitHub; that of an Enterprise Server ends with /api/v3.')
param gitHubApi string = 'https://api.github.com'

@description('Where the token is kept that may start it: https://<vault>/secrets/<name>. It is read by the identity of the Logic App.')
param tokenSecretUri string

resource workflow 'Microsoft.Logic/workflows@2019-05-01' = {
  name: name
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    state: 'Enabled'
    definition: loadJsonContent('dispatch.json')
    parameters: {
      asset: {
        value: asset
      }
      stage: {
        value: stage
      }
      repository: {
        value: repository
      }
      gitHubApi: {
        value: gitHubApi
      }
      tokenSecret: {
        value: tokenSecretUri
      }
      vaultAudience: {
        value: 'https://${substring(environment().suffixes.keyvaultDns, 1)}'
      }
    }
  }
}

@description('The Logic App, of which the trigger `event` has the address that Stageward posts to.')
output workflowId string = workflow.id

@description('Who reads the token: give it *Key Vault Secrets User* at that secret.')
output principalId string = workflow.identity.principalId
