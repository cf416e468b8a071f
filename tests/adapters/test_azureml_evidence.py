"""What is known of versions in Azure ML, read from a local one."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from stage_functions.adapters.azureml import AzureMlRegistry
from stage_functions.adapters.azureml_cloud import cloud
from stage_functions.domain.asset import Version
from stage_functions.domain.error import (
    NotFoundError,
    RegistryRefusedError,
    RegistryUnavailableError,
)
from stage_functions.domain.mirror import Edit
from stage_functions.domain.uses import uses
from tests.adapters.azureml_local import Connected, connected

GIT = {
    "azureml.git.repository_uri": "https://github.com/contoso/iris",
    "mlflow.source.git.branch": "main",
    "mlflow.source.git.commit": "a" * 40,
    "azureml.git.dirty": "False",
}


@pytest.fixture
def azure() -> Iterator[Connected]:
    """Run a local Azure ML."""
    with connected() as azure:
        yield azure


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


def test_costs_nothing_without_a_job(azure: Connected) -> None:
    """Of a version without a job everything is known that reading it has shown."""
    _model(azure, modelType="custom_model")
    snapshot = azure.read("dev/models/iris:1")
    before = len(azure.local.calls)

    evidence = azure.registry.evidence(snapshot)

    assert [] == azure.since(before)
    assert "custom_model" == evidence.section("model")["type"]
    assert {} == evidence.section("job")
    assert {"id": "aml:anna"} == evidence.section("author")


def test_knows_the_same_whoever_read_the_version(azure: Connected) -> None:
    """What is remembered of a version is what its document says: another process comes to it too."""
    _model(azure, modelType="custom_model", flavors={"onnx": {}})
    snapshot = azure.read("dev/models/iris:1")
    known = azure.registry.evidence(snapshot)
    azure.registry.edit(snapshot.version, lambda _: Edit({"stage": "None"}))

    with closing(_another(azure)) as other:
        assert known.sealed() == other.evidence(snapshot).sealed()
    assert known.sealed() == azure.registry.evidence(azure.read("dev/models/iris:1")).sealed()


def test_a_version_that_is_gone_has_its_content_left(azure: Connected) -> None:
    """Of a version that was deleted since nothing is invented, and nothing is raised."""
    _model(azure, modelType="custom_model")
    snapshot = azure.read("dev/models/iris:1")
    azure.local.delete_version(azure.dev, "models", "iris", "1")

    with closing(_another(azure)) as other:
        model = other.evidence(snapshot).section("model")

    assert {"source": "azureml://datastores/ds/paths/iris"} == model


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
    ("kind", "properties", "expected"),
    [
        (
            "models",
            {"modelUri": "https://x/m", "modelType": "triton_model"},
            {"model": {"source": "https://x/m", "type": "triton_model"}},
        ),
        (
            "models",
            {
                "modelUri": "https://x/m",
                "datasets": [{"name": "t", "id": "{dev}/data/iris/versions/1"}, {"id": "other"}],
            },
            {"data": {"asset": "dev/data/iris:1", "assets": '["dev/data/iris:1", "other"]'}},
        ),
        (
            "data",
            {"dataUri": "https://x/d", "dataType": "mltable"},
            {"data": {"source": "https://x/d", "source_type": "mltable"}},
        ),
        (
            "environments",
            {"image": "mcr.microsoft.com/sk:1", "osType": "Linux"},
            {
                "environment": {
                    "specification": "mcr.microsoft.com/sk:1",
                    "image": "mcr.microsoft.com/sk:1",
                    "os": "Linux",
                }
            },
        ),
        (
            "components",
            {
                "componentSpec": {
                    "type": "command",
                    "command": "python train.py",
                    "code": "azureml:/codes/1",
                    "environment": "azureml:{dev}/environments/sk/versions/4",
                }
            },
            {"environment": {"asset": "dev/environments/sk:4"}},
        ),
    ],
    ids=["model", "model and data", "data", "environment", "component"],
)
@pytest.mark.parametrize("alias", ["dev", "shared"])
def test_tells_what_a_document_says(
    azure: Connected,
    kind: str,
    properties: dict[str, Any],
    expected: dict[str, dict[str, str]],
    alias: str,
) -> None:
    """A version of each kind, in a workspace or a registry, is told by its own document."""
    place = {"dev": azure.dev, "shared": azure.shared}[alias]
    written = json.loads(json.dumps(properties).replace("{dev}", azure.dev.id))
    azure.local.put_version(place, kind, "thing", "1", written)
    snapshot = azure.read(f"{alias}/{kind}/thing:1")

    evidence = azure.registries[alias].evidence(snapshot)

    for section, facts in expected.items():
        assert facts == evidence.section(section)
    if kind == "components":
        code = evidence.section("code")
        assert ("command", "python train.py") == (code["type"], code["command"])
        assert snapshot.content == code["specification"]
    assert {} == evidence.section("job")


def test_data_that_a_job_made_tells_of_itself(azure: Connected) -> None:
    """A data asset is told as it is, and what its job was given is what it was made from."""
    job = azure.local.job(azure.dev)
    _set(azure, job, inputs={"raw": {"jobInputType": "uri_folder", "uri": "azureml:raw:1"}})
    written = {"dataUri": "https://x/d", "dataType": "mltable"}
    made = {"properties": {"azureml.jobName": job}}
    azure.local.put_version(azure.dev, "data", "clean", "1", {**written, **made})

    evidence = azure.registry.evidence(azure.read("dev/data/clean:1"))

    assert {
        "source": "https://x/d",
        "source_type": "mltable",
        "asset": "dev/data/raw:1",
    } == evidence.section("data")
    assert "FINISHED" == evidence.section("job")["status"]


def test_a_registry_asks_for_no_job(azure: Connected) -> None:
    """A job that a version of a registry names is in some workspace, and is not looked for."""
    written = {"modelUri": "https://x/m", "properties": {"azureml.jobName": "somewhere"}}
    azure.local.put_version(azure.shared, "models", "iris", "1", written)
    snapshot = azure.read("shared/models/iris:1")
    before = len(azure.local.calls)

    evidence = azure.registries["shared"].evidence(snapshot)

    assert [] == azure.since(before)
    assert {} == evidence.section("job")


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


def test_knows_its_own_assets_only(azure: Connected) -> None:
    """A version of another registry is not looked for here."""
    _model(azure)
    with pytest.raises(NotFoundError):
        azure.registries["test"].evidence(azure.read("dev/models/iris:1"))


def test_remembers_the_last_versions_only(azure: Connected) -> None:
    """However many versions are read, few are remembered."""
    for number in range(1, 203):
        written = {"modelUri": f"https://x/{number}", "modelType": "custom_model"}
        azure.local.put_version(azure.dev, "models", "many", str(number), written)
    first = azure.read("dev/models/many:1")
    for number in range(2, 203):
        azure.registry.read(Version(first.version.asset, str(number)))
    before = len(azure.local.calls)

    assert "custom_model" == azure.registry.evidence(first).section("model")["type"]
    assert 1 == len(azure.since(before))


_LIGHT = """
import sys
from stage_functions.adapters.azureml import AzureMlRegistry
from stage_functions.adapters.azureml_cloud import cloud
from stage_functions.domain.asset import Version
from stage_functions.domain.mirror import Edit
from tests.azureml.identity import LocalCredential, person

