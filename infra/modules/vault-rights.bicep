// The right of the app to read secrets of a Key Vault: its settings refer to them.

@description('Name of the Key Vault.')
param vaultName string

@description('Object id of the identity of the app.')
param readerId string

var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, readerId, keyVaultSecretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
    principalId: readerId
    principalType: 'ServicePrincipal'
  }
}
