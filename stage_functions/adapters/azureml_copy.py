"""Copies of versions from a workspace of Azure ML to another registry of Azure ML.

Decides which way a copy takes:

- To a registry, Azure ML copies the content: models, data and environments by the library's own
  `share`; components, which it has no method for, by `publish` of the resource manager.
- To a workspace, a version with the same address is registered. The content stays where it is: the
  datastore of the first workspace must be reachable for whoever uses the second. The job, the data
  it names and what Stageward wrote stay behind.
- From a registry, Azure ML copies nothing; jobs and deployments use its versions where they are.

Whatever the library says, a version that is there afterwards has been copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from azure.core.credentials import TokenCredential

from stage_functions.adapters.azureml_api import AzureMlApi
from stage_functions.adapters.azureml_errors import AzureMlFaultError, AzureMlMissingError
from stage_functions.adapters.azureml_sdk import SHARED, AzureMlSdk
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.configuration import RegistryConfiguration, RegistryType
from stage_functions.domain.error import RegistryRefusedError, StagewardError
from stage_functions.domain.observation import CONVERSATION
from stage_functions.wire.document import member

Open = Callable[[str], AzureMlApi]
"""Returns the API of a workspace or registry of this resource id."""

_ADDRESSES = ("modelUri", "dataUri")
_SHORT = "azureml://datastores/"
_LEFT_BEHIND = frozenset(
    {"datasets", "isAnonymous", "isArchived", "jobName", "provisioningState", "stage"}
)


def opening(credential: TokenCredential, api: AzureMlApi, timeout_seconds: float) -> Open:
    """Return how other workspaces and registries of the same cloud are opened."""
    return lambda address: AzureMlApi(address, credential, api.cloud, timeout_seconds)


def copy(
    api: AzureMlApi, sdk: AzureMlSdk, open_: Open, snapshot: Snapshot, target: RegistryConfiguration
) -> None:
    """Copy a version to another registry; nothing where that has one of this name and number.

    Raises:
        RegistryUnavailableError: it cannot be done now, or is not done yet.
        RegistryRefusedError: Azure ML does not copy this there.
    """
    version = snapshot.version
    if target.type is not RegistryType.AZUREML:
        message = f"{version} is in Azure ML: it is not copied to {target.alias}, {target.type}"
        raise RegistryRefusedError(message)
    with closing(open_(target.address)) as other:
        if _is_there(other, version):
            return
        if api.is_registry:
            message = (
                f"{version} is in a registry of Azure ML, which copies from workspaces only: name "
                f"a stage of the workspace it came from for the copy to {target.alias}"
            )
            raise RegistryRefusedError(message)
        if not other.is_registry:
            _register(api, other, version, target)
            return
        try:
            _share(api, sdk, other, version)
        except StagewardError as exc:
            if _is_there(other, version):
                return
            if isinstance(exc, AzureMlMissingError) and _is_there(api, version):
                # The library looks for the copy at once, where that may not be shown yet.
                message = f"{target.alias} does not show the copy of {version} yet: {exc}"
                raise AzureMlFaultError(message) from exc
            raise


def _is_there(api: AzureMlApi, version: Version) -> bool:
    asset = version.asset
    return api.find(asset.kind, asset.name, "versions", version.number) is not None


def _share(api: AzureMlApi, sdk: AzureMlSdk, other: AzureMlApi, version: Version) -> None:
    """Have Azure ML copy a version to a registry, and wait until it has."""
    asset, number = version.asset, version.number
    if asset.kind in SHARED:
        sdk.share(version, other.place)
        return
    wanted = {
        "registryName": other.place,
        "destinationName": asset.name,
        "destinationVersion": number,
    }
    path = (asset.kind, asset.name, "versions", number, "publish")
    api.send("POST", *path, document=wanted)


def _register(
    api: AzureMlApi, other: AzureMlApi, version: Version, target: RegistryConfiguration
) -> None:
    """Register a version in another workspace, with the content where it is."""
    asset, number = version.asset, version.number
    document = api.find(asset.kind, asset.name, "versions", number)
    if document is None:
        message = f"{version} was deleted before it was copied to {target.alias}"
        raise RegistryRefusedError(message)
    body = {"properties": copied(member(document, "properties"), api.resource, target)}
    other.put(asset.kind, asset.name, "versions", number, document=body)


def copied(properties: object, workspace: str, target: RegistryConfiguration) -> Mapping[str, Any]:
    """Return the properties of a copy in another workspace.

    Args:
        properties: of the version, as the resource manager has them.
        workspace: resource id of the one it is in, whose datastores its address means.
        target: where the copy goes; what it takes for presence tags is Stageward's to write.
    """
    given: dict[str, Any] = properties if isinstance(properties, dict) else {}
    kept = {
        key: value for key, value in given.items() if key not in _LEFT_BEHIND and value is not None
    }
    for key in _ADDRESSES:
        if key in kept:
            kept[key] = _complete(str(kept[key]), workspace)
    own = {*CONVERSATION, *target.presence.values()}
    tags = kept.get("tags")
    named = tags.items() if isinstance(tags, dict) else ()
    return {**kept, "tags": {key: value for key, value in named if key not in own}}


def _complete(uri: str, workspace: str) -> str:
    """Return an address that means the same in every workspace."""
    if not uri.startswith(_SHORT):
        return uri
    parts = workspace.strip("/").split("/")
    scope = f"subscriptions/{parts[1]}/resourcegroups/{parts[3]}/workspaces/{parts[-1]}"
    return f"azureml://{scope}/{uri.removeprefix('azureml://')}"
