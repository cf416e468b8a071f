"""What Stageward has at the workspace: deployed when its functions are there, and taken away."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from infra.hooks.commands import CommandError, az, rest
from infra.hooks.parameters import Parameters

_RIGHTS_SECONDS = (2, 20, 40, 60, 120)
_YOUNG = re.compile(r"dead.?letter|RoleDefinitionDoesNotExist|PrincipalNotFound", re.IGNORECASE)
_WAITS_SECONDS = (1, 2, 5, 10, 20, 30, 60, 60, 60)
_VERSIONS = {
    "microsoft.insights/metricalerts": "2018-03-01",
    "microsoft.eventgrid/systemtopics/eventsubscriptions": "2025-02-15",
    "microsoft.authorization/policyassignments": "2025-01-01",
    "microsoft.authorization/policydefinitions": "2025-01-01",
    "microsoft.authorization/roleassignments": "2022-04-01",
    "microsoft.authorization/roledefinitions": "2022-04-01",
    "microsoft.eventgrid/systemtopics": "2025-02-15",
}
"""What is taken away, in this order: a definition after what refers to it."""
_TOPIC = "microsoft.eventgrid/systemtopics"
_DEPLOYMENT = "microsoft.resources/deployments"
_DEPLOYMENTS_VERSION = "2024-03-01"
_REFRESH = "/config/configreferences/appsettings/refresh?api-version=2022-03-01"
_MAY_YET = ("AccessToKeyVaultDenied", "UnauthorizedClient", "FetchTimedOut", "Initialized")
_RESOLVED = "Resolved"
_NEEDED = (
    *("AZURE_SUBSCRIPTION_ID", "AZURE_LOCATION", "AZURE_FUNCTION_APP_ID"),
    *("AZURE_HOST_STORAGE_ID", "GOVERNOR_PRINCIPAL_ID"),
)
_GONE = ("NotFound", "not found", "Not Found", "404")


class GovernanceError(Exception):
    """It cannot be deployed, or not be taken away; the message says what to do."""


def prefix(given: Parameters) -> str:
    """Return how the names of this environment's deployments begin; no environment has a dot."""
    return f"stageward.{given['AZURE_ENV_NAME']}."


def arguments(given: Parameters) -> dict[str, str]:
    """Return the parameters of governance.bicep."""
    return {
        "environmentName": given["AZURE_ENV_NAME"],
        "workspaceName": given["AZUREML_WORKSPACE_NAME"],
        "workspaceResourceGroup": given["AZUREML_RESOURCE_GROUP"],
        "registryIds": ",".join(given.several("AZUREML_REGISTRY_IDS")),
        "mode": given["GOVERNANCE_MODE"],
        "policyEffect": given["POLICY_EFFECT"],
        "governorId": given["GOVERNOR_PRINCIPAL_ID"],
        "functionAppId": given["AZURE_FUNCTION_APP_ID"],
        "hostStorageId": given["AZURE_HOST_STORAGE_ID"],
        "officersId": given["OFFICERS_ID"],
        "workspaceTopic": given["WORKSPACE_TOPIC"],
        "groupTopic": given["GROUP_TOPIC"],
        "alertGroupId": given["ALERT_GROUP_ID"],
        "keyVaultId": given["KEY_VAULT_ID"],
    }


def deploy(given: Parameters) -> list[str]:
    """Deploy, and take away what earlier deployments have made and this one has not; say that.

    So a right ends with the parameter that gave it. Again and again it comes to the same.

    Raises:
        GovernanceError: azd has not provisioned, the function that events call does not come, or
            the deployment fails.
    """
    lacking = [name for name in _NEEDED if not given[name]]
    if lacking:
        message = f"azd does not know {', '.join(lacking)} yet; azd provision first"
        raise GovernanceError(message)
    _await(f"{given['AZURE_FUNCTION_APP_ID']}/functions/on_event")
    pairs = [f"{name}={value}" for name, value in arguments(given).items()]
    try:
        before = _made(given)
        done = _create(given, pairs)
        now = {resource.casefold() for resource in _resources(done)}
        said = list(_delete(given, [one for one in before if one.casefold() not in now]))
    except CommandError as exc:
        message = (
            f"the rights and events at the workspace could not be made: {exc}; when that is "
            "mended, azd hooks run postdeploy"
        )
        raise GovernanceError(message) from exc
    return [*said, *_secrets(given)]


def _secrets(given: Parameters) -> list[str]:
    """Have the app read its secrets now, and say which it cannot: else it would within a day."""
    if not given["SECRET_SETTINGS"]:
        return []
    unread: list[Mapping[str, Any]] = []
    try:
        for wait in (*_RIGHTS_SECONDS, 0):
            found = rest("post", f"{given['AZURE_FUNCTION_APP_ID']}{_REFRESH}") or {}
            states = [one.get("properties") or {} for one in found.get("value") or ()]
            unread = [one for one in states if one.get("status") != _RESOLVED]
            if not (wait and any(one.get("status") in _MAY_YET for one in unread)):
                break
            time.sleep(wait)
    except CommandError as exc:
        return [f"the app could not be told to read its secrets: {exc}; az functionapp restart"]
    return [
        f"the app cannot read the secret {one.get('secretName')} ({one.get('status')}), and does "
        "not start without; when that is mended, azd hooks run postdeploy"
        for one in unread
    ]


