// The dashboard: one revision at a time, a person stays on a replica, secrets by reference, no password anywhere.
param name string
param location string
param tags object
param environmentId string
param defaultDomain string
param customDomain string
param certificateId string
param image string
param registryServer string
param identityId string
param identityClientId string
param vaultUri string
param hasOwnDatabase bool
param databaseUrl string
param oauthClientId string
param hasOauthSecret bool
param roleNames string
param allowAnonymous bool
param minReplicas int
param maxReplicas int
param sessionsPerReplica int

@description('Addresses of the ingress of the environment, whose word on who asks is believed.')
param trustedProxies string = '100.100.0.0/16,10.0.0.0/8,127.0.0.1'

@description('Cores and memory of a replica.')
param cpu string = '1.0'
param memory string = '2Gi'

var port = 5006
// Not CONTAINER_APP_HOSTNAME: that is the address of one revision.
var host = '${name}.${defaultDomain}'
var publicHost = empty(customDomain) ? host : customDomain
var signIn = empty(oauthClientId) ? 'none' : 'oauth'

var alwaysSecrets = [
  { name: 'secret-key', keyVaultUrl: '${vaultUri}secrets/sales-secret-key', identity: identityId }
]
var databaseSecrets = [
  { name: 'database-url', keyVaultUrl: '${vaultUri}secrets/sales-database-url', identity: identityId }
]
var oauthSecrets = [
  { name: 'oauth-client-secret', keyVaultUrl: '${vaultUri}secrets/sales-oauth-client-secret', identity: identityId }
]
var alwaysSettings = [
  { name: 'SALES_HOST', value: '0.0.0.0' }
  { name: 'SALES_PORT', value: string(port) }
  { name: 'SALES_DATA_DIR', value: '/data' }
  { name: 'SALES_SECRET_KEY', secretRef: 'secret-key' }
  { name: 'SALES_ALLOWED_ORIGINS', value: empty(customDomain) ? host : '${host},${customDomain}' }
  { name: 'SALES_PUBLIC_URL', value: 'https://${publicHost}' }
  { name: 'SALES_TRUSTED_PROXIES', value: trustedProxies }
  { name: 'SALES_SIGN_IN', value: signIn }
  { name: 'SALES_ALLOW_ANONYMOUS', value: allowAnonymous ? 'yes' : 'no' }
  { name: 'SALES_OAUTH_ISSUER', value: '${az.environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0' }
  { name: 'SALES_OAUTH_CLIENT_ID', value: oauthClientId }
  { name: 'SALES_ROLE_NAMES', value: roleNames }
  { name: 'AZURE_CLIENT_ID', value: identityClientId }
]
var databaseSettings = hasOwnDatabase ? [
  { name: 'SALES_DATABASE_URL', secretRef: 'database-url' }
] : [
  { name: 'SALES_DATABASE_URL', value: databaseUrl }
]
var oauthSettings = [
  { name: 'SALES_OAUTH_CLIENT_SECRET', secretRef: 'oauth-client-secret' }
]

resource dashboard 'Microsoft.App/containerApps@2025-01-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      maxInactiveRevisions: 10
      ingress: {
        external: true
        targetPort: port
        transport: 'http'
        allowInsecure: false
        stickySessions: { affinity: 'sticky' }
        customDomains: empty(certificateId) ? [] : [
          { name: customDomain, certificateId: certificateId, bindingType: 'SniEnabled' }
        ]
      }
      registries: [
        { server: registryServer, identity: identityId }
      ]
      secrets: concat(alwaysSecrets, hasOwnDatabase ? databaseSecrets : [], hasOauthSecret ? oauthSecrets : [])
    }
    template: {
      terminationGracePeriodSeconds: 30
      containers: [
        {
          name: 'dashboard'
          image: image
          resources: {
            cpu: json(cpu)
            memory: memory
          }
          env: concat(alwaysSettings, databaseSettings, hasOauthSecret ? oauthSettings : [])
          volumeMounts: [
            { volumeName: 'data', mountPath: '/data' }
          ]
          probes: [
            {
              type: 'Startup'
              httpGet: { path: '/healthz', port: port, scheme: 'HTTP' }
              periodSeconds: 3
              timeoutSeconds: 2
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: { path: '/healthz', port: port, scheme: 'HTTP' }
              periodSeconds: 15
              timeoutSeconds: 5
              failureThreshold: 4
            }
            {
              type: 'Readiness'
              httpGet: { path: '/readyz', port: port, scheme: 'HTTP' }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 6
            }
          ]
        }
      ]
      volumes: [
        { name: 'data', storageType: 'EmptyDir' }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        rules: [
          {
            // An open page holds one WebSocket, which counts as one request.
            name: 'open-pages'
            http: {
              metadata: { concurrentRequests: string(sessionsPerReplica) }
            }
          }
        ]
      }
    }
  }
}

output url string = 'https://${publicHost}'
