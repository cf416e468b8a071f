"""The resource types that templates here may use: their models, API versions, scopes and names.

A type or a version that is not here is a fault, however real: whoever needs it adds it, with where
it is written that it exists. Sources of versions: `types` is the list that Bicep itself is made
with, https://github.com/Azure/bicep-types-az/tree/main/generated, looked up; `sdk` is the version
that the installed package speaks, so its models are the very ones. Of other versions the models are
near: a property may be newer than the version.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scripts.infra import hand
from scripts.infra.models import shape_of
from scripts.infra.shapes import Shape
from scripts.infra.values import Runtime

GROUP, SUBSCRIPTION, ANYWHERE = "resourceGroup", "subscription", "anywhere"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource type.

    Attributes:
        module: of its models; "" for those written by hand.
        request: name of the model that is sent.
        versions: those of its API that may be used, each with its source.
        response: name of the model that is answered; "" for the same.
        scope: where it is deployed; `anywhere` for what extends other resources.
        name: what its last segment may be.
        rule: the same in words.
    """

    module: str
    request: str
    versions: Mapping[str, str]
    response: str = ""
    scope: str = GROUP
    name: re.Pattern[str] = field(default_factory=lambda: re.compile(r".{1,80}"))
    rule: str = "1 to 80 characters"

    def sent(self) -> Shape:
        """Return the shape of what is sent."""
        return self._shape(self.request)

    def answered(self) -> Shape:
        """Return the shape of what is answered."""
        return self._shape(self.response or self.request)

    def _shape(self, name: str) -> Shape:
        return shape_of(self.module, name) if self.module else hand.SHAPES[name]()


_M = "azure.mgmt."
_STORAGE = {"2025-06-01": "types: storage/microsoft.storage"}
_EVENT_GRID = {"2025-02-15": "sdk; types: eventgrid/microsoft.eventgrid"}
_WEB = {
    "2024-11-01": "types: web/microsoft.web",
    "2025-03-01": "types: web/microsoft.web",
    "2025-05-01": "sdk",
}
_ROLES = {"2022-04-01": "sdk; types: authorization/microsoft.authorization"}
_POLICY = {"2025-01-01": "types: resources_1/microsoft.authorization"}
_ML = {"2025-12-01": "types: machinelearningservices/microsoft.machinelearningservices"}
_DEFAULT = re.compile("default")
_GUIDS = "a GUID, such as guid() returns"
_DASHED = r"[A-Za-z0-9-]"

