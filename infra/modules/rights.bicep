// Rights at the workspace: two roles of its resource group, and who has them at the workspace alone.

@description('What makes the names of the roles the only ones in the tenant.')
param suffix string

@description('Name of the workspace.')
param workspaceName string

@description('observe: the app may only read; enforce: it may write what it decides.')
@allowed([
  'observe'
  'enforce'
])
param mode string

@description('Object id of the identity of the app.')
param governorId string

@description('Object id of the Entra group of risk officers; empty for none.')
param officersId string

var governor = loadJsonContent('../roles/governor.json')
var officer = loadJsonContent('../roles/officer.json')
var reads = filter(governor.Actions, action => endsWith(action, '/read'))

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-12-01' existing = {
  name: workspaceName
}

resource governorRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, suffix, governor.Name)
  properties: {
    roleName: '${governor.Name} (${suffix})'
    type: 'CustomRole'
    description: governor.Description
    permissions: [
      {
        actions: mode == 'enforce' ? governor.Actions : reads
        notActions: governor.NotActions
      }
    ]
    assignableScopes: [
      resourceGroup().id
    ]
  }
}

resource governs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, governorId, governorRole.id)
  scope: workspace
  properties: {
    roleDefinitionId: governorRole.id
    principalId: governorId
    principalType: 'ServicePrincipal'
  }
}

resource officerRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, suffix, officer.Name)
  properties: {
    roleName: '${officer.Name} (${suffix})'
    type: 'CustomRole'
    description: officer.Description
    permissions: [
      {
        actions: officer.Actions
        notActions: officer.NotActions
      }
    ]
    assignableScopes: [
      resourceGroup().id
    ]
  }
}

resource reviews 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(officersId)) {
  name: guid(workspace.id, officersId, officerRole.id)
  scope: workspace
  properties: {
    roleDefinitionId: officerRole.id
    principalId: officersId
    principalType: 'Group'
  }
}
