"""The models that jobs of Azure ML leave behind, on a local one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from stage_functions.application.ports.registry import Output
from stage_functions.domain.error import RegistryRefusedError, RegistryUnavailableError
from tests.adapters.azureml_local import Connected

HISTORY = "mlflow.log-model.history"


def _logged(*paths: object) -> dict[str, str]:
    return {HISTORY: json.dumps([{"artifact_path": path, "run_id": "r"} for path in paths])}


def _contents(found: tuple[Output, ...]) -> dict[str, str]:
    return {one.name: one.content for one in found}


def test_tells_which_models_a_job_left(azure: Connected) -> None:
    """Outputs of a type of model are told with their place, job, author and time."""
    job = azure.local.job(
        azure.dev,
        outputs={
            "trained": {"jobOutputType": "mlflow_model", "uri": "azureml://datastores/ds/paths/m/"},
            "exported": {"jobOutputType": "triton_model"},
            "custom": {"jobOutputType": "custom_model", "uri": None},
            "report": {"jobOutputType": "uri_folder", "uri": "azureml://datastores/ds/paths/r/"},
            "default": {"jobOutputType": "uri_folder"},
        },
    )

    found = azure.registry.outputs(job)

    place = f"azureml://datastores/workspaceblobstore/paths/azureml/{job}"
    assert {
        "trained": "azureml://datastores/ds/paths/m",
        "exported": f"{place}/exported",
        "custom": f"{place}/custom",
    } == _contents(found)
    assert {(job, "aml:anna")} == {(one.job, one.author) for one in found}
    assert all(one.made_at > datetime(2020, 1, 1, tzinfo=UTC) for one in found)


@pytest.mark.parametrize(
    "registered",
    [
        "azureml://jobs/{job}/outputs/artifacts/paths/model/",
        "azureml://jobs/{job}/outputs/artifacts/paths/model",
        "runs:/{job}/model",
        "azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.{job}/model",
        "{long}/datastores/workspaceartifactstore/paths/ExperimentRun/dcid.{job}/model",
    ],
)
def test_a_logged_model_is_known_when_it_is_registered(azure: Connected, registered: str) -> None:
    """Whichever way a logged model is registered, its content is that of the output."""
    job = azure.local.job(azure.dev, tags=_logged("model", "other/model"))
    group = azure.dev.group_id.removeprefix("/").replace("resourceGroups", "resourcegroups")
    uri = registered.format(job=job, long=f"azureml://{group}/workspaces/dev")
    azure.local.put_version(azure.dev, "models", "iris", "1", {"modelUri": uri, "jobName": job})

    found = _contents(azure.registry.outputs(job))

    assert {"artifacts/model", "artifacts/other/model"} == set(found)
    assert azure.read("dev/models/iris:1").content == found["artifacts/model"]


@pytest.mark.parametrize("uri", ["azureml://jobs/{job}/outputs/trained", "{said}/", "{said}"])
def test_an_output_is_known_when_it_is_registered(azure: Connected, uri: str) -> None:
    """So is an output that has a name, if it lies where Azure ML puts it by default."""
    job = "brave_fig"
    said = f"azureml://datastores/workspaceblobstore/paths/azureml/{job}/trained"
    outputs = {"trained": {"jobOutputType": "mlflow_model", "uri": f"{said}/"}}
    azure.local.job(azure.dev, outputs=outputs, name=job)
    written = {"modelUri": uri.format(job=job, said=said), "jobName": job}
    azure.local.put_version(azure.dev, "models", "iris", "1", written)

    assert [azure.read("dev/models/iris:1").content] == [
        one.content for one in azure.registry.outputs(job)
    ]


def test_an_output_says_how_to_register_it(azure: Connected) -> None:
    """By an address that means its content, and the job where it can; and with its type."""
    job = "brave_fig"
    elsewhere = "azureml://datastores/ds/paths/m"
    outputs = {
        "trained": {"jobOutputType": "mlflow_model", "uri": elsewhere},
        "exported": {"jobOutputType": "triton_model"},
    }
    azure.local.job(azure.dev, outputs=outputs, tags=_logged("model"), name=job)
    found = azure.registry.outputs(job)

    assert {
        "trained": ("mlflow_model", elsewhere),
        "exported": ("triton_model", f"azureml://jobs/{job}/outputs/exported"),
        "artifacts/model": (
            "mlflow_model",
            f"azureml://jobs/{job}/outputs/artifacts/paths/model",
        ),
    } == {one.name: (one.type, one.path) for one in found}
    for number, one in enumerate(found, 1):
        azure.local.put_version(azure.dev, "models", "iris", str(number), {"modelUri": one.path})
        version = azure.read(f"dev/models/iris:{number}")
        assert (one.content, None if one.path == elsewhere else job) == (
            version.content,
            version.job,
        )


def test_a_model_is_told_once(azure: Connected) -> None:
    """A model that a job names and its run has logged is one model; so is one logged twice."""
    job = "brave_fig"
    place = f"azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.{job}/model"
    outputs = {"trained": {"jobOutputType": "mlflow_model", "uri": place}}
    azure.local.job(azure.dev, outputs=outputs, tags=_logged("model", "/model/"), name=job)

    assert {"trained": place} == _contents(azure.registry.outputs(job))


@pytest.mark.parametrize("status", ["Running", "Failed", "Canceled", "NotStarted"])
def test_only_a_finished_job_leaves_models(azure: Connected, status: str) -> None:
    """While a job runs, or when it did not come to its end, it has left none: one call tells."""
    outputs = {"trained": {"jobOutputType": "mlflow_model"}}
    job = azure.local.job(azure.dev, outputs=outputs, status=status)
    before = len(azure.local.calls)

    assert () == azure.registry.outputs(job)
    assert 1 == len(azure.since(before))


def test_a_job_that_is_gone_left_none(azure: Connected) -> None:
    """Nor has a job that is not there; a registry has no jobs at all."""
    assert () == azure.registry.outputs("gone")
    before = len(azure.local.calls)
    assert () == azure.registries["shared"].outputs("gone")
    assert [] == azure.since(before)


def test_a_job_without_a_run_has_its_outputs(azure: Connected) -> None:
    """What tracking does not have, the job still tells; it ended when it was written last."""
    job = azure.local.job(azure.dev, outputs={"trained": {"jobOutputType": "mlflow_model"}})
    azure.local.fail("runs/get", status=404, code="UserError")

    found = azure.registry.outputs(job)

    written = datetime.fromisoformat(azure.dev.jobs[job]["systemData"]["lastModifiedAt"])
    assert [("trained", written)] == [(one.name, one.made_at) for one in found]


@pytest.mark.parametrize(
    ("outputs", "history"),
    [
        (None, ""),
        ([1], "{"),
        ({"a": 1, "b": {"jobOutputType": 7}}, "{}"),
        ({}, "[1, {}, null]"),
        ("x", "[" * 100_000),
        ({}, json.dumps([{"artifact_path": "/"}, {"artifact_path": 7}])),
    ],
)
def test_survives_any_job(azure: Connected, outputs: object, history: str) -> None:
    """What is no model is none."""
    job = azure.local.job(azure.dev, tags={HISTORY: history})
    azure.dev.jobs[job]["properties"]["outputs"] = outputs

    assert () == azure.registry.outputs(job)


def test_a_job_of_no_time_left_none(azure: Connected) -> None:
    """A job of which nobody says when it ended is not one to begin a history with."""
    job = azure.local.job(azure.dev, outputs={"trained": {"jobOutputType": "mlflow_model"}})
    azure.dev.jobs[job]["systemData"] = {"createdAt": None, "lastModifiedAt": "never"}
    azure.local.fail("runs/get", status=404, code="UserError")

    assert () == azure.registry.outputs(job)


@pytest.mark.parametrize("failing", ["GET .*/jobs/", "GET .*runs/get"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 500}, RegistryUnavailableError),
        ({"status": 403, "code": "AuthorizationFailed"}, RegistryRefusedError),
    ],
)
def test_says_what_cannot_be_read(
    azure: Connected, failing: str, fault: dict[str, Any], error: type[Exception]
) -> None:
    """What cannot be read just now is an error, never a job that left nothing."""
    job = azure.local.job(azure.dev)
    azure.local.fail(failing, times=9, **fault)

    with pytest.raises(error):
        azure.registry.outputs(job)
