// Everything that `azd up` makes: docs/deployment.md says what, what it costs, and what to do before and after.
targetScope = 'subscription'

@minLength(1)
@maxLength(18)
@description('Name of the deployment in lower case; part of the name of every resource.')
param environmentName string

@description('Azure region of all resources.')
param location string

@description('Image of the dashboard. azd sets it after the first deployment.')
param image string

@description('Secret that signs sessions; the same for all replicas.')
@secure()
@minLength(32)
param secretKey string

@description('Make an Azure SQL database (serverless).')
param deploySql bool = true

@description('Make a Synapse workspace with a dedicated pool. It costs money while it runs.')
param deploySynapse bool = false

@description('Address of a database of your own, instead of one that is made here. Kept in the vault.')
@secure()
param databaseUrl string = ''

@description('Who of Entra ID administers the database: a user, a group or an application, and its object id.')
param databaseAdminName string = ''
param databaseAdminObjectId string = ''
@allowed(['User', 'Group', 'Application'])
param databaseAdminType string = 'User'

@description('Let every address of Azure reach the database server; otherwise add a private endpoint.')
param databaseReachableFromAzure bool = true

@description('Entra ID application for sign-in; without one, and without allowAnonymous, the server refuses.')
param oauthClientId string = ''
@secure()
param oauthClientSecret string = ''

@description('Roles claimed by Entra ID and roles here, such as Sales.Admin=admin,Sales.Analyst=analyst.')
param roleNames string = 'Sales.Admin=admin,Sales.Analyst=analyst,Sales.Viewer=viewer'

@description('Serve everybody without signing in. Only for a demo.')
param allowAnonymous bool = false

@description('Domain of your own that people use, such as sales.example.com; empty: the one of the environment.')
param customDomain string = ''

@description('Resource id of the certificate of that domain in the Container Apps environment.')
param certificateId string = ''

@description('Replicas that run at least. 0 saves money; the first visitor then waits for a start.')
@minValue(0)
param minReplicas int = 1

@description('Replicas that run at most. With the demo there is one, since its database is a file.')
@minValue(1)
@maxValue(30)
param maxReplicas int = 3

@description('Open pages for which one replica is used before the next one starts.')
@minValue(1)
param sessionsPerReplica int = 40

@description('When models are trained and customers scored: minute, hour, day, month, weekday in UTC.')
param retrainSchedule string = '0 3 * * *'

var token = uniqueString(subscription().id, environmentName, location)
var tags = { 'azd-env-name': environmentName }
var appName = 'sales-${toLower(environmentName)}'
var hasOwnDatabase = !empty(databaseUrl)
var usesDemo = !hasOwnDatabase && !deploySql && !deploySynapse

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    name: 'log-${token}'
    location: location
    tags: tags
  }
}

module appIdentity 'modules/identity.bicep' = {
  name: 'app-identity'
  scope: group
  params: {
    name: 'id-${appName}'
    location: location
    tags: tags
  }
}

module jobIdentity 'modules/identity.bicep' = {
  name: 'job-identity'
  scope: group
  params: {
    name: 'id-${appName}-retrain'
    location: location
    tags: tags
  }
}

module registry 'modules/registry.bicep' = {
  name: 'registry'
  scope: group
  params: {
    name: 'cr${token}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    pullers: [
      appIdentity.outputs.principalId
      jobIdentity.outputs.principalId
    ]
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    appPrincipalId: appIdentity.outputs.principalId
    jobPrincipalId: jobIdentity.outputs.principalId
    secretKey: secretKey
    databaseUrl: databaseUrl
    oauthClientSecret: oauthClientSecret
  }
}

module sql 'modules/sql.bicep' = if (deploySql && !hasOwnDatabase) {
  name: 'sql'
  scope: group
  params: {
    name: 'sql-${token}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    adminName: databaseAdminName
    adminObjectId: databaseAdminObjectId
    adminType: databaseAdminType
    reachableFromAzure: databaseReachableFromAzure
  }
}

module synapse 'modules/synapse.bicep' = if (deploySynapse && !hasOwnDatabase) {
  name: 'synapse'
  scope: group
  params: {
    name: 'syn-${token}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    adminName: databaseAdminName
    adminObjectId: databaseAdminObjectId
    reachableFromAzure: databaseReachableFromAzure
  }
}

module environment 'modules/environment.bicep' = {
  name: 'environment'
  scope: group
  params: {
    name: 'cae-${token}'
    location: location
    tags: tags
    workspaceName: monitoring.outputs.workspaceName
    workspaceId: monitoring.outputs.workspaceId
  }
}

// Neither address holds a secret: the identity of the container signs in.
var sqlUrl = deploySql ? 'azuresql://sql-${token}${az.environment().suffixes.sqlServerHostname}/sales' : ''
var synapseUrl = deploySynapse ? 'azuresql://syn-${token}.sql.azuresynapse.net/sales' : ''
var madeDatabaseUrl = deploySynapse ? synapseUrl : sqlUrl

module dashboard 'modules/dashboard.bicep' = {
  name: 'dashboard'
  scope: group
  params: {
    name: appName
    location: location
    tags: union(tags, { 'azd-service-name': 'dashboard' })
    environmentId: environment.outputs.id
    defaultDomain: environment.outputs.defaultDomain
    customDomain: customDomain
    certificateId: certificateId
    image: image
    registryServer: registry.outputs.loginServer
    identityId: appIdentity.outputs.id
    identityClientId: appIdentity.outputs.clientId
    vaultUri: vault.outputs.uri
    hasOwnDatabase: hasOwnDatabase
    databaseUrl: madeDatabaseUrl
    oauthClientId: oauthClientId
    hasOauthSecret: !empty(oauthClientSecret)
    roleNames: roleNames
    allowAnonymous: allowAnonymous
    minReplicas: minReplicas
    maxReplicas: usesDemo ? 1 : maxReplicas
    sessionsPerReplica: sessionsPerReplica
  }
}

module retrain 'modules/retrain.bicep' = if (!usesDemo) {
  name: 'retrain'
  scope: group
  params: {
    name: '${appName}-retrain'
    location: location
    tags: tags
    environmentId: environment.outputs.id
    image: image
    registryServer: registry.outputs.loginServer
    identityId: jobIdentity.outputs.id
    identityClientId: jobIdentity.outputs.clientId
    vaultUri: vault.outputs.uri
    hasOwnDatabase: hasOwnDatabase
    databaseUrl: madeDatabaseUrl
    schedule: retrainSchedule
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registry.outputs.loginServer
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
output SALES_DASHBOARD_URL string = dashboard.outputs.url
output SALES_RETRAIN_JOB string = usesDemo ? '' : '${appName}-retrain'
output SALES_APP_IDENTITY string = 'id-${appName}'
output SALES_JOB_IDENTITY string = 'id-${appName}-retrain'
output SALES_SQL_SERVER string = deploySql ? 'sql-${token}${az.environment().suffixes.sqlServerHostname}' : ''
