"""What Azure ML makes of the properties that somebody writes.

Documented: `stage`, where it is given, populates `isArchived`; the path of a version is settled when
it is created; a changed environment is a conflict. Assumed: a PUT replaces everything else, so what
it leaves out is gone, `isAnonymous` excepted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.azureml.errors import ArmError, refused

_PATHS = {"models": "modelUri", "data": "dataUri"}
_CONTENTS = ("image", "condaFile", "build")
_WITH_STATE = ("models", "environments", "components")
_LONG_DATASTORE = re.compile(
    r"azureml://subscriptions/.+?/workspaces/[^/]+/datastores/", re.IGNORECASE
)


def settled(
    kind: str,
    written: Mapping[str, Any],
    former: Mapping[str, Any] | None,
    *,
    tag_limit: int | None = None,
) -> dict[str, Any]:
    """Return the properties of a version as they are stored.

    Args:
        kind: of the asset.
        written: what the request has.
        former: the properties of the version so far, if there are any.
        tag_limit: how many tags may be there.

    Raises:
        ArmError: the service would not take them.
    """
    properties = dict(written)
    _check_tags(properties.get("tags"), tag_limit)
    if former is not None:
        _check_content(kind, properties, former)
    properties.setdefault("tags", {})
    properties.setdefault("properties", {})
    properties.setdefault("isAnonymous", (former or {}).get("isAnonymous", False))
    properties.setdefault("isArchived", False)
    if properties.get("stage") is not None:
        properties["isArchived"] = properties["stage"] == "Archived"
    if kind == "models":
        properties.setdefault("flavors", {})
    if kind in _WITH_STATE:
        properties["provisioningState"] = "Succeeded"
    return properties


def _check_tags(tags: object, limit: int | None) -> None:
    if tags is not None and not isinstance(tags, dict):
        message = "The tags must be an object."
        raise refused(message)
    if limit is not None and isinstance(tags, dict) and len(tags) > limit:
        message = f"The number of tags, {len(tags)}, exceeds the maximum of {limit}."
        raise refused(message)


def _check_content(kind: str, written: Mapping[str, Any], former: Mapping[str, Any]) -> None:
    path = _PATHS.get(kind)
    if path and _short(written.get(path)) != _short(former.get(path)):
        message = "Asset paths cannot be updated."
        raise refused(message)
    if kind == "environments" and any(written.get(f) != former.get(f) for f in _CONTENTS):
        message = "A resource with this name and version already exists, with other content."
        raise ArmError(409, "Conflict", message)


def _short(path: object) -> str:
    """Return a path as it is compared: the SDK writes short ones of a datastore in long form."""
    return _LONG_DATASTORE.sub("azureml://datastores/", path if isinstance(path, str) else "")
