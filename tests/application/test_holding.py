"""Who held what, when: the same as a replay of the history, at every moment."""

from __future__ import annotations

from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stage_functions.application import query
from stage_functions.application.holding import Holding, holdings
from stage_functions.application.timeline import moment
from stage_functions.domain.record import Json, Record, RecordType
from tests.application.test_query import Act, acts, carry_out
from tests.browser.story import Story
from tests.builders import IRIS, World, unguarded, world

STAGES = ("Production", "Staging")


def told(acts: list[Act]) -> tuple[World, list[Record]]:
    """Return a world after these acts, with its records."""
    it = world(governed_by=unguarded())
    for act in acts:
        carry_out(it, act)
    return it, list(query.all_records(it.context, IRIS))


def at(found: list[Holding], moment: datetime) -> set[tuple[str, str]]:
    """Return who held what at a moment."""
    return {
        (one.stage, one.version)
        for one in found
        if (one.since is None or one.since <= moment) and (one.until is None or moment < one.until)
    }


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts)
def test_at_every_moment_holders_are_those_of_a_replay(acts: list[Act]) -> None:
    """At the moment of every record, and now."""
    it, records = told(acts)
    found = holdings(records, STAGES)
    for record in records:
        standings = query.standings(it.context, IRIS, record.at)
        replayed = {(one.stage, v) for v, one in standings.items() if one.stage in STAGES}
        assert at(found, record.at) == replayed
    assert all(one.since is not None for one in found)
    assert {one.version for one in found if one.stage == "Production" and not one.until} == set(
        it.context.ledger.load(IRIS).head.holders.get("Production", ())
    )
    it.rows.close()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts, st.integers(0, 30))
def test_the_end_of_a_history_tells_the_same_as_the_whole_as_far_as_it_reaches(
    acts: list[Act], dropped: int
) -> None:
    """What began before is said to have begun before."""
    it, records = told(acts)
    whole, end = holdings(records, ("Production",)), records[dropped:]
    # Not from the middle of a commit: a page reads what it reads, but moments are then of a part.
    while end and dropped and end[0].content["commit"] == records[dropped - 1].content["commit"]:
        dropped += 1
        end = records[dropped:]
    present = it.context.ledger.load(IRIS).head.holders
    part = holdings(end, ("Production",), present)
    it.rows.close()

    for record in end:
        assert at(part, record.at) == at(whole, record.at)
    assert len(part) <= len(whole)
    begun = [one for one in part if one.since is not None]
    assert begun == whole[len(whole) - len(begun) :]


def test_how_a_holding_ended_is_said() -> None:
    """Displaced, moved, deleted, registered anew."""
    acts = [("register", n, "None") for n in "123"]
    for number in ("1", "2", "3"):
        acts += [("ask", number, "Staging"), ("ask", number, "Production")]
    acts += [("lose", "3", "None"), ("register", "1", "None")]
    it, records = told(acts)
    found = holdings(records, STAGES)
    it.rows.close()

    assert [one.ended for one in found if one.stage == "Production"] == [
        "displaced by 2",
        "displaced by 3",
        "deleted",
    ]
    assert "moved to Production" in [one.ended for one in found]


def test_what_left_a_stage_after_a_cut_is_told_without_its_beginning() -> None:
    """It held the stage since before what was read."""
    acts = [("register", n, "None") for n in "12"]
    acts += [("ask", n, stage) for n in "12" for stage in ("Staging", "Production")]
    it, records = told(acts)
    holders = it.context.ledger.load(IRIS).head.holders
    it.rows.close()
    first, second = holdings(records[-2:], ("Production",), holders)

    assert (first.version, first.since, first.ended) == ("1", None, "displaced by 2")
    assert (second.version, second.since, second.until) == ("2", first.until, None)


def test_every_type_of_record_has_a_sentence() -> None:
    """Each says what happened, in words that begin with no capital and end without a full stop."""
    story = Story()
    records = list(query.all_records(story.it.context, IRIS))
    story.it.rows.close()
    base = records[0]
    for type_ in RecordType:
        content = {**base.content, "type": str(type_)}
        said = moment(Record(base.body, base.prev, base.hash, content))
        assert said.what, type_
        assert not said.what.endswith(".")
    for record in records:
        said = moment(record)
        assert said.actor
        assert (said.number, said.type) == (record.number, str(record.type))


def test_what_a_later_release_writes_does_not_break_a_timeline() -> None:
    """Fields of other shapes are left out."""
    content: dict[str, Json] = {
        "number": 1,
        "type": "StageChanged",
        "at": "2026-01-01T00:00:00Z",
        "actor": "somebody",
        "verdicts": ["?", {"rule": "r", "values": 3}],
        "lifecycle": ["default"],
        "because_of": "2",
        "from": 1,
        "to": "Staging",
    }
    said = moment(Record(b"", "", "", content))

    assert said.what == "1 → Staging"
    assert said.actor == ""
    assert [one.rule for one in said.verdicts] == ["", "r"]
