"""Where a version stands after each record, and how its grounds are said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from stage_functions.domain.history import Original, Standing, after
from stage_functions.domain.record import (
    Draft,
    Json,
    Record,
    RecordType,
    empty_tail,
    seal,
    timestamp,
)
from stage_functions.domain.standing_words import grounds
from tests.builders import actor

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=90)
HELD = Standing(
    "Production",
    NOW,
    7,
    "approved",
    approval="aaaaaaaa",
    valid_until=NOW,
    author="person:ada",
    trainer="person:bob",
    review_due=NOW,
    approved_by=("person:eve",),
)


def said(type_: RecordType, **fields: Json) -> Record:
    """Return a record about a version."""
    draft = Draft(type_, "1", "0/x", actor("sam"), fields)
    (record,) = seal(
        empty_tail("00000000", "demo/models/iris"), [draft], commit=1, now=NOW, operation="o"
    )
    return record


def test_a_renewal_and_a_ratification_leave_it_there_by_another_approval() -> None:
    """Whoever approved the one before did not approve this one."""
    for type_ in (RecordType.RENEWED, RecordType.RATIFIED):
        found = after(HELD, said(type_, approval="bbbbbbbb", valid_until=timestamp(LATER)))
        assert found is not None
        assert ("bbbbbbbb", LATER, ()) == (found.approval, found.valid_until, found.approved_by)
        assert (type_.lower(), NOW, 7) == (found.confirmed, found.since, found.number)


def test_a_review_says_when_the_next_one_is_due_or_that_none_is() -> None:
    """Nothing else changes."""
    again = after(HELD, said(RecordType.REVIEWED, review_due=timestamp(LATER)))
    never = after(HELD, said(RecordType.REVIEWED))

    assert again is not None
    assert never is not None
    assert (LATER, None) == (again.review_due, never.review_due)
    assert HELD.approval == again.approval


def test_a_stage_that_is_renamed_keeps_its_grounds() -> None:
    """It is the same stage, by another name."""
    found = after(
        HELD, said(RecordType.STAGE_CHANGED, **{"from": "Production"}, to="Live", why="renamed")
    )

    assert found is not None
    assert replace(HELD, stage="Live", called="Production") == found
    assert "approved by approval aaaaaaaa; its stage was called Production then" == grounds(found)


def test_an_emergency_that_nobody_ratified_is_none_the_less_for_another_name() -> None:
    """Nor does a second name hide the first one."""
    used = Standing("Production", NOW, 7, "emergency", incident="INC-1")
    once = after(used, said(RecordType.STAGE_CHANGED, to="Live", why="renamed"))
    twice = after(once, said(RecordType.STAGE_CHANGED, to="Serving", why="renamed"))

    assert twice is not None
    assert "emergency INC-1, not ratified; its stage was called Production then" == grounds(twice)


def test_what_came_back_stands_by_its_own_approval() -> None:
    """Under that of the version that had displaced it, whose approvers saw whom that displaces."""
    fields: dict[str, Json] = {"to": "Production", "why": "rolled_back", "approval": "bbbbbbbb"}
    found = after(None, said(RecordType.STAGE_CHANGED, **fields, restores="aaaaaaaa"))
    without = after(None, said(RecordType.STAGE_CHANGED, **fields))

    assert found is not None
    assert without is not None
    assert ("aaaaaaaa", "bbbbbbbb") == (found.approval, found.under)
    assert ("", "bbbbbbbb") == (without.approval, without.under)


def test_who_made_it_is_known_from_where_it_begins_until_it_is_gone() -> None:
    """A number that means another thing has another owner."""
    moved = after(HELD, said(RecordType.STAGE_CHANGED, to="Archived", why="displaced"))
    anew = after(HELD, said(RecordType.REGISTERED, to="None", why="registered", author="person:x"))

    assert moved is not None
    assert anew is not None
    assert ("person:ada", "person:bob") == (moved.author, moved.trainer)
    assert ("person:x", "") == (anew.author, anew.trainer)
    assert after(HELD, said(RecordType.DELETED)) is None
    assert after(None, said(RecordType.RENEWED, approval="bbbbbbbb")) is None
    assert HELD is after(HELD, said(RecordType.VOTED))


@pytest.mark.parametrize(
    ("why", "fields", "words"),
    [
        ("approved", {"approval": "aaaaaaaa"}, "approved by approval aaaaaaaa"),
        (
            "approved",
            {"approval": "bbbbbbbb", "confirmed": "renewed"},
            "approved, renewed by approval bbbbbbbb",
        ),
        ("allowed", {}, "allowed, without approval"),
        ("imported", {}, "imported, without approval"),
        ("displaced", {"displaced_by": "3"}, "displaced by version 3"),
        (
            "displaced",
            {"displaced_by": "3", "taken_out": 9},
            "taken out by a rollback (record 9)",
        ),
        (
            "copied",
            {"origin": Original("dev/models/iris:3", 4, "f")},
            "copied from dev/models/iris:3",
        ),
        (
            "rolled_back",
            {"approval": "aaaaaaaa", "under": "bbbbbbbb"},
            "rolled back to, under approval bbbbbbbb of the version that had displaced it; it "
            "stands there again by its own approval aaaaaaaa",
        ),
        (
            "rolled_back",
            {"approval": "aaaaaaaa", "under": "bbbbbbbb", "confirmed": "renewed"},
            "rolled back to, under approval bbbbbbbb of the version that had displaced it, renewed "
            "by approval aaaaaaaa",
        ),
        ("rolled_back", {}, "rolled back to; it stands there again without approval"),
        ("emergency", {"incident": "INC-1"}, "emergency INC-1, not ratified"),
        ("emergency", {}, "emergency, not ratified"),
        (
            "emergency",
            {"approval": "bbbbbbbb", "confirmed": "ratified"},
            "emergency, ratified by approval bbbbbbbb",
        ),
        (
            "reverted",
            {},
            "reverted, since an emergency was not ratified; it stands there again without approval",
        ),
        ("registered", {}, "registered"),
        ("teleported", {}, "teleported"),
    ],
)
def test_grounds_are_said_in_plain_words(why: str, fields: dict[str, Any], words: str) -> None:
    """A word of a later release as it is."""
    assert words == grounds(Standing("Production", NOW, 7, why, **fields))
