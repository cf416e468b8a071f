"""Who may do what: every role that the code needs is given, and none that is broader."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scripts.infra import find, sign_in
from scripts.infra.check import Deployment
from scripts.infra.custom_roles import ANCHORING, GOVERNING, actions_of
from scripts.infra.faults import Fault, Place
from scripts.infra.world import Deployed

ROLES: Mapping[str, str] = {
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "1823dd4f-9b8c-4ab6-ab4e-7397a3684615": "AzureML Registry User",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "76199698-9eea-4c19-bc75-cec21354c6b6": "Storage Table Data Reader",
    "8b9beb50-e28c-4879-8472-24c9d328085f": "AI Model Scanner Operator",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "d5a91429-5739-47e2-a06b-3470a27159e7": "EventGrid Data Sender",
}
"""Built-in roles that templates may give; ids as in Microsoft's list of them,
https://learn.microsoft.com/azure/role-based-access-control/built-in-roles."""
BROAD: Mapping[str, str] = {
    "17d1049b-9a84-46fb-8f53-869881c3d3ab": "Storage Account Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "1e241071-0855-49ea-94dc-649edcd759de": "EventGrid Contributor",
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    "f6c7c914-8db3-469d-8ca1-694a8f32e121": "AzureML Data Scientist",
}
_ASSIGNED_AT: Mapping[str, tuple[str, ...]] = {
    "Storage": ("Microsoft.Storage",),
    "AzureML": ("Microsoft.MachineLearningServices",),
    "AI Model": ("Microsoft.MachineLearningServices",),
    "Monitoring": ("Microsoft.Insights",),
    "EventGrid": ("Microsoft.EventGrid",),
    "Key Vault": ("Microsoft.KeyVault",),
}
_DEFINITION = re.compile(r"/roleDefinitions/([0-9a-f-]{36})$")
_TABLE = "Microsoft.Storage/storageAccounts/tableServices/tables"
_WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
_PROVIDER = re.compile(r"/providers/([\w.]+)/")
_BLOBS = ("Storage Blob Data Owner", "Storage Blob Data Contributor")


@dataclass(frozen=True, slots=True)
class Need:
    """Something that an identity does, and what lets it.

    Attributes:
        what: in words.
        roles: any of which will do.
        holder: object id of the identity.
        at: id of the resource, or of one that holds it.
        place: what makes it needed.
    """

    what: str
    roles: tuple[str, ...]
    holder: str
    at: str
    place: Place


@dataclass(frozen=True, slots=True)
class Grant:
    """A role assignment.

    Attributes:
        role: name of a built-in role, or resource id of a custom one.
        holder: object id of who has it.
        at: id of the resource, for all that it holds.
        resource: the assignment.
    """

    role: str
    holder: str
    at: str
    resource: Deployed


def check(deployment: Deployment) -> Iterator[Fault]:
    """Yield what is wrong with the roles of a deployment."""
    grants = list(_grants(deployment))
    customs = {
        one.id: actions_of(one)
        for one in find.of(deployment, "Microsoft.Authorization/roleDefinitions")
    }
    for grant in grants:
        yield from _sound(grant, customs)
    needs = [*_of_settings(deployment), *_of_package(deployment), *_of_events(deployment)]
    needs += _of_machine_learning(deployment, customs)
    needs += _of_anchors(deployment, customs)
    yield from _types(grants, {need.holder for need in needs})
    needs += _of_people(deployment, customs)
    for need in needs:
        if not any(_covers(grant, need) for grant in grants):
            message = (
                f"{need.what} needs {' or '.join(need.roles)} at {_short(need.at)}; assign it to "
                "the identity"
            )
            yield Fault(need.place, "missing-role", message)
    holders = {need.holder for need in needs}
    for grant in grants:
        if grant.holder in holders and not any(_covers(grant, need) for need in needs):
            message = f"nothing needs {_name(grant.role)} at {_short(grant.at)}; remove it"
            yield Fault(grant.resource.place, "unneeded-role", message)


def _covers(grant: Grant, need: Need) -> bool:
    within = need.at == grant.at or need.at.startswith(f"{grant.at}/")
    return within and grant.holder == need.holder and grant.role in need.roles


