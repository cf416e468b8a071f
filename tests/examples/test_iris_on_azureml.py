"""The example on a local Azure ML, by the real SDK: its files are read, and what they say is done."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from stage_functions.client import Client
from tests.azureml import LocalAzureMl, running
from tests.azureml.sdk import SDK_WARNINGS, entities
from tests.azureml_story.world import Story, stageward, told
from tests.examples.iris import IRIS

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
PEOPLE = {"scientist-1": "anna", "officer-1": "olga", "officer-2": "otto", "operator-1": "ben"}
"""Keys of the configuration, and who they are in Azure ML."""
ENDPOINT = "demo/iris"
WORSE, GOOD, BETTER = 0.85, 0.91, 0.93


def _configuration(local: LocalAzureMl) -> str:
    """Return the example's configuration, with the ids of who is here."""
    text = (IRIS / "stageward.azure.yaml").read_text("utf-8")
    ids = re.findall(r'"oid:([\w-]+)", "aml:([\w ]+)"', text)
    for (oid, shown), who in zip(ids, PEOPLE.values(), strict=True):
        text = text.replace(oid, local.person(who).oid).replace(f'"aml:{shown}"', f'"aml:{who}"')
    return text.replace("AZUREML_WORKSPACE_ID", "DEV")


@pytest.fixture
def story() -> Iterator[Story]:
    """Serve Stageward before a workspace; every history must be whole in the end."""
    with (
        running() as local,
        local.in_environment(),
        stageward() as served,
        told(local, served, "iris", _configuration(local)) as story,
    ):
        story.application.scanner.scan("demo")  # an empty workspace counts as imported
        yield story
        assert [] == story.faults()


def _sdk(story: Story, who: str = "anna") -> MLClient:
    return story.local.client(who, story.places["dev"])


_DATA = {"data": {"jobInputType": "uri_file", "uri": "azureml://datastores/a/paths/iris.csv"}}


def _trained(
    story: Story,
    accuracy: float,
    wish: str = "",
    inputs: Mapping[str, dict[str, str]] = _DATA,
    status: str = "Completed",
) -> str:
    """Leave behind what a run of the pipeline leaves: a job, and a version of its output."""
    job = story.local.job(
        story.places["dev"],
        params={"c": "1.0", "seed": "7", "rows": "105"},
        metrics={"accuracy": accuracy},
        inputs=inputs,
        status=status,
        who="anna",
    )
    model = entities().Model(
        path=f"azureml://jobs/{job}/outputs/artifacts/paths/model/",
        name="iris",
        type="mlflow_model",
        tags={"stage_request": wish} if wish else {},
    )
    made = _sdk(story).models.create_or_update(model)
    story.local.drain()
    return f"demo/models/iris:{made.version}"


def _promoted(story: Story, version: str, officer: str = "officer-1") -> None:
    """Have a scientist ask for Production, and an officer approve it."""
    with story.api("scientist-1") as scientist, story.api(officer) as client:
        asked = scientist.transition(version, "Production", reason="the best so far")
        assert "pending" == asked.outcome, asked.detail
        approval = client.approval(asked.approval or "")
        client.vote(approval.id, "approve", fingerprint=approval.fingerprint, comment="fine")


def _asked(story: Story, version: str) -> bool:
    with Client(story.address, "scientist-1") as client:
        return client.check(version, "deploy", endpoint=ENDPOINT).allowed


def _deploy(story: Story, version: str, name: str = "blue") -> None:
    """Do as `az ml online-deployment create --set model=… --all-traffic` with the example's files."""
    from azure.ai.ml import load_online_deployment, load_online_endpoint

    client, folder = _sdk(story), IRIS / "endpoint"
    endpoint = load_online_endpoint(folder / "endpoint.yml")
    if endpoint.name not in story.places["dev"].endpoints:
        client.online_endpoints.begin_create_or_update(endpoint).result()
    changes: list[dict[str, Any]] = [{"model": f"azureml:iris:{version[-1]}"}, {"name": name}]
    deployment = load_online_deployment(folder / "deployment.yml", params_override=changes)
    client.online_deployments.begin_create_or_update(deployment).result()
    found = client.online_endpoints.get(endpoint.name)
    found.traffic = {name: 100}
    client.online_endpoints.begin_create_or_update(found).result()
    story.local.drain()