TYPES: Mapping[str, Entry] = {
    "Microsoft.Authorization/locks": Entry(
        "",
        "Lock",
        {"2020-05-01": "types: resources/microsoft.authorization"},
        scope=ANYWHERE,
        name=re.compile(r"[A-Za-z0-9._()-]{1,90}"),
        rule="1 to 90 letters, digits and ._()-",
    ),
    "Microsoft.Authorization/policyAssignments": Entry(
        _M + "resource.policy.models",
        "PolicyAssignment",
        _POLICY,
        scope=ANYWHERE,
        name=re.compile(r"[^<>*%&:?.+/\\]{1,64}(?<! )"),
        rule="1 to 64 characters, none of <>*%&:?.+/\\ and no space at its end",
    ),
    "Microsoft.Authorization/policyDefinitions": Entry(
        _M + "resource.policy.models",
        "PolicyDefinition",
        _POLICY,
        scope=SUBSCRIPTION,
        name=re.compile(r"[^<>*%&:?.+/\\]{1,64}(?<! )"),
        rule="1 to 64 characters, none of <>*%&:?.+/\\ and no space at its end",
    ),
    "Microsoft.Authorization/roleAssignments": Entry(
        _M + "authorization.v2022_04_01.models",
        "RoleAssignmentCreateParameters",
        _ROLES,
        "RoleAssignment",
        scope=ANYWHERE,
        name=GUID,
        rule=_GUIDS,
    ),
    "Microsoft.Authorization/roleDefinitions": Entry(
        _M + "authorization.v2022_04_01.models",
        "RoleDefinition",
        _ROLES,
        scope=ANYWHERE,
        name=GUID,
        rule=_GUIDS,
    ),
    "Microsoft.EventGrid/systemTopics": Entry(
        _M + "eventgrid.models",
        "SystemTopic",
        _EVENT_GRID,
        name=re.compile(_DASHED + r"{3,128}"),
        rule="3 to 128 letters, digits and dashes",
    ),
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": Entry(
        _M + "eventgrid.models",
        "EventSubscription",
        _EVENT_GRID,
        name=re.compile(_DASHED + r"{3,64}"),
        rule="3 to 64 letters, digits and dashes",
    ),
    "Microsoft.EventGrid/topics": Entry(
        _M + "eventgrid.models",
        "Topic",
        _EVENT_GRID,
        name=re.compile(_DASHED + r"{3,50}"),
        rule="3 to 50 letters, digits and dashes",
    ),
    "Microsoft.Insights/actionGroups": Entry(
        _M + "monitor.models",
        "ActionGroupResource",
        {"2023-01-01": "sdk"},
        name=re.compile(r"[^:<>+/&%\\?#]{1,260}(?<![ .])"),
        rule="1 to 260 characters, none of :<>+/&%\\?# and no space or period at its end",
    ),
    "Microsoft.Insights/components": Entry(
        _M + "applicationinsights.v2020_02_02.models",
        "ApplicationInsightsComponent",
        {"2020-02-02": "sdk; types: applicationinsights/microsoft.insights"},
        name=re.compile(r"[^%&\\?/]{1,260}(?<![ .])"),
        rule="1 to 260 characters, none of %&\\?/ and no space or period at its end",
    ),
    "Microsoft.Insights/diagnosticSettings": Entry(
        "",
        "DiagnosticSettings",
        {"2021-05-01-preview": "types: monitor/microsoft.insights"},
        scope=ANYWHERE,
        name=re.compile(r"[^:<>+/&%\\?]{1,260}"),
        rule="1 to 260 characters, none of :<>+/&%\\?",
    ),
    "Microsoft.Insights/metricAlerts": Entry(
        _M + "monitor.models",
        "MetricAlertResource",
        {"2018-03-01": "sdk"},
        name=re.compile(r"[^*#&+:<>?@%{}\\/]{1,260}(?<![ .])"),
        rule="1 to 260 characters, none of *#&+:<>?@%{}\\/",
    ),
    "Microsoft.Insights/scheduledQueryRules": Entry(
        _M + "monitor.models",
        "ScheduledQueryRuleResource",
        {"2023-12-01": "sdk"},
        name=re.compile(r"[^*<>%{}&:\\?/#|]{1,260}(?<![ .])"),
        rule="1 to 260 characters, none of *<>%{}&:\\?/#|",
    ),
    "Microsoft.KeyVault/vaults": Entry(
        _M + "keyvault.models",
        "VaultCreateOrUpdateParameters",
        {"2023-07-01": "types: keyvault/microsoft.keyvault", "2026-05-15": "sdk"},
        "Vault",
        name=re.compile(r"[A-Za-z](?!.*--)[A-Za-z0-9-]{1,22}[A-Za-z0-9]"),
        rule="3 to 24 letters, digits and single dashes, a letter first and no dash last",
    ),
    "Microsoft.Logic/workflows": Entry(
        "", "Workflow", {"2019-05-01": "types: logic/microsoft.logic"}
    ),
    "Microsoft.MachineLearningServices/registries": Entry(
        "",
        "Registry",
        _ML,
        name=re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,32}"),
        rule="2 to 33 letters, digits, dashes and underscores",
    ),
    "Microsoft.MachineLearningServices/workspaces": Entry(
        _M + "machinelearningservices.models",
        "Workspace",
        _ML,
        name=re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}"),
        rule="3 to 33 letters, digits, dashes and underscores",
    ),
    "Microsoft.ManagedIdentity/userAssignedIdentities": Entry(
        _M + "msi.v2024_11_30.models",
        "Identity",
        {"2024-11-30": "sdk; types: msi/microsoft.managedidentity"},
        name=re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}"),
        rule="3 to 128 letters, digits, dashes and underscores",
    ),
    "Microsoft.OperationalInsights/workspaces": Entry(
        _M + "loganalytics.models",
        "Workspace",
        {
            "2023-09-01": "types: operationalinsights/microsoft.operationalinsights",
            "2025-07-01": "sdk",
        },
        name=re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]"),
        rule="4 to 63 letters, digits and dashes, no dash first or last",
    ),
    "Microsoft.Resources/resourceGroups": Entry(
        _M + "resource.resources.models",
        "ResourceGroup",
        {"2024-03-01": "types: resources/microsoft.resources", "2025-04-01": "sdk"},
        scope=SUBSCRIPTION,
        name=re.compile(r"[\w._()-]{1,90}(?<!\.)"),
        rule="1 to 90 letters, digits and _().- and no period at its end",
    ),
    "Microsoft.Storage/storageAccounts": Entry(
        _M + "storage.models",
        "StorageAccountCreateParameters",
        _STORAGE,
        "StorageAccount",
        name=re.compile(r"[a-z0-9]{3,24}"),
        rule="3 to 24 small letters and digits",
    ),
    "Microsoft.Storage/storageAccounts/blobServices": Entry(
        _M + "storage.models", "BlobServiceProperties", _STORAGE, name=_DEFAULT, rule="'default'"
    ),
    "Microsoft.Storage/storageAccounts/blobServices/containers": Entry(
        _M + "storage.models",
        "BlobContainer",
        _STORAGE,
        name=re.compile(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"),
        rule="3 to 63 small letters, digits and single dashes, no dash first or last",
    ),
    "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies": Entry(
        _M + "storage.models", "ImmutabilityPolicy", _STORAGE, name=_DEFAULT, rule="'default'"
    ),
    "Microsoft.Storage/storageAccounts/tableServices": Entry(
        _M + "storage.models", "TableServiceProperties", _STORAGE, name=_DEFAULT, rule="'default'"
    ),
    "Microsoft.Storage/storageAccounts/tableServices/tables": Entry(
        _M + "storage.models",
        "Table",
        _STORAGE,
        name=re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}"),
        rule="3 to 63 letters and digits, a letter first",
    ),
    "Microsoft.Web/connections": Entry(
        "", "ApiConnection", {"2016-06-01": "types: web/microsoft.web"}
    ),
    "Microsoft.Web/serverfarms": Entry(
        _M + "web.models",
        "AppServicePlan",
        _WEB,
        name=re.compile(_DASHED + r"{1,60}"),
        rule="1 to 60 letters, digits and dashes",
    ),
    "Microsoft.Web/sites": Entry(
        _M + "web.models",
        "Site",
        _WEB,
        name=re.compile(r"(?!-)[A-Za-z0-9-]{2,60}(?<!-)"),
        rule="2 to 60 letters, digits and dashes, no dash first or last",
    ),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": Entry(
        _M + "web.models",
        "CsmPublishingCredentialsPoliciesEntity",
        _WEB,
        name=re.compile("ftp|scm"),
        rule="'ftp' or 'scm'",
    ),
    "Microsoft.Web/sites/config": Entry(
        _M + "web.models",
        "SiteConfigResource",
        _WEB,
        name=re.compile("appsettings|authsettingsV2|logs|metadata|web|slotConfigNames"),
        rule="'appsettings', 'authsettingsV2', 'logs', 'metadata', 'web' or 'slotConfigNames'",
    ),
}
"""Names after https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules."""

