"""The tracking side of a workspace: what MLflow clients read of runs, and edit of versions.

It is the data plane: nothing that is written here raises an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.azureml.calls import Answer, Request
from tests.azureml.errors import ArmError, no_such_route
from tests.azureml.identity import Person
from tests.azureml.place import Container, Document, Place
from tests.azureml.world import World

_STATUSES = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}


def tracking(world: World, request: Request, place: Place, rest: tuple[str, ...]) -> Answer:
    """Answer what is asked below `/mlflow/v2.0/subscriptions/…/workspaces/dev`."""
    match request.method, tuple(segment.lower() for segment in rest):
        case "GET", ("api", "2.0", "mlflow", "runs", "get"):
            return _run(place, request.query.get("run_id", ""))
        case "GET", ("api", "2.0", "mlflow", "model-versions", "get"):
            asked: dict[str, Any] = dict(request.query)
            return Answer({"model_version": _shown(*_named(place, asked))})
        case "POST", ("api", "2.0", "mlflow", "model-versions", "set-tag"):
            asked = request.content()
            return _edit(world, request, place, asked, {asked["key"]: asked["value"]})
        case "DELETE", ("api", "2.0", "mlflow", "model-versions", "delete-tag"):
            asked = request.content() if request.body else dict(request.query)
            return _edit(world, request, place, asked, {asked["key"]: None})
        case method, _:
            raise no_such_route(method, request.path)


def _run(place: Place, name: str) -> Answer:
    run, job = place.runs.get(name), place.jobs.get(name)
    if run is None or job is None:
        what = f"Run {name}"
        raise _absent(what)
    system, properties = job["systemData"], job["properties"]
    started, ended = _milliseconds(system["createdAt"]), _milliseconds(system["lastModifiedAt"])
    status = _STATUSES.get(properties["status"], "RUNNING")
    info = {
        "run_id": name,
        "run_uuid": name,
        "run_name": properties["displayName"],
        "experiment_id": run.experiment,
        "user_id": system["createdBy"],
        "status": status,
        "start_time": started,
        "artifact_uri": f"azureml://{place.id}/experiments/{run.experiment}/runs/{name}/artifacts",
        "lifecycle_stage": "active",
    }
    if status != "RUNNING":
        info["end_time"] = ended
    metrics = [
        {"key": key, "value": value, "timestamp": ended, "step": 0}
        for key, value in run.metrics.items()
    ]
    data = {"metrics": metrics, "params": _pairs(run.params), "tags": _pairs(run.tags)}
    return Answer({"run": {"info": info, "data": data}})


def _pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)


def _named(place: Place, asked: dict[str, Any]) -> tuple[str, Document]:
    name, number = str(asked.get("name", "")), str(asked.get("version", ""))
    found = place.assets["models"].get(name)
    if found is None or number not in found.versions:
        what = f"Model Version (name={name}, version={number})"
        raise _absent(what)
    return name, found.versions[number]


def _absent(what: str) -> ArmError:
    return ArmError(404, "RESOURCE_DOES_NOT_EXIST", f"{what} not found")


def _shown(name: str, document: Document) -> dict[str, Any]:
    properties, system = document["properties"], document["systemData"]
    return {
        "name": name,
        "version": document["name"],
        "creation_timestamp": _milliseconds(system["createdAt"]),
        "last_updated_timestamp": _milliseconds(system["lastModifiedAt"]),
        "user_id": system["createdBy"],
        "current_stage": "None",
        "description": properties.get("description") or "",
        "source": properties.get("modelUri", ""),
        "run_id": properties.get("jobName") or "",
        "status": "READY",
        "tags": _pairs(properties.get("tags") or {}),
    }


def _edit(
    world: World,
    request: Request,
    place: Place,
    asked: dict[str, Any],
    tags: dict[str, str | None],
) -> Answer:
    name, _ = _named(place, asked)
    retag(world, request.who, place.assets["models"][name], str(asked["version"]), tags)
    return Answer({})


def retag(
    world: World, who: Person, container: Container, number: str, tags: Mapping[str, str | None]
) -> None:
    """Set or remove tags of a version, as an MLflow client or the portal does."""
    former = container.versions[number]
    merged = {**(former["properties"].get("tags") or {}), **tags}
    kept = {key: value for key, value in merged.items() if value is not None}
    container.before[number] = former
    container.versions[number] = {
        **former,
        "properties": {**former["properties"], "tags": kept},
        "systemData": world.system_data(who, former),
    }
