"""What this project demands of its resources: nothing by key, nothing public, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scripts.infra import find
from scripts.infra.check import Deployment
from scripts.infra.faults import Fault
from scripts.infra.functions_app import FunctionsApp
from scripts.infra.values import Unknown
from scripts.infra.world import Deployed

_ACCOUNT = "Microsoft.Storage/storageAccounts"
_CONTAINER = "Microsoft.Storage/storageAccounts/blobServices/containers"
_TOPIC = "Microsoft.EventGrid/topics"
_SYSTEM_TOPIC = "Microsoft.EventGrid/systemTopics"
_LOCK = "Microsoft.Authorization/locks"
_TABLE = "Microsoft.Storage/storageAccounts/tableServices/tables"
_POLICY = "Microsoft.Web/sites/basicPublishingCredentialsPolicies"
_TLS = ("1.2", "1.3")


@dataclass(frozen=True, slots=True)
class Demand:
    """A property that every resource of a type must have.

    Attributes:
        rule: its id.
        type: of the resources.
        path: of the property.
        values: it may have; the first is what to write.
        why: in words.
    """

    rule: str
    type: str
    path: str
    values: tuple[object, ...]
    why: str


DEMANDS = (
    Demand("shared-key", _ACCOUNT, "properties.allowSharedKeyAccess", (False,), "no key opens it"),
    Demand(
        "public-blobs", _ACCOUNT, "properties.allowBlobPublicAccess", (False,), "no blob is public"
    ),
    Demand("public-blobs", _CONTAINER, "properties.publicAccess", ("None",), "no blob is public"),
    Demand(
        "tls",
        _ACCOUNT,
        "properties.minimumTlsVersion",
        ("TLS1_2", "TLS1_3"),
        "older ones are broken",
    ),
    Demand(
        "tls", _ACCOUNT, "properties.supportsHttpsTrafficOnly", (True,), "nothing goes in clear"
    ),
    Demand("tls", _TOPIC, "properties.minimumTlsVersionAllowed", _TLS, "older ones are broken"),
    Demand("tls", find.SITE, "properties.siteConfig.minTlsVersion", _TLS, "older ones are broken"),
    Demand(
        "tls", find.SITE, "properties.siteConfig.scmMinTlsVersion", _TLS, "older ones are broken"
    ),
    Demand("https-only", find.SITE, "properties.httpsOnly", (True,), "nothing goes in clear"),
    Demand(
        "https-only",
        find.SITE,
        "properties.siteConfig.ftpsState",
        ("Disabled",),
        "FTP has passwords",
    ),
    Demand("local-auth", _TOPIC, "properties.disableLocalAuth", (True,), "no key publishes"),
    Demand(
        "local-auth",
        "Microsoft.Insights/components",
        "properties.DisableLocalAuth",
        (True,),
        "no key sends telemetry",
    ),
    Demand(
        "local-auth",
        "Microsoft.OperationalInsights/workspaces",
        "properties.features.disableLocalAuth",
        (True,),
        "no key sends logs",
    ),
    Demand("local-auth", _POLICY, "properties.allow", (False,), "no password deploys"),
)
"""Those of one property. A list, so that what is demanded is read at a glance."""


def check(deployment: Deployment, app: FunctionsApp) -> Iterator[Fault]:
    """Yield what this project does not take."""
    yield from _demands(deployment)
    yield from _passwords(deployment)
    yield from _identities(deployment)
    yield from _locks(deployment)
    yield from _twice(deployment)
    for resource in find.of(deployment, find.SUBSCRIPTION):
        for part in (_dead_letter, _retries, _filter):
            yield from part(resource)
        yield from _function(resource, app)


def _demands(deployment: Deployment) -> Iterator[Fault]:
    for demand in DEMANDS:
        for resource in find.of(deployment, demand.type):
            found = find.value(resource.body, demand.path)
            if found not in demand.values or isinstance(found, int) is not isinstance(
                demand.values[0], int
            ):
                name = demand.path.rpartition(".")[2]
                wanted = str(demand.values[0])
                wanted = wanted.lower() if isinstance(demand.values[0], bool) else f"'{wanted}'"
                message = f"{demand.why}; give {resource.type} {name}: {wanted}"
                yield Fault(find.place(resource, demand.path), demand.rule, message)


def _passwords(deployment: Deployment) -> Iterator[Fault]:
    """Yield sites to which one may still deploy by password: both ways are open by default."""
    closed = {resource.id for resource in find.of(deployment, _POLICY)}
    for site in find.of(deployment, find.SITE):
        for way in ("ftp", "scm"):
            if f"{site.id}/basicPublishingCredentialsPolicies/{way}" not in closed:
                message = f"'{way}' takes a password; add its {_POLICY.rpartition('/')[2]}"
                yield Fault(site.place, "local-auth", message)


def _identities(deployment: Deployment) -> Iterator[Fault]:
    for resource in find.of(deployment, find.SITE, _SYSTEM_TOPIC):
        kind = find.value(resource.body, "identity.type")
        users = find.value(resource.body, "identity.userAssignedIdentities")
        if not isinstance(kind, str) or kind == "None" or ("UserAssigned" in kind and not users):
            message = f"{resource.type} signs in to others by an identity; give it one"
            yield Fault(find.place(resource, "identity"), "identity", message)


def _locks(deployment: Deployment) -> Iterator[Fault]:
    """Yield accounts with tables, the ledger, that could be deleted at once.

    Where a lock is switched off by a param, that is somebody's decision; it must be there to
    switch.
    """
    if any(value is False for value in deployment.case.values.values()):
        return
    locked = {lock.scope.id for lock in find.of(deployment, _LOCK)}
    accounts = {table.id.partition("/tableServices/")[0] for table in find.of(deployment, _TABLE)}
    for account in find.of(deployment, _ACCOUNT):
        if account.id in accounts and account.id not in locked:
            message = "the ledger is the only proof of what was decided; lock it by CanNotDelete"
            yield Fault(account.place, "lock", message)


def _twice(deployment: Deployment) -> Iterator[Fault]:
    seen: set[str] = set()
    for resource in deployment.resources:
        if not resource.existing and resource.wanted:
            if resource.id.lower() in seen:
                message = f"{resource.id} is deployed already; give it another name"
                yield Fault(resource.place, "duplicate", message)
            seen.add(resource.id.lower())


# --- event subscriptions ------------------------------------------------------------------------


def _dead_letter(resource: Deployed) -> Iterator[Fault]:
    by_key = find.value(resource.body, "properties.deadLetterDestination")
    path = "properties.deadLetterWithResourceIdentity"
    kind = find.value(resource.body, f"{path}.deadLetterDestination.endpointType")
    identity = find.value(resource.body, f"{path}.identity.type")
    if by_key is not None or kind != "StorageBlob" or identity is None:
        message = (
            "what cannot be delivered is lost; give deadLetterWithResourceIdentity with an "
            "identity and a container, and no deadLetterDestination"
        )
        yield Fault(find.place(resource, path), "dead-letter", message)


def _retries(resource: Deployed) -> Iterator[Fault]:
    path = "properties.retryPolicy"
    attempts = find.value(resource.body, f"{path}.maxDeliveryAttempts")
    minutes = find.value(resource.body, f"{path}.eventTimeToLiveInMinutes")
    for name, found, most in (
        ("maxDeliveryAttempts", attempts, 30),
        ("eventTimeToLiveInMinutes", minutes, 1440),
    ):
        known = isinstance(found, int) and not isinstance(found, bool)
        if not isinstance(found, Unknown) and not (known and 1 <= int(str(found)) <= most):
            message = f"how long Azure tries is said, 1 to {most}; give retryPolicy {name}: {most}"
            yield Fault(find.place(resource, f"{path}.{name}"), "retry", message)


def _filter(resource: Deployed) -> Iterator[Fault]:
    path = "properties.filter"
    types = find.value(resource.body, f"{path}.includedEventTypes")
    listed = [str(one) for one in types] if isinstance(types, list) else []
    if not listed:
        message = "every event costs a call; give filter includedEventTypes"
        yield Fault(find.place(resource, path), "filter", message)
    changes = any(one.startswith("Microsoft.Resources.") for one in listed)
    narrowed = find.value(resource.body, f"{path}.advancedFilters")
    if changes and not narrowed:
        message = "a resource group tells of every write in it; give filter advancedFilters"
        yield Fault(find.place(resource, path), "filter", message)


def _function(resource: Deployed, app: FunctionsApp) -> Iterator[Fault]:
    path = "properties.destination"
    if find.value(resource.body, f"{path}.endpointType") != "AzureFunction":
        message = "events go to the app's own function; give endpointType: 'AzureFunction'"
        yield Fault(find.place(resource, path), "function", message)
        return
    target = str(find.value(resource.body, f"{path}.properties.resourceId"))
    name = target.rpartition("/functions/")[2]
    if name not in app.event_functions:
        known = ", ".join(sorted(app.event_functions)) or "none"
        message = f"function_app.py has no Event Grid function '{name}'; name one of {known}"
        where = find.place(resource, f"{path}.properties.resourceId")
        yield Fault(where, "function", message)
