// Assignments of Azure Policy at the resource group of the workspace.

@description('What makes the names of definitions and assignments the only ones there are.')
param token string

@description('The assignments, as they are rendered from the configuration file.')
param assignments array

@description('Name of the workspace that is governed.')
param workspaceName string

@description('audit, deny or disabled.')
param effect string

@description('Object id of the identity of the app.')
param governorId string

resource assignment 'Microsoft.Authorization/policyAssignments@2025-01-01' = [
  for item in assignments: {
    name: '${item.name}-${token}' // two environments may govern workspaces of one resource group
    properties: {
      displayName: item.displayName
      policyDefinitionId: subscriptionResourceId('Microsoft.Authorization/policyDefinitions', '${item.definition}-${token}')
      enforcementMode: 'Default'
      parameters: union(item.parameters, {
        effect: {
          value: item.effects[effect]
        }
        approvedObjectIds: {
          value: [
            governorId
          ]
        }
        workspaces: {
          value: [
            workspaceName
          ]
        }
      })
      nonComplianceMessages: [
        {
          message: item.nonComplianceMessage
        }
      ]
    }
  }
]
