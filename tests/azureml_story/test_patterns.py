"""Both patterns of the concept, on workspaces and a registry of Azure ML."""

from __future__ import annotations

import json

import pytest
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum

from stage_functions.domain.asset import Kind
from stage_functions.domain.error import DeniedError
from stage_functions.triggers.events import EventTrigger
from tests.azureml.sdk import SDK_WARNINGS
from tests.azureml_story.world import Story

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
_DEV, _TEST, _SHARED = (f"{alias}/models/iris:1" for alias in ("dev", "test", "shared"))


def test_one_version_walks(story: Story) -> None:
    """One version goes from development over test to the shared registry, and into its archive."""
    story.register("iris")
    client = story.sdk("ben", "dev")
    model = client.models.get("iris", "1")
    model.tags = {**model.tags, "staging": "since Monday"}
    client.models.create_or_update(model)
    story.heard()
    story.tag(_TEST, stage_request="Production: AUC 0.97")

    waiting = story.tags(_TEST)["stage_status"]
    assert "pending" in waiting
    assert "needs a sponsor" in waiting
    for who in ("anna", "ben"):
        with pytest.raises(DeniedError, match="nobody approves their own work"):
            story.approve(_TEST, who)
    with story.api("otto") as sponsor:
        sponsor.sponsor(story.state(_TEST).approval)
    story.approve(_TEST)
    assert ["Staging", "Production", "Production"] == story.stages(_DEV, _TEST, _SHARED)
    assert "pending" == story.ask(_SHARED, "Archived")
    with pytest.raises(DeniedError, match="you are the author"):
        story.approve(_SHARED, "anna")
    story.approve(_SHARED)

    assert ["Staging", "Production", "Archived"] == story.stages(_DEV, _TEST, _SHARED)
    assert [False, False, True] == [
        story.document(one)["isArchived"] for one in (_DEV, _TEST, _SHARED)
    ]
    with story.api("anna") as reader:
        chain = reader.version(_SHARED).origins
        assert [(_TEST, "Production", True), (_DEV, "Staging", True)] == [
            (one.version, one.stage, one.proven) for one in chain
        ]
        assert {"accuracy": 0.97} == reader.version(_SHARED).evidence["metrics"]
    assert [] == story.owed()


def test_versions_stand_at_different_stages(story: Story) -> None:
    """Each release displaces the one before, in each registry by its own lifecycle, in one commit."""
    for number in "123":
        story.release(number)
    story.register("iris", "4")

    shown = {
        alias: [story.tags(f"{alias}/models/iris:{number}")["stage"] for number in "123"]
        for alias in ("dev", "test", "shared")
    }
    assert {
        "dev": ["Staging", "Staging", "Staging"],
        "test": ["Staging", "Staging", "Production"],
        "shared": ["Archived", "Archived", "Production"],
    } == shown
    assert ["None"] == story.stages("dev/models/iris:4")
    (begun,) = story.records("shared/models/iris:3")
    *_, displaced = story.records("shared/models/iris:2")
    assert begun.content["commit"] == displaced.content["commit"]
    assert "3" == displaced.content["displaced_by"]
    assert [] == story.owed()


def test_events_in_any_order_move_nothing(story: Story) -> None:
    """All events once more, from the last to the first, and scans besides, add no record."""
    for number in "12":
        story.release(number)
    ledger = story.context.ledger
    before = {asset: ledger.load(asset).head.number for asset in ledger.assets()}

    story.local.deliver(story.local.events[::-1])
    for alias in ("dev", "test", "shared"):
        story.application.scanner.scan(alias)
        story.heard(alias)

    assert before == {asset: ledger.load(asset).head.number for asset in ledger.assets()}


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_copied(story: Story, kind: Kind) -> None:
    """A version of each kind begins in the other workspace where its original was granted."""
    story.tag(story.register("thing", kind=kind), staging="true")

    copied = f"test/{kind}/thing:1"
    assert ["Staging"] == story.stages(copied)
    assert ["staging"] == story.keys(copied)
    assert ["Registered"] == story.types(copied)
    assert [] == story.owed()


def test_who_asked_is_proven_by_the_trigger(story: Story) -> None:
    """An event that comes by the platform's own way proves who asked: no sponsor is needed."""
    story.tag(story.register("iris"), staging="true")
    with story.unheard() as events:
        story.tag(_TEST, stage_request="Production")
    trigger = EventTrigger(story.context)
    for event in events:
        trigger.receive(
            EventGridEventInConverter.decode(
                Datum(json.dumps(event), "json"), trigger_metadata=None
            )
        )

    assert "needs 1 of model-risk" in story.tags(_TEST)["stage_status"]
    assert "sponsor" not in story.tags(_TEST)["stage_status"]
    requester = story.records(_TEST)[-1].content["requester"]
    assert {"attribution": "proven", "id": "person:ben", "via": "tag"} == requester
