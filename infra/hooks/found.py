"""What Azure says of the parameters: asked with `az`, reading only, before anything is made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.hooks.commands import CommandError, az, is_there
from infra.hooks.parameters import REGISTRY, Parameters, set_

_AT_SUBSCRIPTION = (
    "Microsoft.Resources/deployments/write",
    "Microsoft.Resources/subscriptions/resourceGroups/write",
)
_AT_WORKSPACE = (
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleDefinitions/write",
    "Microsoft.EventGrid/systemTopics/write",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions/write",
    "Microsoft.Insights/metricAlerts/write",
)
_POLICY = "Microsoft.Authorization/policyDefinitions/write"
_ASSIGNMENT = "Microsoft.Authorization/policyAssignments/write"
_NOT_THERE = ("ResourceNotFound", "ResourceGroupNotFound", "not found", "could not be found")


def in_azure(given: Parameters) -> Iterator[str]:
    """Say what Azure does not have, has already, or does not allow."""
    if not is_there("az"):
        yield (
            "az, the Azure CLI, is not on the PATH, and the last step of the deployment needs "
            "it; install it, then az login"
        )
        return
    try:
        az("account", "show")
    except CommandError as exc:
        yield f"az is not signed in: {exc}; az login"
        return
    if not given["AZURE_SUBSCRIPTION_ID"]:
        return  # azd asks for it after this; what follows is then said by the deployment itself
    yield from _workspace(given)
    for registry in dict.fromkeys(given.several("AZUREML_REGISTRY_IDS")):
        if REGISTRY.fullmatch(registry) and _missing(registry):
            yield (
                f"no registry {registry} is found; {set_('AZUREML_REGISTRY_IDS', '<resource ids>')}"
            )
    yield from _region(given)
    yield from _topics(given)
    yield from _rights(given)


def _asked(*arguments: str) -> Any:  # noqa: ANN401  # JSON
    """Ask, and return None where the answer is no: what cannot be read is not judged here."""
    try:
        return az(*arguments)
    except CommandError:
        return None


def _missing(resource: str) -> bool:
    """Tell whether Azure says that there is no such resource; other failures are no answer."""
    try:
        az("resource", "show", "--ids", resource)
    except CommandError as exc:
        return any(sign.casefold() in str(exc).casefold() for sign in _NOT_THERE)
    return False


def _workspace(given: Parameters) -> Iterator[str]:
    if not given.workspace_id or not _missing(given.workspace_id):
        return
    subscription = given["AZURE_SUBSCRIPTION_ID"]
    type_ = "Microsoft.MachineLearningServices/workspaces"
    there = (
        _asked("resource", "list", "--resource-type", type_, "--subscription", subscription) or []
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
        for one in _asked("functionapp", "list-flexconsumption-locations") or []
    ]
    if regions and location not in regions:
        yield (
            f"AZURE_LOCATION is {location}, which has no Flex Consumption; "
            f"{set_('AZURE_LOCATION', '<region>')}, one of "
            f"{', '.join(sorted(regions))}"
        )
    skus = _asked("storage", "sku", "list", "--subscription", given["AZURE_SUBSCRIPTION_ID"]) or []
    kept = {
        str(one["name"])
        for one in skus
        if one.get("kind") == "StorageV2"
        and location in [str(place).lower() for place in one.get("locations") or ()]
    }
    if kept and given.sound("LEDGER_SKU") and given["LEDGER_SKU"] not in kept:
        yield (
            f"LEDGER_SKU is {given['LEDGER_SKU']}, which {location} does not have; "
            f"{set_('LEDGER_SKU', 'Standard_LRS' if 'Standard_LRS' in kept else min(kept))}"
        )


def _topics(given: Parameters) -> Iterator[str]:
    """Say which system topics are there already: a source can have one, which is then shared."""
    if not given.workspace_id:
        return
    group = given.workspace_id.partition("/providers/")[0]
    topics = (
        _asked(
            "eventgrid", "system-topic", "list", "--subscription", given["AZURE_SUBSCRIPTION_ID"]
        )
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
    subscription = f"/subscriptions/{given['AZURE_SUBSCRIPTION_ID']}"
    policy = given["POLICY_EFFECT"] != "disabled"
    wanted: dict[str, tuple[str, ...]] = {
        subscription: (*_AT_SUBSCRIPTION, *((_POLICY,) if policy else ())),
    }
    if given.workspace_id:
        group = given.workspace_id.partition("/providers/")[0]
        wanted[group] = (*_AT_WORKSPACE, *((_ASSIGNMENT,) if policy else ()))
    for scope, actions in wanted.items():
        path = f"{scope}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
        held = (_asked("rest", "--method", "get", "--url", path) or {}).get("value")
        lacking = [action for action in actions if held is not None and not allows(held, action)]
        if lacking:
            yield (
                f"you may not do {', '.join(lacking)} at {scope}; have an Owner run this, or "
                "assign you Owner there"
            )


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
