"""What people and pipelines do in an Azure ML workspace or registry, apart from Stageward."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stage_functions.adapters.azureml import AzureMlRegistry
from stage_functions.adapters.azureml_cloud import cloud
from stage_functions.domain.asset import Asset, Kind, Version
from tests.azureml import LocalAzureMl, Place

_COUNT = itertools.count()


def opened(
    local: LocalAzureMl,
    place: Place,
    who: str = "governor",
    *,
    alias: str = "dev",
    kinds: Sequence[Kind] = tuple(Kind),
    page_versions: int = 1000,
    timeout_seconds: float = 10,
) -> AzureMlRegistry:
    """Return the registry over a workspace or registry, as somebody."""
    return AzureMlRegistry(
        alias,
        place.id,
        local.credential(who),
        cloud=cloud(local.url, local.url),
        kinds=kinds,
        page_versions=page_versions,
        timeout_seconds=timeout_seconds,
    )


def contents(kind: Kind, mark: object) -> dict[str, Any]:
    """Return properties that a version of a kind has, and no other with another mark."""
    match kind:
        case Kind.MODELS:
            uri = f"azureml://datastores/workspaceblobstore/paths/models/{mark}"
            return {"modelUri": uri, "modelType": "custom_model", "flavors": {}}
        case Kind.DATA:
            uri = f"azureml://datastores/workspaceblobstore/paths/data/{mark}"
            return {"dataUri": uri, "dataType": "uri_folder"}
        case Kind.ENVIRONMENTS:
            conda = f"name: e{mark}\ndependencies:\n- python=3.11\n"
            return {"image": "mcr.microsoft.com/a:1", "condaFile": conda, "osType": "Linux"}
        case Kind.COMPONENTS:
            specification = {
                "$schema": "https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json",
                "name": f"c{mark}",
                "version": "1",
                "type": "command",
                "command": f"python train.py --mark {mark}",
                "environment": "azureml:e:1",
                "is_deterministic": True,
            }
            return {"componentSpec": specification}


@dataclass(frozen=True, slots=True)
class AzureMlWorld:
    """The hand that others have in a workspace or registry.

    Attributes:
        local: the local Azure ML.
        place: the workspace or registry.
        jobs: the workspace that jobs run in.
        kind: of what it makes.
        alias: the registry's.
        provider: of its users' ids.
    """

    local: LocalAzureMl
    place: Place
    jobs: Place
    kind: Kind = Kind.MODELS
    alias: str = "dev"
    provider: str = "aml"

    def create(
        self,
        name: str,
        *,
        tags: Mapping[str, str] | None = None,
        description: str = "",
        job: str | None = None,
        **properties: Any,  # noqa: ANN401  # as documents have them
    ) -> Version:
        """Register the next version of an asset."""
        container = self.place.assets[self.kind].get(name)
        number = str(container.next_number if container else 1)
        written = {
            **contents(self.kind, next(_COUNT)),
            "description": description,
            "tags": dict(tags or {}),
            **({"jobName": job} if job else {}),
            **properties,
        }
        self.local.put_version(self.place, self.kind, name, number, written)
        return Version(Asset(self.alias, self.kind, name), number)

    def document(self, version: Version) -> dict[str, Any]:
        """Return the document of a version as it is stored."""
        found = self.local.version(self.place, self.kind, version.asset.name, version.number)
        assert found is not None
        return found

    def write(self, version: Version, *, who: str = "anna", **properties: object) -> None:
        """Write other properties of a version."""
        asset = version.asset
        written = {**self.document(version)["properties"], **properties}
        self.local.put_version(self.place, self.kind, asset.name, version.number, written, who=who)

    def set_tag(self, version: Version, key: str, value: str) -> None:
        """Set a tag."""
        self.write(version, tags={**self.tags(version), key: value})

    def delete_tag(self, version: Version, key: str) -> None:
        """Delete a tag."""
        left = {name: value for name, value in self.tags(version).items() if name != key}
        self.write(version, tags=left)

    def tags(self, version: Version) -> dict[str, str]:
        """Return all tags."""
        found: dict[str, str] = self.document(version)["properties"]["tags"]
        return found

    def delete_version(self, version: Version) -> None:
        """Delete a version."""
        self.local.delete_version(self.place, self.kind, version.asset.name, version.number)

    def delete_asset(self, name: str) -> None:
        """Delete an asset with all of its versions."""
        self.local.delete_asset(self.place, self.kind, name)

    def deploy(self, version: Version, endpoint: str, deployment: str) -> bool:
        """Have an endpoint serve a version; a registry has none."""
        if self.place.is_registry:
            return False
        model = f"{self.place.id}/models/{version.asset.name}/versions/{version.number}"
        self.local.deploy(self.place, endpoint, deployment, model)
        return True

    def run(
        self,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        user: str = "",
        commit: str = "",
        finished: bool = True,
    ) -> str:
        """Run a job and return its name."""
        return self.local.job(
            self.jobs,
            params=params,
            metrics=metrics,
            properties={"azureml.git.commit": commit} if commit else {},
            status="Completed" if finished else "Running",
            who=user or "anna",
        )
