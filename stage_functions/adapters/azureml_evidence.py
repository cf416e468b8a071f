"""What Azure ML knows of a version: its job, the run of that job, and its own document.

Decides which documents are read, and under which names their facts stand in the evidence: the job
at the resource manager and its run on the tracking side, one call each. What the version's own
document says comes by no call where the version was just read, as it is before anything is decided.
A job or run that is gone is an empty section; one that cannot be read just now is an error, because
a verdict on half of the evidence would be a wrong one. It judges nothing.

The state of a job is told in the words of MLflow, so that one rule fits every registry; the word of
Azure ML stands beside it. What a job was given is a version that it uses, where it names one.
Description, tags and properties are not repeated here: rules read them of the version itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from stage_functions.adapters.azureml_api import AzureMlApi
from stage_functions.adapters.azureml_facts import Sections, facts, plain, present
from stage_functions.adapters.azureml_identity import DISPLAYED, Identity, actor
from stage_functions.adapters.azureml_memory import Memory
from stage_functions.adapters.azureml_reference import Names
from stage_functions.adapters.azureml_tracking import Tracking
from stage_functions.adapters.mlflow_codec import pairs
from stage_functions.adapters.mlflow_run import moment, numbers
from stage_functions.domain.asset import Kind, Snapshot
from stage_functions.domain.evidence import Evidence, Scalar, Section
from stage_functions.domain.uses import fields
from stage_functions.wire.document import entries, integer, member, text

COMPLETED = "Completed"
_STATES = {
    COMPLETED: "FINISHED",
    "Failed": "FAILED",
    "Canceled": "KILLED",
    "NotStarted": "SCHEDULED",
    "Queued": "SCHEDULED",
    "Provisioning": "SCHEDULED",
    "Preparing": "SCHEDULED",
    "Starting": "SCHEDULED",
}
_OTHER_STATE = "RUNNING"
_CODE = {
    "commit": ("mlflow.source.git.commit", "azureml.git.commit"),
    "repository": ("mlflow.source.git.repoURL", "azureml.git.repository_uri"),
    "branch": ("mlflow.source.git.branch", "azureml.git.branch"),
    "dirty": ("azureml.git.dirty",),
    "source": ("mlflow.source.name",),
    "source_type": ("mlflow.source.type",),
}
_USER = "mlflow.user"
_MODEL = "_model"
_LITERAL = "literal"
_CONTENT = {
    Kind.MODELS: ("model", "source"),
    Kind.DATA: ("data", "source"),
    Kind.ENVIRONMENTS: ("environment", "specification"),
    Kind.COMPONENTS: ("code", "specification"),
}
"""Where the content of a version is told, by its kind."""


class Source(NamedTuple):
    """Where evidence is read.

    Attributes:
        api: the workspace or registry.
        tracking: the runs of a workspace.
        names: what versions are called.
        memory: what was read already.
    """

    api: AzureMlApi
    tracking: Tracking
    names: Names
    memory: Memory


class _Given(NamedTuple):
    """What a job was given: a name, the type and the address of it."""

    name: str
    type: str
    uri: str


def gather(source: Source, snapshot: Snapshot) -> Evidence:
    """Read what Azure ML knows of a version.

    Raises:
        RegistryUnavailableError, RegistryRefusedError: a document cannot be read.
    """
    job = run = None
    if snapshot.job and not source.api.is_registry:
        job = plain(source.api.find("jobs", snapshot.job))
        run = plain(source.tracking.run(snapshot.job))
    own, who = _own(source, snapshot), source.api.http.identity()
    names, workspace = source.names, source.tracking.workspace
    tags = {**pairs(run, "data", "tags"), **_texts(job, "tags"), **_texts(job, "properties")}
    given = list(_inputs(job))
    models = [one for one in given if one.type.endswith(_MODEL)]
    others = [one for one in given if one.uri and one not in models]
    told: dict[str, Section] = {
        "job": _job(job, run, names, workspace),
        "code": _code(job, tags),
        "data": _data(others, names, workspace),
        "base_model": _used(models, names, Kind.MODELS, workspace),
        "environment": _environment(job, names, workspace),
        "metrics": numbers(entries(run, "data", "metrics")),
        "params": {**_literals(job), **pairs(run, "data", "params")},
        "author": present({"id": _author(job, tags, who) or snapshot.author or ""}),
    }
    itself, _ = _CONTENT[snapshot.version.asset.kind]
    return Evidence(
        {**own, **{name: _joined(name, one, own, itself) for name, one in told.items()}}
    )


def _joined(name: str, told: Section, own: Sections, itself: str) -> Section:
    """Return a section: as the job tells it, else the document.

    That of a version itself stays the document's, and has what the job says besides: but for the
    name, which is that of an input.
    """
    if name == itself:
        return {**{key: one for key, one in told.items() if key != "name"}, **own[name]}
    return told or own.get(name, {})


def _own(source: Source, snapshot: Snapshot) -> Sections:
    """Return what the version's own document says; only its content where it is gone."""
    found = source.memory.recall(snapshot)
    if found is None:
        asset = snapshot.version.asset
        number = snapshot.version.number
        document = source.api.find(asset.kind, asset.name, "versions", number)
        found = facts(asset.kind, document, source.names)
    section, key = _CONTENT[snapshot.version.asset.kind]
    told = {**present({key: snapshot.content}), **found.get(section, {})}
    return {**found, section: told}


