"""A real MLClient in this process, for a server that may not be its only one.

The SDK keeps clouds in a global of its module, and notes the last one in the environment; so every
server is a cloud of its own, and the note is taken away again.
"""

from __future__ import annotations

import importlib
import os
import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tests.azureml.identity import LocalCredential
from tests.azureml.place import SUBSCRIPTION, Place

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

CURRENT_CLOUD = "AZUREML_CURRENT_CLOUD"
SDK_WARNINGS = (
    "ignore:datetime.datetime.utcnow:DeprecationWarning:azure.ai.ml",
    "ignore:The `context` parameter is deprecated:DeprecationWarning",
)
"""Filters for pytest: what the SDK, of its own accord, is warned of with every call."""


def ml_client() -> type[MLClient]:
    """Return the class, imported without the warnings of what it imports."""
    loaded: type[MLClient] = _loaded("azure.ai.ml").MLClient
    return loaded


def entities() -> ModuleType:
    """Return the module of what the SDK's methods take and give."""
    return _loaded("azure.ai.ml.entities")


def _loaded(name: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


def client(url: str, ca: Path, credential: LocalCredential, place: Place) -> MLClient:
    """Return a client for a person and a workspace or registry."""
    cloud = {
        "azure_portal": "https://portal.azure.local/",
        "resource_manager": url,
        "active_directory": url,
        "aml_resource_id": url,
        "storage_endpoint": "core.local.test",
        "registry_discovery_endpoint": f"{url}/",
    }
    options: dict[str, Any] = {
        "cloud": f"local-{url.rpartition(':')[2]}",
        "cloud_metadata": cloud,
        "connection_verify": str(ca),
        "show_progress": False,
        "retry_backoff_factor": 0.01,
    }
    values = os.environ  # noqa: TID251  # the SDK writes into it
    former = values.pop(CURRENT_CLOUD, None)
    try:
        if place.is_registry:
            return ml_client()(credential, registry_name=place.name, **options)
        scope = (SUBSCRIPTION, place.resource_group, place.name)
        return ml_client()(credential, *scope, **options)
    finally:
        values.pop(CURRENT_CLOUD, None)
        if former is not None:
            values[CURRENT_CLOUD] = former