def _grants(deployment: Deployment) -> Iterator[Grant]:
    for resource in find.of(deployment, find.ASSIGNMENT):
        role = str(find.value(resource.body, "properties.roleDefinitionId"))
        match = _DEFINITION.search(role)
        name = ROLES.get(match.group(1), role) if match else role
        holder = str(find.value(resource.body, "properties.principalId"))
        yield Grant(name, holder, resource.scope.id, resource)


def _sound(grant: Grant, customs: Mapping[str, frozenset[str]]) -> Iterator[Fault]:
    resource = grant.resource
    place = find.place(resource, "properties.roleDefinitionId")
    match = _DEFINITION.search(grant.role)
    identifier = match.group(1) if match else ""
    if identifier in BROAD:
        message = (
            f"{BROAD[identifier]} lets the holder do far more than needed; give a narrower one"
        )
        yield Fault(place, "broad-role", message)
    elif grant.role not in {*ROLES.values(), *customs}:
        message = (
            f"'{identifier or grant.role}' is no role that is known here; mend the id, or add it "
            "to scripts/infra/roles.py with its name"
        )
        yield Fault(place, "unknown-role", message)
    if resource.scope.kind != "resource":
        message = f"a role is given at one resource, not at a {resource.scope.kind}; give a scope"
        yield Fault(find.place(resource, "scope"), "role-scope", message)
    elif grant.role in ROLES.values():
        wanted = next((at for name, at in _ASSIGNED_AT.items() if grant.role.startswith(name)), ())
        provider = _PROVIDER.findall(grant.at)
        if provider and provider[-1] not in wanted:
            message = f"{grant.role} means nothing at {_short(grant.at)}; give it where it counts"
            yield Fault(resource.place, "role-scope", message)
    if find.value(resource.body, "properties.principalType") is None:
        message = "a new identity may not be known everywhere yet; give its principalType"
        yield Fault(find.place(resource, "properties"), "principal-type", message)


def _types(grants: list[Grant], identities: set[str]) -> Iterator[Fault]:
    """Yield roles of identities that are called something else, which Azure refuses."""
    path = "properties.principalType"
    for grant in grants:
        kind = find.value(grant.resource.body, path)
        if grant.holder in identities and kind not in (None, "ServicePrincipal"):
            message = "an identity has this role; give principalType: 'ServicePrincipal'"
            yield Fault(find.place(grant.resource, path), "principal-type", message)


# --- what needs roles ---------------------------------------------------------------------------


_SETTINGS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "AzureWebJobsStorage__blobServiceUri": ("the host, which keeps locks", _BLOBS[:1]),
    "STAGEWARD_TABLES_ENDPOINT": ("the ledger", ("Storage Table Data Contributor",)),
    "STAGEWARD_EVENTGRID_ENDPOINT": ("publishing records", ("EventGrid Data Sender",)),
    "STAGEWARD_DEAD_LETTERS": ("replaying dead letters", _BLOBS),
    "APPLICATIONINSIGHTS_CONNECTION_STRING": ("telemetry", ("Monitoring Metrics Publisher",)),
}


def _of_settings(deployment: Deployment) -> Iterator[Need]:
    sites = {site.id: site for site in find.of(deployment, find.SITE)}
    for resource, name, value, place in find.settings(deployment):
        site = sites.get(resource.id.partition("/config/")[0])
        if site is None or not isinstance(value, str):
            continue
        holder = sign_in.identity(deployment, site, "principalId")
        if name in _SETTINGS:
            what, roles = _SETTINGS[name]
            named = _named(deployment, value)
            yield Need(what, roles, holder, named or f"what {name} names", place)


def _of_package(deployment: Deployment) -> Iterator[Need]:
    path = "properties.functionAppConfig.deployment.storage.value"
    for site in find.of(deployment, find.SITE):
        value = find.value(site.body, path)
        if isinstance(value, str):
            at = _named(deployment, value) or "the account of the package"
            place = find.place(site, path)
            yield Need(
                "the package", _BLOBS, sign_in.identity(deployment, site, "principalId"), at, place
            )


def _named(deployment: Deployment, value: str) -> str:
    """Return the id of the resource whose address or key this is, or ""."""
    for resource in deployment.resources:
        if resource.is_of(
            "Microsoft.Storage/storageAccounts",
            "Microsoft.EventGrid/topics",
            "Microsoft.Insights/components",
        ) and re.search(rf"\b{re.escape(str(resource.last_name))}\b", value):
            return resource.id
    return ""


