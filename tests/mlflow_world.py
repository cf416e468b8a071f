"""What people and pipelines do at an MLflow server, over its REST API and apart from Stageward."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.wire.document import text

_MOMENT_MS = 1_795_000_000_000


@dataclass(frozen=True, slots=True)
class MlflowWorld:
    """The hand that others have in an MLflow server.

    Attributes:
        client: over the server's address.
        alias: the registry's.
        kind: of what it makes.
        provider: of its users' ids.
    """

    client: httpx.Client
    alias: str = "dev"
    kind: Kind = Kind.MODELS
    provider: str = "mlflow"

    def create(
        self,
        name: str,
        *,
        tags: Mapping[str, str] | None = None,
        description: str = "",
        job: str | None = None,
        source: str = "s3://somewhere/else",
    ) -> Version:
        """Register the next version of a model."""
        if self.client.get(_path("registered-models/get"), params={"name": name}).is_error:
            self.post("registered-models/create", {"name": name})
        made = self.post(
            "model-versions/create",
            {
                "name": name,
                "source": source,
                "description": description,
                "tags": [{"key": key, "value": value} for key, value in (tags or {}).items()],
                **({"run_id": job} if job else {}),
            },
        )
        number = text(made, "model_version", "version")
        return Version(Asset(self.alias, Kind.MODELS, name), number)

    def set_tag(self, version: Version, key: str, value: str) -> None:
        """Set a tag."""
        self.post("model-versions/set-tag", {**_named(version), "key": key, "value": value})

    def delete_tag(self, version: Version, key: str) -> None:
        """Delete a tag."""
        self._send("DELETE", "model-versions/delete-tag", {**_named(version), "key": key})

    def tags(self, version: Version) -> dict[str, str]:
        """Return all tags."""
        answer = self.client.get(_path("model-versions/get"), params=_named(version))
        found = answer.raise_for_status().json()["model_version"].get("tags", [])
        return {tag["key"]: tag["value"] for tag in found}

    def delete_version(self, version: Version) -> None:
        """Delete a version."""
        self._send("DELETE", "model-versions/delete", _named(version))

    def delete_asset(self, name: str) -> None:
        """Delete a model with all of its versions."""
        self._send("DELETE", "registered-models/delete", {"name": name})

    def transition(self, version: Version, stage: str) -> None:
        """Set MLflow's own stage."""
        body = {**_named(version), "stage": stage, "archive_existing_versions": False}
        self.post("model-versions/transition-stage", body)

    def set_alias(self, asset: Asset, alias: str, number: str = "") -> None:
        """Set an alias at a version; delete it where none is named."""
        body = {"name": asset.name, "alias": alias}
        if number:
            self.post("registered-models/alias", {**body, "version": number})
        else:
            self._send("DELETE", "registered-models/alias", body)

    def aliases(self, asset: Asset) -> dict[str, str]:
        """Return the number of the version that has an alias, by alias."""
        answer = self.client.get(_path("registered-models/get"), params={"name": asset.name})
        found = answer.raise_for_status().json()["registered_model"].get("aliases", [])
        return {one["alias"]: one["version"] for one in found}

    def native_stage(self, version: Version) -> str:
        """Return MLflow's own stage of a version."""
        answer = self.client.get(_path("model-versions/get"), params=_named(version))
        stage: str = answer.raise_for_status().json()["model_version"]["current_stage"]
        return stage

    def deploy(self, version: Version, endpoint: str, deployment: str) -> bool:  # the contract's
        """Do nothing: MLflow has no endpoints."""
        return False

    def run(
        self,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        user: str = "",
        commit: str = "",
        finished: bool = True,
    ) -> str:
        """Make a run and return its id."""
        given = {"mlflow.user": user, "mlflow.source.git.commit": commit}
        tags = [{"key": key, "value": value} for key, value in given.items() if value]
        body = {"experiment_id": "0", "start_time": _MOMENT_MS, "tags": tags}
        run = text(self.post("runs/create", body), "run", "info", "run_id")
        for name, metric in (metrics or {}).items():
            number = "NaN" if math.isnan(metric) else metric
            recorded = {"run_id": run, "key": name, "value": number, "timestamp": _MOMENT_MS}
            self.post("runs/log-metric", recorded)
        for name, value in (params or {}).items():
            self.post("runs/log-parameter", {"run_id": run, "key": name, "value": value})
        if finished:
            ended = {"run_id": run, "status": "FINISHED", "end_time": _MOMENT_MS + 1500}
            self.post("runs/update", ended)
        return run

    def post(self, path: str, body: Mapping[str, object]) -> object:
        """Call the API."""
        return self._send("POST", path, body)

    def _send(self, method: str, path: str, body: Mapping[str, object]) -> object:
        answer = self.client.request(method, _path(path), json=body)
        assert answer.is_success, answer.text
        read: object = answer.json()
        return read


def _path(path: str) -> str:
    return f"/api/2.0/mlflow/{path}"


def _named(version: Version) -> dict[str, str]:
    return {"name": version.asset.name, "version": version.number}
