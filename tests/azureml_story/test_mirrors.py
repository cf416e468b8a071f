"""What versions show in Azure ML, and who changes it: by the real client, and by whole writes."""

from __future__ import annotations

import pytest

from tests.azureml.sdk import SDK_WARNINGS
from tests.azureml_story.world import Story

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
_IRIS = "dev/models/iris:1"
_HOURS = 3600


def _native(story: Story) -> tuple[str | None, bool]:
    found = story.document(_IRIS)
    return found.get("stage"), found["isArchived"]


def test_old_tags_never_ask_twice(story: Story) -> None:
    """The client writes all tags that it has read once; the mirror comes back, and nothing moves."""
    story.register("iris")
    client = story.sdk("ben", "dev")
    old = client.models.get("iris", "1")
    story.tag(_IRIS, staging="true")
    for _ in range(2):
        client.models.create_or_update(old)
        story.heard()
    old.tags = {}
    client.models.create_or_update(old)
    story.heard()

    assert ["Staging"] == story.stages(_IRIS)
    assert ["staging"] == story.keys(_IRIS)
    assert "Staging" == story.tags(_IRIS)["stage"]
    assert 1 == story.types(_IRIS).count("StageChanged")


def test_a_write_that_leaves_the_job_out_changes_nothing(story: Story) -> None:
    """The client writes a model without its job: that stays known, and what is asked stays open."""
    story.register("iris")
    story.tag(_IRIS, stage_request="Staging")
    assert "pending" == story.ask(_IRIS, "Production")
    with story.api("anna") as reader:
        before = reader.version(_IRIS).evidence
        client = story.sdk("ben", "dev")
        model = client.models.get("iris", "1")
        model.tags["note"] = "unrelated"
        client.models.create_or_update(model)
        story.heard()
        after = reader.version(_IRIS).evidence
    story.approve(_IRIS)

    assert story.document(_IRIS).get("jobName") is None
    assert before == after
    assert "FINISHED" == after["job"]["status"]
    assert ["Production"] == story.stages(_IRIS)


def test_who_fights_is_let_be_for_an_hour(story: Story) -> None:
    """Tags that keep being changed are put back three times, then after an hour; one record more."""
    story.register("iris")
    for _ in range(8):
        story.tag(_IRIS, prod="true", none=None, approval="prod-approved")
    fought = story.types(_IRIS)
    story.sweep(_HOURS + 60)

    assert 4 == fought.count("DriftFound")
    assert ["none"] == story.keys(_IRIS)
    assert ["None"] == story.stages(_IRIS)


def test_the_stage_field_never_says_archived(story: Story) -> None:
    """It follows the stage of a model, and is empty where that is archived; edits are put back."""
    story.register("iris")
    seen = [_native(story)]
    for stage in ("Staging", "Archived", "Staging"):
        assert "granted" == story.ask(_IRIS, stage)
        seen.append(_native(story))
    client = story.sdk("ben", "dev")
    model = client.models.get("iris", "1")
    model.stage = "Production"
    client.models.create_or_update(model)
    story.heard()

    assert [(None, False), ("Staging", False), (None, True), ("Staging", False)] == [
        (None if stage in ("None", "") else stage, archived) for stage, archived in seen
    ]
    assert ("Staging", False) == _native(story)


def test_what_a_person_archives_is_theirs(story: Story) -> None:
    """At a stage that hides nothing, the real client archives and restores as it likes."""
    story.register("iris")
    story.tag(_IRIS, stage_request="Staging")
    client = story.sdk("ben", "dev")
    client.models.archive("iris", "1")
    story.heard()
    story.tag(_IRIS, note="unrelated")
    archived = _native(story)
    client.models.restore("iris", "1")
    story.heard()

    assert (None, True) == archived
    assert ("Staging", False) == _native(story)
    assert ["Registered", "StageChanged"] == story.types(_IRIS)


def test_what_is_hidden_stays_so_until_it_is_rolled_back(story: Story) -> None:
    """Displaced, a version is hidden after its time; who restores it has it hidden again."""
    versions = [story.register("iris", number) for number in "12"]
    for version in versions:
        story.tag(version, stage_request="Staging")
        assert "pending" == story.ask(version, "Production")
        story.approve(version)
    within = _native(story)
    story.sweep(2 * _HOURS + 60)
    after = _native(story)
    story.sdk("ben", "dev").models.restore("iris", "1")
    story.heard()
    restored = _native(story)
    assert "granted" == story.ask(_IRIS, "Production")
    story.sweep(2 * _HOURS + 120)

    assert [(None, False), (None, True), (None, True)] == [within, after, restored]
    assert ("Production", False) == _native(story)
    assert ["Production", "Archived"] == story.stages(*versions)
    assert story.document(versions[1])["isArchived"]
    assert [] == story.owed()
