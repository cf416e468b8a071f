"""Copies between workspaces and a registry of Azure ML, while something goes wrong."""

from __future__ import annotations

import threading

import pytest

from tests.azureml.sdk import SDK_WARNINGS
from tests.azureml_story.world import Story

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
_DEV, _TEST, _SHARED = (f"{alias}/models/iris:1" for alias in ("dev", "test", "shared"))
_IMPORT = "POST .*/import"
_LATER = 4000


def _asked(story: Story) -> None:
    """Bring version 1 to where one vote copies it to the registry."""
    story.tag(story.register("iris"), stage_request="Staging")
    assert "pending" == story.ask(_TEST, "Production")


def test_a_tag_that_comes_along_asks_for_nothing(story: Story) -> None:
    """A wish that is written to the original while it is copied is none for the copy."""
    _asked(story)
    story.local.fail(_IMPORT, status=0, delay_seconds=0.3)
    voting = threading.Thread(target=story.approve, args=(_TEST,))
    voting.start()
    story.eventually(lambda: not story.local.world.faults.left)
    story.local.data_plane_tags(
        story.places["test"], "iris", "1", {"stage_request": "Archived: no longer"}, who="ben"
    )
    voting.join()
    story.sweep(_LATER)

    assert "Archived: no longer" == story.tags(_SHARED)["stage_request"]
    assert ["Registered"] == story.types(_SHARED)
    story.tag(_SHARED, stage_request="Archived: really")
    assert ["Registered", "ApprovalRequested"] == story.types(_SHARED)


@pytest.mark.parametrize(
    "fault",
    [
        {"match": _IMPORT, "applied": True, "cut": True, "times": 3},
        {"match": "registrymanagement", "status": 503, "times": 99},
        {"match": "(?i)mfeoperations", "status": 500, "times": 99},
        {"match": "GET .*-shared/models", "status": 500, "times": 99},
    ],
    ids=["cut", "away", "polling", "unreadable"],
)
def test_a_copy_that_fails_half_way_is_made_once(story: Story, fault: dict[str, object]) -> None:
    """The decision stands; the copy follows when the registry is well again, once."""
    _asked(story)
    story.local.polls = 1
    story.local.fail(**fault)  # type: ignore[arg-type]
    story.approve(_TEST)
    assert ["Production"] == story.stages(_TEST)
    story.local.heal()
    story.local.polls = 0
    story.sweep(_LATER)

    assert ["Registered"] == story.types(_SHARED)
    assert "Production" == story.tags(_SHARED)["stage"]
    assert [] == story.owed()


def test_a_copy_may_not_be_shown_at_once(story: Story) -> None:
    """A registry that answers with what was there before has nothing parked, nor copied twice."""
    _asked(story)
    story.local.stale(6, "GET .*-shared/models")
    story.approve(_TEST)
    story.local.heal()
    story.sweep(_LATER)

    assert ["Registered"] == story.types(_SHARED)
    assert "DriftFound" not in story.types(_TEST)
    assert [] == story.owed()


def test_an_identity_without_rights_is_told_so(story: Story) -> None:
    """What the other registry forbids waits for an operator, who is told which role is missing."""
    _asked(story)
    story.local.fail("-shared", status=403, code="AuthorizationFailed", times=99)
    story.approve(_TEST)
    (owed,) = story.owed()
    story.local.heal()
    with story.api("otto") as operator:
        operator.retry(operator.outbox()[0].id)
    story.sweep()

    assert "AzureML Registry User on the registry" in owed
    assert "DriftFound" == story.types(_TEST)[-1]
    assert ["Production"] == story.stages(_SHARED)


@pytest.mark.parametrize("gone", ["deleted", "displaced"])
def test_what_no_longer_stands_is_not_copied(story: Story, gone: str) -> None:
    """What was deleted or displaced before it could be copied never arrives, and it is said why."""
    _asked(story)
    story.local.fail("registrymanagement", status=503, times=99)
    story.approve(_TEST)
    if gone == "deleted":
        story.local.delete_version(story.places["test"], "models", "iris", "1", who="ben")
        story.heard("test")
        story.sweep(301)
    else:
        story.release("2")
    story.local.heal()
    for seconds in (_LATER, 2 * _LATER):
        story.sweep(seconds)

    shared = story.places["shared"]
    assert story.local.version(shared, "models", "iris", "1") is None
    assert "shared" == story.records(_TEST)[-1].content["copy_to"]
    assert [] == story.owed()


def test_a_stranger_goes_nowhere(story: Story) -> None:
    """In a registry of copies alone, what somebody else registers is a violation and stays put."""
    shared = story.places["shared"]
    wishes = {"modelUri": "https://elsewhere", "tags": {"prod": "x", "stage_request": "Production"}}
    story.local.put_version(shared, "models", "iris", "1", wishes, who="ben")
    story.heard("shared")
    story.tag(_SHARED, prod="true")
    refused = story.ask(_SHARED, "Production")
    _asked(story)
    story.approve(_TEST)

    assert ["Registered", "Violated", "TransitionRefused"] == story.types(_SHARED)[:3]
    assert ("refused", ["None"]) == (refused, story.stages(_SHARED))
    (owed,) = story.owed()
    assert "is there already and is not this copy: it was registered there by person:ben" in owed


def test_what_people_share_stops_no_registry(story: Story) -> None:
    """Who shares a version by hand takes its tags along: it is a stranger, and all else goes on."""
    client = story.sdk("ben", "test")
    for name in "abcd":
        story.tag(story.register(name), stage_request="Staging")
        assert "pending" == story.ask(f"test/models/{name}:1", "Production")
        client.models.share(
            name,
            "1",
            share_with_name=name,
            share_with_version="1",
            registry_name=story.places["shared"].name,
        )
    story.heard("shared")
    story.release(name="iris")

    assert ["None"] * 4 == story.stages(*(f"shared/models/{name}:1" for name in "abcd"))
    assert ["Registered", "Violated"] == story.types("shared/models/a:1")
    assert "None" == story.tags("shared/models/a:1")["stage"]
    assert ["Production"] == story.stages(_SHARED)
    assert not story.context.states.get("shared").suspects


def test_a_copy_is_approved_by_what_was_known(story: Story) -> None:
    """A copy's evidence is the original's, also when the workspaces are gone: votes still count."""
    story.release()
    assert "pending" == story.ask(_SHARED, "Archived")
    for run in story.places["dev"].runs.values():
        run.metrics["accuracy"] = 0.1
    for alias in ("dev", "test"):
        story.local.vanish(story.places[alias])
    story.approve(_SHARED)

    assert ["Archived"] == story.stages(_SHARED)
    with story.api("olga") as reader:
        assert {"accuracy": 0.97} == reader.version(_SHARED).evidence["metrics"]


def test_a_copy_is_not_overwritten_by_another_thing(story: Story) -> None:
    """What is registered anew under the number of what was copied waits; the copy stays."""
    story.tag(story.register("iris"), stage_request="Staging")
    dev = story.places["dev"]
    story.local.delete_version(dev, "models", "iris", "1", who="ben")
    other = {"modelUri": "azureml://datastores/workspaceblobstore/paths/other", "tags": {}}
    story.local.put_version(dev, "models", "iris", "1", other, who="ben")
    story.heard()
    story.tag(_DEV, stage_request="Staging")

    (owed,) = story.owed()
    assert "it is a copy of dev/models/iris:1, as that was before, and stands at Staging" in owed
    assert ["Registered"] == story.types(_TEST)
