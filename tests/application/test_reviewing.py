"""Versions are reviewed again and again: due, reminded, lapsed, and never moved by it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application.attending import make_review
from stage_functions.application.checks import Action, Finding, Question, check
from stage_functions.application.scan import Scanner
from stage_functions.application.sweep import sweep
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import DeniedError, NotAllowedNowError, StaleError
from stage_functions.domain.lifecycle import Lifecycle, WhenUnreviewed
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import timestamp
from stage_functions.domain.state import Mark
from stage_functions.domain.transition import Request
from tests.application.frozen_world import (
    Closing,
    frozen_world,
    promote,
    records,
    reviewed,
    reviewing,
    said,
    state,
    types,
)
from tests.builders import IRIS, World, actor, context_over, lifecycle

DAY = timedelta(days=1)
BLOCK = WhenUnreviewed.BLOCK


def reviewed_world(
    closing: Closing, governed_by: Lifecycle | None = None
) -> tuple[World, Version, datetime]:
    """Return a world with version 1 at Production, and when its review is due."""
    it, version = frozen_world(closing, governed_by or reviewing())
    due = state(it).review_due
    assert due is not None
    return it, version, due


def at(it: World, moment: datetime) -> list[str]:
    """Sweep at a moment; return which records of reviews there are by then."""
    it.clock.time = moment
    sweep(it.context)
    return [one for one in types(it) if one.startswith("Review")]


def deployable(it: World, version: Version) -> Finding:
    """Ask whether a version may be deployed."""
    wish = Request("", "", actor("sam"))
    return check(it.context, Question(version, Action.DEPLOY, wish, "demo/scoring"))


def marked(it: World, version: Version, by: str) -> None:
    """Mark a version, as a rollback does."""
    loaded = it.context.ledger.load(IRIS, [version.number])
    known = loaded.versions[version.number]
    mark = Mark(known.number, "it answered nonsense", f"person:{by}")
    step = loaded.step().with_version(replace(known, marked=mark))
    it.context.ledger.commit(loaded, step, now=it.clock.now(), operation="mark")


def test_the_record_of_the_grant_says_when_the_first_review_is_due(closing: Closing) -> None:
    """It is due 180 days later; of a stage without reviews the record says nothing."""
    it, _, due = reviewed_world(closing)
    first, last = records(it, "StageChanged")

    assert last.content["review_due"] == timestamp(due)
    assert due - state(it).since == 180 * DAY
    assert "review_due" not in first.content
    assert "review_due" not in records(it, "Registered")[0].content


def test_it_is_due_then_reminded_then_lapses_and_stays(closing: Closing) -> None:
    """Each is recorded once, at its moment, however often the sweep runs."""
    it, _, due = reviewed_world(closing)

    assert at(it, due - DAY) == []
    assert at(it, due) == ["ReviewDue"]
    assert at(it, due + DAY) == ["ReviewDue"]
    assert at(it, due + 3 * DAY) == ["ReviewDue"] * 2
    assert at(it, due + 8 * DAY) == ["ReviewDue"] * 3
    assert at(it, due + 14 * DAY) == [*["ReviewDue"] * 3, "ReviewLapsed"]
    assert at(it, due + 400 * DAY) == [*["ReviewDue"] * 3, "ReviewLapsed"]
    assert [one.content.get("reminder") for one in records(it, "ReviewDue")] == [None, 1, 2]
    assert records(it, "ReviewDue")[0].content["deadline"] == timestamp(due + 14 * DAY)
    assert records(it, "ReviewLapsed")[0].content["then"] == "notify"
    assert state(it).stage == "Production"


def test_of_several_late_reminders_one_is_given(closing: Closing) -> None:
    """And none at all once it has lapsed."""
    it, _, due = reviewed_world(closing)
    other, _, other_due = reviewed_world(closing)

    assert at(it, due + 10 * DAY) == ["ReviewDue"]
    assert records(it, "ReviewDue")[0].content["reminder"] == 2
    assert at(other, other_due + 20 * DAY) == ["ReviewLapsed"]


def test_a_review_begins_the_period_anew(closing: Closing) -> None:
    """It says who, why and when the next one is due; also where it had lapsed."""
    it, version, due = reviewed_world(closing)
    at(it, due + 20 * DAY)
    answer = reviewed(it, version)
    record = records(it, "Reviewed")[0].content
    after = state(it)

    assert (answer.kind, answer.stage) == ("reviewed", "Production")
    assert record["actor"] == {"id": "person:bob", "attribution": "proven", "via": "api"}
    assert (record["stage"], record["comment"]) == ("Production", "still sound")
    assert after.review_due == records(it, "Reviewed")[0].at + 180 * DAY
    assert record["review_due"] == timestamp(after.review_due)
    assert (after.review_lapsed, after.reviews_reminded) == (False, 0)
    assert at(it, after.review_due)[-2:] == ["Reviewed", "ReviewDue"]


def test_it_may_be_reviewed_before_it_is_due(closing: Closing) -> None:
    """The period begins anew, and nothing is due when it would have been."""
    it, version, due = reviewed_world(closing)
    it.clock.time = due - 10 * DAY
    reviewed(it, version)

    assert at(it, due + DAY) == ["Reviewed"]


def test_what_is_to_block_is_not_to_be_deployed_once_it_has_lapsed(closing: Closing) -> None:
    """The moment decides, before any sweep says so; a review lets it be deployed again."""
    it, version, due = reviewed_world(closing, reviewing(BLOCK))
    it.clock.time = due + 13 * DAY
    before = deployable(it, version)
    it.clock.time = due + 14 * DAY
    lapsed = deployable(it, version)
    at(it, due + 15 * DAY)
    reviewed(it, version)

    assert before.allowed
    assert "was not made until" in lapsed.detail
    assert "stageward review demo/models/iris:1" in lapsed.detail
    assert records(it, "ReviewLapsed")[0].content["then"] == "block"
    assert deployable(it, version).allowed


def test_what_is_only_told_of_may_be_deployed(closing: Closing) -> None:
    """`notify` blocks nothing."""
    it, version, due = reviewed_world(closing)
    at(it, due + 100 * DAY)

    assert deployable(it, version).allowed


@pytest.mark.parametrize(
    ("person", "why"),
    [("sam", "only risk may review"), ("tom", "only risk may review")],
)
def test_who_may_not_review(person: str, why: str, closing: Closing) -> None:
    """Only members of the groups may."""
    it, version, _ = reviewed_world(closing)
    with pytest.raises(DeniedError, match=why):
        reviewed(it, version, person)


def test_nobody_reviews_their_own_work(closing: Closing) -> None:
    """Whoever may vote on the way there may review, where no groups are named; not the author."""
    it, version, _ = reviewed_world(closing, reviewing(groups=()))
    with pytest.raises(DeniedError, match="their own work: you are its author"):
        reviewed(it, version, "sam")

    assert reviewed(it, version, "ada").kind == "reviewed"


def test_who_reviews_is_known_for_certain(closing: Closing) -> None:
    """A name that only a registry says is none."""
    it, version, _ = reviewed_world(closing)
    claimed = replace(
        said(it, version, "bob", "fine"), actor=Actor("person:bob", Attribution.INFERRED, "tag")
    )
    with pytest.raises(DeniedError, match="sign in"):
        make_review(it.context, claimed)


def test_what_has_no_reviews_is_not_reviewed(closing: Closing) -> None:
    """It is said what is missing; and a review of what has moved on since is stale."""
    it, version = frozen_world(closing, lifecycle())
    with pytest.raises(NotAllowedNowError, match="Production has no review_every"):
        reviewed(it, version)
    other, second, _ = reviewed_world(closing)
    with pytest.raises(StaleError, match="you saw 1"):
        reviewed(other, second, record=1)


def test_the_same_operation_reviews_once(closing: Closing) -> None:
    """It gets the same answer, however often it is sent."""
    it, version, _ = reviewed_world(closing)
    command = said(it, version, "bob", "still sound")

    assert make_review(it.context, command) == make_review(it.context, command)
    assert types(it).count("Reviewed") == 1


def test_a_review_clears_a_mark_but_not_by_whoever_made_it(closing: Closing) -> None:
    """Also where the stage by now has no reviews: whoever may vote on the way back may."""
    it, version, _ = reviewed_world(closing)
    promote(it, it.register("2"))
    marked(it, version, "eve")
    number = state(it).number
    with pytest.raises(DeniedError, match="the person who marked it"):
        reviewed(it, version, "eve")
    reviewed(it, version, "ada")
    record = records(it, "Reviewed")[0].content

    assert state(it).stage == "Archived"
    assert state(it).marked is None
    assert record["clears"] == number
    assert "review_due" not in record


def test_what_stood_there_before_reviews_were_asked_for_is_not_forgotten(closing: Closing) -> None:
    """It is due as long after it came, or now; and has the time that a review may take."""
    it, _ = frozen_world(closing, lifecycle())
    came = state(it).since
    instance = context_over(it.rows, it.registry, it.clock, Mode.ENFORCE, governed_by=reviewing())
    it.clock.time = came + 30 * DAY
    Scanner(instance).scan("demo")
    soon = state(it).review_due
    late, _ = frozen_world(closing, lifecycle())
    instance = context_over(
        late.rows, late.registry, late.clock, Mode.ENFORCE, governed_by=reviewing(BLOCK)
    )
    late.clock.time = begun = state(late).since + 400 * DAY
    Scanner(instance).scan("demo")
    due = state(late).review_due or begun

    assert soon == came + 180 * DAY
    assert types(late)[-1] == "ReviewDue"
    assert timestamp(due) == records(late, "ReviewDue")[0].content["due"]
    assert begun < due < late.clock.now()
    assert not state(late).review_lapsed


def test_where_reviews_are_asked_for_no_more_nothing_is_due(closing: Closing) -> None:
    """The next scan, and the clock, forget what was to come."""
    it, _, due = reviewed_world(closing)
    instance = context_over(it.rows, it.registry, it.clock, Mode.ENFORCE, governed_by=lifecycle())
    it.clock.time = due + DAY
    sweep(instance)

    assert state(it).review_due is None
    assert "ReviewDue" not in types(it)


def test_leaving_the_stage_ends_it(closing: Closing) -> None:
    """What was displaced to a stage without reviews is not to be reviewed."""
    it, _, due = reviewed_world(closing)
    promote(it, it.register("2"))

    assert state(it).review_due is None
    assert state(it, "2").review_due is not None
    assert at(it, due + DAY) == ["ReviewDue"]
    assert records(it, "ReviewDue")[0].version == "2"


def test_a_lost_row_of_the_clock_is_made_good_by_the_scan(closing: Closing) -> None:
    """What is due is derived from the state, never from the row."""
    it, _, due = reviewed_world(closing)
    it.clock.time = due + 15 * DAY
    Scanner(it.context).scan("demo")

    assert types(it)[-1] == "ReviewLapsed"


def test_a_review_waits_while_its_registry_is_only_observed(closing: Closing) -> None:
    """And is due once it is governed again."""
    it, _, due = reviewed_world(closing)
    observing = context_over(it.rows, it.registry, it.clock, Mode.OBSERVE, governed_by=reviewing())
    it.clock.time = due + DAY
    sweep(observing)
    waited = types(it)[-1]
    it.clock.time += DAY

    assert waited == "StageChanged"
    assert at(it, it.clock.time) == ["ReviewDue"]
