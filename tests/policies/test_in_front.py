"""Stageward lives behind its own policies: by the real client, and by whole writes."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from stage_functions.domain.asset import Kind
from tests.azureml.errors import ArmError
from tests.azureml.sdk import SDK_WARNINGS
from tests.azureml_story.world import Story

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
_IRIS = "dev/models/iris:1"
DENIED = "RequestDisallowedByPolicy"


def _lowered(story: Story, **tags: str) -> dict[str, Any]:
    """Return properties without anything that shows a stage."""
    kept = {key: value for key, value in story.tags(_IRIS).items() if key != "stage"}
    return {"tags": {**kept, **tags}, "stage": None}


@pytest.mark.parametrize("kind", list(Kind))
def test_a_version_goes_its_way_and_is_shown(story: Story, kind: Kind) -> None:
    """What Stageward itself writes passes: every stage, of every kind, and the copies."""
    version = story.register("iris", kind=kind)
    story.tag(version, stage_request="Staging: ready for tests")
    story.ask(version, "Production")
    story.approve(version)
    story.heard()

    assert ["Production"] == story.stages(version)
    assert "Production" == story.tags(version)["stage"]
    assert "prod" in story.keys(version)
    assert ["Staging"] == story.stages(f"test/{kind}/iris:1")


def test_an_edit_of_the_stage_is_denied_before_it_is_one(story: Story) -> None:
    """By the real client: the tag stays, and nobody has to put anything back."""
    story.register("iris")
    client = story.sdk("ben", "dev")
    model = client.models.get("iris", "1")
    model.tags["stage"] = "Production"
    with pytest.raises(HttpResponseError) as raised:
        client.models.create_or_update(model)
    story.heard()

    assert DENIED in str(raised.value)
    assert "None" == story.tags(_IRIS)["stage"]
    assert ["Registered"] == story.types(_IRIS)


def test_a_request_by_a_tag_passes_at_the_first_stage_alone(story: Story) -> None:
    """From Staging on a whole write carries the stage: whoever asks does so elsewhere."""
    story.register("iris")
    client = story.sdk("ben", "dev")
    model = client.models.get("iris", "1")
    model.tags["stage_request"] = "Staging: ready for tests"
    client.models.create_or_update(model)
    story.heard()
    staged = story.stages(_IRIS)
    model = client.models.get("iris", "1")
    model.tags["stage_request"] = "Production: it is good"
    with pytest.raises(HttpResponseError, match=DENIED):
        client.models.create_or_update(model)
    asked = story.ask(_IRIS, "Production")

    assert ["Staging"] == staged
    assert "pending" == asked


def test_a_request_that_leaves_the_stage_out_passes(story: Story) -> None:
    """Azure sees nothing to deny; the request is judged, and the mirror comes back."""
    story.register("iris")
    story.tag(_IRIS, stage_request="Staging")
    story.put(_IRIS, **_lowered(story, stage_request="Archived: no use"))

    assert ["Archived"] == story.stages(_IRIS)
    assert "Archived" == story.tags(_IRIS)["stage"]


def test_by_mlflow_an_edit_asks_as_ever(story: Story) -> None:
    """Its calls go to the data plane, where Azure Policy stands in nobody's way."""
    story.register("iris")
    story.tag(_IRIS, stage_request="Staging")
    story.local.data_plane_tags(story.places["dev"], "iris", "1", {"stage": "Production"})
    changed = story.tags(_IRIS)["stage"]
    story.application.scanner.scan("dev")
    story.sweep()

    assert "Production" == changed
    assert "Staging" == story.tags(_IRIS)["stage"]
    assert "ApprovalRequested" == story.types(_IRIS)[-1]


def test_deletion_is_denied_but_where_it_is_allowed(story: Story) -> None:
    """At Staging it is not; of the whole asset it is, which Azure does not see as its versions'."""
    story.register("iris")
    story.register("rose")
    story.tag(_IRIS, stage_request="Staging")
    dev = story.places["dev"]
    with pytest.raises(ArmError) as raised:
        story.local.delete_version(dev, "models", "iris", "1", who="ben")
    there = story.local.version(dev, "models", "iris", "1")
    story.local.delete_version(dev, "models", "rose", "1", who="ben")
    story.local.delete_asset(dev, "models", "iris", who="ben")

    assert DENIED == raised.value.code
    assert there is not None
    assert story.local.version(dev, "models", "rose", "1") is None
    assert story.local.version(dev, "models", "iris", "1") is None


def test_a_tag_that_is_taken_away_opens_the_way_to_delete(story: Story) -> None:
    """Neither write is denied: what was before it no policy sees. The history tells all."""
    story.register("iris")
    story.tag(_IRIS, stage_request="Staging")
    with story.unheard():
        story.put(_IRIS, **_lowered(story))
        story.local.delete_version(story.places["dev"], "models", "iris", "1", who="ben")

    assert story.local.version(story.places["dev"], "models", "iris", "1") is None


def test_the_stage_field_is_the_governors(story: Story) -> None:
    """Of a version at its first stage others may write all else."""
    story.register("iris")
    with pytest.raises(ArmError) as raised:
        story.put(_IRIS, stage="Production")
    story.put(_IRIS, description="better words")

    assert DENIED == raised.value.code
    assert "better words" == story.document(_IRIS)["description"]


def test_who_archives_a_granted_version_is_denied(story: Story) -> None:
    """The client sends all of it."""
    story.register("iris")
    story.tag(_IRIS, stage_request="Staging")
    client = story.sdk("ben", "dev")
    with pytest.raises(HttpResponseError, match=DENIED):
        client.models.archive("iris", "1")

    assert story.document(_IRIS)["isArchived"] is False
