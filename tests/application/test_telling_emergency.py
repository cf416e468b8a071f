"""Whoever an emergency passed over is told of it, once, and of what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.approval import Decision
from stage_functions.domain.lifecycle import NotRatified
from tests.application.telling_world import REACH, reached, told, told_world, voted
from tests.builders import World
from tests.fakes.notifier import MemoryNotifier
from tests.way_back_world import RATIFY, urgent

SKIPPED = ["mail:bob", "bob-1", "mail:eve", "risk-1", "science-1"]


@pytest.fixture
def notifier() -> MemoryNotifier:
    """Channels of everybody."""
    return MemoryNotifier(REACH)


@pytest.fixture(params=list(NotRatified))
def it(request: pytest.FixtureRequest, notifier: MemoryNotifier) -> Iterator[World]:
    """A world that tells by them."""
    made = told_world(notifier, governed_by=urgent(request.param))
    yield made
    made.rows.close()


def used(it: World) -> str:
    """Use an emergency; return the approval that is to ratify it."""
    version = it.register("1")
    request_transition(it.context, it.command(version, "Staging"))
    command = replace(it.command(version, "Production", "ada"), emergency="INC-1")
    return request_transition(it.context, command).approval


def test_whoever_was_passed_over_is_told_once(it: World, notifier: MemoryNotifier) -> None:
    """That it was done, why, and that they are to ratify it."""
    used(it)
    sweep(it.context)
    message = notifier.told[0][1]

    assert SKIPPED == reached(notifier)
    assert message.title.startswith("Emergency: Ratify demo/models/iris:1 → Production?")
    assert "Ada has moved it to Production already" in message.text
    assert ("Incident", "INC-1") == message.facts[0]


def test_what_was_ratified_is_told_to_who_used_it(it: World, notifier: MemoryNotifier) -> None:
    """And to the author."""
    approval = used(it)
    sweep(it.context)
    notifier.told.clear()
    voted(it, approval, "bob")
    voted(it, approval, "eve")
    sweep(it.context)

    assert [("mail:ada", "Ratified:"), ("mail:sam", "Ratified:")] == told(notifier)


@pytest.mark.parametrize("how", ["reject", "lapse"])
def test_what_was_not_ratified_is_told_to_all(
    it: World, notifier: MemoryNotifier, how: str
) -> None:
    """What follows is said; where it is escalated, the further group is asked as well."""
    approval = used(it)
    sweep(it.context)
    notifier.told.clear()
    if how == "reject":
        voted(it, approval, "bob", Decision.REJECT)
    else:
        it.clock.sleep(RATIFY.total_seconds() + 1)
    sweep(it.context)
    sweep(it.context)
    terms = it.context.configuration.lifecycles[0].emergency
    heard = [message for _, message in notifier.told if message.title.startswith("Not ratified:")]
    again = [message for _, message in notifier.told if message.title.startswith("Ratify ")]

    assert {"mail:ada", "mail:sam", *SKIPPED} == set(reached(notifier))
    assert 7 == len(heard)
    assert terms is not None
    if terms.not_ratified is NotRatified.REVERT:
        assert "was put back" in heard[0].text
        assert [] == again
    else:
        assert "refuse to deploy it" in heard[0].text
        assert len(again) > 4
