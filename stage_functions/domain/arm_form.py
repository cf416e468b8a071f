"""A version in the form of Azure Resource Manager, as Stageward would write it: what policies read.

Azure Policy looks at a resource as a write would leave it. So a rule of a transition is asked of
the version with the stage that it is to have. Of the version itself the form has what rules may see
and approvals are bound to, and nothing else: bound tags, description, properties, and what evidence
tells. What the write adds follows from lifecycle and configuration: the stage, its tag, its flag.

The form is that of a version in a workspace, wherever it stands: definitions are written for that
type, and Azure has no names for the fields of any other. A version of a registry of Azure ML or of
an MLflow server has an id that says where it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from stage_functions.domain import presence
from stage_functions.domain.asset import Kind, Snapshot
from stage_functions.domain.configuration import RegistryConfiguration, RegistryType
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.mirror import hides, native_stage, shows_native
from stage_functions.domain.observation import STAGE

TYPE = "Microsoft.MachineLearningServices/workspaces/{kind}/versions"
"""The resource type of a version, by its kind."""
_OF_EVIDENCE = {
    Kind.MODELS: {"jobName": ("job", "id"), "modelType": ("model", "type")},
}
"""Properties by kind that evidence tells, each with its section and field."""
_READABLE = ("description", "isAnonymous", "isArchived", "properties", "tags")


def readable(kind: Kind) -> tuple[str, ...]:
    """Return the names of the properties that a policy may read of a version."""
    return (*_READABLE, *_OF_EVIDENCE.get(kind, ()))


def arm_form(
    registry: RegistryConfiguration,
    lifecycle: Lifecycle,
    snapshot: Snapshot,
    evidence: Evidence,
    target: str,
) -> Mapping[str, object]:
    """Return a version as a resource that has reached a stage.

    Args:
        registry: where it is.
        lifecycle: the one that governs it.
        snapshot: the version as its registry shows it.
        evidence: what is known of it.
        target: the stage that it is to have.
    """
    asset, number = snapshot.version.asset, snapshot.version.number
    where = _where(registry)
    properties: dict[str, object] = {
        "isAnonymous": False,
        "isArchived": hides(registry, lifecycle, target),
        "properties": dict(snapshot.properties),
        "tags": _tags(registry, lifecycle, snapshot, target),
        **_told(asset.kind, evidence),
    }
    if snapshot.description:
        properties["description"] = snapshot.description
    if shows_native(registry, asset.kind) and not hides(registry, lifecycle, target):
        properties["stage"] = native_stage(target)
    return {
        "id": f"{where}/{asset.kind}/{asset.name}/versions/{number}",
        "name": number,
        "fullName": f"{where.rpartition('/')[2]}/{asset.name}/{number}",
        "type": TYPE.format(kind=asset.kind),
        "properties": properties,
    }


def _where(registry: RegistryConfiguration) -> str:
    """Return the id of the workspace or registry; of an MLflow server one that says its alias."""
    if registry.type is RegistryType.AZUREML and registry.address:
        return f"/{registry.address.strip('/')}"
    return f"/{registry.type}/{registry.alias}"


def _tags(
    registry: RegistryConfiguration, lifecycle: Lifecycle, snapshot: Snapshot, target: str
) -> dict[str, str]:
    """Return the bound tags with those that say the stage."""
    tags = lifecycle.bound(snapshot.tags)
    if presence.mirrored(registry):
        others = presence.keys(registry, lifecycle).values()
        tags = {key: value for key, value in tags.items() if key not in others}
        tags[presence.key(registry, target)] = presence.TRUE
    return {**tags, STAGE: target}


def _told(kind: Kind, evidence: Evidence) -> dict[str, object]:
    found = {
        name: evidence.section(section).get(field)
        for name, (section, field) in _OF_EVIDENCE.get(kind, {}).items()
    }
    return {name: value for name, value in found.items() if value is not None}
