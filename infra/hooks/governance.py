"""What Stageward has at the workspace: deployed when its functions are there, and taken away."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from infra.hooks.commands import CommandError, az
from infra.hooks.parameters import Parameters

_RIGHTS_SECONDS = (2, 20, 40, 60, 120)
_DEAD_LETTER = re.compile(r"dead.?letter", re.IGNORECASE)
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
    """Deploy, and take away what earlier deployments have made and this one has not; return that.

    So a right ends with the parameter that gave it. Again and again it comes to the same.

    Raises:
        GovernanceError: the function that events call does not come, or the deployment fails.
    """
    _await(f"{given['AZURE_FUNCTION_APP_ID']}/functions/on_event")
    pairs = [f"{name}={value}" for name, value in arguments(given).items()]
    try:
        before = _made(given)
        done = _create(given, pairs)
        now = {resource.casefold() for resource in _resources(done)}
        return list(_delete([one for one in before if one.casefold() not in now]))
    except CommandError as exc:
        message = (
            f"the rights and events at the workspace could not be made: {exc}; when that is "
            "mended, azd hooks run postdeploy"
        )
        raise GovernanceError(message) from exc


def _create(given: Parameters, pairs: list[str]) -> Mapping[str, Any]:
    """Deploy the template; again where Event Grid may not write dead letters yet.

    It tries to when a subscription is made, and the right to is some minutes old at most then.
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
            if not (wait and _DEAD_LETTER.search(str(exc))):
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
    found = az(
        *("lock", "list", "--resource-group", group, "--resource-name", name),
        *("--resource-type", "Microsoft.Storage/storageAccounts"),
        *("--subscription", given["AZURE_SUBSCRIPTION_ID"]),
    )
    return str(found[0]["id"]) if found else ""


def leave(given: Parameters) -> Iterator[str]:
    """Take away what Stageward has at the workspace; yield each thing that is gone.

    Raises:
        GovernanceError: something could not be taken away.
    """
    try:
        yield from _delete(_made(given))
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
    listed = (deployment.get("properties") or {}).get("outputResources") or []
    return [str(one["id"]) for one in listed]


def _delete(resources: list[str]) -> Iterator[str]:
    for resource, version in removals(resources):
        try:
            az("rest", "--method", "delete", "--url", f"{resource}?api-version={version}")
        except CommandError as exc:
            if not any(sign in str(exc) for sign in _GONE):
                raise
        else:
            yield resource


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
