"""The files of the example on irises are what Azure ML and Stageward take, and agree."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stage_functions.bootstrap import open_application
from stage_functions.settings import read_settings
from tests.azureml.sdk import SDK_WARNINGS, ml_client
from tests.examples.iris import COMPONENTS, IRIS, ROOT

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
README = (IRIS / "README.md").read_text("utf-8")
SCHEMA = re.compile(r"https://azuremlschemas\.azureedge\.net/latest/(\w+)\.schema\.json\Z")
WORKSPACE = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/ml/providers/"
    "Microsoft.MachineLearningServices/workspaces/dev"
)
AZ = [line for line in README.splitlines() if re.match(r"(\w+=\$\()?az ml ", line)]
by_name = pytest.mark.parametrize("file", COMPONENTS, ids=lambda file: str(file.stem))


def _read(path: str | Path) -> Any:  # noqa: ANN401  # YAML
    return yaml.safe_load((IRIS / path).read_text("utf-8"))


def _loaded(load: str, path: Path, **options: Any) -> Any:  # noqa: ANN401  # the SDK's
    """Return a file as the SDK reads it; it raises for what its schema does not take."""
    ml_client()
    import azure.ai.ml

    return getattr(azure.ai.ml, load)(path, **options)


@by_name
def test_a_component_is_one_of_azure_ml(file: Path) -> None:
    """The SDK reads each component and finds nothing wrong with it."""
    component = _loaded("load_component", file)

    assert [] == component._validate()._errors  # noqa: SLF001  # what `az ml component create` asks first
    assert "command" == component.type


def test_the_pipeline_is_one_of_azure_ml() -> None:
    """The SDK reads the pipeline with all of its components, bound to each other, and finds nothing wrong."""
    job = _loaded("load_job", IRIS / "pipeline.yml")

    assert [] == job._validate()._errors  # noqa: SLF001  # what `az ml job create` asks first
    assert ["train", "evaluate", "register"] == list(job.jobs)
    assert ["Train", "Evaluate", "Register"] == [
        step.component.display_name for step in job.jobs.values()
    ]


def test_the_pipeline_takes_a_wish() -> None:
    """What `--set` changes on the command line of Azure ML, the SDK takes too."""
    settings = [{"jobs.register.inputs.stage_request": "Staging: ready"}, {"inputs.c": 0.5}]
    job = _loaded("load_job", IRIS / "pipeline.yml", params_override=settings)

    assert [] == job._validate()._errors  # noqa: SLF001  # likewise
    assert "Staging: ready" == job.jobs["register"].inputs.stage_request._data  # noqa: SLF001  # no other way
    assert 0.5 == job.inputs["c"]._data  # noqa: SLF001  # likewise


def test_a_pipeline_that_is_wrong_is_found_so() -> None:
    """The SDK's check is one: a step that is not given what it demands is an error."""
    settings = [{"jobs.evaluate.inputs": {"model": "${{parent.jobs.train.outputs.model}}"}}]
    job = _loaded("load_job", IRIS / "pipeline.yml", params_override=settings)

    assert job._validate()._errors  # noqa: SLF001  # likewise


def test_every_step_runs_on_the_environment_of_its_commit() -> None:
    """The SDK takes it from the files, under a name made of what is in it: nobody registers it."""
    job = _loaded("load_job", IRIS / "pipeline.yml")
    environment, *others = (step.component.environment for step in job.jobs.values())

    assert [environment.version] * 2 == [one.version for one in others]
    assert environment._is_anonymous  # noqa: SLF001  # no other way
    assert _read("conda.yml") == environment.conda_file
    assert _read("environment.yml")["image"] == environment.image


def test_endpoint_and_deployment_are_of_azure_ml() -> None:
    """The SDK reads the rest, and it fits together."""
    endpoint = _loaded("load_online_endpoint", IRIS / "endpoint" / "endpoint.yml")
    deployment = _loaded("load_online_deployment", IRIS / "endpoint" / "deployment.yml")

    assert endpoint.name == deployment.endpoint_name
    assert "iris:1" == deployment.model


def test_every_file_names_its_schema() -> None:
    """An editor completes each of them."""
    files: list[str | Path] = [
        "pipeline.yml",
        "environment.yml",
        *COMPONENTS,
        *(IRIS / "endpoint").glob("*.yml"),
    ]
    named = {match[1] for file in files if (match := SCHEMA.match(_read(file)["$schema"]))}

    assert {
        "commandComponent",
        "environment",
        "managedOnlineDeployment",
        "managedOnlineEndpoint",
        "pipelineJob",
    } == named


