// Azure SQL, serverless: pauses by itself after an hour; sign-in by Entra ID only.
param name string
param location string
param tags object
param workspaceId string
param adminName string
param adminObjectId string
param adminType string
param reachableFromAzure bool

@description('Most cores, and minutes without use until the database pauses (-1: never).')
param cores int = 2
param pauseAfterMinutes int = 60

resource server 'Microsoft.Sql/servers@2023-08-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    version: '12.0'
    minimalTlsVersion: '1.2'
    publicNetworkAccess: reachableFromAzure ? 'Enabled' : 'Disabled'
    administrators: {
      administratorType: 'ActiveDirectory'
      azureADOnlyAuthentication: true
      principalType: adminType
      login: adminName
      sid: adminObjectId
      tenantId: tenant().tenantId
    }
  }
}

// 0.0.0.0 stands for the addresses of Azure, not for the internet.
resource fromAzure 'Microsoft.Sql/servers/firewallRules@2023-08-01' = if (reachableFromAzure) {
  parent: server
  name: 'AllowAzureServices'
  properties: {
    startIpAddress: '0.0.0.0'
    endIpAddress: '0.0.0.0'
  }
}

resource database 'Microsoft.Sql/servers/databases@2023-08-01' = {
  parent: server
  name: 'sales'
  location: location
  tags: tags
  sku: {
    name: 'GP_S_Gen5'
    tier: 'GeneralPurpose'
    family: 'Gen5'
    capacity: cores
  }
  properties: {
    autoPauseDelay: pauseAfterMinutes
    minCapacity: json('0.5')
    requestedBackupStorageRedundancy: 'Local'
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: database
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'Errors', enabled: true }
      { category: 'Timeouts', enabled: true }
      { category: 'Deadlocks', enabled: true }
    ]
    metrics: [
      { category: 'Basic', enabled: true }
    ]
  }
}

output host string = server.properties.fullyQualifiedDomainName
