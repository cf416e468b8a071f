"""What this project demands of its resources: nothing by key, nothing public, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.infra import find
from scripts.infra.check import Deployment
from scripts.infra.demands import DEMANDS, REFUSED
from scripts.infra.faults import Fault

_ACCOUNT = "Microsoft.Storage/storageAccounts"
_SYSTEM_TOPIC = "Microsoft.EventGrid/systemTopics"
_DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"
_LOCK = "Microsoft.Authorization/locks"
_TABLE = "Microsoft.Storage/storageAccounts/tableServices/tables"
_POLICY = "Microsoft.Web/sites/basicPublishingCredentialsPolicies"


def check(deployment: Deployment) -> Iterator[Fault]:
    """Yield what this project does not take."""
    yield from _demands(deployment)
    yield from _refused(deployment)
    yield from _passwords(deployment)
    yield from _identities(deployment)
    yield from _locks(deployment)
    yield from _twice(deployment)
    yield from _diagnostics(deployment)
    yield from _networks(deployment)


def _demands(deployment: Deployment) -> Iterator[Fault]:
    for demand in DEMANDS:
        for resource in find.of(deployment, demand.type):
            if not demand.met_by(find.value(resource.body, demand.path)):
                name = demand.path.rpartition(".")[2]
                message = f"{demand.why}; give {resource.type} {name}{demand.shown()}"
                yield Fault(find.place(resource, demand.path), demand.rule, message)


def _refused(deployment: Deployment) -> Iterator[Fault]:
    """Yield what only other plans take."""
    for site in find.of(deployment, find.SITE):
        for name in REFUSED:
            path = f"properties.siteConfig.{name}"
            if find.value(site.body, path) is not None:
                message = f"Flex Consumption refuses {name}; remove it"
                yield Fault(find.place(site, path), "flex", message)


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
    locked = {
        lock.scope.id
        for lock in find.of(deployment, _LOCK)
        if find.value(lock.body, "properties.level") == "CanNotDelete"
    }
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


def _diagnostics(deployment: Deployment) -> Iterator[Fault]:
    for resource in find.of(deployment, _DIAGNOSTICS):
        if resource.scope.kind != "resource":
            message = "logs are those of one resource; give a scope"
            yield Fault(resource.place, "diagnostics", message)
        if not find.value(resource.body, "properties.workspaceId"):
            message = "logs go to the workspace; give workspaceId"
            yield Fault(resource.place, "diagnostics", message)
        logs = find.value(resource.body, "properties.logs")
        for one in logs if isinstance(logs, list) else ():
            if not (find.value(one, "category") or find.value(one, "categoryGroup")):
                message = "this says of which logs; give category or categoryGroup"
                yield Fault(find.place(resource, "properties.logs"), "diagnostics", message)


def _networks(deployment: Deployment) -> Iterator[Fault]:
    """Yield what stays open although a subnet is named that alone is to be let in."""
    subnet = deployment.case.values.get("subnetId")
    if not isinstance(subnet, str):
        return
    letters = [
        str(value)
        for _, name, value, _ in find.settings(deployment)
        if name == "STAGEWARD_DEAD_LETTERS"
    ]
    for account in find.of(deployment, _ACCOUNT):
        path = "properties.networkAcls"
        rules = find.value(account.body, f"{path}.virtualNetworkRules")
        let_in = [
            (find.value(one, "id"), find.value(one, "action"))
            for one in (rules if isinstance(rules, list) else ())
        ]
        denied = find.value(account.body, f"{path}.defaultAction") == "Deny"
        if not denied or let_in != [(subnet, "Allow")]:
            message = "with subnetId only that subnet is let in; deny the others by default"
            yield Fault(find.place(account, path), "network", message)
        holds = any(f"//{account.last_name}." in value for value in letters)
        if holds and find.value(account.body, f"{path}.bypass") != "AzureServices":
            message = "Event Grid writes dead letters from outside; give bypass: 'AzureServices'"
            yield Fault(find.place(account, f"{path}.bypass"), "network", message)
    for site in find.of(deployment, find.SITE):
        path = "properties.virtualNetworkSubnetId"
        if find.value(site.body, path) != subnet:
            message = "with subnetId the app reaches storage by it; give virtualNetworkSubnetId"
            yield Fault(find.place(site, path), "network", message)
