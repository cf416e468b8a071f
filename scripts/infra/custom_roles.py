"""The roles that this project defines: what the code calls, and no more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from scripts.infra import find
from scripts.infra.faults import Fault, Place
from scripts.infra.world import Deployed

ROLES = "infra/roles"
_ML = "Microsoft.MachineLearningServices/workspaces/"
_KINDS = ("models", "data", "environments", "components")
GOVERNING = frozenset(
    _ML + action
    for action in (
        "read",  # whether a workspace is there, and where its runs are
        *(f"{kind}/read" for kind in _KINDS),  # the scan lists containers
        *(f"{kind}/versions/{verb}" for kind in _KINDS for verb in ("read", "write")),
        "jobs/read",  # evidence: the job
        "experiments/runs/read",  # evidence: its metrics, by MLflow
        *(f"{way}Endpoints/read" for way in ("online", "batch")),  # guards
        *(f"{way}Endpoints/deployments/read" for way in ("online", "batch")),
        "onlineEndpoints/write",  # on_violation: zero_traffic
        "assets/stage/write",  # the field `stage`, which is written with a version
    )
)
"""Actions that it takes to govern a workspace: what docs/azure-ml.md, "Rights", explains.

Each is in Microsoft's list, since Azure refuses a role as a whole for one that is not:
https://learn.microsoft.com/azure/role-based-access-control/permissions/ai-machine-learning."""
ANCHORING = frozenset(
    f"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/{rest}"
    for rest in ("read", "add/action")
)
"""Actions that it takes to keep anchors: a new blob is made by `add`, which changes no other.

After https://learn.microsoft.com/azure/role-based-access-control/permissions/storage."""
_ACTION = re.compile(r"Microsoft\.[A-Za-z]+(/[A-Za-z]+|/\*)*/(read|write|delete|[a-zA-Z]+/action)")
_KEYS = {"Name", "IsCustom", "Description", "Actions", "NotActions", "AssignableScopes"}
_MORE_KEYS = {"DataActions", "NotDataActions"}
_DANGEROUS = re.compile(
    r"Microsoft\.Authorization/|/listKeys/|\*/(write|delete|action)$", re.IGNORECASE
)


def actions_of(role: Deployed) -> frozenset[str]:
    """Return the actions of a role that is deployed."""
    permissions = find.value(role.body, "properties.permissions")
    found: list[object] = []
    for one in permissions if isinstance(permissions, list) else ():
        for kind in ("actions", "dataActions"):
            listed = find.value(one, kind)
            found += listed if isinstance(listed, list) else []
    return frozenset(str(action) for action in found)


def check_deployed(role: Deployed) -> Iterator[Fault]:
    """Yield what is wrong with the actions of a role that is deployed."""
    place = find.place(role, "properties.permissions")
    if not actions_of(role):
        yield Fault(place, "role-definition", "this role lets nobody do anything; give actions")
    for action in sorted(actions_of(role)):
        yield from _action(action, place)


def check_files(root: Path) -> Iterator[Fault]:
    """Yield what is wrong with the files of roles."""
    for path in sorted((root / ROLES).glob("*.json")):
        place = Place(path.relative_to(root).as_posix())
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as exc:
            yield Fault(place, "role-file", f"this is no JSON: {exc}; mend it")
            continue
        if not isinstance(document, dict):
            continue  # roles of the app in Entra, which are no roles of Azure
        for key in sorted(_KEYS - document.keys()):
            yield Fault(place, "role-file", f"'{key}' is missing; give it")
        for key in sorted(document.keys() - _KEYS - _MORE_KEYS):
            yield Fault(place, "role-file", f"a role has no '{key}'; remove it")
        actions = frozenset(document.get("Actions", ()))
        for action in sorted(actions):
            yield from _action(action, place)
        if any(action.endswith("/write") for action in actions) and actions != GOVERNING:
            more, less = sorted(actions - GOVERNING), sorted(GOVERNING - actions)
            message = (
                f"the code does not call {more or 'less'}, and calls {less or 'no more'}; mend "
                "this, or GOVERNING in scripts/infra/custom_roles.py"
            )
            yield Fault(place, "role-file", message)


def _action(action: str, place: Place) -> Iterator[Fault]:
    if not _ACTION.fullmatch(action):
        message = f"'{action}' is no action, such as Microsoft.X/things/read; mend it"
        yield Fault(place, "role-action", message)
    elif _DANGEROUS.search(action):
        message = f"'{action}' lets the holder do far more than needed; name what is needed"
        yield Fault(place, "role-action", message)
