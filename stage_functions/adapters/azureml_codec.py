"""Azure ML's documents of versions, read as Stageward's, and changed as an edit says.

Pure. A document without a name or properties is none; whatever else is missing, null or of another
type than hoped for, counts as absent. What an edit does not name is written back as it was read,
fields that nobody here knows among them: but for members that are null, which Azure takes for
absent, and numbers that no double holds.

Facts of Azure ML that shape it:

- A PUT replaces all properties: what it leaves out is gone.
- The SDK writes addresses and component specifications anew with every edit of a tag, so that an
  incarnation is made from what stays the same (see `azureml_content`).
- Where a version has a `stage`, a PUT may take `isArchived` from it. So a version is archived, and
  shown again, without one, as the SDK does it, and an archived one is given none. What has both
  gets both back: see `azureml_edit`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import yaml

from stage_functions.adapters.azureml_content import content, job_of
from stage_functions.adapters.azureml_identity import Identity, actor
from stage_functions.domain.asset import Asset, Kind, Snapshot, Version
from stage_functions.domain.mirror import Edit
from stage_functions.domain.record import digest_of
from stage_functions.wire.document import member, text
from stage_functions.wire.resource import agreed

Document = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ADDRESS = {Kind.MODELS: "modelUri", Kind.DATA: "dataUri"}
_ENVIRONMENT = ("image", "condaFile", "build")
_WRITTEN_ANEW = frozenset(
    {"$schema", "_source", "creation_context", "description", "display_name", "id", "tags"}
)
"""What the SDK adds to a component with every edit, and what people may change of one."""
_JOB_PROPERTIES = ("azureml.jobName", "azureml.runId", "azureml.RunId")
_SET_BY_AZURE = ("id", "name", "type", "systemData")
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def possible(version: Version) -> bool:
    """Tell whether an address can name such a version.

    Azure ML documents that names have letters, digits, `.`, `_` and `-`. What it has in fact is for
    it to say: a version that exists is not to be overlooked for its name.
    """
    parts = (version.asset.name, version.number)
    try:
        for part in parts:
            part.encode()
    except UnicodeEncodeError:
        return False
    return not any(part in ("", ".", "..") for part in parts)


def snapshot(document: object, asset: Asset, own: Identity, workspace: str) -> Snapshot:
    """Read a version.

    Args:
        document: as the resource manager or the data plane of a registry has it.
        asset: that it was asked for.
        own: Stageward's identity.
        workspace: resource id of the workspace that it is in, or "".

    Raises:
        ValueError: it is no version.
    """
    number, properties = text(document, "name"), member(document, "properties")
    if not number or not isinstance(properties, dict):
        message = "a version without name or properties"
        raise ValueError(message)
    system = member(document, "systemData")
    given = _texts(properties, "properties")
    # Where the content lies proves more than what somebody has noted beside it.
    left = job_of(text(properties, "modelUri"), workspace)
    jobs = (left, text(properties, "jobName"), *(given.get(key, "") for key in _JOB_PROPERTIES))
    return Snapshot(
        Version(asset, number),
        created_at=moment(text(system, "createdAt")) or _EPOCH,
        content=_content(asset.kind, properties, workspace),
        tags=_texts(properties, "tags"),
        author=actor(system, "created", own),
        modified_by=actor(system, "lastModified", own),
        modified_at=moment(text(system, "lastModifiedAt")),
        description=text(properties, "description"),
        properties=given,
        job=next(filter(None, jobs), None),
        native_stage=text(properties, "stage") or None,
        archived=properties.get("isArchived") is True,
        anonymous=properties.get("isAnonymous") is True,
    )


def names(document: object, asset: Asset, number: str) -> bool:
    """Tell whether a document is the one that was asked for: Azure may compare names loosely.

    An id all in small letters says nothing against it; no id at all says nothing either.
    """
    parts = text(document, "id").rstrip("/").split("/")
    named = parts[-3] if len(parts) > 3 and parts[-2].lower() == "versions" else asset.name  # noqa: PLR2004 # …/name/versions/number
    return text(document, "name") == number and agreed(asset.name, named) == asset.name


def changed(document: Document, edit: Edit) -> Document:
    """Return what is to be written so that a version shows an edit.

    Args:
        document: as it was read.
        edit: what is to change.

    Raises:
        ValueError: its tags are of a form that cannot be kept.
    """
    former: Mapping[str, Any] = document["properties"]
    properties = {key: value for key, value in former.items() if value is not None}
    properties.pop("provisioningState", None)
    tags = properties.get("tags", {})
    if not isinstance(tags, dict):
        message = "a version whose tags are no map"
        raise ValueError(message)  # noqa: TRY004  # of a document, not of code
    removed = {key for key, value in edit.tags.items() if value is None}
    written = {key: value for key, value in edit.tags.items() if value is not None}
    kept = {key: value for key, value in tags.items() if key not in removed}
    properties["tags"] = {**kept, **written}
    _show(properties, edit)
    if edit.description is not None:
        properties["description"] = edit.description
    rest = {key: value for key, value in document.items() if key not in _SET_BY_AZURE}
    return {**rest, "properties": properties}


def without_stage(body: Document) -> Document:
    """Return what is to be written so that the stage does not decide whether it is archived."""
    properties = {key: value for key, value in body["properties"].items() if key != "stage"}
    return {**body, "properties": properties}


def _show(properties: Document, edit: Edit) -> None:
    """Set the stage, and whether a version is hidden; where both would clash, hiding goes first."""
    if edit.archived is not None and edit.archived != (properties.get("isArchived") is True):
        properties["isArchived"] = edit.archived
        properties.pop("stage", None)
    if edit.native_stage == "":
        properties.pop("stage", None)
    elif edit.native_stage is not None and properties.get("isArchived") is not True:
        properties["stage"] = edit.native_stage


def _content(kind: Kind, properties: Mapping[str, object], workspace: str) -> str:
    if kind in _ADDRESS:
        return content(text(properties, _ADDRESS[kind]), workspace)
    if kind is Kind.COMPONENTS:
        specification = properties.get("componentSpec")
        if isinstance(specification, dict):
            fixed = specification.items()
            specification = {key: value for key, value in fixed if key not in _WRITTEN_ANEW}
        return _digest(specification)
    given = {key: properties[key] for key in _ENVIRONMENT if properties.get(key) is not None}
    if list(given) == ["image"]:
        return text(given, "image")
    return _digest({**given, "condaFile": _settled(given.get("condaFile"))})


def _digest(document: object) -> str:
    body = json.dumps(document, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return digest_of(body.encode())


def _settled(file: object) -> object:
    """Return what a conda file says, however it is written; as it is where it is no plain YAML."""
    if not isinstance(file, str):
        return file
    try:
        events = yaml.parse(file, Loader=_Loader)
        if any(isinstance(event, yaml.AliasEvent) for event in events):
            return file
        read: object = yaml.load(file, Loader=_Loader)  # noqa: S506  # a safe one
        json.dumps(read)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return file
    return read


def _texts(document: object, key: str) -> dict[str, str]:
    """Return a map of texts; other values as JSON has them, null as an empty one."""
    found = member(document, key)
    if not isinstance(found, dict):
        return {}
    return {name: _text(value) for name, value in found.items()}


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def moment(given: str) -> datetime | None:
    """Return a moment of a document, aware UTC; None where it is none."""
    try:
        read = datetime.fromisoformat(given)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