def _create(given: Parameters, pairs: list[str]) -> Mapping[str, Any]:
    """Deploy the template; again where a role that it has just made does not count yet.

    Event Grid tries to write a dead letter when a subscription is made, and the right to is some
    minutes old at most then; a role that is assigned may not be known everywhere.
    """
    for wait in (*_RIGHTS_SECONDS, 0):
        try:
            made: Mapping[str, Any] = az(
                *("deployment", "sub", "create", "--name", f"{prefix(given)}{int(time.time())}"),
                *("--subscription", given["AZURE_SUBSCRIPTION_ID"]),
                *("--location", given["AZURE_LOCATION"]),
                *("--template-file", "infra/governance.bicep"),
                *("--no-prompt", "true", "--parameters", *pairs),
            )
        except CommandError as exc:
            if not (wait and _YOUNG.search(str(exc))):
                raise
            time.sleep(wait)
        else:
            return made
    raise AssertionError


def _await(function: str) -> None:
    """Wait until a function is there: a subscription to one that is not would be refused."""
    for wait in (*_WAITS_SECONDS, 0):
        try:
            az("resource", "show", "--ids", function)
        except CommandError as exc:
            if not any(sign in str(exc) for sign in _GONE):
                raise  # nobody is signed in, for one: that does not mend itself
            if not wait:
                message = (
                    f"the function on_event is not there: {exc}; azd deploy, then azd hooks run "
                    "postdeploy"
                )
                raise GovernanceError(message) from exc
            time.sleep(wait)
        else:
            return


def locked(given: Parameters) -> str:
    """Return the id of the lock on the ledger; "" where there is none."""
    group, name = given["AZURE_RESOURCE_GROUP"], given["AZURE_LEDGER_STORAGE_NAME"]
    if not (group and name):
        return ""
    try:
        found = az(
            *("lock", "list", "--resource-group", group, "--resource-name", name),
            *("--resource-type", "Microsoft.Storage/storageAccounts"),
            *("--subscription", given["AZURE_SUBSCRIPTION_ID"]),
        )
    except CommandError as exc:
        if any(sign in str(exc) for sign in _GONE):
            return ""  # an earlier `azd down` has come this far
        raise
    return str(found[0]["id"]) if found else ""


def leave(given: Parameters) -> Iterator[str]:
    """Take away what Stageward has at the workspace; say what is gone, and what is kept.

    Raises:
        GovernanceError: something could not be taken away.
    """
    if not given["AZURE_SUBSCRIPTION_ID"]:
        return  # nothing was ever made
    try:
        yield from _delete(given, _made(given))
    except CommandError as exc:
        message = (
            f"not all is taken away at the workspace: {exc}; when that is mended, "
            "azd hooks run predown"
        )
        raise GovernanceError(message) from exc


def _made(given: Parameters) -> list[str]:
    """Return what the deployments of this environment have made."""
    found = az("deployment", "sub", "list", "--subscription", given["AZURE_SUBSCRIPTION_ID"]) or []
    ours = [one for one in found if str(one["name"]).startswith(prefix(given))]
    return list(dict.fromkeys(resource for one in ours for resource in _resources(one)))


def _resources(deployment: Mapping[str, Any]) -> list[str]:
    """Return what a deployment has made; of one that failed, what it had made until then."""
    properties = deployment.get("properties") or {}
    listed = properties.get("outputResources") or []
    if listed or properties.get("provisioningState") in (None, "Succeeded"):
        return [str(one["id"]) for one in listed]
    return list(_so_far(str(deployment["id"])))


def _so_far(deployment: str) -> Iterator[str]:
    """Yield what a deployment that failed has made: Azure lists it by its operations alone."""
    version = f"?api-version={_DEPLOYMENTS_VERSION}"
    for operation in (rest("get", f"{deployment}/operations{version}") or {}).get("value") or ():
        properties = operation.get("properties") or {}
        made = str((properties.get("targetResource") or {}).get("id") or "")
        if properties.get("provisioningOperation") != "Create" or not made:
            continue
        if resource_type(made) == _DEPLOYMENT:
            yield from _resources(rest("get", f"{made}{version}") or {})
        elif properties.get("provisioningState") == "Succeeded":
            yield made


def _delete(given: Parameters, resources: list[str]) -> Iterator[str]:
    """Take away what may be taken away; say what is gone, and what is kept for others."""
    ours = {resource.casefold() for resource in resources}
    named = {given[name].casefold() for name in ("WORKSPACE_TOPIC", "GROUP_TOPIC")} - {""}
    for resource, version in removals(resources):
        try:
            if resource_type(resource) == _TOPIC:
                if resource.rpartition("/")[2].casefold() in named:
                    continue  # it was ours once, and is named as one that is there already
                others = _others(resource, version, ours)
                if others:
                    yield f"kept: {resource}, as it has the subscriptions {', '.join(others)}"
                    continue
            rest("delete", f"{resource}?api-version={version}")
        except CommandError as exc:
            if not any(sign in str(exc) for sign in _GONE):
                raise
        else:
            yield f"gone: {resource}"


def _others(topic: str, version: str, ours: set[str]) -> list[str]:
    """Return the names of subscriptions of a system topic that this environment has not made."""
    found = rest("get", f"{topic}/eventSubscriptions?api-version={version}") or {}
    ids = [str(one["id"]) for one in found.get("value") or ()]
    return [one.rpartition("/")[2] for one in ids if one.casefold() not in ours]


def removals(resources: list[str]) -> list[tuple[str, str]]:
    """Return those that may be deleted, in the order to delete them, with versions of the API."""
    return [
        (resource, version)
        for type_, version in _VERSIONS.items()
        for resource in resources
        if resource_type(resource) == type_
    ]


def resource_type(resource: str) -> str:
    """Return the type of a resource id, in small letters: of an extension that of the extension."""
    namespace, *rest = resource.lower().rpartition("/providers/")[2].split("/")
    return "/".join([namespace, *rest[::2]])
