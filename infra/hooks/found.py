"""What Azure says of the parameters: asked with `az`, reading only, before anything is made."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from infra.hooks import neighbours
from infra.hooks.asking import asked, missing
from infra.hooks.commands import CommandError, az, is_there
from infra.hooks.parameters import REGISTRY, Parameters, set_

_AT_SUBSCRIPTION = (
    "Microsoft.Resources/deployments/write",
    "Microsoft.Resources/subscriptions/resourceGroups/write",
    "Microsoft.Web/sites/write",
    "Microsoft.Storage/storageAccounts/write",
    "Microsoft.Authorization/roleAssignments/write",
)
_AT_WORKSPACE = (
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleDefinitions/write",
    "Microsoft.EventGrid/systemTopics/write",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions/write",
    "Microsoft.Insights/metricAlerts/write",
    "Microsoft.MachineLearningServices/workspaces/eventGridFilters/write",
)
_LOCK = "Microsoft.Authorization/locks/write"
_POLICY = "Microsoft.Authorization/policyDefinitions/write"
_ASSIGNMENT = "Microsoft.Authorization/policyAssignments/write"
_JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"
_KEEPS = {
    "Standard_GZRS": "three zones, and another region",
    "Standard_GRS": "one zone, and another region",
    "Standard_ZRS": "three zones",
    "Standard_LRS": "one zone",
}
"""Ways to keep the ledger, the strongest first."""
_OLDEST = (2, 60)
"""Of the versions of az: the first that lists the regions of Flex Consumption."""


def in_azure(given: Parameters) -> Iterator[str]:
    """Say what Azure does not have, has already, or does not allow."""
    if not is_there("az"):
        yield (
            "az, the Azure CLI, is not on the PATH, and the last step of the deployment needs "
            "it; install it, then az login"
        )
        return
    yield from _version()
    try:
        az("account", "show")
    except CommandError as exc:
        yield f"az is not signed in: {exc}; az login"
        return
    if not given.sound("AZURE_SUBSCRIPTION_ID"):
        return  # azd asks for it after this; what follows is then said by the deployment itself
    try:
        groups = az("group", "list", "--subscription", given["AZURE_SUBSCRIPTION_ID"]) or []
    except CommandError as exc:
        yield (
            f"az cannot read the subscription {given['AZURE_SUBSCRIPTION_ID']}: {exc}; az login, "
            "with --tenant <tenant> where it is another one's; in another cloud az cloud set first"
        )
        return
    yield from _group(given, groups)
    yield from _workspace(given)
    for registry in dict.fromkeys(given.several("AZUREML_REGISTRY_IDS")):
        if REGISTRY.fullmatch(registry) and missing(registry):
            yield (
                f"no registry {registry} is found; {set_('AZUREML_REGISTRY_IDS', '<resource ids>')}"
            )
    yield from _region(given)
    yield from _topics(given)
    yield from neighbours.vault(given)
    yield from neighbours.subnet(given)
    yield from neighbours.people(given)
    yield from _rights(given)
    yield from _template()


def _version() -> Iterator[str]:
    """Say that az is too old; where it does not say how old it is, that is not judged."""
    said = str((asked("version") or {}).get("azure-cli", ""))
    numbers = re.match(r"(\d+)\.(\d+)", said)
    if numbers and (int(numbers[1]), int(numbers[2])) < _OLDEST:
        oldest = ".".join(str(number) for number in _OLDEST)
        yield f"az is {said}, and it takes {oldest} or later; az upgrade"


def _template() -> Iterator[str]:
    """Say why the template of the last step cannot be built: az has Bicep, or fetches it."""
    try:
        az("bicep", "build", "--file", "infra/governance.bicep", "--stdout")
    except CommandError as exc:
        yield f"az cannot build infra/governance.bicep, the last step: {exc}; az bicep upgrade"


def _group(given: Parameters, groups: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say that a resource group has the name of ours and is somebody's, or is elsewhere."""
    environment = given["AZURE_ENV_NAME"]
    name = f"rg-{environment}".casefold()
    there = next((one for one in groups if str(one["name"]).casefold() == name), None)
    if there is None or not environment:
        return
    if (there.get("tags") or {}).get("azd-env-name") != environment:
        yield (
            f"the resource group {there['name']} is there already, and was not made for this "
            "environment: azd down would delete it with all in it; azd env new <another name>"
        )
    location = str(there.get("location", ""))
    if given["AZURE_LOCATION"] and location != given["AZURE_LOCATION"].lower().replace(" ", ""):
        yield (
            f"AZURE_LOCATION is {given['AZURE_LOCATION']}, and {there['name']} is in {location}; "
            f"{set_('AZURE_LOCATION', location)}, or azd env new <another name>"
        )


def _workspace(given: Parameters) -> Iterator[str]:
    if not given.workspace_id or not missing(given.workspace_id):
        return
    subscription = given["AZURE_SUBSCRIPTION_ID"]
    type_ = "Microsoft.MachineLearningServices/workspaces"
    there = (
        asked("resource", "list", "--resource-type", type_, "--subscription", subscription) or []
    )
    named = ", ".join(f"{one['name']} in {one['resourceGroup']}" for one in there[:10])
    yield (
        f"no workspace {given['AZUREML_WORKSPACE_NAME']} is in the resource group "
        f"{given['AZUREML_RESOURCE_GROUP']} of the "
        f"subscription {subscription}, which has {named or 'none that you may see'}; "
        f"{set_('AZUREML_WORKSPACE_NAME', '<name>')} and {set_('AZUREML_RESOURCE_GROUP', '<name>')}"
    )


