// The right of the app at an Azure ML registry: to read while it observes, to write and copy there when it enforces.

@description('Name of the registry.')
param registryName string

@description('observe or enforce.')
@allowed([
  'observe'
  'enforce'
])
param mode string

@description('Object id of the identity of the app.')
param governorId string

var azureMlRegistryUser = '1823dd4f-9b8c-4ab6-ab4e-7397a3684615'
var aiModelScannerOperator = '8b9beb50-e28c-4879-8472-24c9d328085f' // reads registries and their assets
var role = mode == 'enforce' ? azureMlRegistryUser : aiModelScannerOperator

resource registry 'Microsoft.MachineLearningServices/registries@2025-12-01' existing = {
  name: registryName
}

resource governs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, governorId, role)
  scope: registry
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    principalId: governorId
    principalType: 'ServicePrincipal'
  }
}
