"""The pipeline of the example runs on MLflow, and asks nothing of it that Azure ML has not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.examples.iris import IRIS, environment
from tests.mlflow_server import MlflowServer

pytestmark = pytest.mark.timeout(300)
NAME = "iris alone"
WISH = 'Staging: "ready" for tests'
_AZURE_ML_HAS = {
    "GET experiments/get",
    "GET experiments/get-by-name",
    "GET runs/get",
    "POST experiments/create",
    "POST model-versions/create",
    "POST registered-models/create",
    "POST runs/create",
    "POST runs/log-batch",
    "POST runs/log-metric",
    "POST runs/log-parameter",
    "POST runs/set-tag",
    "POST runs/update",
}
"""Calls that Azure ML answers, of those that MLflow makes; it has none of logged models."""
_HERE_ALONE = {"POST runs/log-inputs"}
"""What the script leaves out where it tracks with Azure ML."""


@dataclass(frozen=True, slots=True)
class Ran:
    """The pipeline has run.

    Attributes:
        outputs: the folder of what the steps made.
        runs: by name, as MLflow has them.
        version: that was registered, as MLflow has it.
        calls: that MLflow was asked, but for files.
    """

    outputs: Path
    runs: dict[str, Any]
    version: dict[str, Any]
    calls: set[str]


def _run(server: MlflowServer, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, IRIS / "run_locally.py", *options],
        env=environment(server.address),
        capture_output=True,
        text=True,
        check=False,
    )


def _runs(client: httpx.Client, experiment: str) -> dict[str, Any]:
    found = client.get("experiments/get-by-name", params={"experiment_name": experiment}).json()
    asked = {"experiment_ids": [found["experiment"]["experiment_id"]]}
    runs = client.post("runs/search", json=asked).raise_for_status().json()["runs"]
    return {run["info"]["run_name"]: run for run in runs}


@pytest.fixture(scope="module")
def client(mlflow_server: MlflowServer) -> Iterator[httpx.Client]:
    """Return a client of MLflow."""
    with httpx.Client(base_url=f"{mlflow_server.address}/api/2.0/mlflow", timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def ran(
    mlflow_server: MlflowServer, client: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> Ran:
    """Run the pipeline with a wish, as the only one who asks MLflow meanwhile."""
    folder = tmp_path_factory.mktemp("outputs")
    before = len(mlflow_server.calls())
    wish = WISH.replace('"', '\\"')  # the text goes into a command
    settings = ["inputs.c=0.5", f"inputs.name={NAME}", "experiment_name=iris alone"]
    settings.append(f"jobs.register.inputs.stage_request={wish}")
    told = [text for setting in settings for text in ("--set", setting)]
    done = _run(mlflow_server, *told, "--outputs", str(folder))
    assert 0 == done.returncode, done.stdout + done.stderr
    calls = {call for call in mlflow_server.calls()[before:] if "artifacts" not in call}
    found = client.get("model-versions/get", params={"name": NAME, "version": "1"})
    version = found.raise_for_status().json()["model_version"]
    return Ran(folder, _runs(client, "iris alone"), version, calls)


def _pairs(run: Any, *keys: str) -> dict[str, Any]:  # noqa: ANN401  # JSON
    for key in keys:
        run = run[key]
    return {one["key"]: one["value"] for one in run}


def test_each_step_is_a_run(ran: Ran) -> None:
    """Each has finished, below that of the pipeline."""
    parent = ran.runs["iris"]["info"]["run_id"]
    steps = ["evaluate", "register", "train"]

    assert ["evaluate", "iris", "register", "train"] == sorted(ran.runs)
    assert {"FINISHED"} == {run["info"]["status"] for run in ran.runs.values()}
    tags = [_pairs(ran.runs[name], "data", "tags") for name in steps]
    assert [parent] * 3 == [one["mlflow.parentRunId"] for one in tags]
    assert {"scientist1"} == {one["mlflow.user"] for one in tags}


def test_the_version_is_of_the_run_that_trained_it(ran: Ran) -> None:
    """There are parameters, data, and the metrics of the evaluation."""
    trained = ran.runs["train"]

    assert trained["info"]["run_id"] == ran.version["run_id"]
    assert {"c": "0.5", "seed": "7", "rows": "105"} == _pairs(trained, "data", "params")
    report = json.loads((ran.outputs / "evaluate" / "report").read_text("utf-8"))
    assert report == _pairs(trained, "data", "metrics")
    assert report == _pairs(ran.runs["evaluate"], "data", "metrics")
    (data,) = trained["inputs"]["dataset_inputs"]
    assert "iris" == data["dataset"]["name"]


def test_registration_sets_a_wish_and_nothing_else(ran: Ran) -> None:
    """No stage, and no tag but the one that was asked for, word for word."""
    assert [{"key": "stage_request", "value": WISH}] == ran.version["tags"]
    assert "None" == ran.version["current_stage"]
    registered = json.loads((ran.outputs / "register" / "registered").read_text("utf-8"))
    assert (NAME, "1") == (registered["name"], registered["version"])


def test_azure_ml_has_what_the_scripts_ask_for(ran: Ran) -> None:
    """Whichever MLflow is installed, they make no call that a workspace does not answer."""
    assert "POST runs/log-batch" in ran.calls
    assert set() == ran.calls - _AZURE_ML_HAS - _HERE_ALONE


def test_the_model_brings_what_serves_it(ran: Ran) -> None:
    """A deployment without code finds the packages that it imports among those of the model."""
    needed = (ran.outputs / "train" / "model" / "requirements.txt").read_text("utf-8")

    for package in ("azureml-ai-monitoring==", "azureml-inference-server-http==", "scikit-learn=="):
        assert package in needed


def test_what_was_held_back_was_not_trained_on(ran: Ran) -> None:
    """The parts of the data are apart, and are all of it."""
    whole = (IRIS / "data" / "iris.csv").read_text("utf-8").splitlines()[1:]
    held_out = (ran.outputs / "train" / "held_out").read_text("utf-8").splitlines()[1:]

    assert 45 == len(held_out)
    assert len(whole) == len(held_out) + 105
    assert set(held_out) <= set(whole)


def test_a_step_that_fails_ends_the_pipeline(
    mlflow_server: MlflowServer, client: httpx.Client
) -> None:
    """Its run and that of the pipeline have failed; nothing is registered."""
    name = "iris failed"
    settings = [
        "inputs.data.path=data/nothing.csv",
        f"inputs.name={name}",
        f"experiment_name={name}",
    ]
    done = _run(mlflow_server, *(text for one in settings for text in ("--set", one)))

    assert (1, True) == (done.returncode, done.stderr.rstrip().endswith("Train failed"))
    runs = _runs(client, name)
    assert {"iris": "FAILED", "train": "FAILED"} == {
        key: run["info"]["status"] for key, run in runs.items()
    }
    assert client.get("registered-models/get", params={"name": name}).is_error
