"""Who is told that a frozen version was edited from outside, and when nobody is any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from stage_functions.application.sweep import sweep
from stage_functions.domain.asset import Version
from stage_functions.domain.error import SinkUnavailableError
from tests.application.frozen_world import TAGS, acknowledged, freezing, promote
from tests.application.telling_world import REACH, told_world
from tests.builders import IRIS, World, lifecycle
from tests.fakes.notifier import MemoryNotifier

FIRST = Version(IRIS, "1")
THEY = {"mail:ada", "mail:bob", "bob-1", "mail:eve", "risk-1"}


@pytest.fixture
def notifier() -> MemoryNotifier:
    """Channels of everybody."""
    return MemoryNotifier(REACH)


@pytest.fixture
def it(notifier: MemoryNotifier) -> Iterator[World]:
    """A world that tells by them, with version 1 at Production, which is frozen."""
    made = told_world(notifier, governed_by=freezing(lifecycle()))
    promote(made, made.register("1", dict(TAGS)))
    sweep(made.context)
    notifier.told.clear()
    yield made
    made.rows.close()


def test_whoever_may_acknowledge_is_told_once(it: World, notifier: MemoryNotifier) -> None:
    """Of the first edit, without what was written; again once that is acknowledged."""
    it.tag(FIRST, "owner", "eve@example.com")
    it.tag(FIRST, "team", "other")
    sweep(it.context)
    told = list(notifier.told)
    acknowledged(it, FIRST)
    it.tag(FIRST, "owner", "sam")
    sweep(it.context)
    (_, message), *_ = told

    assert {channel for channel, _ in told} >= THEY
    assert len({channel for channel, _ in told}) == len(told)
    assert message.title == "Edited from outside: demo/models/iris:1 at Production"
    assert "iris" in message.link
    assert "eve@example.com" not in repr(message)
    assert len(notifier.told) == 2 * len(told)


def test_what_was_acknowledged_meanwhile_is_told_nobody(
    it: World, notifier: MemoryNotifier
) -> None:
    """A notice that is moot by now is none."""
    channels = {channel for channels in REACH.values() for channel in channels}
    notifier.faults = {one: SinkUnavailableError("no network") for one in channels}
    it.tag(FIRST, "owner", "eve")
    sweep(it.context)
    acknowledged(it, FIRST)
    notifier.faults = {}
    it.clock.time += timedelta(hours=3)
    sweep(it.context)

    assert notifier.told == []
