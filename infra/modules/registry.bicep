// Where the image is kept; only the identities given may fetch it, nobody by password.
param name string
param location string
param tags object
param workspaceId string

@description('Principals that may fetch images.')
param pullers array

var acrPull = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '7f951dda-4ed3-4680-a7ca-43fe172d538d')

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Basic' }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
  }
}

resource mayPull 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in pullers: {
  name: guid(registry.id, principal, acrPull)
  scope: registry
  properties: {
    roleDefinitionId: acrPull
    principalId: principal
    principalType: 'ServicePrincipal'
  }
}]

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: registry
  properties: {
    workspaceId: workspaceId
    logs: [
      { categoryGroup: 'audit', enabled: true }
    ]
  }
}

output loginServer string = registry.properties.loginServer
