"""What MLflow knows of a version: its run, its model file, and its logged model for a silent run.

Decides which documents are read, at most three, and under which names their facts stand in the
evidence; what the version uses is read in `mlflow_uses`, by one call more at the most. It judges
nothing. A run or model file that is gone is an empty section; one that cannot be read just now is
an error, because a verdict on half of the evidence would be a wrong one.

Facts of MLflow that shape it:

- A metric that is not a number arrives as the text "NaN"; infinity as the largest double, which
  stays as it is, since nothing tells the two apart.
- A logged model shows that same metric as 0.0, so a zero there is no evidence and is left out.
- Only a file that lies in MLflow's own keeping is asked for: for a version that was registered from
  a place of somebody else's, the server would answer 500 for ever.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

import yaml

from stage_functions.adapters.mlflow_codec import pairs
from stage_functions.adapters.mlflow_http import (
    INVALID,
    NO_SUCH,
    MlflowApi,
    MlflowRefusedError,
    Params,
)
from stage_functions.adapters.mlflow_run import moment, numbers
from stage_functions.adapters.mlflow_uses import used
from stage_functions.domain.asset import Snapshot
from stage_functions.domain.evidence import Evidence, Section
from stage_functions.wire.document import entries, integer, member, text

_MODEL_FILE = "MLmodel"
_NO_FILE = (NO_SUCH, INVALID)
_LOGGED_MODEL = re.compile(r"models:/(m-[0-9A-Za-z]+)\Z")
_RUN = "runs:/"
_MAX_WHOLE = 2**53
_CODE = {
    "commit": "mlflow.source.git.commit",
    "repository": "mlflow.source.git.repoURL",
    "branch": "mlflow.source.git.branch",
    "source": "mlflow.source.name",
    "source_type": "mlflow.source.type",
}
_USER = "mlflow.user"
_CONTEXT = "mlflow.data.context"
_TRAINING = ("training", "train")
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def gather(api: MlflowApi, snapshot: Snapshot) -> Evidence:
    """Read what MLflow knows of a version.

    Raises:
        RegistryUnavailableError, RegistryRefusedError: a document cannot be read.
    """
    job, model = snapshot.job, _model_id(snapshot)
    run = member(_found(api, "runs/get", {"run_id": job}), "run") if job else None
    logged = None
    if model and not entries(run, "data", "metrics"):
        logged = member(_found(api, f"logged-models/{model}", {}), "model")
    file = _model_file(api, snapshot, text(run, "info", "artifact_uri"))
    run_tags = pairs(run, "data", "tags")
    tags = {**pairs(logged, "info", "tags"), **run_tags}
    user = tags.get(_USER)
    alias = snapshot.version.asset.registry
    evidence = Evidence(
        {
            "job": _job(run),
            "code": _present({name: tags.get(key, "") for name, key in _CODE.items()}),
            "model": _model(snapshot, file),
            "data": _data(entries(run, "inputs", "dataset_inputs")),
            "environment": _environment(file),
            "metrics": _metrics(run, logged),
            "params": {
                **pairs(logged, "data", "params"),
                **pairs(run, "data", "params"),
            },
            "author": _present({"id": f"mlflow:{user}" if user else snapshot.author or ""}),
        }
    )
    related = used(api, alias, run, model, snapshot.tags, run_tags)
    sections = {role: {**evidence.section(role), **more} for role, more in related.items()}
    return Evidence({**evidence.sections, **sections}) if sections else evidence


def _found(api: MlflowApi, path: str, params: Params) -> object:
    """Return a document of the API, or None if there is no such thing."""
    try:
        return api.get(path, params)
    except MlflowRefusedError as refusal:
        if refusal.code != NO_SUCH:
            raise
        return None


def _model_file(api: MlflowApi, snapshot: Snapshot, artifacts: str) -> object:
    """Return what the version's `MLmodel` says, or None where MLflow keeps none."""
    place = _place(snapshot, artifacts)
    if place is None:
        return None
    try:
        content = api.artifact(*place)
    except MlflowRefusedError as refusal:
        if refusal.code not in _NO_FILE:
            raise
        return None
    try:
        # The loader is a safe one, whichever of the two there is.
        document: object = yaml.load(content or "", Loader=_Loader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return document


def _place(snapshot: Snapshot, artifacts: str) -> tuple[str, dict[str, str]] | None:
    """Return path and parameters of the version's model file, where MLflow keeps one.

    Args:
        snapshot: the version.
        artifacts: where its run keeps its artifacts, or "".
    """
    source = snapshot.content
    model = _model_id(snapshot)
    if model:
        path = f"ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files"
        return path, {"artifact_file_path": _MODEL_FILE}
    run, folder = "", ""
    if source.startswith(_RUN):
        run, _, folder = source.removeprefix(_RUN).partition("/")
    elif artifacts and source.startswith(f"{artifacts}/"):
        run, folder = snapshot.job or "", source.removeprefix(f"{artifacts}/")
    if not run or not folder:
        return None
    return "get-artifact", {"run_uuid": run, "path": f"{folder.rstrip('/')}/{_MODEL_FILE}"}


def _model_id(snapshot: Snapshot) -> str:
    found = _LOGGED_MODEL.match(snapshot.content)
    return found.group(1) if found else ""


def _job(run: object) -> Section:
    if run is None:
        return {}
    info = member(run, "info")
    known = {
        "id": text(info, "run_id"),
        "name": text(info, "run_name"),
        "status": text(info, "status"),
        "started": moment(integer(info, "start_time")),
        "finished": moment(integer(info, "end_time")),
        "experiment": text(info, "experiment_id"),
    }
    deleted = text(info, "lifecycle_stage") == "deleted"
    return {**_present(known), **({"deleted": True} if deleted else {})}


def _model(snapshot: Snapshot, file: object) -> Section:
    flavors = member(file, "flavors")
    known = {
        "source": snapshot.content,
        "model_id": _model_id(snapshot),
        "flavors": json.dumps(sorted(map(str, flavors))) if isinstance(flavors, dict) else "",
        "signature_inputs": text(file, "signature", "inputs"),
        "signature_outputs": text(file, "signature", "outputs"),
        "signature_params": text(file, "signature", "params"),
    }
    size = integer(file, "model_size_bytes")
    fits = size is not None and 0 <= size < _MAX_WHOLE
    return {**_present(known), **({"size_bytes": size} if size is not None and fits else {})}


def _environment(file: object) -> Section:
    """Return the versions that the model was saved with: of Python, MLflow and its flavors."""
    known = {"mlflow_version": text(file, "mlflow_version")}
    flavors = member(file, "flavors")
    for flavor in flavors.values() if isinstance(flavors, dict) else ():
        for key in flavor if isinstance(flavor, dict) else ():
            if isinstance(key, str) and key.endswith("_version"):
                known[key] = text(flavor, key)
    return _present(known)


def _data(inputs: Iterable[object]) -> Section:
    """Return the run's data: training data first, and all of it as `datasets` where it is more."""
    found = sorted((_dataset(one) for one in inputs), key=_training_first)
    if not found:
        return {}
    several = {"datasets": json.dumps(found, sort_keys=True)} if len(found) > 1 else {}
    return {**found[0], **several}


def _dataset(one: object) -> dict[str, str]:
    tags = pairs(one, "tags")
    keys = ("name", "digest", "source", "source_type")
    known = {key: text(one, "dataset", key) for key in keys}
    return _present({**known, "context": tags.get(_CONTEXT, "")})


def _training_first(dataset: Mapping[str, str]) -> tuple[bool, list[tuple[str, str]]]:
    return dataset.get("context") not in _TRAINING, sorted(dataset.items())


def _metrics(run: object, logged: object) -> dict[str, float]:
    found = numbers(entries(logged, "data", "metrics"))
    sure = {key: value for key, value in found.items() if value != 0}
    return {**sure, **numbers(entries(run, "data", "metrics"))}


def _present(known: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in known.items() if value}