def _region(given: Parameters) -> Iterator[str]:
    location = given["AZURE_LOCATION"].lower().replace(" ", "")
    if not location:
        return
    regions = [
        str(one["name"]).lower().replace(" ", "")
        for one in asked("functionapp", "list-flexconsumption-locations") or []
    ]
    if regions and location not in regions:
        yield (
            f"AZURE_LOCATION is {location}, which has no Flex Consumption; "
            f"{set_('AZURE_LOCATION', '<region>')}, one of "
            f"{', '.join(sorted(regions))}"
        )
    skus = asked("storage", "sku", "list", "--subscription", given["AZURE_SUBSCRIPTION_ID"]) or []
    kept = {
        str(one["name"])
        for one in skus
        if one.get("kind") == "StorageV2"
        and location in [str(place).lower() for place in one.get("locations") or ()]
    }
    if kept and given.sound("LEDGER_SKU") and given["LEDGER_SKU"] not in kept:
        ways = ledger_ways(given["LEDGER_SKU"], kept)
        mends = ", or ".join(f"{set_('LEDGER_SKU', one)} ({_KEEPS[one]})" for one in ways)
        yield (
            f"LEDGER_SKU is {given['LEDGER_SKU']}, which {location} does not have; "
            f"{mends or set_('AZURE_LOCATION', '<another region>')}"
        )


def ledger_ways(wanted: str, kept: Collection[str]) -> list[str]:
    """Return how a region can keep the ledger instead: the best of what it has comes first.

    Zones that were asked for go before another region. A second way is one that has what the first
    lacks, or that stays in the region where no other one was asked for.
    """
    zones, elsewhere = "ZRS" in wanted, "_G" in wanted
    there = sorted(
        (one for one in _KEEPS if one in kept), key=lambda one: zones and "ZRS" not in one
    )
    first = there[0] if there else ""
    more = [
        one
        for one in there[1:]
        if (elsewhere and "_G" in one and "_G" not in first)
        or (not elsewhere and "_G" in first and "_G" not in one)
    ]
    return [
        *there[:1],
        *[one for one in more if "ZRS" in one or "ZRS" not in first or elsewhere][:1],
    ]


def _topics(given: Parameters) -> Iterator[str]:
    """Say which system topics are there already: a source can have one, which is then shared."""
    if not given.workspace_id:
        return
    group = given.workspace_id.partition("/providers/")[0]
    topics = (
        asked("eventgrid", "system-topic", "list", "--subscription", given["AZURE_SUBSCRIPTION_ID"])
        or []
    )
    for name, source in (("WORKSPACE_TOPIC", given.workspace_id), ("GROUP_TOPIC", group)):
        found = next(
            (one for one in topics if str(one.get("source", "")).casefold() == source.casefold()),
            None,
        )
        yield from _topic(given, name, source, found)


def _topic(
    given: Parameters, name: str, source: str, found: Mapping[str, Any] | None
) -> Iterator[str]:
    if given[name] and not given.sound(name):
        return
    if found is None:
        if given[name]:
            yield (
                f"{name} is {given[name]}, and {source} has no system topic; "
                f"{set_(name, chr(34) * 2)}"
            )
        return
    topic, where = str(found["name"]), str(found["resourceGroup"])
    ours = (found.get("tags") or {}).get("stageward-environment") == given["AZURE_ENV_NAME"]
    if not given[name] and ours:
        return
    if given[name] != topic:
        yield f"{source} has the system topic {topic}, and can have only one; {set_(name, topic)}"
    if where.casefold() != given["AZUREML_RESOURCE_GROUP"].casefold():
        yield (
            f"the system topic {topic} is in the resource group {where}, not in that of the "
            "workspace; subscribe it by hand, "
            "as docs/azure-ml.md says"
        )
    elif not (found.get("identity") or {}).get("principalId"):
        yield (
            f"the system topic {topic} has no identity by which dead letters could be written; "
            f"az eventgrid system-topic update --name {topic} --resource-group {where} "
            "--identity systemassigned"
        )


def _rights(given: Parameters) -> Iterator[str]:
    for scope, actions in _wanted(given).items():
        path = f"{scope}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
        held = (asked("rest", "--method", "get", "--url", path) or {}).get("value")
        lacking = [action for action in actions if held is not None and not allows(held, action)]
        if lacking:
            yield (
                f"you may not do {', '.join(lacking)} at {scope}; have an Owner run this, or "
                "assign you Owner there (or Contributor and User Access Administrator)"
            )


def _wanted(given: Parameters) -> dict[str, list[str]]:
    """Return what has to be allowed at which scope."""
    policy = given["POLICY_EFFECT"] != "disabled"
    subscription = f"/subscriptions/{given['AZURE_SUBSCRIPTION_ID']}"
    wanted = {subscription: [*_AT_SUBSCRIPTION, *([_POLICY] if policy else [])]}
    if given["LOCK_LEDGER"] == "true":
        wanted[subscription].append(_LOCK)
    if given.workspace_id:
        group = given.workspace_id.partition("/providers/")[0]
        wanted[group] = [*_AT_WORKSPACE, *([_ASSIGNMENT] if policy else [])]
    for one in [*given.several("AZUREML_REGISTRY_IDS"), given["KEY_VAULT_ID"]]:
        if "/providers/" in one:
            wanted.setdefault(one, []).append("Microsoft.Authorization/roleAssignments/write")
    if given["SUBNET_ID"] and given.sound("SUBNET_ID"):
        wanted[given["SUBNET_ID"]] = [_JOIN]
    return wanted


def allows(held: Sequence[Mapping[str, Any]], action: str) -> bool:
    """Tell whether one of the permissions that somebody holds allows an action."""

    def matches(patterns: Sequence[str]) -> bool:
        return any(
            re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE)
            for pattern in patterns
        )

    return any(
        matches(one.get("actions") or ()) and not matches(one.get("notActions") or ())
        for one in held
    )