def _job(job: object, run: object, names: Names, workspace: str) -> Section:
    properties, info = member(job, "properties"), member(run, "info")
    state = text(properties, "status")
    known = {
        "id": text(job, "name") or text(info, "run_id"),
        "name": text(properties, "displayName") or text(info, "run_name"),
        "status": _STATES.get(state, _OTHER_STATE) if state else text(info, "status"),
        "azure_status": state,
        "type": text(properties, "jobType"),
        "started": moment(integer(info, "start_time")),
        "finished": moment(integer(info, "end_time")),
        "experiment": text(info, "experiment_id"),
        "experiment_name": text(properties, "experimentName"),
        "compute": text(properties, "computeId").rpartition("/")[2],
        "outputs": _outputs(properties),
    }
    component = text(properties, "componentId")
    return {**present(known), **_named([component], names, Kind.COMPONENTS, workspace)}


def _outputs(properties: object) -> str:
    """Return what the job has left behind, as a JSON list."""
    found = member(properties, "outputs")
    listed = [
        {
            "name": str(name),
            **present({"type": text(one, "jobOutputType"), "source": text(one, "uri")}),
        }
        for name, one in sorted(found.items() if isinstance(found, dict) else ())
    ]
    return json.dumps(listed, sort_keys=True) if listed else ""


def _code(job: object, tags: Mapping[str, str]) -> Section:
    found = {
        name: next((tags[key] for key in keys if tags.get(key)), "") for name, keys in _CODE.items()
    }
    snapshot = text(job, "properties", "codeId")
    return present({**found, "source": found["source"] or snapshot})


def _environment(job: object, names: Names, workspace: str) -> Section:
    used = text(job, "properties", "environmentId")
    return _named([used], names, Kind.ENVIRONMENTS, workspace)


def _inputs(job: object) -> Iterator[_Given]:
    """Yield what the job was given, in the order of the names."""
    found = member(job, "properties", "inputs")
    for name, one in sorted(found.items() if isinstance(found, dict) else ()):
        kind = text(one, "jobInputType")
        if kind.lower() != _LITERAL:
            yield _Given(str(name), kind.lower(), text(one, "uri"))


def _literals(job: object) -> Section:
    """Return the inputs that are plain values."""
    found = member(job, "properties", "inputs")
    named = found.items() if isinstance(found, dict) else ()
    literal = ((k, v) for k, v in named if text(v, "jobInputType").lower() == _LITERAL)
    return present({str(name): text(one, "value") for name, one in literal})


def _data(given: Iterable[_Given], names: Names, workspace: str) -> Section:
    """Return the job's data: training data first, and all of it as `datasets` where it is more."""
    ordered = sorted(given, key=lambda one: ("train" not in one.name.lower(), one))
    if not ordered:
        return {}
    listed = [
        present({"name": one.name, "source": one.uri, "source_type": one.type}) for one in ordered
    ]
    several = {"datasets": json.dumps(listed, sort_keys=True)} if len(listed) > 1 else {}
    return {**listed[0], **several, **_used(ordered, names, Kind.DATA, workspace)}


def _used(given: Iterable[_Given], names: Names, kind: Kind, workspace: str) -> Section:
    return _named([one.uri for one in given], names, kind, workspace)


def _named(texts: Iterable[str], names: Names, kind: Kind, workspace: str) -> dict[str, Scalar]:
    """Return the fields that say what is used; what names no version stays as it is written."""
    found = [(one, names.version(one, kind, workspace)) for one in texts if one]
    return fields(str(version) if version else one for one, version in found)


def _author(job: object, tags: Mapping[str, str], own: Identity) -> str:
    """Return whose job it was: an id of Azure, or the user that MLflow was told.

    A mere display name comes last, and one with a blank is no user of MLflow.
    """
    creator = actor(member(job, "systemData"), "created", own) or ""
    user = tags.get(_USER, "")
    if user and " " not in user and (not creator or creator.startswith(f"{DISPLAYED}:")):
        return f"mlflow:{user}"
    return creator


def _texts(job: object, key: str) -> dict[str, str]:
    found = member(job, "properties", key)
    named = found.items() if isinstance(found, dict) else ()
    return {str(name): value for name, value in named if isinstance(value, str)}
