// Secrets, and who may read which: the app all of its own, the job only the address of the database.
param name string
param location string
param tags object
param workspaceId string
param appPrincipalId string
param jobPrincipalId string
@secure()
param secretKey string
@secure()
param databaseUrl string
@secure()
param oauthClientSecret string

var secretsUser = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4633458b-17de-408a-b874-0445c86b69e6')

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
    enabledForTemplateDeployment: false
  }
}

resource sessionSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'sales-secret-key'
  properties: { value: secretKey }
}

resource databaseSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(databaseUrl)) {
  parent: vault
  name: 'sales-database-url'
  properties: { value: databaseUrl }
}

resource oauthSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(oauthClientSecret)) {
  parent: vault
  name: 'sales-oauth-client-secret'
  properties: { value: oauthClientSecret }
}

resource appReadsVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, appPrincipalId, secretsUser)
  scope: vault
  properties: {
    roleDefinitionId: secretsUser
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource jobReadsDatabaseSecret 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(databaseUrl)) {
  name: guid(vault.id, 'sales-database-url', jobPrincipalId, secretsUser)
  scope: databaseSecret
  properties: {
    roleDefinitionId: secretsUser
    principalId: jobPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      { categoryGroup: 'audit', enabled: true }
    ]
  }
}

output name string = vault.name
output uri string = vault.properties.vaultUri
