"""Who is told of a review, in which words, and when nobody is any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from stage_functions.application.sweep import sweep
from stage_functions.domain.asset import Version
from stage_functions.domain.error import SinkUnavailableError
from stage_functions.domain.lifecycle import WhenUnreviewed
from tests.application.frozen_world import promote, reviewed, reviewing
from tests.application.telling_world import REACH, told_world
from tests.builders import IRIS, World
from tests.fakes.notifier import MemoryNotifier

FIRST = Version(IRIS, "1")
REVIEWERS = {"mail:ada", "mail:bob", "bob-1", "mail:eve", "risk-1"}


@pytest.fixture
def notifier() -> MemoryNotifier:
    """Channels of everybody."""
    return MemoryNotifier(REACH)


@pytest.fixture
def it(notifier: MemoryNotifier) -> Iterator[World]:
    """A world that tells by them, with version 1 at Production."""
    made = told_world(notifier, governed_by=reviewing(WhenUnreviewed.BLOCK))
    promote(made, made.register("1"))
    sweep(made.context)
    notifier.told.clear()
    yield made
    made.rows.close()


def after(it: World, notifier: MemoryNotifier, days: float) -> dict[str, str]:
    """Sweep so many days after the review is due; return the titles told then, by channel."""
    state = it.context.ledger.versions(IRIS)["1"]
    assert state.review_due is not None
    it.clock.time = state.review_due + timedelta(days=days)
    notifier.told.clear()
    sweep(it.context)
    return {channel: message.title for channel, message in notifier.told}


def test_whoever_may_review_is_told_and_reminded(it: World, notifier: MemoryNotifier) -> None:
    """Nobody else; and with a link to the version."""
    due = after(it, notifier, 0)
    (_, first), *_ = notifier.told
    again = after(it, notifier, 4)

    assert due.keys() == again.keys() == REVIEWERS
    assert set(due.values()) == {"Review demo/models/iris:1 at Production"}
    assert set(again.values()) == {"Reminder: Review demo/models/iris:1 at Production"}
    assert "iris" in first.link
    assert [label for label, _ in first.facts] == ["Version", "Stage", "Due since", "Review before"]


def test_what_lapses_is_told_with_what_follows(it: World, notifier: MemoryNotifier) -> None:
    """It stays, and is not to be deployed."""
    lapsed = after(it, notifier, 15)
    (_, message), *_ = notifier.told

    assert lapsed.keys() == REVIEWERS
    assert message.title == "Not reviewed in time: demo/models/iris:1 at Production"
    assert message.text.startswith("It stays where it is, and checks refuse to deploy it")


def test_what_was_reviewed_meanwhile_is_told_nobody(it: World, notifier: MemoryNotifier) -> None:
    """A notice that is moot by now is none."""
    notifier.faults = {one: SinkUnavailableError("no network") for one in REVIEWERS}
    after(it, notifier, 0)
    reviewed(it, FIRST)
    notifier.faults = {}
    it.clock.time += timedelta(hours=3)
    sweep(it.context)

    assert notifier.told == []
