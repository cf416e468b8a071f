"""Requests as Azure Policy sees them: a resource, and who asks."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from stage_functions.azure_policy import Policy, compile_policy
from stage_functions.domain.asset import Kind
from stage_functions.wire.policy_definitions import definitions, resource_type

GOVERNOR = "00000000-0000-0000-0000-00000000000a"
"""Object id of Stageward's own identity."""
OTHERS = {
    "a person": {"idtyp": "user", "oid": "00000000-0000-0000-0000-00000000000b"},
    "another app": {"idtyp": "app", "oid": "00000000-0000-0000-0000-00000000000c"},
    "an identity without claims": {},
}
STAGES = ("None", "Staging", "Production", "Archived")
OPEN = "None"
DELETABLE = ("None", "Archived")
WORKSPACE = "dev"
OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


class Absent(Enum):
    """A property that the request does not have."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT

_GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ml"
_PROVIDER = "Microsoft.MachineLearningServices"
_DEFAULTS: dict[str, dict[str, object]] = {
    "stageward-stage-tag": {"openStages": [OPEN]},
    "stageward-stage-field": {"openStages": [OPEN]},
    "stageward-deletion": {"deletableStages": list(DELETABLE)},
    "concept-stage-order": {},
}


def policy(name: str, **parameters: object) -> Policy:
    """Return a rendered definition, assigned to prevent."""
    content = definitions()[name]
    common: dict[str, object] = {"effect": "denyAction" if name.endswith("deletion") else "deny"}
    if name.startswith("stageward"):
        common |= {"approvedObjectIds": [GOVERNOR], "workspaces": [WORKSPACE]}
    return compile_policy(content, parameters={**common, **_DEFAULTS[name], **parameters})


def by(who: str) -> dict[str, object]:
    """Return the context of a request by the governor, or by one of the others."""
    if who == "the governor":
        return identity(GOVERNOR)
    known = OTHERS[who]
    return identity(known["oid"], known["idtyp"]) if known else {"identity": {}}


def identity(oid: str, idtyp: str = "app") -> dict[str, object]:
    """Return the context of a request by an object id."""
    claims = {"idtyp": idtyp, "appid": "00000000-0000-0000-0000-0000000000ff", OBJECT_ID: oid}
    return {"apiVersion": "2024-10-01", "identity": claims}


def version(
    kind: Kind = Kind.MODELS,
    name: str = "iris",
    *,
    tags: object = ABSENT,
    workspace: str = WORKSPACE,
    **properties: object,
) -> dict[str, Any]:
    """Return a version as a whole write sends it."""
    written: dict[str, object] = {"description": "d", "isArchived": False, **properties}
    if tags is not ABSENT:
        written["tags"] = tags
    place = f"{_GROUP}/providers/{_PROVIDER}/workspaces/{workspace}"
    return {
        "id": f"{place}/{kind}/{name}/versions/3",
        "name": "3",
        "type": resource_type(kind),
        "properties": written,
    }


def tagged(stage: str, kind: Kind = Kind.MODELS, **others: str) -> dict[str, Any]:
    """Return a version that shows a stage, with what Stageward writes beside."""
    tags: Mapping[str, str] = {
        "team": "a",
        "stage": stage,
        "stage_status": "granted",
        "stage_governor": "led1/3",
        **others,
    }
    return version(kind, tags=tags)
