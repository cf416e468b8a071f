"""The events that Azure raises, in Event Grid's own schema, and as CloudEvents.

The resource manager tells of writes and deletions, without the resource; the workspace tells of new
models, deployments and runs. Nobody tells of registries, nor of what tracking writes.
"""

from __future__ import annotations

import uuid
from typing import Any

from tests.azureml.calls import Request
from tests.azureml.identity import TENANT
from tests.azureml.place import PROVIDER, SUBSCRIPTION, Document, Place

Event = dict[str, Any]

_VERBS = {
    "PUT": ("Write", "write"),
    "PATCH": ("Write", "write"),
    "DELETE": ("Delete", "delete"),
    "POST": ("Action", "action"),
}


def resource_changed(
    request: Request, place: Place, rest: tuple[str, ...], at: str, *, is_new: bool
) -> Event:
    """Return what the resource manager says when it has changed something below a workspace.

    Args:
        request: that did it.
        place: the workspace.
        rest: the path below it.
        at: when.
        is_new: whether it was created; then nothing is told of the request.
    """
    what, verb = _VERBS[request.method]
    resource = "/".join((place.id.replace("/resourceGroups/", "/resourcegroups/"), *rest))
    types = "/".join(_cased(segment) for segment in rest[::2])
    action = f"{PROVIDER}/{place.plural}/{types}/{verb}"
    correlation = str(uuid.uuid4())
    data: dict[str, Any] = {
        "authorization": {
            "scope": resource,
            "action": action,
            "evidence": {"role": "Contributor"},
        },
        "claims": request.who.claims(),
        "correlationId": correlation,
        "resourceProvider": PROVIDER,
        "resourceUri": resource,
        "operationName": action,
        "status": "Succeeded",
        "subscriptionId": SUBSCRIPTION,
        "tenantId": TENANT,
    }
    if not is_new:
        data["httpRequest"] = {
            "clientRequestId": correlation,
            "clientIpAddress": "127.0.0.1",
            "method": request.method,
            "url": f"{request.base}{request.target}",
        }
    return {
        "topic": place.group_id,
        "subject": resource,
        "eventType": f"Microsoft.Resources.Resource{what}Success",
        "eventTime": at,
        "id": str(uuid.uuid4()),
        "data": data,
        "dataVersion": "2",
        "metadataVersion": "1",
    }


def _cased(segment: str) -> str:
    return {"onlineendpoints": "onlineEndpoints"}.get(segment.lower(), segment.lower())


def model_registered(place: Place, name: str, document: Document, at: str) -> Event:
    """Return what a workspace says of a new version of a model."""
    number, properties = document["name"], document["properties"]
    data = {
        "ModelName": name,
        "ModelVersion": int(number) if number.isdecimal() else number,
        "ModelTags": properties["tags"],
        "ModelProperties": properties["properties"],
    }
    return _of_workspace(place, "ModelRegistered", f"models/{name}:{number}", data, at)


def model_deployed(place: Place, endpoint: Document, models: list[str], at: str) -> Event:
    """Return what a workspace says of a deployment that was created or updated."""
    data = {
        "ServiceName": endpoint["name"],
        "ServiceComputeType": "Managed",
        "ModelIds": ",".join(models),
        "ServiceTags": endpoint.get("tags") or {},
        "ServiceProperties": endpoint["properties"].get("properties") or {},
    }
    return _of_workspace(place, "ModelDeployed", f"endpoints/{endpoint['name']}", data, at)


def run_told(place: Place, job: Document, experiment: str, at: str) -> list[Event]:
    """Return what a workspace says of a job's new status, and of its end if it has come to one."""
    properties = job["properties"]
    data = {
        "experimentId": experiment,
        "experimentName": properties["experimentName"],
        "runId": job["name"],
        "runType": None,
        "runTags": properties["tags"],
        "runProperties": properties["properties"],
    }
    subject = f"experiments/{experiment}/runs/{job['name']}"
    status = properties["status"]
    changed = {**data, "runStatus": status.lower()}
    told = [_of_workspace(place, "RunStatusChanged", subject, changed, at)]
    if status == "Completed":
        told.append(_of_workspace(place, "RunCompleted", subject, data, at))
    return told


def _of_workspace(place: Place, kind: str, subject: str, data: dict[str, Any], at: str) -> Event:
    return {
        "topic": place.id,
        "subject": subject,
        "eventType": f"{PROVIDER}.{kind}",
        "eventTime": at,
        "id": str(uuid.uuid4()),
        "data": data,
        "dataVersion": "",
        "metadataVersion": "1",
    }


def as_cloud_event(event: Event) -> Event:
    """Return an event of Event Grid's schema as CloudEvents 1.0 has it."""
    return {
        "specversion": "1.0",
        "id": event["id"],
        "source": event["topic"],
        "type": event["eventType"],
        "subject": event["subject"],
        "time": event["eventTime"],
        "data": event["data"],
    }
