"""Faults to plant in the templates, one at a time: where, what, and the rule that must find it."""

from __future__ import annotations

from typing import NamedTuple


class Planted(NamedTuple):
    """A fault.

    Attributes:
        what: in words.
        path: of the file.
        before: text that stands there.
        after: what is written in its place.
        rule: which finds it.
        thorough: it shows only with all example values.
    """

    what: str
    path: str
    before: str
    after: str
    rule: str
    thorough: bool = False


_M = "infra/modules/"
MAIN, GOVERNANCE = "infra/main.bicep", "infra/governance.bicep"
APP, EVENTS, HOST = _M + "app.bicep", _M + "events.bicep", _M + "host.bicep"
LEDGER, TOPIC, RIGHTS = _M + "ledger.bicep", _M + "topic.bicep", _M + "rights.bicep"
ANCHORS = _M + "anchors.bicep"
MONITORING, SYSTEM_TOPIC = _M + "monitoring.bicep", _M + "system-topic.bicep"
REGISTRY = _M + "registry-rights.bicep"
PARAMETERS, AZURE = "infra/main.parameters.json", "azure.yaml"
GOVERNOR, OFFICER = "infra/roles/governor.json", "infra/roles/officer.json"
_ROLE = "Microsoft.Authorization/roleAssignments@2022-04-01"
_OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

