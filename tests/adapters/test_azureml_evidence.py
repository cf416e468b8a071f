"""What is known of the jobs of versions in Azure ML, read from a local one."""

from __future__ import annotations

import json
import math

import pytest

from stage_functions.domain.uses import uses
from tests.adapters.azureml_local import Connected

GIT = {
    "azureml.git.repository_uri": "https://github.com/contoso/iris",
    "mlflow.source.git.branch": "main",
    "mlflow.source.git.commit": "a" * 40,
    "azureml.git.dirty": "False",
}


def _model(azure: Connected, job: str | None = None, **properties: object) -> None:
    written: dict[str, object] = {"modelUri": "azureml://datastores/ds/paths/iris", **properties}
    if job:
        written["jobName"] = job
    azure.local.put_version(azure.dev, "models", "iris", "1", written)


def _set(azure: Connected, job: str, **properties: object) -> None:
    """Give a job what the local server has no argument for."""
    azure.dev.jobs[job]["properties"].update(properties)


def test_tells_of_the_job(azure: Connected) -> None:
    """The job is shown in the words of every registry, and Azure ML's own word is kept."""
    job = azure.local.job(
        azure.dev,
        params={"C": "0.5"},
        metrics={"auc": 0.94, "loss": math.nan, "n": 3},
        properties=GIT,
        outputs={
            "trained": {"jobOutputType": "mlflow_model", "uri": "azureml://datastores/d/paths/x"}
        },
        display_name="brave fig",
    )
    _model(azure, job, modelType="mlflow_model", flavors={"sklearn": {}, "python_function": {}})

    evidence = azure.registry.evidence(azure.read("dev/models/iris:1"))

    told = evidence.section("job")
    expected = {
        "id": job,
        "name": "brave fig",
        "status": "FINISHED",
        "azure_status": "Completed",
        "type": "Command",
        "experiment_name": "training",
        "compute": "serverless",
    }
    assert expected.items() <= told.items()
    assert {"started", "finished", "experiment"} <= set(told)
    assert ["trained"] == [one["name"] for one in json.loads(str(told["outputs"]))]
    assert {"C": "0.5"} == evidence.section("params")
    metrics = evidence.section("metrics")
    assert (0.94, 3.0) == (metrics["auc"], metrics["n"])
    assert math.isnan(float(metrics["loss"]))
    assert {float} == {type(value) for value in metrics.values()}
    assert {
        "commit": "a" * 40,
        "repository": "https://github.com/contoso/iris",
        "branch": "main",
        "dirty": "False",
    } == evidence.section("code")
    assert {
        "source": "azureml://datastores/ds/paths/iris",
        "type": "mlflow_model",
        "flavors": '["python_function", "sklearn"]',
    } == evidence.section("model")
    assert {"asset": "azureml:AzureML-sklearn-1.5@latest"} == evidence.section("environment")
    assert {"id": "aml:anna"} == evidence.section("author")
    assert evidence.sealed()


def test_asks_for_the_job_and_its_run(azure: Connected) -> None:
    """A version that was just read costs two calls, and where runs are is asked for once."""
    job = azure.local.job(azure.dev, metrics={"auc": 0.9})
    _model(azure, job)
    snapshot = azure.read("dev/models/iris:1")
    before = len(azure.local.calls)

    first = azure.registry.evidence(snapshot)
    once = len(azure.local.calls)
    second = azure.registry.evidence(snapshot)

    assert first.sealed() == second.sealed()
    ours = [f"{azure.dev.id}/jobs/{job}", azure.dev.id]
    run = f"/mlflow/v2.0{azure.dev.id}/api/2.0/mlflow/runs/get"
    assert [*ours, run] == [call.path for call in azure.since(before)[: once - before]]
    assert [ours[0], run] == [call.path for call in azure.since(once)]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Completed", "FINISHED"),
        ("Failed", "FAILED"),
        ("Canceled", "KILLED"),
        ("Queued", "SCHEDULED"),
        ("Running", "RUNNING"),
        ("Finalizing", "RUNNING"),
        ("SomethingNew", "RUNNING"),
    ],
)
def test_has_the_words_of_mlflow_for_states(azure: Connected, status: str, expected: str) -> None:
    """One rule fits all registries; a state that is new does not pass for finished."""
    _model(azure, azure.local.job(azure.dev, status=status))

    job = azure.registry.evidence(azure.read("dev/models/iris:1")).section("job")

    assert (expected, status) == (job["status"], job["azure_status"])


def test_what_a_job_was_given_is_used(azure: Connected) -> None:
    """Inputs, environment and component of a job are versions that the model uses."""
    job = azure.local.job(azure.dev, params={"epochs": "2"})
    _set(
        azure,
        job,
        inputs={
            "base": {
                "jobInputType": "mlflow_model",
                "uri": "azureml://registries/shared-reg/models/bert/versions/2",
            },
            "holdout": {"jobInputType": "uri_file", "uri": "https://open.data/iris.csv"},
            "train_data": {"jobInputType": "uri_folder", "uri": "azureml:iris-data:3"},
            "labels": {
                "jobInputType": "mltable",
                "uri": azure.dev.asset_id("data", "labels", "1"),
            },
            "epochs": {"jobInputType": "literal", "value": "1"},
            "seed": {"jobInputType": "literal", "value": "7"},
        },
        environmentId=f"{azure.test.id}/environments/sk/versions/4",
        componentId=f"{azure.dev.id}/components/train/versions/1",
        codeId=f"{azure.dev.id}/codes/c/versions/1",
        computeId=f"{azure.dev.id}/computes/cluster",
    )
    _model(azure, job)

    evidence = azure.registry.evidence(azure.read("dev/models/iris:1"))

    found = {(use.role, use.text) for use in uses(evidence)}
    assert {
        ("job", "dev/components/train:1"),
        ("data", "dev/data/iris-data:3"),
        ("data", "https://open.data/iris.csv"),
        ("data", "dev/data/labels:1"),
        ("environment", "test/environments/sk:4"),
        ("base_model", "shared/models/bert:2"),
    } == found
    data = evidence.section("data")
    assert ("train_data", "dev/data/iris-data:3") == (data["name"], data["asset"])
    listed = json.loads(str(data["datasets"]))
    assert ["train_data", "holdout", "labels"] == [one["name"] for one in listed]
    assert {"epochs": "2", "seed": "7"} == evidence.section("params")
    assert "cluster" == evidence.section("job")["compute"]
    assert f"{azure.dev.id}/codes/c/versions/1" == evidence.section("code")["source"]


@pytest.mark.parametrize("tags", [{"mlflow.user": "scientist1"}, {"mlflow.user": "Anna Smith"}])
def test_names_who_made_it(azure: Connected, tags: dict[str, str]) -> None:
    """A user that MLflow was told of is better than a display name, unless it is one itself."""
    _model(azure, azure.local.job(azure.dev, tags=tags))

    author = azure.registry.evidence(azure.read("dev/models/iris:1")).section("author")

    known = {"Anna Smith": "aml:anna", "scientist1": "mlflow:scientist1"}
    assert {"id": known[tags["mlflow.user"]]} == author


def test_an_id_of_azure_is_the_best_name(azure: Connected) -> None:
    """Where Azure names somebody by an id, nothing that anybody may write counts."""
    job = azure.local.job(azure.dev, tags={"mlflow.user": "somebody-else"})
    guid = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
    azure.dev.jobs[job]["systemData"]["createdBy"] = guid
    _model(azure, job)

    author = azure.registry.evidence(azure.read("dev/models/iris:1")).section("author")

    assert {"id": f"oid:{guid}"} == author