def test_the_demonstration_of_the_concept(story: Story) -> None:
    """From None through Staging and an approval to an endpoint; what is displaced is archived."""
    first = _trained(story, GOOD)
    begun = [*story.stages(first), _asked(story, first)]
    _tag(story, first, "Staging: ready for tests")
    staged = [*story.stages(first), _asked(story, first)]
    _promoted(story, first)
    assert _asked(story, first)
    _deploy(story, first)
    second = _trained(story, BETTER, "Staging: less regularised")
    _promoted(story, second, "officer-2")

    assert (["None", False], ["Staging", False]) == (begun, staged)
    assert ["Archived", "Production"] == story.stages(first, second)
    assert [False, True] == [_asked(story, first), _asked(story, second)]
    _deploy(story, second, "green")
    assert {"green": 100} == story.traffic(endpoint="iris")
    assert "Violated" not in [str(one.type) for one in story.records(first)]


def _tag(story: Story, version: str, wish: str) -> None:
    """Do as `az ml model update --set tags.stage_request=…`."""
    models = _sdk(story).models
    model = models.get("iris", version[-1])
    model.tags = {**(model.tags or {}), "stage_request": wish}
    models.create_or_update(model)
    story.local.drain()


def test_what_is_displaced_shows_it(story: Story) -> None:
    """Tags and the native stage follow, and studio hides what is archived."""
    versions = [_trained(story, one, f"Staging: {one}") for one in (GOOD, BETTER)]
    for version in versions:
        _promoted(story, version)
    story.sweep(60)
    shown = [_document(story, version) for version in versions]

    assert ["Archived", "Production"] == [one["tags"]["stage"] for one in shown]
    assert [None, "Production"] == [one.get("stage") for one in shown]
    assert [True, False] == [one["isArchived"] for one in shown]


def _document(story: Story, version: str) -> dict[str, Any]:
    found = story.local.version(story.places["dev"], "models", "iris", version[-1])
    assert found is not None
    properties: dict[str, Any] = found["properties"]
    return properties


def test_who_deploys_without_asking_is_found_out(story: Story) -> None:
    """The deployment of a version at Staging gets no requests, and the history says who did it."""
    version = _trained(story, GOOD, "Staging: ready")
    _deploy(story, version)

    assert {} == story.traffic(endpoint="iris")
    assert "Violated" == story.records(version)[-1].type


def test_a_worse_version_is_refused(story: Story) -> None:
    """Below 90 % it does not come to Staging; below the holder it does not come to Production."""
    versions = [_trained(story, one, f"Staging: {one}") for one in (WORSE, BETTER, GOOD)]
    _promoted(story, versions[1])
    with story.api("scientist-1") as client:
        answer = client.transition(versions[2], "Production", reason="simpler")

    assert ["None", "Production", "Staging"] == story.stages(*versions)
    assert "refused" == answer.outcome
    assert "no-worse failed" in answer.detail


@pytest.mark.parametrize(
    ("missing", "rule"),
    [({"inputs": {}}, "data-recorded"), ({"status": "Running"}, "job-finished")],
)
def test_what_is_not_known_is_not_promoted(
    story: Story, missing: dict[str, Any], rule: str
) -> None:
    """A job that has not finished, or of which nobody knows what it was given, is no ground."""
    version = _trained(story, GOOD, "Staging: ready", **missing)

    assert ["None"] == story.stages(version)
    assert f"refused: {rule} failed" in _document(story, version)["tags"]["stage_status"]


def test_nobody_approves_their_own_work(story: Story) -> None:
    """Neither who asked nor who trained: officer-1 may not approve what officer-1 asked for."""
    version = _trained(story, GOOD, "Staging: ready")
    with story.api("officer-1") as client:
        asked = client.transition(version, "Production", reason="mine")
        approval = client.approval(asked.approval or "")
        with pytest.raises(Exception, match="nobody approves their own work"):
            client.vote(approval.id, "approve", fingerprint=approval.fingerprint, comment="")

    assert ["Staging"] == story.stages(version)