def _of_events(deployment: Deployment) -> Iterator[Need]:
    """Yield what the identities of system topics need to write dead letters."""
    path = "properties.deadLetterWithResourceIdentity.deadLetterDestination.properties"
    for resource in find.of(deployment, find.SUBSCRIPTION):
        topic_id = resource.id.partition("/eventSubscriptions/")[0]
        topic = next((one for one in deployment.resources if one.id == topic_id), None)
        account = find.value(resource.body, f"{path}.resourceId")
        container = find.value(resource.body, f"{path}.blobContainerName")
        if topic is None or not isinstance(account, str):
            continue
        holder = sign_in.answer(topic, "identity", "principalId")
        at = f"{account}/blobServices/default/containers/{container}"
        yield Need("writing dead letters", _BLOBS, holder, at, find.place(resource, path))


def _of_machine_learning(
    deployment: Deployment, customs: Mapping[str, frozenset[str]]
) -> Iterator[Need]:
    holder = deployment.case.values.get("governorId")
    if not isinstance(holder, str):
        return
    enforce = deployment.case.values.get("mode", "observe") == "enforce"
    wanted = GOVERNING if enforce else _reads(GOVERNING)
    governs = tuple(name for name, actions in customs.items() if actions == wanted)
    governs = governs or ("a role with just the actions of infra/roles/governor.json",)
    registry = "AzureML Registry User" if enforce else "AI Model Scanner Operator"
    for kind, what, roles in (
        (_WORKSPACE, "governing a workspace", governs),
        ("Microsoft.MachineLearningServices/registries", "governing a registry", (registry,)),
        ("Microsoft.KeyVault/vaults", "reading secret settings", ("Key Vault Secrets User",)),
    ):
        for at, place in _all(deployment, kind).items():
            yield Need(what, roles, holder, at, place)


def _of_anchors(deployment: Deployment, customs: Mapping[str, frozenset[str]]) -> Iterator[Need]:
    """Yield what it takes to anchor the ledger: a role that changes and deletes nothing."""
    sites = {site.id: site for site in find.of(deployment, find.SITE)}
    writes = tuple(name for name, actions in customs.items() if actions == ANCHORING)
    writes = writes or ("a role with just the actions of infra/roles/anchor-writer.json",)
    for resource, name, value, place in find.settings(deployment):
        site = sites.get(resource.id.partition("/config/")[0])
        if name == "STAGEWARD_ANCHORS" and site is not None and isinstance(value, str):
            holder = sign_in.identity(deployment, site, "principalId")
            account, container = _named(deployment, value), value.rpartition("/")[2]
            at = f"{account}/blobServices/default/containers/{container}"
            yield Need("anchoring the ledger", writes, holder, at, place)


def _of_people(deployment: Deployment, customs: Mapping[str, frozenset[str]]) -> Iterator[Need]:
    """Yield what people need: whoever deploys, to keep copies of the ledger; officers, to look."""
    values = deployment.case.values
    deployer, officers = values.get("principalId"), values.get("officersId")
    if isinstance(deployer, str):
        writes = values.get("signIn") == "tokens"  # then they issue the first token
        role = "Storage Table Data Contributor" if writes else "Storage Table Data Reader"
        for table in find.of(deployment, _TABLE):
            at = table.id.partition("/tableServices/")[0]
            yield Need("keeping copies of the ledger", (role,), deployer, at, table.place)
    if isinstance(officers, str):
        looks = tuple(name for name, actions in customs.items() if actions == _reads(actions))
        for at, place in _all(deployment, _WORKSPACE).items():
            yield Need("reading evidence", looks or ("a role that reads",), officers, at, place)


def _reads(actions: frozenset[str]) -> frozenset[str]:
    return frozenset(action for action in actions if action.endswith("/read"))


def _all(deployment: Deployment, kind: str) -> dict[str, Place]:
    return {one.id: one.place for one in deployment.resources if one.is_of(kind) and one.wanted}


def _short(identifier: str) -> str:
    return identifier.rpartition("/providers/")[2] or identifier


def _name(role: str) -> str:
    return role if role in ROLES.values() else "this role"
