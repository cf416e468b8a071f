"""What Stageward has at the workspace: deployed when its functions are there, and taken away."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from infra.hooks.commands import CommandError, az
from infra.hooks.parameters import Parameters

_REGISTRY_USER = "1823dd4f-9b8c-4ab6-ab4e-7397a3684615"
_WAITS_SECONDS = (1, 2, 5, 10, 20, 30, 60, 60, 60)
_VERSIONS = {
    "microsoft.eventgrid/systemtopics/eventsubscriptions": "2025-02-15",
    "microsoft.authorization/policyassignments": "2025-01-01",
    "microsoft.authorization/policydefinitions": "2025-01-01",
    "microsoft.authorization/roleassignments": "2022-04-01",
    "microsoft.authorization/roledefinitions": "2022-04-01",
    "microsoft.eventgrid/systemtopics": "2025-02-15",
}
"""What is taken away, in this order: a definition after what refers to it."""


class GovernanceError(Exception):
    """It cannot be deployed, or not be taken away; the message says what to do."""


def deployment(given: Parameters) -> str:
    """Return the name of the deployment."""
    return f"stageward-governance-{given['AZURE_ENV_NAME']}"


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
        "keyVaultId": given["KEY_VAULT_ID"],
    }


def deploy(given: Parameters) -> None:
    """Wait for the function that events call, then deploy; again and again it comes to the same.

    Raises:
        GovernanceError: the function does not come, or the deployment fails.
    """
    function = f"{given['AZURE_FUNCTION_APP_ID']}/functions/on_event"
    for wait in (*_WAITS_SECONDS, 0):
        try:
            az("resource", "show", "--ids", function)
            break
        except CommandError as exc:
            if not wait:
                message = (
                    f"the function on_event is not there: {exc}; azd deploy, then azd hooks run "
                    "postdeploy"
                )
                raise GovernanceError(message) from exc
            time.sleep(wait)
    subscription = ("--subscription", given["AZURE_SUBSCRIPTION_ID"])
    pairs = [f"{name}={value}" for name, value in arguments(given).items()]
    try:
        az(
            *("deployment", "sub", "create", "--name", deployment(given), *subscription),
            *("--location", given["AZURE_LOCATION"], "--template-file", "infra/governance.bicep"),
            *("--parameters", *pairs),
        )
        if given["GOVERNANCE_MODE"] == "observe":
            _write_no_more(given)
    except CommandError as exc:
        message = (
            f"the rights and events at the workspace could not be made: {exc}; when that is "
            "mended, azd hooks run postdeploy"
        )
        raise GovernanceError(message) from exc


def _write_no_more(given: Parameters) -> None:
    """Take back the right to write to registries, which an earlier deployment may have given."""
    for registry in given.several("AZUREML_REGISTRY_IDS"):
        az(
            *("role", "assignment", "delete", "--assignee", given["GOVERNOR_PRINCIPAL_ID"]),
            *("--role", _REGISTRY_USER, "--scope", registry),
        )


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
        made = az(
            *("deployment", "sub", "show", "--name", deployment(given)),
            *("--subscription", given["AZURE_SUBSCRIPTION_ID"]),
        )
        for resource, version in removals(made):
            az("rest", "--method", "delete", "--url", f"{resource}?api-version={version}")
            yield resource
    except CommandError as exc:
        if "DeploymentNotFound" in str(exc):
            return
        message = (
            f"not all is taken away at the workspace: {exc}; when that is mended, azd hooks run "
            "predown"
        )
        raise GovernanceError(message) from exc


def removals(made: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return what a deployment has made, in the order to delete it, with versions of the API."""
    properties = made.get("properties")
    listed = (properties.get("outputResources") or []) if isinstance(properties, Mapping) else []
    ids = [str(one["id"]) for one in listed]
    return [
        (resource, version)
        for type_, version in _VERSIONS.items()
        for resource in ids
        if resource_type(resource) == type_
    ]


def resource_type(resource: str) -> str:
    """Return the type of a resource id, in small letters: of an extension that of the extension."""
    namespace, *rest = resource.lower().rpartition("/providers/")[2].split("/")
    return "/".join([namespace, *rest[::2]])
