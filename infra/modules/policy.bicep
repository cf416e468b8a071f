// Azure Policy in front of the workspace: definitions in the subscription, assignments at the workspace's resource
// group. Both are rendered from the configuration file: stageward lifecycle azure-policy (docs/azure-policy.md).
targetScope = 'subscription'

@description('What makes the names of definitions and assignments the only ones there are.')
param token string

@description('Name of the workspace that is governed.')
param workspaceName string

@description('Its resource group.')
param workspaceResourceGroup string

@description('What the policies do: audit, deny or disabled; each assignment says what that is in its words.')
@allowed([
  'audit'
  'deny'
  'disabled'
])
param effect string

@description('Object id of the identity of the app, which alone may write what shows a stage.')
param governorId string

var stageTag = loadJsonContent('../policy/stageward-stage-tag.json')
var stageField = loadJsonContent('../policy/stageward-stage-field.json')
var deletion = loadJsonContent('../policy/stageward-deletion.json')
var assignments = loadJsonContent('../policy/assignments.json')
var definitions = [
  stageTag
  stageField
  deletion
]

resource definition 'Microsoft.Authorization/policyDefinitions@2025-01-01' = [
  for item in definitions: {
    name: '${item.name}-${token}'
    properties: {
      displayName: item.properties.displayName
      description: item.properties.description
      policyType: 'Custom'
      mode: item.properties.mode
      metadata: item.properties.metadata
      parameters: item.properties.parameters
      policyRule: item.properties.policyRule
    }
  }
]

module assigned 'policy-assignments.bicep' = {
  name: 'stageward-policy-${token}'
  scope: resourceGroup(workspaceResourceGroup)
  params: {
    token: token
    assignments: assignments
    workspaceName: workspaceName
    effect: effect
    governorId: governorId
  }
  dependsOn: [
    definition
  ]
}