url, workspace = sys.argv[1:]
registry = AzureMlRegistry(
    "dev", workspace, LocalCredential(person("governor")), cloud=cloud(url, url)
)
version = Version.parse("dev/models/iris:1")
snapshot = registry.edit(version, lambda _: Edit({"stage": "None"}))
assert snapshot is not None and registry.read(version) is not None
assert registry.versions().versions
assert registry.evidence(snapshot).section("metrics")
assert registry.links(version, registry.evidence(snapshot)).job
assert len(registry.deployments("scoring")) == 1
assert registry.outputs(snapshot.job)
registry.take_traffic("scoring", "green")
registry.take_traffic("nowhere", "blue")
print(sorted(name for name in sys.modules if name.startswith("azure.ai")))
"""


def test_needs_no_library_of_microsofts_for_an_event(azure: Connected) -> None:
    """Reading, editing, listing, evidence, deployments and outputs leave azure.ai.ml unloaded."""
    job = azure.local.job(
        azure.dev, metrics={"auc": 0.9}, outputs={"m": {"jobOutputType": "custom_model"}}
    )
    _model(azure, job)
    azure.local.deploy(
        azure.dev, "scoring", "blue", f"{azure.dev.id}/models/iris/versions/1", traffic=100
    )

    program = [sys.executable, "-c", _LIGHT, azure.local.url, azure.dev.id]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)

    assert ("[]\n", "") == (done.stdout, done.stderr)


def _another(azure: Connected) -> AzureMlRegistry:
    """Return the adapter as another process has it: with nothing remembered."""
    return AzureMlRegistry(
        "dev",
        azure.dev.id,
        azure.local.credential("governor"),
        cloud=cloud(azure.local.url, azure.local.url),
    )
