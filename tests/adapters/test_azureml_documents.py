"""What the documents of versions in Azure ML say, read from a local one."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest

from stage_functions.adapters.azureml import AzureMlRegistry
from stage_functions.adapters.azureml_cloud import cloud
from stage_functions.domain.asset import Version
from stage_functions.domain.error import NotFoundError
from stage_functions.domain.mirror import Edit
from tests.adapters.azureml_local import Connected

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


def _model(azure: Connected, job: str | None = None, **properties: object) -> None:
    written: dict[str, object] = {"modelUri": "azureml://datastores/ds/paths/iris", **properties}
    if job:
        written["jobName"] = job
    azure.local.put_version(azure.dev, "models", "iris", "1", written)


def _set(azure: Connected, job: str, **properties: object) -> None:
    """Give a job what the local server has no argument for."""
    azure.dev.jobs[job]["properties"].update(properties)


def _another(azure: Connected) -> AzureMlRegistry:
    """Return the adapter as another process has it: with nothing remembered."""
    return AzureMlRegistry(
        "dev",
        azure.dev.id,
        azure.local.credential("governor"),
        cloud=cloud(azure.local.url, azure.local.url),
    )


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
