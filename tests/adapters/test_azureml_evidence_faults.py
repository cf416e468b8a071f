"""What becomes of evidence where Azure ML does not tell it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stage_functions.domain.error import (
    RegistryRefusedError,
    RegistryUnavailableError,
)
from tests.adapters.azureml_local import Connected


def _model(azure: Connected, job: str | None = None, **properties: object) -> None:
    written: dict[str, object] = {"modelUri": "azureml://datastores/ds/paths/iris", **properties}
    if job:
        written["jobName"] = job
    azure.local.put_version(azure.dev, "models", "iris", "1", written)


@pytest.mark.parametrize("job", ["0" * 32, "gone/../job"])
def test_a_job_that_is_gone_is_unknown(azure: Connected, job: str) -> None:
    """A job that was deleted leaves its sections empty."""
    _model(azure, job)

    evidence = azure.registry.evidence(azure.read("dev/models/iris:1"))

    for section in ("job", "code", "data", "metrics", "params", "base_model", "environment"):
        assert {} == evidence.section(section)


def test_a_run_without_its_job_is_known(azure: Connected) -> None:
    """A run that was tracked from elsewhere, so that no job has it, still has its metrics."""
    job = azure.local.job(azure.dev, metrics={"auc": 0.9})
    _model(azure, job)
    snapshot = azure.read("dev/models/iris:1")
    azure.local.fail(f"GET .*/jobs/{job}", status=404, code="UserError", message="no such job")

    evidence = azure.registry.evidence(snapshot)

    assert {"auc": 0.9} == evidence.section("metrics")
    assert (job, "FINISHED") == tuple(evidence.section("job")[key] for key in ("id", "status"))


def test_a_job_without_its_run_is_known(azure: Connected) -> None:
    """A run that MLflow has no longer, in its words or in Azure's, leaves the job."""
    job = azure.local.job(azure.dev, metrics={"auc": 0.9})
    _model(azure, job)
    snapshot = azure.read("dev/models/iris:1")
    said = json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such run"})
    azure.local.fail("GET .*runs/get", status=404, body=said.encode())
    azure.local.fail("GET .*runs/get", status=404, code="UserError")

    for _ in range(2):
        evidence = azure.registry.evidence(snapshot)
        assert {} == evidence.section("metrics")
        assert "FINISHED" == evidence.section("job")["status"]


@pytest.mark.parametrize("failing", ["GET .*/jobs/", "GET .*runs/get", "GET .*/workspaces/dev\\?"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 503}, RegistryUnavailableError),
        ({"status": 429, "headers": {"Retry-After": "30"}}, RegistryUnavailableError),
        ({"status": 403, "code": "AuthorizationFailed"}, RegistryRefusedError),
        ({"body": b'{"half', "status": 200}, RegistryUnavailableError),
        ({"cut": True}, RegistryUnavailableError),
    ],
    ids=["503", "429", "403", "half", "cut"],
)
def test_never_judges_on_half_of_the_evidence(
    azure: Connected, failing: str, fault: dict[str, Any], error: type[Exception]
) -> None:
    """A document that cannot be read just now is an error, whichever it is."""
    _model(azure, azure.local.job(azure.dev))
    snapshot = azure.read("dev/models/iris:1")
    azure.local.fail(failing, times=9, **fault)

    with pytest.raises(error):
        azure.registry.evidence(snapshot)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "http://westeurope.api.azureml.ms/mlflow/v1.0{id}",
        "azureml://user@elsewhere/mlflow/v1.0{id}",
        "azureml://[/mlflow/v1.0{id}",
        "azureml://elsewhere:x/mlflow/v1.0{id}",
        "azureml://elsewhere/mlflow/v1.0{id}2",
    ],
)
def test_sends_its_token_to_the_workspace_alone(azure: Connected, uri: str) -> None:
    """An address that is none of this workspace's is asked nothing."""
    _model(azure, azure.local.job(azure.dev))
    snapshot = azure.read("dev/models/iris:1")
    tracked = {"properties": {"mlFlowTrackingUri": uri.format(id=azure.dev.id)}}
    answer = json.dumps(tracked).encode()
    azure.local.fail(r"GET .*/workspaces/dev\?", status=200, body=answer)

    with pytest.raises(RegistryUnavailableError, match="address of its runs"):
        azure.registry.evidence(snapshot)
    assert [] == azure.local.calls_to("runs/get")


@pytest.mark.parametrize(
    "given",
    [
        {"inputs": None, "outputs": None, "status": None, "environmentId": None},
        {"inputs": [1], "outputs": "x", "status": 7, "environmentId": {}, "properties": []},
        {"inputs": {"a": 1, "b": {"uri": 7}}, "outputs": {"a": None}, "tags": {"x": 1}},
        {"displayName": "\ud800", "inputs": {"\udfff": {"uri": "azureml:\ud800:1"}}},
    ],
)
def test_survives_any_job(azure: Connected, given: dict[str, Any]) -> None:
    """What a job does not say as hoped for is not recorded."""
    job = azure.local.job(azure.dev, metrics={"auc": 0.9})
    _model(azure, job)
    snapshot = azure.read("dev/models/iris:1")
    document = {**azure.dev.jobs[job]}
    document["properties"] = {**document["properties"], **given}
    azure.local.fail(f"GET .*/jobs/{job}", status=200, body=json.dumps(document).encode())

    evidence = azure.registry.evidence(snapshot)

    assert {"auc": 0.9} == evidence.section("metrics")
    assert evidence.sealed()
