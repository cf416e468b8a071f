"""Jobs: their documents as the resource manager has them."""

from __future__ import annotations

import uuid
from typing import Any

from tests.azureml import events
from tests.azureml.calls import Answer, Request
from tests.azureml.errors import no_such_route, no_such_thing, refused
from tests.azureml.listing import page
from tests.azureml.place import PROVIDER, Document, Place, Run
from tests.azureml.world import World

_DEFAULTS: dict[str, Any] = {
    "jobType": "Command",
    "status": "NotStarted",
    "experimentName": "Default",
    "displayName": "",
    "tags": {},
    "properties": {},
    "services": {},
    "inputs": {},
    "outputs": {},
    "isArchived": False,
    "command": "python train.py",
    "environmentId": "azureml:AzureML-sklearn-1.5@latest",
    "computeId": "serverless",
}


def jobs(world: World, request: Request, place: Place, rest: tuple[str, ...]) -> Answer:
    """Answer what is asked below `…/workspaces/dev/jobs`, `jobs` included in `rest`."""
    match request.method, rest[1:]:
        case "GET", ():
            view = request.query.get("listviewtype", "ActiveOnly").lower()
            found = (d for d in place.jobs.values() if _is_viewed(d, view))
            return page(request, found, world.page_size)
        case "GET", (name,):
            return Answer(_job(place, name))
        case "PUT", (name,):
            return put_job(world, request, place, name)
        case "DELETE", (name,):
            _job(place, name)
            del place.jobs[name], place.runs[name]
            return Answer()
        case method, _:
            raise no_such_route(method, request.path)


def _job(place: Place, name: str) -> Document:
    if name not in place.jobs:
        what = "Job"
        raise no_such_thing(what, name)
    return place.jobs[name]


def _is_viewed(document: Document, view: str) -> bool:
    is_archived = bool(document["properties"]["isArchived"])
    return view == "all" or is_archived == (view == "archivedonly")


def put_job(world: World, request: Request, place: Place, name: str) -> Answer:
    """Create a job, or replace what may be replaced of it: tags, names, whether it is archived."""
    written = request.content().get("properties")
    if not isinstance(written, dict):
        message = "The property 'properties' is required."
        raise refused(message)
    former = place.jobs.get(name)
    kept = former["properties"] if former else {**_DEFAULTS, "displayName": name}
    document: Document = {
        "id": f"{place.id}/jobs/{name}",
        "name": name,
        "type": f"{PROVIDER}/workspaces/jobs",
        "properties": {**kept, **{k: v for k, v in written.items() if v is not None}},
        "systemData": world.system_data(request.who, former),
    }
    place.jobs[name] = document
    run = place.runs.setdefault(name, Run())
    run.tags = dict(document["properties"]["tags"])
    run.experiment = str(uuid.uuid5(uuid.NAMESPACE_URL, document["properties"]["experimentName"]))
    if former is None or kept["status"] != document["properties"]["status"]:
        world.raised(*events.run_told(place, document, run.experiment, world.clock.now()))
    return Answer(document, 200 if former else 201)
