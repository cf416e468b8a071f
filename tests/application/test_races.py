"""What another instance does between two calls of a decision changes nothing but the order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from stage_functions.application import query
from stage_functions.application.answer import Answer, AnswerKind
from stage_functions.application.context import Context
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.record import RecordType
from tests.builders import IRIS, World, context_over, unguarded, world


@pytest.fixture
def it() -> Iterator[World]:
    """A world where anyone may take Production from whoever holds it."""
    made = world(governed_by=unguarded())
    yield made
    made.rows.close()


@pytest.fixture
def other(it: World) -> Context:
    """Another instance over the same store and registry."""
    return context_over(it.rows, it.registry, it.clock, Mode.ENFORCE, governed_by=unguarded())


def before(it: World, call: str, act: Callable[[], Answer]) -> None:
    """Let the other instance act, once, right before a call of the registry."""

    def hook(name: str) -> None:
        if name == call:
            it.registry.before = lambda _: None
            act()

    it.registry.before = hook


def staged(it: World, *numbers: str) -> list[Version]:
    """Return versions at Staging."""
    versions = [it.register(number) for number in numbers]
    for version in versions:
        request_transition(it.context, it.command(version, "Staging"))
    return versions


def stages(it: World) -> dict[str, tuple[str, str]]:
    """Return the stage that ledger and registry have for each version."""
    return {
        number: (state.stage, it.registry.tags(Version(IRIS, number))["stage"])
        for number, state in it.context.ledger.versions(IRIS).items()
    }


def test_a_holder_that_was_displaced_meanwhile_is_not_displaced_again(
    it: World, other: Context
) -> None:
    """What was loaded at two moments is no ground for a decision: it begins anew."""
    first, second, third = staged(it, "1", "2", "3")
    request_transition(it.context, it.command(first, "Production"))
    before(it, "read", lambda: request_transition(other, it.command(third, "Production")))
    answer = request_transition(it.context, it.command(second, "Production"))

    assert (answer.kind, answer.displaces) == (AnswerKind.GRANTED, ("3",))
    assert stages(it) == {
        "1": ("Archived", "Archived"),
        "2": ("Production", "Production"),
        "3": ("Archived", "Archived"),
    }


def test_a_late_write_of_its_own_is_put_right_at_once(it: World, other: Context) -> None:
    """It is neither called drift nor left for an hour."""
    first, second = staged(it, "1", "2")
    before(it, "write_tag", lambda: request_transition(other, it.command(second, "Production")))
    request_transition(it.context, it.command(first, "Production"))

    types = [record.type for record in query.all_records(it.context, IRIS)]
    assert stages(it) == {"1": ("Archived", "Archived"), "2": ("Production", "Production")}
    assert RecordType.DRIFT_FOUND not in types
    assert it.context.ledger.load(IRIS).head.owed == ()


def test_tags_of_a_commit_made_meanwhile_are_not_those_of_another_ledger(
    it: World, other: Context
) -> None:
    """A version that is ahead of what was loaded is loaded again, not stopped."""
    version = it.register("1")
    before(it, "read", lambda: request_transition(other, it.command(version, "Staging")))
    answer = request_transition(it.context, it.command(version, "Production"))

    assert answer.kind is AnswerKind.GRANTED


def test_no_moment_shows_two_holders_of_an_exclusive_stage(it: World) -> None:
    """The records of a commit are one moment apart in writing only."""
    first, second = staged(it, "1", "2")
    request_transition(it.context, it.command(first, "Production"))
    request_transition(it.context, it.command(second, "Production"))

    for record in query.all_records(it.context, IRIS):
        stood = query.standings(it.context, IRIS, record.at)
        assert [s.stage for s in stood.values()].count("Production") <= 1
