// Synapse with a dedicated pool, for hundreds of millions of order lines. Pause the pool when nobody needs it.
param name string
param location string
param tags object
param workspaceId string
param adminName string
param adminObjectId string
param reachableFromAzure bool

@description('Size of the pool.')
param poolSize string = 'DW100c'

var blobContributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'ba92f5b4-2d11-453d-a403-e96b0029c9fe')

resource lake 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: take(replace('st${name}', '-', ''), 24)
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    isHnsEnabled: true
    minimumTlsVersion: 'TLS1_2'
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    supportsHttpsTrafficOnly: true
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: lake
  name: 'default'
}

resource files 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: blobs
  name: 'sales'
}

resource workspace 'Microsoft.Synapse/workspaces@2021-06-01' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    azureADOnlyAuthentication: true
    publicNetworkAccess: reachableFromAzure ? 'Enabled' : 'Disabled'
    defaultDataLakeStorage: {
      accountUrl: lake.properties.primaryEndpoints.dfs
      filesystem: files.name
    }
    cspWorkspaceAdminProperties: { initialWorkspaceAdminObjectId: adminObjectId }
  }
}

resource admin 'Microsoft.Synapse/workspaces/administrators@2021-06-01' = {
  parent: workspace
  name: 'activeDirectory'
  properties: {
    administratorType: 'ActiveDirectory'
    login: adminName
    sid: adminObjectId
    tenantId: tenant().tenantId
  }
}

resource fromAzure 'Microsoft.Synapse/workspaces/firewallRules@2021-06-01' = if (reachableFromAzure) {
  parent: workspace
  name: 'AllowAllWindowsAzureIps'
  properties: {
    startIpAddress: '0.0.0.0'
    endIpAddress: '0.0.0.0'
  }
}

resource pool 'Microsoft.Synapse/workspaces/sqlPools@2021-06-01' = {
  parent: workspace
  name: 'sales'
  location: location
  tags: tags
  sku: { name: poolSize }
  properties: { createMode: 'Default' }
}

// COPY INTO reads files of the lake as the workspace.
resource workspaceReadsLake 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(lake.id, name, blobContributor)
  scope: lake
  properties: {
    roleDefinitionId: blobContributor
    principalId: workspace.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: pool
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'ExecRequests', enabled: true }
    ]
  }
}
