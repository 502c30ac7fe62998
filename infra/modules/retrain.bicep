// Trains the models and scores the customers on a schedule, beside the dashboard, on the same database.
param name string
param location string
param tags object
param environmentId string
param image string
param registryServer string
param identityId string
param identityClientId string
param vaultUri string
param hasOwnDatabase bool
param databaseUrl string
param schedule string

@description('Cores and memory; training a million customers needs the most that the plan offers.')
param cpu string = '2.0'
param memory string = '4Gi'

@description('Seconds after which a run is ended.')
param timeoutSeconds int = 7200

// What the data cannot support is reported and leaves the others: scores follow all the same, the run is failed.
var command = 'sales-dashboard train --task all; trained=$?; sales-dashboard score --task all && exit $trained'

var alwaysSettings = [
  { name: 'SALES_DATA_DIR', value: '/data' }
  { name: 'AZURE_CLIENT_ID', value: identityClientId }
]
var databaseSettings = hasOwnDatabase ? [
  { name: 'SALES_DATABASE_URL', secretRef: 'database-url' }
] : [
  { name: 'SALES_DATABASE_URL', value: databaseUrl }
]

resource job 'Microsoft.App/jobs@2025-01-01' = {
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
      triggerType: 'Schedule'
      replicaTimeout: timeoutSeconds
      replicaRetryLimit: 1
      scheduleTriggerConfig: {
        cronExpression: schedule
        parallelism: 1
        replicaCompletionCount: 1
      }
      registries: [
        { server: registryServer, identity: identityId }
      ]
      secrets: hasOwnDatabase ? [
        { name: 'database-url', keyVaultUrl: '${vaultUri}secrets/sales-database-url', identity: identityId }
      ] : []
    }
    template: {
      containers: [
        {
          name: 'retrain'
          image: image
          command: [ 'tini', '--', '/bin/sh', '-c' ]
          args: [ command ]
          resources: {
            cpu: json(cpu)
            memory: memory
          }
          env: concat(alwaysSettings, databaseSettings)
          volumeMounts: [
            { volumeName: 'data', mountPath: '/data' }
          ]
        }
      ]
      volumes: [
        { name: 'data', storageType: 'EmptyDir' }
      ]
    }
  }
}
