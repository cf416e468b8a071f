"""Whether an approval that was given still holds: as its brief says it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from stage_functions.application.brief import brief
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.domain.lifecycle import WhenInvalid
from tests.brief_world import (
    FILE,
    Asked,
    approve,
    ask,
    asked,
    empty_world,
    evidence,
    people_of,
)

VALID = FILE.replace(
    "          expires: 7d\n",
    f"          expires: 7d\n          valid_for: 30d\n          when_invalid: {WhenInvalid.BLOCK}\n",
)


@pytest.fixture
def it() -> Iterator[Asked]:
    """Version 2 stands at Production by an approval that is valid for 30 days."""
    made = empty_world(VALID)
    found = asked(made, holder=False)
    approve(made.context, found.approval, "rosa", "grace")
    yield found
    made.rows.close()


def said(it: Asked, approval: str = "") -> str:
    """Return what the brief says of an approval."""
    found = brief(it.world.context, approval or it.approval, "person:rosa").standing
    return found.text if found is not None else ""


def test_an_open_one_says_nothing() -> None:
    """There is nothing that could hold."""
    made = empty_world()
    assert not said(asked(made))
    made.rows.close()


def test_says_until_when_it_holds_and_that_it_has_ended(it: Asked) -> None:
    """By the clock, whether or not that was noted."""
    holds = said(it)
    it.world.clock.sleep(timedelta(days=31).total_seconds())
    ended = said(it)

    assert holds.startswith("Version 2 still stands at Production by this approval, until 2026-")
    assert "but this approval ended on 2026-" in ended
    assert ended.endswith("it is not to be deployed.")


def test_says_that_it_was_renewed(it: Asked) -> None:
    """By which approval."""
    command = TransitionRequest(it.version, "Production", "still good", people_of("ada"), "again")
    renewal = request_transition(it.world.context, command).approval
    approve(it.world.context, renewal, "rosa", "grace")

    assert said(it).startswith("Renewed on 2026-")
    assert said(it).endswith(f"by approval {renewal}.")
    assert "still stands at Production" in said(it, renewal)


def test_says_by_which_version_it_was_displaced_and_that_it_had_ended(it: Asked) -> None:
    """The end comes first where it did."""
    it.world.clock.sleep(timedelta(days=31).total_seconds())
    it.world.registry.evidences[it.holder] = evidence(1, auc=0.99)
    approve(it.world.context, ask(it.world.context, it.holder, "back"), "rosa", "grace")

    assert said(it).startswith("Version 2 was displaced by version 1 on 2026-")
    assert "; this approval had ended on 2026-" in said(it)


def test_says_that_it_moved_on(it: Asked) -> None:
    """And where to."""
    command = TransitionRequest(it.version, "Archived", "retired", people_of("ada"), "gone")
    archival = request_transition(it.world.context, command).approval
    approve(it.world.context, archival, "rosa")

    assert said(it).startswith("Version 2 moved on from Production to Archived on 2026-")
    assert said(it, archival).startswith("Version 2 still stands at Archived by this approval")
