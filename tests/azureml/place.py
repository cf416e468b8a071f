"""Workspaces and registries: what they are called, and what they hold.

Azure compares the ids of resources without regard to case; the names of assets count by case, as the
documents of Azure ML say ("Container name. This is case-sensitive.").
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

SUBSCRIPTION = "6f1b8c3e-2d47-4c55-9a0e-8f7b6a5d4c3b"
PROVIDER = "Microsoft.MachineLearningServices"
KINDS = ("models", "data", "environments", "components")
WORKSPACES, REGISTRIES = "workspaces", "registries"

Document = dict[str, Any]
"""A resource as it is answered. One that is stored is never changed, only replaced."""


@dataclass(slots=True)
class Container:
    """An asset: its own document, and its versions in the order of their creation.

    Attributes:
        document: without `latestVersion`, which follows from the versions.
        versions: by number.
        before: what each version was before it was written last; None if it was not there.
        next_number: what the service would give to the next one.
    """

    document: Document
    versions: dict[str, Document] = field(default_factory=dict)
    before: dict[str, Document | None] = field(default_factory=dict)
    next_number: int = 1


@dataclass(slots=True)
class Run:
    """What tracking knows of a job.

    Attributes:
        params: as they were logged.
        metrics: likewise.
        tags: likewise.
        experiment: the experiment's id.
    """

    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    experiment: str = ""


@dataclass(slots=True)
class Endpoint:
    """An online or batch endpoint, and its deployments by name."""

    document: Document
    deployments: dict[str, Document] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Place:
    """A workspace or a registry.

    Attributes:
        name: its own.
        plural: `workspaces` or `registries`.
        resource_group: where it lies.
        location: the region.
        created: when.
        vanished: nothing of it answers any more.
        assets: by kind and name.
        jobs: by name, in the order of their creation.
        runs: by the job's name.
        endpoints: by name.
        batch_endpoints: likewise.
    """

    name: str
    plural: str
    resource_group: str
    location: str
    created: str
    vanished: bool = False
    assets: dict[str, dict[str, Container]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )
    jobs: dict[str, Document] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    batch_endpoints: dict[str, Endpoint] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The resource id."""
        return f"{self.group_id}/providers/{PROVIDER}/{self.plural}/{self.name}"

    @property
    def group_id(self) -> str:
        """The resource id of the group."""
        return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{self.resource_group}"

    @property
    def guid(self) -> str:
        """The id that ids of assets contain."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.id.lower()))

    @property
    def is_registry(self) -> bool:
        """Whether it is a registry."""
        return self.plural == REGISTRIES

    def asset_id(self, kind: str, name: str, number: str = "") -> str:
        """Return how Azure ML names an asset or a version of it."""
        tail = f"{kind}/{name}" + (f"/versions/{number}" if number else "")
        if self.is_registry:
            return f"azureml://registries/{self.name}/{tail}"
        return f"azureml://locations/{self.location}/workspaces/{self.guid}/{tail}"

    def version_id(self, kind: str, name: str, number: str) -> str:
        """Return the id in the document of a version."""
        if self.is_registry:
            return self.asset_id(kind, name, number)
        return f"{self.id}/{kind}/{name}/versions/{number}"