# fmt: off
LANGUAGE = (
    Planted("a brace too few", HOST, "properties: {\n    accessTier", "properties: \n    accessTier", "syntax"),
    Planted("a brace too many", HOST, "output id", "}\noutput id", "syntax"),
    Planted("two properties on a line", HOST, "kind: 'StorageV2'\n", "kind: 'StorageV2' ", "syntax"),
    Planted("text never closed", HOST, "'StorageV2'", "'StorageV2", "syntax"),
    Planted("an unknown escape", HOST, "'StorageV2'", r"'Storage\V2'", "syntax"),
    Planted("double quotes", HOST, "'StorageV2'", '"StorageV2"', "syntax"),
    Planted("a statement of another language", HOST, "var storage", "const storage", "syntax"),
    Planted("an unresolved symbol", APP, "serverFarmId: plan.id", "serverFarmId: plann.id", "symbol"),
    Planted("an unknown function", MAIN, "toLower(uniqueString", "toSmall(uniqueString", "symbol"),
    Planted("an argument too few", MAIN, "union(tags, {", "union({", "symbol"),
    Planted("an undeclared param", MAIN, "param signIn string", "param signedIn string", "symbol"),
    Planted("a nested name elsewhere", APP, "  scope: app\n", "  scope: settings\n", "symbol"),
    Planted("an unknown type", HOST, "param tags object", "param tags objekt", "symbol"),
    Planted("a variable twice", MAIN, "var secrets = ", "var registries = ", "duplicate"),
    Planted("an output twice", MAIN, "output AZURE_TENANT_ID ", "output AZURE_RESOURCE_GROUP ", "duplicate"),
    Planted("a property twice", HOST, "accessTier: 'Hot'\n", "accessTier: 'Hot'\n    accessTier: 'Hot'\n", "duplicate"),
    Planted("an unused param", HOST, "param name string\n", "param name string\n@description('x')\nparam spare string = ''\n", "unused"),
    Planted("an unused variable", HOST, "var storage", "var spare = 1\nvar storage", "unused"),
    Planted("an unused existing resource", APP, "resource plan '", "resource spare 'Microsoft.Insights/components@2020-02-02' existing = {\n  name: insightsName\n}\n\nresource plan '", "unused"),
    Planted("a circle", APP, "var byEntra = signIn == 'entra'", "var byEntra = signIn == other\nvar other = byEntra ? 'entra' : ''", "circle"),
    Planted("an unknown decorator", HOST, "@description('Its region.')", "@describe('Its region.')", "decorator"),
    Planted("a default outside what is allowed", MAIN, "param ledgerSku string = 'Standard_ZRS'", "param ledgerSku string = 'Premium_ZRS'", "decorator"),
    Planted("a default above the highest", MAIN, "param softDeleteDays int = 14", "param softDeleteDays int = 500", "decorator"),
    Planted("limits the wrong way round", MAIN, "@maxValue(365)", "@maxValue(0)", "decorator"),
    Planted("no description", HOST, "@description('Its region.')\n", "", "description"),
    Planted("a default of another type", MAIN, "param alwaysReady int = 0", "param alwaysReady int = '0'", "type"),
    Planted("an output of another type", HOST, "output id string = account.id", "output id int = account.id", "type"),
    Planted("a number where text is asked for", MAIN, "    softDeleteDays: softDeleteDays\n", "    softDeleteDays: 'a week'\n", "type"),
    Planted("a text as a condition", LEDGER, "if (lock) {", "if (name) {", "type"),
    Planted("a property of text", HOST, "output name string = account.name", "output name string = account.name.first", "type"),
    Planted("an item that is not there", GOVERNANCE, "split(id, '/')[4]", "split(id, '/')[40]", "type"),
    Planted("a substring past the end", MAIN, "toLower(uniqueString(subscription().id, environmentName, location))", "substring(uniqueString(subscription().id, environmentName, location), 0, 20)", "type"),
    Planted("a file that is not there", MAIN, "loadJsonContent('abbreviations.json')", "loadJsonContent('abbreviation.json')", "file"),
    Planted("a file that is no JSON", MAIN, "loadJsonContent('abbreviations.json')", "loadJsonContent('main.bicep')", "file"),
    Planted("an output as a name", MAIN, "name: 'stageward-app'", "name: identity.outputs.name", "early"),
    Planted("a runtime value as a condition", LEDGER, "if (lock) {", "if (account.properties.primaryEndpoints.table != '') {", "early"),
)
MODULES = (
    Planted("a module that is not there", MAIN, "'modules/host.bicep'", "'modules/hosts.bicep'", "module"),
    Planted("a module of a registry", MAIN, "'modules/host.bicep'", "'br/public:avm/res/storage/storage-account:0.1.0'", "module"),
    Planted("an unknown param", MAIN, "    appId: identity.outputs.principalId\n", "    applicationId: identity.outputs.principalId\n", "params"),
    Planted("a param that is not given", MAIN, "    packageContainer: host.outputs.packageContainer\n", "", "params"),
    Planted("an unknown property of a module", MAIN, "module host 'modules/host.bicep' = {\n", "module host 'modules/host.bicep' = {\n  location: location\n", "params"),
    Planted("an output of nothing", MAIN, "host.outputs.deadLetterContainer", "host.outputs.deadLettersContainer", "output"),
    Planted("a value that the module does not allow", GOVERNANCE, "'Microsoft.Resources.ResourceGroups'", "'Microsoft.Resources.Subscriptions'", "decorator"),
    Planted("a module at the wrong scope", MAIN, "module host 'modules/host.bicep' = {\n  name: 'stageward-host'\n  scope: group\n", "module host 'modules/host.bicep' = {\n  name: 'stageward-host'\n", "scope"),
    Planted("a resource at the wrong scope", HOST, "resource blobs '", "resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {\n  name: name\n  location: location\n}\n\nresource blobs '", "scope"),
    Planted("an unknown target scope", GOVERNANCE, "targetScope = 'subscription'", "targetScope = 'subscribtion'", "scope"),
    Planted("a scope that is text", HOST, "  scope: account\n", "  scope: account.id\n", "scope"),
    Planted("a name of a deployment that is too long", MAIN, "name: 'stageward-app'", "name: 'stageward-app-of-${environmentName}-in-${workspaceResourceGroup}'", "name", thorough=True),
    Planted("a scope that fails where nothing is made", GOVERNANCE, "resourceGroup(vault[2], vault[4])", "resourceGroup(split(keyVaultId, '/')[2], vault[4])", "type"),
    Planted("an answer about what is not deployed", LEDGER, "output name string = account.name", "output name string = stays.properties.level", "not-deployed", thorough=True),
)
BODIES = (
    Planted("an unknown resource type", HOST, "blobServices/containers@2025-06-01' = {\n  parent: blobs\n  name: 'app", "blobServices/container@2025-06-01' = {\n  parent: blobs\n  name: 'app", "resource-type"),
    Planted("an API version that was never", APP, "Microsoft.Web/sites@2024-11-01", "Microsoft.Web/sites@2024-11-31", "api-version"),
    Planted("an unknown property", HOST, "allowBlobPublicAccess", "allowBlobPublicAcess", "property"),
    Planted("an unknown property deep inside", APP, "instanceMemoryMB", "instanceMemoryMb", "property"),
    Planted("an unknown property of a variant", EVENTS, "maxEventsPerBatch", "maximumEventsPerBatch", "property"),
    Planted("a value of another type", EVENTS, "maxDeliveryAttempts: 30", "maxDeliveryAttempts: '30'", "property-type"),
    Planted("a value that is none of an enum", HOST, "'TLS1_2'", "'TLS1.2'", "value"),
    Planted("an unknown variant", EVENTS, "endpointType: 'AzureFunction'", "endpointType: 'AzureFunctions'", "value"),
    Planted("a value that no model knows", EVENTS, "'EventGridSchema'", "'EventGridSchemaV1'", "value"),
    Planted("a runtime by another name", APP, "name: 'python'", "name: 'pyhton'", "value"),
    Planted("a required property that is missing", HOST, "  kind: 'StorageV2'\n", "", "required"),
    Planted("a property that is Azure's to set", TOPIC, "    disableLocalAuth: true\n", "    disableLocalAuth: true\n    endpoint: 'https://example.org'\n", "read-only"),
    Planted("a property that Azure does not tell", TOPIC, "topic.properties.endpoint", "topic.properties.endpointUrl", "response"),
    Planted("a parent of another type", HOST, "  parent: blobs\n", "  parent: account\n", "parent"),
    Planted("a name with a slash beside a parent", HOST, "name: 'app-package'", "name: 'default/app-package'", "parent"),
    Planted("properties of what exists", APP, "  name: identityName\n", "  name: identityName\n  location: location\n", "existing"),
    Planted("a name with a character too many", HOST, "name: 'app-package'", "name: 'app_package'", "name"),
    Planted("a name that is too long", "infra/abbreviations.json", '"sthost"', '"storagehostofapp"', "name"),
    Planted("a name that is too long for some", _M + "events.bicep", "  name: subscriptionName\n", "  name: '${subscriptionName}-${subscriptionName}-${subscriptionName}'\n", "name"),
    Planted("a resource twice", HOST, "name: 'eg-deadletter'", "name: 'app-package'", "duplicate"),
)
SECURITY = (
    Planted("a ledger that nobody may change", LEDGER, "'CanNotDelete'", "'ReadOnly'", "lock", thorough=True),
    Planted("shared keys allowed", LEDGER, "allowSharedKeyAccess: false", "allowSharedKeyAccess: true", "shared-key"),
    Planted("shared keys not forbidden", HOST, "    allowSharedKeyAccess: false\n", "", "shared-key"),
    Planted("public blobs allowed", HOST, "allowBlobPublicAccess: false", "allowBlobPublicAccess: true", "public-blobs"),
    Planted("a public container", HOST, "publicAccess: 'None'", "publicAccess: 'Blob'", "public-blobs"),
    Planted("an old TLS", LEDGER, "'TLS1_2'", "'TLS1_0'", "tls"),
    Planted("no TLS at the topic", TOPIC, "    minimumTlsVersionAllowed: '1.2'\n", "", "tls"),
    Planted("plain HTTP at the storage", HOST, "supportsHttpsTrafficOnly: true", "supportsHttpsTrafficOnly: false", "tls"),
    Planted("plain HTTP at the app", APP, "httpsOnly: true", "httpsOnly: false", "https-only"),
    Planted("a property that Flex refuses", APP, "http20Enabled: true", "ftpsState: 'Disabled'", "flex"),
    Planted("keys of the topic", TOPIC, "disableLocalAuth: true", "disableLocalAuth: false", "local-auth"),
    Planted("keys of telemetry", MONITORING, "DisableLocalAuth: true", "DisableLocalAuth: false", "local-auth"),
    Planted("passwords of deployment", APP, "allow: false", "allow: true", "local-auth"),
    Planted("passwords of deployment by default", APP, "    name: 'scm'", "    name: 'ftp'", "local-auth"),
    Planted("no identity of a topic", SYSTEM_TOPIC, "type: 'SystemAssigned'", "type: 'None'", "identity"),
    Planted("no lock on the ledger", LEDGER, "  scope: account\n  properties: {\n    level", "  scope: tableService\n  properties: {\n    level", "lock"),
    Planted("a secret in an output", "infra/logic-app/main.bicep", "output workflowId string = workflow.id", "output workflowId string = '${workflow.id}?${teamsWorkflowUrl}'", "secret"),
    Planted("a secret that is not kept as one", "infra/logic-app/main.bicep", "@secure()\n", "", "secret"),
    Planted("nothing that comes back", HOST, "    deleteRetentionPolicy: {\n      enabled: true", "    deleteRetentionPolicy: {\n      enabled: false", "soft-delete"),
    Planted("copies in other tenants", LEDGER, "allowCrossTenantReplication: false", "allowCrossTenantReplication: true", "cross-tenant"),
    Planted("local users of storage", LEDGER, "isLocalUserEnabled: false", "isLocalUserEnabled: true", "local-auth"),
    Planted("all networks though a subnet is named", LEDGER, "defaultAction: empty(subnetId) ? 'Allow' : 'Deny'", "defaultAction: 'Allow'", "network"),
    Planted("dead letters behind a closed door", HOST, "bypass: 'AzureServices'", "bypass: 'None'", "network"),
    Planted("an app outside the subnet", APP, "empty(subnetId) ? null : subnetId", "empty(subnetId) ? subnetId : null", "network"),
    Planted("logs of nothing", APP, "  scope: app\n", "", "diagnostics"),
    Planted("logs without a category", TOPIC, "        category: 'DeliveryFailures'\n", "", "diagnostics"),
    Planted("telemetry outside the workspace", MONITORING, "    WorkspaceResourceId: logWorkspace.id\n", "", "logs"),
    Planted("keys listed", HOST, "output id string = account.id", "output id string = account.listKeys().keys[0].value", "keys"),
    Planted("keys listed by a function", HOST, "output id string = account.id", "output id string = listKeys(account.id, '2025-06-01').keys[0].value", "keys"),
)
EVENT_RULES = (
    Planted("no dead letter", EVENTS, "    deadLetterWithResourceIdentity: {", "    deadLetterDestination: {\n      endpointType: 'StorageBlob'\n      properties: {\n        resourceId: hostStorageId\n        blobContainerName: 'eg-deadletter'\n      }\n    }\n    deadLetterWithResourceIdentity: {", "dead-letter"),
    Planted("no retry policy", EVENTS, "      maxDeliveryAttempts: 30\n", "", "retry"),
    Planted("more retries than Azure makes", EVENTS, "maxDeliveryAttempts: 30", "maxDeliveryAttempts: 31", "retry"),
    Planted("an event that nobody hears", GOVERNANCE, "        '${machineLearning}.ModelDeployed'\n", "", "events"),
    Planted("an event that the app does not read", GOVERNANCE, "${machineLearning}.ModelDeployed", "${machineLearning}.DatasetDriftDetected", "events"),
    Planted("a topic of another type than its source", GOVERNANCE, "topicType: 'Microsoft.Resources.ResourceGroups'", "topicType: 'Microsoft.MachineLearningServices.Workspaces'", "topic-type"),
    Planted("a topic that nobody watches", GOVERNANCE, "module groupAlerts 'modules/alerts-events.bicep' = if (empty(groupTopic))", "module groupAlerts 'modules/alerts-events.bicep' = if (!empty(groupTopic))", "alert"),
    Planted("an alert on another topic", GOVERNANCE, "    name: 'stageward-${token}-workspace'\n    tags: tags\n    topicName: workspaceTopicName\n", "    name: 'stageward-${token}-workspace'\n    tags: tags\n    topicName: groupTopicName\n", "alert"),
    Planted("a count that nobody watches", _M + "alerts-events.bicep", "metric: 'DroppedEventCount'", "metric: 'DeadLetteredCount'", "alert"),
    Planted("writes of other workspaces", GOVERNANCE, "      subjectBeginsWith: '${workspace.id}/'\n", "", "filter"),
    Planted("an operation that is not let through", GOVERNANCE, "            '${machineLearning}/workspaces/data/'\n", "", "filter"),
    Planted("a filter on another key", GOVERNANCE, "key: 'data.operationName'", "key: 'data.operation'", "filter"),
    Planted("records in another form", TOPIC, "inputSchema: 'CloudEventSchemaV1_0'", "inputSchema: 'EventGridSchema'", "events"),
    Planted("no filter of types", EVENTS, "    filter: filter\n", "    filter: { subjectBeginsWith: '/' }\n", "filter"),
    Planted("all writes of a resource group", GOVERNANCE, "      advancedFilters: [\n", "      labels: [\n", "filter"),
    Planted("a function that is not there", EVENTS, "/functions/on_event'", "/functions/on_events'", "function"),
    Planted("a function that the clock calls", EVENTS, "/functions/on_event'", "/functions/sweep'", "function"),
    Planted("a group of instances that is not there", APP, "'function:on_event'", "'function:on_events'", "function", thorough=True),
)
ORDER = (
    Planted("a topic that is not waited for", GOVERNANCE, "    newWorkspaceTopic\n", "", "order"),
    Planted("definitions that are not waited for", "infra/modules/policy.bicep", "    definition\n", "", "order"),
)
SIGN_IN = (
    Planted("headers trusted that anybody can send", APP, "        enabled: byEntra\n", "        enabled: false\n", "sign-in"),
    Planted("a platform that removes no headers", APP, "      STAGEWARD_AUTH: signIn\n", "      STAGEWARD_AUTH: 'entra'\n", "sign-in", thorough=True),
    Planted("sign-in to any tenant", APP, "${tenant().tenantId}/v2.0", "common/v2.0", "sign-in"),
    Planted("tokens of any tenant", APP, "  WEBSITE_AUTH_AAD_ALLOWED_TENANTS: tenant().tenantId\n", "", "sign-in"),
    Planted("a secret that is no setting", APP, "clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'", "clientSecretSettingName: 'MICROSOFT_PROVIDER_AUTHENTICATION_SECRET'", "sign-in"),
    Planted("an audience too few", APP, "              'api://${entraClientId}'\n", "", "sign-in"),
    Planted("sign-in in clear", APP, "requireHttps: true", "requireHttps: false", "sign-in"),
    Planted("the object id for the client id", APP, "AZURE_CLIENT_ID: identity.properties.clientId", "AZURE_CLIENT_ID: identity.properties.principalId", "identity"),
    Planted("another identity for secrets", APP, "keyVaultReferenceIdentity: identity.id", "keyVaultReferenceIdentity: plan.id", "identity"),
)
POLICIES = (
    Planted("an assignment of nothing", _M + "policy-assignments.bicep", "'${item.definition}-${token}'", "'${item.definition}'", "policy"),
    Planted("a parameter of no policy", _M + "policy-assignments.bicep", "        approvedObjectIds: {", "        approvedIds: {", "policy"),
    Planted("an assignment that is not enforced", _M + "policy-assignments.bicep", "enforcementMode: 'Default'", "enforcementMode: 'DoNotEnforce'", "policy"),
    Planted("a policy without its rule", _M + "policy.bicep", "      policyRule: item.properties.policyRule\n", "", "policy"),
    Planted("a role of nothing", RIGHTS, "        actions: officer.Actions\n", "", "role-definition"),
    Planted("a role that can be given nowhere", RIGHTS, "    assignableScopes: [\n      resourceGroup().id\n    ]\n", "    assignableScopes: []\n", "role-definition"),
)
PLAN = (
    Planted("another plan", APP, "name: 'FC1'", "name: 'Y1'", "flex"),
    Planted("a plan on Windows", APP, "reserved: true", "reserved: false", "flex"),
    Planted("an app on Windows", APP, "kind: 'functionapp,linux'", "kind: 'functionapp'", "flex"),
    Planted("an app of no plan", APP, "    serverFarmId: plan.id\n", "", "flex"),
    Planted("a size that Flex does not have", APP, "instanceMemoryMB: 2048", "instanceMemoryMB: 1024", "flex"),
    Planted("a package read by key", APP, "type: 'UserAssignedIdentity'", "type: 'StorageAccountConnectionString'", "flex"),
    Planted("no tag for azd", MAIN, "{ 'azd-service-name': 'stageward' }", "{ 'azd-service-name': 'api' }", "azd-tag"),
    Planted("a tag for azd on the plan too", APP, "  tags: tags\n", "  tags: siteTags\n", "azd-tag"),
    Planted("an output that no template asks for", HOST, "output id string", "output spare string = name\noutput id string", "unused"),
)
ROLES = (
    Planted("an owner", LEDGER, "'0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'", f"'{_OWNER}'", "broad-role"),
    Planted("a role that nobody knows", TOPIC, "'d5a91429-5739-47e2-a06b-3470a27159e7'", "'d5a91429-5739-47e2-a06b-3470a27159e8'", "unknown-role"),
    Planted("a role at the whole group", TOPIC, f"resource sends '{_ROLE}' = {{\n  name: guid(topic.id, senderId, eventGridDataSender)\n  scope: topic\n", f"resource sends '{_ROLE}' = {{\n  name: guid(topic.id, senderId, eventGridDataSender)\n", "role-scope"),
    Planted("a role where it means nothing", TOPIC, "'d5a91429-5739-47e2-a06b-3470a27159e7'", "'0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'", "role-scope"),
    Planted("a role that may delete anchors", "infra/roles/anchor-writer.json", "blobs/add/action", "blobs/delete", "missing-role"),
    Planted("a role that only reads", LEDGER, "'0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'", "'76199698-9eea-4c19-bc75-cec21354c6b6'", "missing-role"),
    Planted("a role of somebody else", LEDGER, "    principalId: appId\n", "    principalId: deployerId\n", "missing-role"),
    Planted("a role more than needed", REGISTRY, "mode == 'enforce' ? azureMlRegistryUser : aiModelScannerOperator", "mode == 'enforce' ? azureMlRegistryUser : azureMlRegistryUser", "unneeded-role"),
    Planted("a role without the type of its holder", TOPIC, "    principalType: 'ServicePrincipal'\n", "", "principal-type"),
    Planted("an identity taken for a person", LEDGER, "    principalId: appId\n    principalType: 'ServicePrincipal'\n", "    principalId: appId\n    principalType: 'User'\n", "principal-type"),
    Planted("rights to write while it observes", RIGHTS, "mode == 'enforce' ? governor.Actions : reads", "governor.Actions", "missing-role"),
    Planted("an action that the code does not call", GOVERNOR, "workspaces/models/versions/write", "workspaces/models/versions/delete", "role-file"),
    Planted("an action of everything", OFFICER, '"Microsoft.MachineLearningServices/workspaces/*/read"', '"Microsoft.MachineLearningServices/*/write"', "role-action"),
    Planted("an action that is none", OFFICER, "workspaces/*/read", "workspaces/*/reed", "role-action"),
)
SETTINGS = (
    Planted("a misspelt setting", APP, "STAGEWARD_EVENTGRID_ENDPOINT:", "STAGEWARD_EVENT_GRID_ENDPOINT:", "setting-unknown"),
    Planted("a setting that nothing reads", APP, "AZURE_CLIENT_ID:", "AZURE_CLIENTID:", "setting-unknown"),
    Planted("a setting that is missing", APP, "      STAGEWARD_TABLES_ENDPOINT: ledgerEndpoint\n", "", "setting-missing"),
    Planted("a setting that Flex refuses", APP, "      STAGEWARD_LOGS: 'json'\n", "      STAGEWARD_LOGS: 'json'\n      FUNCTIONS_WORKER_RUNTIME: 'python'\n", "setting-refused"),
    Planted("a configuration file that is not there", APP, "'stageward.azure.yaml'", "'stageward.cloud.yaml'", "configuration"),
    Planted("a configuration file that is not deployed", APP, "'stageward.azure.yaml'", "'infra/abbreviations.json'", "configuration"),
    Planted("a variable that is not set", "stageward.azure.yaml", "${AZUREML_WORKSPACE_ID}", "${WORKSPACE_ID}", "configuration"),
    Planted("a container that is not there", APP, "blob}${deadLetterContainer}'", "blob}dead-letters'", "container"),
    Planted("a container for anchors that is not there", ANCHORS, "primaryEndpoints.blob}${anchors.name}'", "primaryEndpoints.blob}anchor'", "container"),
    Planted("anchors that can be changed", ANCHORS, "    immutabilityPeriodSinceCreationInDays: days\n", "", "immutability"),
    Planted("queues for blobs", APP, "blobServiceUri: hostAccount.properties.primaryEndpoints.blob", "blobServiceUri: hostAccount.properties.primaryEndpoints.queue", "setting-address"),
    Planted("blobs for tables", LEDGER, "primaryEndpoints.table", "primaryEndpoints.blob", "setting-address"),
    Planted("links in clear", APP, "STAGEWARD_URL: 'https://", "STAGEWARD_URL: 'http://", "setting-address"),
    Planted("a container among the queues", APP, "STAGEWARD_DEAD_LETTERS: '${hostAccount.properties.primaryEndpoints.blob}", "STAGEWARD_DEAD_LETTERS: '${hostAccount.properties.primaryEndpoints.queue}", "container"),
    Planted("another Python", APP, "version: '3.13'", "version: '3.12'", "python"),
    Planted("a table too few", LEDGER, "  'stagewardblobs'\n", "", "tables"),
    Planted("a misspelt table", LEDGER, "'stagewardledger'", "'stagewardledgers'", "tables"),
    Planted("machines asked to sign in", APP, "          '/healthz'\n", "", "excluded-path"),
    Planted("all opened to everybody", APP, "          '/healthz'\n", "          '/*'\n", "excluded-path"),
    Planted("pages opened to everybody", APP, "          '/healthz'\n", "          '/healthz'\n          '/api/*'\n", "excluded-path"),
)
FILES = (
    Planted("a parameter of nothing", PARAMETERS, '"signIn"', '"signin"', "parameters"),
    Planted("a parameter that is not given", PARAMETERS, '"workspaceName"', '"workspace"', "parameters"),
    Planted("a default of a parameter of another type", PARAMETERS, "${LOCK_LEDGER=true}", "${LOCK_LEDGER=yes}", "parameters"),
    Planted("two defaults", PARAMETERS, "${SOFT_DELETE_DAYS=14}", "${SOFT_DELETE_DAYS=15}", "parameters"),
    Planted("no default where none is needed", PARAMETERS, "${ALERT_MAIL=}", "${ALERT_MAIL}", "parameters"),
    Planted("an unknown key", AZURE, "services:", "service:", "azure-yaml"),
    Planted("another host", AZURE, "host: function", "host: appservice", "azure-yaml"),
    Planted("a template that is not there", AZURE, "module: main", "module: app", "azure-yaml"),
    Planted("an unknown hook", AZURE, "  predown:", "  beforedown:", "azure-yaml"),
    Planted("a script that is not there", AZURE, "sh infra/hooks/run.sh predown", "sh infra/hooks/runs.sh predown", "hook"),
    Planted("a script that no shell reads", "infra/hooks/run.sh", "; do\n", ";\n", "hook"),
    Planted("a variable that azd does not set", "infra/hooks/governance.py", 'given["AZURE_FUNCTION_APP_ID"]', 'given["AZURE_FUNCTION_ID"]', "hook"),
    Planted("a param of nothing in a hook", "infra/hooks/governance.py", '"governorId":', '"governor":', "hook"),
    Planted("an output that nobody uses", MAIN, "output AZURE_TENANT_ID", "output AZURE_SPARE string = location\noutput AZURE_TENANT_ID", "output-unused"),
    Planted("an output that azd does not keep as written", MAIN, "output STAGEWARD_URL string", "output stagewardUrl string", "output-name"),
    Planted("code that is not deployed", ".funcignore", "tests/\n", "tests/\nfunction_app.py\n", "deployed"),
    Planted("no bundle of extensions", "host.json", '"extensionBundle"', '"extensionBundles"', "deployed"),
)
# fmt: on
ALL = (
    *(*LANGUAGE, *MODULES, *BODIES, *SECURITY, *EVENT_RULES, *ORDER, *SIGN_IN, *POLICIES),
    *(*PLAN, *ROLES, *SETTINGS, *FILES),
)