@by_name
def test_a_command_gives_the_script_what_it_takes(file: Path) -> None:
    """Each input and output of a component goes to an argument of its script, and none is left out."""
    component = _read(file)
    given = set(re.findall(r'(--[\w-]+) "?\$\{\{', component["command"]))
    named = set(re.findall(r"\$\{\{((?:in|out)puts\.\w+)\}\}", component["command"]))
    script = file.parent / component["code"] / component["command"].split()[1]
    taken = set(re.findall(r'add_argument\("(--[\w-]+)"', script.read_text("utf-8")))

    assert taken == given
    declared = {f"inputs.{name}" for name in component["inputs"]}
    assert declared | {f"outputs.{name}" for name in component["outputs"]} == named


def test_the_environment_is_pinned() -> None:
    """Every package has one version, those that others bring, too; and the image is none that moves."""
    *packages, pip = _read("conda.yml")["dependencies"]

    assert [] == [one for one in packages if not re.fullmatch(r"\w+=[\w.]+", one)]
    assert [] == [one for one in pip["pip"] if not re.fullmatch(r"[\w-]+==[\w.]+", one)]
    assert re.search(r":\d{8}\.v\d+\Z", _read("environment.yml")["image"])
    assert {"mlflow-skinny", "SQLAlchemy"} <= {one.partition("==")[0] for one in pip["pip"]}
    assert pip["pip"] == (IRIS / "requirements.txt").read_text("utf-8").splitlines()[1:]


def test_both_servers_are_asked_the_same() -> None:
    """What Azure ML is asked and what MLflow is asked differ in one word."""
    azureml, mlflow = (
        json.loads((IRIS / "requests" / f"{name}.json").read_text("utf-8"))
        for name in ("azureml", "mlflow")
    )

    assert azureml["input_data"] == mlflow["dataframe_split"]
    header = (IRIS / "data" / "iris.csv").read_text("utf-8").partition("\n")[0]
    assert [*azureml["input_data"]["columns"], "target"] == header.split(",")


@pytest.mark.parametrize(
    ("file", "address"),
    [
        ("stageward.yaml", ("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")),
        ("stageward.azure.yaml", ("AZUREML_WORKSPACE_ID", WORKSPACE)),
    ],
)
def test_stageward_starts_with_the_file(file: str, address: tuple[str, str]) -> None:
    """Each configuration is sound."""
    environment = {"STAGEWARD_CONFIG": str(IRIS / file), "STAGEWARD_LEDGER": ":memory:"}
    application = open_application(
        read_settings({**environment, "STAGEWARD_AUTH": "dev", address[0]: address[1]})
    )
    application.close()

    assert ["demo"] == [one["alias"] for one in _read(file)["registries"]]


def test_the_rules_are_the_same() -> None:
    """What is ruled on one machine is ruled on Azure ML, where violations are stopped besides."""
    (here,), (there,) = (
        _read(f"{name}.yaml")["lifecycles"] for name in ("stageward", "stageward.azure")
    )

    assert "zero_traffic" == there.pop("on_violation")
    assert here == there


@pytest.mark.parametrize("line", AZ, ids=range(len(AZ)))
def test_a_command_of_az_names_what_is_there(line: str) -> None:
    """Files that the page gives to `az` exist, and what it sets is in them."""
    for name in re.findall(r"examples/iris/[\w/.]+\.\w+", line):
        assert (ROOT / name).is_file(), name
    file = re.search(r"--file (\S+)", line)
    for setting in re.findall(r"--set ([\w.]+)=", line) if file else ():
        document = yaml.safe_load((ROOT / file[1]).read_text("utf-8")) if file else {}
        for key in setting.split("."):
            assert key in document, setting
            document = document[key]


def test_the_page_names_every_file() -> None:
    """Whoever reads the page knows what each file is for."""
    table = README.partition("| file | is |")[2].partition("\n\n")[0]
    patterns = re.findall(
        r"`([^`]+)`", "\n".join(row.split("|")[1] for row in table.splitlines()[2:])
    )
    named = {path for pattern in patterns for path in IRIS.glob(pattern)}
    files = {
        path
        for path in IRIS.rglob("*")
        if path.is_file() and not {".github", "__pycache__"} & set(path.parts)
    }

    assert {IRIS / "README.md"} == files - named
