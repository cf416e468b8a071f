"""The models that a finished job has left behind.

Two sources, one call each. The job names its outputs: those of a type of model are models, where it
says, or where Azure ML puts them by default. And its run lists the models that were logged to it,
which lie among its artifacts. Both are told by the one form of `azureml_content`, as is a version
that was registered from them: that is how it is recognised.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from stage_functions.adapters.azureml_api import AzureMlApi
from stage_functions.adapters.azureml_codec import moment
from stage_functions.adapters.azureml_content import (
    ARTIFACTS,
    content,
    output_address,
    output_place,
)
from stage_functions.adapters.azureml_evidence import COMPLETED
from stage_functions.adapters.azureml_identity import actor
from stage_functions.adapters.azureml_tracking import Tracking
from stage_functions.adapters.mlflow_codec import pairs
from stage_functions.adapters.mlflow_run import instant
from stage_functions.application.ports.registry import Output
from stage_functions.wire.document import integer, member, text

_MLFLOW_MODEL = "mlflow_model"
_MODELS = ("custom_model", _MLFLOW_MODEL, "triton_model")
_LOGGED = "mlflow.log-model.history"


def outputs(api: AzureMlApi, tracking: Tracking, job: str) -> tuple[Output, ...]:
    """Return the models that a job has left behind; none while it runs, or if it is gone.

    Raises:
        RegistryUnavailableError, RegistryRefusedError: as `AzureMlApi.find`.
    """
    document = None if api.is_registry else api.find("jobs", job)
    if text(document, "properties", "status") != COMPLETED:
        return ()
    run = tracking.run(job)
    made_at = _ended(document, run)
    if made_at is None:
        return ()
    author = actor(member(document, "systemData"), "created", api.http.identity())
    found: dict[str, tuple[str, str]] = {}
    for name, place, type_ in (*_named(document, job, api.resource), *_logged(run, job)):
        if all(place != other for other, _ in found.values()):
            found.setdefault(name, (place, type_))
    return tuple(
        Output(job, name, place, made_at, author, type_, output_address(job, name, place))
        for name, (place, type_) in found.items()
    )


def _named(document: object, job: str, workspace: str) -> Iterator[tuple[str, str, str]]:
    """Yield the models among the outputs of a job, with their places and types."""
    listed = member(document, "properties", "outputs")
    for name, one in sorted(listed.items() if isinstance(listed, dict) else ()):
        type_ = text(one, "jobOutputType").lower()
        if type_ in _MODELS:
            uri = text(one, "uri")
            yield name, content(uri, workspace) if uri else output_place(job, name), type_


def _logged(run: object, job: str) -> Iterator[tuple[str, str, str]]:
    """Yield the models that were logged to a run, with their places and types."""
    try:
        listed = json.loads(pairs(run, "data", "tags").get(_LOGGED, "[]"))
    except (ValueError, RecursionError):
        return
    for one in listed if isinstance(listed, list) else ():
        path = text(one, "artifact_path").strip("/")
        if path:
            yield f"{ARTIFACTS}/{path}", output_place(job, ARTIFACTS, path), _MLFLOW_MODEL


def _ended(document: object, run: object) -> datetime | None:
    """Return when a job ended: as its run says, or when its document was written last."""
    system = member(document, "systemData")
    ended = instant(integer(run, "info", "end_time"))
    return ended or moment(text(system, "lastModifiedAt"))
