"""Properties that every resource of a type must have here: a list, to be read at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_ACCOUNT = "Microsoft.Storage/storageAccounts"
_BLOBS = f"{_ACCOUNT}/blobServices"
_TOPIC = "Microsoft.EventGrid/topics"
_SITE = "Microsoft.Web/sites"
_PLAN = "Microsoft.Web/serverfarms"
_COMPONENT = "Microsoft.Insights/components"
_LOGS = "Microsoft.OperationalInsights/workspaces"
_ROLE = "Microsoft.Authorization/roleDefinitions"
_POLICY = "Microsoft.Authorization/policyDefinitions"
_APP = "functionAppConfig"
_PACKAGE = f"{_APP}.deployment.storage"
_OLD = "older ones are broken"
_CLEAR = "nothing goes in clear"
_TLS = ("1.2", "1.3")


@dataclass(frozen=True, slots=True)
class Demand:
    """A property that every resource of a type must have.

    Attributes:
        rule: its id.
        type: of the resources.
        path: of the property.
        values: it may have, the first of which is what to write; empty for any.
        why: in words.
    """

    rule: str
    type: str
    path: str
    values: tuple[object, ...]
    why: str

    def met_by(self, found: object) -> bool:
        """Tell whether a value is what is demanded; 1 is not true."""
        if not self.values:
            return found not in (None, "", [], {})
        return any(found == one and type(found) is type(one) for one in self.values)

    def shown(self) -> str:
        """Return what to write."""
        if not self.values:
            return ""
        first = self.values[0]
        return f": {str(first).lower()}" if isinstance(first, bool) else f": '{first}'"


_TABLE: tuple[tuple[str, str, str, Mapping[str, tuple[object, ...]]], ...] = (
    ("shared-key", _ACCOUNT, "no key opens it", {"allowSharedKeyAccess": (False,)}),
    ("public-blobs", _ACCOUNT, "no blob is public", {"allowBlobPublicAccess": (False,)}),
    ("public-blobs", f"{_BLOBS}/containers", "no blob is public", {"publicAccess": ("None",)}),
    (
        "cross-tenant",
        _ACCOUNT,
        "nothing leaves the tenant",
        {"allowCrossTenantReplication": (False,)},
    ),
    (
        "soft-delete",
        _BLOBS,
        "what is deleted by mistake comes back",
        {
            "deleteRetentionPolicy.enabled": (True,),
            "deleteRetentionPolicy.days": (),
            "containerDeleteRetentionPolicy.enabled": (True,),
            "containerDeleteRetentionPolicy.days": (),
        },
    ),
    ("tls", _ACCOUNT, _OLD, {"minimumTlsVersion": ("TLS1_2", "TLS1_3")}),
    ("tls", _ACCOUNT, _CLEAR, {"supportsHttpsTrafficOnly": (True,)}),
    ("tls", _TOPIC, _OLD, {"minimumTlsVersionAllowed": _TLS}),
    ("tls", _SITE, _OLD, {"siteConfig.minTlsVersion": _TLS, "siteConfig.scmMinTlsVersion": _TLS}),
    ("https-only", _SITE, _CLEAR, {"httpsOnly": (True,)}),
    ("local-auth", _ACCOUNT, "no password opens it", {"isLocalUserEnabled": (False,)}),
    ("local-auth", _TOPIC, "no key publishes", {"disableLocalAuth": (True,)}),
    ("local-auth", _COMPONENT, "no key sends telemetry", {"DisableLocalAuth": (True,)}),
    ("local-auth", _LOGS, "no key sends logs", {"features.disableLocalAuth": (True,)}),
    (
        "local-auth",
        f"{_SITE}/basicPublishingCredentialsPolicies",
        "no password deploys",
        {"allow": (False,)},
    ),
    ("events", _TOPIC, "records are CloudEvents", {"inputSchema": ("CloudEventSchemaV1_0",)}),
    (
        "logs",
        _COMPONENT,
        "telemetry is kept in the workspace",
        {"WorkspaceResourceId": (), "IngestionMode": ("LogAnalytics",)},
    ),
    ("logs", _LOGS, "how long logs are kept is said", {"retentionInDays": ()}),
    (
        "flex",
        _PLAN,
        "the app is made for Flex Consumption, on Linux",
        {"/sku.name": ("FC1",), "/sku.tier": ("FlexConsumption",), "reserved": (True,)},
    ),
    (
        "flex",
        _SITE,
        "the app is made for Flex Consumption, on Linux, in Python",
        {
            "/kind": ("functionapp,linux",),
            "serverFarmId": (),
            f"{_APP}.runtime.name": ("python",),
            f"{_APP}.scaleAndConcurrency.instanceMemoryMB": (2048, 512, 4096),
            f"{_APP}.scaleAndConcurrency.maximumInstanceCount": (),
        },
    ),
    (
        "flex",
        _SITE,
        "the package is in a container, and read by the identity",
        {
            f"{_PACKAGE}.type": ("blobContainer",),
            f"{_PACKAGE}.value": (),
            f"{_PACKAGE}.authentication.type": ("UserAssignedIdentity",),
            f"{_PACKAGE}.authentication.userAssignedIdentityResourceId": (),
            "keyVaultReferenceIdentity": (),
        },
    ),
    (
        "role-definition",
        _ROLE,
        "people see what a role is, and where it is given",
        {"roleName": (), "description": (), "type": ("CustomRole",), "assignableScopes": ()},
    ),
    (
        "policy",
        _POLICY,
        "people see what a policy is, and it sees what is meant",
        {"policyType": ("Custom",), "mode": (), "displayName": (), "policyRule": ()},
    ),
)
"""Rule, type, why, and what is demanded below `properties`, or from the root after a `/`."""
REFUSED = (
    *("alwaysOn", "ftpsState", "functionAppScaleLimit", "functionsRuntimeScaleMonitoringEnabled"),
    *("javaVersion", "linuxFxVersion", "netFrameworkVersion", "phpVersion", "powerShellVersion"),
    *("preWarmedInstanceCount", "pythonVersion", "use32BitWorkerProcess", "windowsFxVersion"),
)
"""Of siteConfig: Flex Consumption answers 400 (51021) to them, in newer regions first;
https://github.com/Azure/terraform-azurerm-avm-res-web-site/pull/345."""
DEMANDS = tuple(
    Demand(rule, kind, path[1:] if path.startswith("/") else f"properties.{path}", values, why)
    for rule, kind, why, wanted in _TABLE
    for path, values in wanted.items()
)
