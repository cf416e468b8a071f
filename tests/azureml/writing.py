"""What tests write where no API is public, or where one would be long to say.

It goes the way of the resource manager, so that rules and events are the same; registries have none.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tests.azureml.assets import assets
from tests.azureml.calls import Answer, Request
from tests.azureml.identity import Person, person
from tests.azureml.place import PROVIDER, Document, Endpoint, Place
from tests.azureml.routes import resource_manager
from tests.azureml.tracking import retag
from tests.azureml.world import World

_API_VERSION = "2024-10-01"
_ANNA = "anna"

Who = str | Person
"""A name, or who has it."""


class Writing:
    """Writes into a world.

    Attributes:
        world: its state.
    """

    def __init__(self, world: World) -> None:
        self.world = world

    def put_version(
        self,
        place: Place,
        kind: str,
        name: str,
        version: str,
        properties: Mapping[str, Any],
        *,
        who: Who = _ANNA,
    ) -> Document:
        """Create a version, or replace it; return its document."""
        rest = (kind, name, "versions", version)
        return self._put(place, rest, {"properties": properties}, who)

    def version(self, place: Place, kind: str, name: str, version: str) -> Document | None:
        """Return the stored document of a version."""
        with self.world.lock:
            container = place.assets[kind].get(name)
            return copy.deepcopy(container.versions.get(version)) if container else None

    def delete_version(
        self, place: Place, kind: str, name: str, version: str, *, who: Who = _ANNA
    ) -> None:
        """Delete a version."""
        self._write("DELETE", place, (kind, name, "versions", version), None, who)

    def delete_asset(self, place: Place, kind: str, name: str, *, who: Who = _ANNA) -> None:
        """Delete an asset with all its versions."""
        self._write("DELETE", place, (kind, name), None, who)

    def data_plane_tags(
        self,
        place: Place,
        name: str,
        version: str,
        tags: Mapping[str, str | None],
        *,
        kind: str = "models",
        who: Who = _ANNA,
    ) -> None:
        """Set tags, or remove those that are None, as MLflow and the portal do: without an event."""
        with self.world.lock:
            retag(self.world, _somebody(who), place.assets[kind][name], version, tags)

    def job(  # noqa: PLR0913  # everything that a job has may be said
        self,
        place: Place,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        inputs: Mapping[str, Mapping[str, Any]] | None = None,
        outputs: Mapping[str, Mapping[str, Any]] | None = None,
        status: str = "Completed",
        who: Who = _ANNA,
        display_name: str = "",
        experiment: str = "training",
        name: str = "",
    ) -> str:
        """Run a job, in no time, and return its name.

        Args:
            place: the workspace.
            params: that were logged.
            metrics: likewise.
            tags: of the job.
            properties: of the job.
            inputs: as the resource manager has them: `jobInputType`, `uri`, `value`.
            outputs: likewise: `jobOutputType`, `uri`.
            status: that it came to.
            who: submitted it.
            display_name: as shown; the name if empty.
            experiment: the name of the experiment.
            name: of the job; a new one if empty.
        """
        name = name or f"job_{uuid.uuid4().hex[:12]}"
        written = {
            "displayName": display_name or name,
            "experimentName": experiment,
            "tags": dict(tags or {}),
            "properties": dict(properties or {}),
            "inputs": {key: dict(value) for key, value in (inputs or {}).items()},
            "outputs": {key: dict(value) for key, value in (outputs or {}).items()},
            "status": status,
        }
        with self.world.lock:
            self._put(place, ("jobs", name), {"properties": written}, who)
            place.runs[name].params.update(params or {})
            place.runs[name].metrics.update(metrics or {})
        return name

    def endpoint(
        self, place: Place, name: str, traffic: Mapping[str, int] | None = None, *, who: Who = _ANNA
    ) -> Document:
        """Create an online endpoint, or set its traffic."""
        properties = {"traffic": dict(traffic or {})}
        return self._put(place, ("onlineEndpoints", name), {"properties": properties}, who)

    def deploy(
        self,
        place: Place,
        endpoint: str,
        deployment: str,
        model_id: str,
        traffic: Mapping[str, int] | int | None = None,
        *,
        who: Who = _ANNA,
    ) -> Document:
        """Create a deployment of a model, or update it.

        Args:
            place: the workspace.
            endpoint: made if it is not there.
            deployment: the name.
            model_id: such as `{workspace.id}/models/churn/versions/1`.
            traffic: of the endpoint afterwards: all of it, or the share of this deployment, which
                must be 0 or 100; None to leave it.
            who: deploys.
        """
        with self.world.lock:
            if endpoint not in place.endpoints:
                self.endpoint(place, endpoint, who=who)
            rest = ("onlineEndpoints", endpoint, "deployments", deployment)
            document = self._put(place, rest, {"properties": {"model": model_id}}, who)
            if traffic is not None:
                shares = {deployment: traffic} if isinstance(traffic, int) else traffic
                self.endpoint(place, endpoint, shares, who=who)
        return document

    def batch_endpoint(
        self,
        place: Place,
        name: str,
        models: Mapping[str, str],
        default: str = "",
        *,
        who: Who = _ANNA,
    ) -> None:
        """Create a batch endpoint with its deployments, or replace it: without an event.

        Args:
            place: the workspace.
            name: of the endpoint.
            models: id of the model of each deployment.
            default: the deployment that jobs go to; none if empty.
            who: deploys.
        """
        with self.world.lock:
            id_, type_ = (
                f"{place.id}/batchEndpoints/{name}",
                f"{PROVIDER}/workspaces/batchEndpoints",
            )
            system = self.world.system_data(_somebody(who), None)
            defaults = {"deploymentName": default} if default else None
            document = {"id": id_, "name": name, "type": type_, "systemData": system}
            endpoint = Endpoint({**document, "properties": {"defaults": defaults}})
            for one, model in models.items():
                reference = {"referenceType": "Id", "assetId": model}
                endpoint.deployments[one] = {
                    "id": f"{id_}/deployments/{one}",
                    "name": one,
                    "type": f"{type_}/deployments",
                    "properties": {"model": reference},
                    "systemData": system,
                }
            place.batch_endpoints[name] = endpoint

    def _put(
        self, place: Place, rest: tuple[str, ...], content: Mapping[str, Any], who: Who
    ) -> Document:
        document = self._write("PUT", place, rest, content, who).content
        assert isinstance(document, dict)
        return copy.deepcopy(document)

    def _write(
        self,
        method: str,
        place: Place,
        rest: tuple[str, ...],
        content: Mapping[str, Any] | None,
        who: Who,
    ) -> Answer:
        path = "/".join((place.id, *(quote(segment, safe="") for segment in rest)))
        target = f"{path}?api-version={_API_VERSION}"
        body = b"" if content is None else json.dumps(content).encode()
        request = Request.read(method, target, body, _somebody(who), self.world.url)
        with self.world.lock:
            if place.is_registry:
                return assets(self.world, request, place, rest)
            return resource_manager(self.world, request)


def _somebody(who: Who) -> Person:
    return who if isinstance(who, Person) else person(who)
