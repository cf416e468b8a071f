"""Jobs, and what tracking knows of them; tags that tracking edits."""

from __future__ import annotations

import pytest

from tests.azureml import LocalAzureMl, Place
from tests.azureml.sdk import SDK_WARNINGS
from tests.azureml_tests.arm import MODEL, Arm

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
TRACKING = "api/2.0/mlflow"


def test_a_job_is_read_by_the_sdk(local: LocalAzureMl, dev: Place) -> None:
    """`jobs.get` and `jobs.list` find a job that ran, with its output."""
    output = {"jobOutputType": "mlflow_model", "uri": "azureml://datastores/ds/paths/m"}
    name = local.job(dev, outputs={"model": output}, tags={"team": "a"}, experiment="churn")
    jobs = local.client("anna", dev).jobs

    job = jobs.get(name)

    assert ("Completed", "churn") == (job.status, job.experiment_name)
    assert {"team": "a"} == job.tags
    assert "mlflow_model" == job.outputs["model"].type
    assert [name] == [job.name for job in jobs.list()]


def test_tracking_has_metrics_and_parameters(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """A job's parameters, metrics and tags are read as those of an MLflow run."""
    name = local.job(dev, params={"depth": "3"}, metrics={"auc": 0.91}, tags={"team": "a"})
    uri = arm.get(dev.id).json()["properties"]["mlFlowTrackingUri"]
    path = uri.replace("azureml://", "https://").replace("v1.0", "v2.0")

    run = arm.get(f"{path}/{TRACKING}/runs/get", run_id=name).json()["run"]

    assert ("FINISHED", name) == (run["info"]["status"], run["info"]["run_id"])
    assert [{"key": "depth", "value": "3"}] == run["data"]["params"]
    assert [("auc", 0.91)] == [(one["key"], one["value"]) for one in run["data"]["metrics"]]
    assert [{"key": "team", "value": "a"}] == run["data"]["tags"]


def test_tracking_edits_tags_without_an_event(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """An MLflow client sets and deletes tags of a version, and nobody is told."""
    local.put_version(dev, "models", "churn", "1", {**MODEL, "tags": {"a": "1", "b": "2"}})
    told = len(local.events)
    path = f"/mlflow/v2.0{dev.id}/{TRACKING}/model-versions"
    named = {"name": "churn", "version": "1"}

    arm.post(f"{path}/set-tag", {**named, "key": "stage", "value": "prod"})
    arm.delete(f"{path}/delete-tag", **named, key="b")

    version = arm.get(f"{path}/get", **named).json()["model_version"]
    assert {"a": "1", "stage": "prod"} == {tag["key"]: tag["value"] for tag in version["tags"]}
    assert told == len(local.events)


def test_a_job_is_updated_and_archived(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """A PUT changes a job's tags and archives it; it keeps its status, and is told no status."""
    name = local.job(dev)
    told = len(local.events)

    answer = arm.put(f"{dev.id}/jobs/{name}", {"tags": {"a": "b"}, "isArchived": True})

    assert (200, "Completed") == (answer.status_code, answer.json()["properties"]["status"])
    assert [] == arm.names(f"{dev.id}/jobs")
    assert [name] == arm.names(f"{dev.id}/jobs", listViewType="ArchivedOnly")
    assert ["Microsoft.Resources.ResourceWriteSuccess"] == [
        event["eventType"] for event in local.events[told:]
    ]


@pytest.mark.parametrize("path", ["jobs/none", "onlineEndpoints/none", "onlineEndpoints/a/b/c"])
def test_what_is_not_there_is_not_found(arm: Arm, dev: Place, path: str) -> None:
    """A job or an endpoint that does not exist gets 404."""
    assert 404 == arm.get(f"{dev.id}/{path}").status_code


def test_a_run_or_version_is_missing_as_mlflow_says(arm: Arm, dev: Place) -> None:
    """Tracking names what is missing in MLflow's own words."""
    path = f"/mlflow/v2.0{dev.id}/{TRACKING}"

    run = arm.get(f"{path}/runs/get", run_id="none")
    version = arm.get(f"{path}/model-versions/get", name="churn", version="1")

    assert [404, 404] == [run.status_code, version.status_code]
    assert "RESOURCE_DOES_NOT_EXIST" == run.json()["error"]["code"]