_CONFIGS = {
    "appsettings": "StringDictionary",
    "metadata": "StringDictionary",
    "authsettingsv2": "SiteAuthSettingsV2",
    "logs": "SiteLogsConfig",
    "slotconfignames": "SlotConfigNamesResource",
}
"""Models of Microsoft.Web/sites/config, by its name."""
_BY_LOWER = {name.lower(): name for name in TYPES}


def entry(kind: str) -> Entry | None:
    """Return what is known of a resource type, whose case does not matter."""
    return TYPES.get(_BY_LOWER.get(kind.lower(), ""))


def written(kind: str) -> str:
    """Return a resource type in its own case."""
    return _BY_LOWER.get(kind.lower(), kind)


def sent(kind: str, name: str) -> Shape:
    """Return the shape of what is sent for a resource of this type and last name."""
    model = _CONFIGS.get(name.lower()) if kind.lower() == "microsoft.web/sites/config" else None
    known = TYPES[written(kind)]
    return shape_of(known.module, model) if model else known.sent()


def answered(kind: str, name: str) -> Shape | None:
    """Return the shape of what Azure answers, or None for a type that is not known."""
    known = entry(kind)
    if known is None:
        return None
    special = kind.lower() == "microsoft.web/sites/config"
    return sent(kind, name) if special else known.answered()


_EXAMPLES: Mapping[tuple[str, str], Callable[[str], str]] = {
    ("Microsoft.EventGrid/topics", "properties.endpoint"): (
        lambda name: f"https://{name}.westeurope-1.eventgrid.azure.net/api/events"
    ),
    ("Microsoft.Insights/components", "properties.ConnectionString"): (
        lambda name: f"InstrumentationKey={name};IngestionEndpoint=https://westeurope.in.example/"
    ),
    ("Microsoft.KeyVault/vaults", "properties.vaultUri"): (
        lambda name: f"https://{name}.vault.azure.net/"
    ),
    ("Microsoft.MachineLearningServices/workspaces", "location"): lambda _: "northeurope",
    ("Microsoft.MachineLearningServices/registries", "location"): lambda _: "northeurope",
    ("Microsoft.Web/sites", "properties.defaultHostName"): (
        lambda name: f"{name}.azurewebsites.net"
    ),
}
_ENDPOINTS = re.compile(r"properties\.primaryEndpoints\.(blob|table|queue|file|dfs|web)")


def example(kind: str, name: str, path: str) -> Runtime | None:
    """Return what Azure might answer for a property of a resource, where its form matters."""
    if kind.lower() == "microsoft.storage/storageaccounts" and (
        match := _ENDPOINTS.fullmatch(path)
    ):
        return Runtime(f"https://{name}.{match.group(1)}.core.windows.net/")
    make = _EXAMPLES.get((written(kind), path))
    return Runtime(make(name)) if make else None
