// The Functions app on Flex Consumption, its settings, and how people sign in.

@description('Name of the app.')
param name string

@description('Name of its plan.')
param planName string

@description('Region of both.')
param location string

@description('Tags of the plan.')
param tags object

@description('Tags of the app, by which azd finds it.')
param siteTags object

@description('Name of the identity that the app signs in with.')
param identityName string

@description('Name of the storage account of the host.')
param hostAccountName string

@description('Name of its container of packages.')
param packageContainer string

@description('URL of the container that the ledger is anchored in.')
param anchorContainer string

@description('Name of its container of dead letters.')
param deadLetterContainer string

@description('Endpoint of the tables of the ledger.')
param ledgerEndpoint string

@description('Endpoint of the topic that records are published to.')
param topicEndpoint string

@description('Name of the Application Insights component.')
param insightsName string

@description('Resource id of the Log Analytics workspace that is told who signs in.')
param logWorkspaceId string

@description('Resource id of the Azure ML workspace that is governed.')
param workspaceId string

@description('Further settings: addresses of registries, references to secrets.')
param moreSettings object

@description('How people sign in: entra or tokens.')
param signIn string

@description('Client id of the app registration, where they do by Entra.')
param entraClientId string

@description('Resource id of the subnet that the app reaches others by; empty for none.')
param subnetId string

@description('Instances that wait for events all the time.')
param alwaysReady int

@description('From the end of a scan of a registry to the next one, in minutes.')
param scanMinutes int

@description('So old the last complete scan of a registry may be before it is late, in seconds.')
param scanAgeSeconds int

var byEntra = signIn == 'entra'
var entraSettings = {
  OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identity.properties.clientId
  WEBSITE_AUTH_AAD_ALLOWED_TENANTS: tenant().tenantId
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource hostAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: hostAccountName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: siteTags
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    keyVaultReferenceIdentity: identity.id
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: { // no ftpsState: Flex Consumption has no FTP, and refuses the property
      http20Enabled: true
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostAccount.properties.primaryEndpoints.blob}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: 40
        alwaysReady: alwaysReady == 0 ? [] : [
          {
            name: 'function:on_event'
            instanceCount: alwaysReady
          }
        ]
      }
    }
  }

  resource settings 'config' = {
    name: 'appsettings'
    properties: union(moreSettings, byEntra ? entraSettings : {}, {
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
      APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
      AZURE_CLIENT_ID: identity.properties.clientId
      AZUREML_WORKSPACE_ID: workspaceId
      AzureWebJobsStorage__blobServiceUri: hostAccount.properties.primaryEndpoints.blob
      AzureWebJobsStorage__clientId: identity.properties.clientId
      AzureWebJobsStorage__credential: 'managedidentity'
      STAGEWARD_ANCHORS: anchorContainer
      STAGEWARD_ARM_ENDPOINT: environment().resourceManager
      STAGEWARD_AUTH: signIn
      STAGEWARD_CONFIG: 'stageward.azure.yaml'
      STAGEWARD_DEAD_LETTERS: '${hostAccount.properties.primaryEndpoints.blob}${deadLetterContainer}'
      STAGEWARD_EVENTGRID_ENDPOINT: topicEndpoint
      STAGEWARD_LOGS: 'json'
      STAGEWARD_SCAN_AGE_SECONDS: string(scanAgeSeconds)
      STAGEWARD_SCAN_MINUTES: string(scanMinutes)
      STAGEWARD_TABLES_ENDPOINT: ledgerEndpoint
      STAGEWARD_URL: 'https://${app.properties.defaultHostName}'
    })
  }

  // The platform removes what callers send by the names of its headers, and checks every token and session that
  // comes; who may see what, Stageward decides: each of its routes asks. So requests without sign-in pass. It sends
  // browsers to the sign-in itself, as links in mails have to open without one. The excluded paths stay
  // excluded if somebody has the platform require a sign-in.
  resource authentication 'config' = {
    name: 'authsettingsV2'
    properties: {
      platform: {
        enabled: byEntra
        runtimeVersion: '~1'
      }
      globalValidation: {
        requireAuthentication: false
        unauthenticatedClientAction: 'AllowAnonymous'
        redirectToProvider: 'azureactivedirectory'
        excludedPaths: [
          '/runtime/webhooks/*'
          '/events'
          '/webhooks/*'
          '/healthz'
        ]
      }
      httpSettings: {
        requireHttps: true
        routes: {
          apiPrefix: '/.auth'
        }
        forwardProxy: {
          convention: 'NoProxy'
        }
      }
      identityProviders: !byEntra ? {} : {
        azureActiveDirectory: {
          enabled: true
          registration: {
            clientId: entraClientId
            clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
            openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
          }
          login: {
            loginParameters: [
              'scope=openid profile email'
            ]
          }
          validation: {
            allowedAudiences: [
              entraClientId
              'api://${entraClientId}'
            ]
          }
        }
      }
      login: {
        preserveUrlFragmentsForLogins: false
        allowedExternalRedirectUrls: []
        tokenStore: {
          enabled: false
        }
        cookieExpiration: {
          convention: 'FixedTime'
          timeToExpiration: '08:00:00'
        }
        nonce: {
          validateNonce: true
          nonceExpirationInterval: '00:05:00'
        }
      }
    }
    dependsOn: [
      settings
    ]
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: {
      allow: false
    }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: {
      allow: false
    }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'stageward'
  scope: app
  properties: {
    workspaceId: logWorkspaceId
    logs: [
      {
        category: 'AppServiceAuthenticationLogs'
        enabled: true
      }
    ]
  }
}

output id string = app.id
output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
