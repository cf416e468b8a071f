"""Stageward knows its own voice: a hint about what it has just written is not followed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stage_functions.application.echoes import EXPECTED_SECONDS, MOST_EXPECTED, Echoes
from stage_functions.application.signal import Signal
from stage_functions.domain.asset import Version
from tests.builders import IRIS
from tests.fakes.clock import FakeClock

ONE = Version(IRIS, "1")
NOW = FakeClock().now()


@pytest.fixture
def echoes() -> Echoes:
    """What is known after version 1 was written to."""
    echoes = Echoes()
    echoes.expect(ONE, {"stage": "Staging", "stage_governor": "led/7"}, NOW)
    return echoes


def test_a_hint_about_what_was_written_is_heard_once(echoes: Echoes) -> None:
    """The next one like it may be of somebody who writes the same later."""
    hint = Signal(ONE, ("stage",), value="Staging")

    assert [echoes.heard(hint, NOW), echoes.heard(hint, NOW)] == [True, False]
    assert echoes.heard(Signal(ONE, ("stage_governor",), value="led/7"), NOW)


@pytest.mark.parametrize(
    "hint",
    [
        Signal(ONE, ("stage",), value="Production"),
        Signal(ONE, ("stage_status",), value="Staging"),
        Signal(Version(IRIS, "2"), ("stage",), value="Staging"),
        Signal(ONE, ("stage",)),
        Signal(ONE),
        Signal(ONE, ("stage", "stage_governor"), value="Staging"),
    ],
    ids=["value", "tag", "version", "no value", "no tag", "two tags"],
)
def test_any_other_hint_is_followed(echoes: Echoes, hint: Signal) -> None:
    """Another value, tag or version, or a hint that does not say what was set."""
    assert not echoes.heard(hint, NOW)


def test_a_hint_that_comes_too_late_is_followed(echoes: Echoes) -> None:
    """By then another instance may have written something else."""
    hint = Signal(ONE, ("stage",), value="Staging")

    assert not echoes.heard(hint, NOW + timedelta(seconds=EXPECTED_SECONDS))


def test_what_is_written_again_is_expected_from_then_on(echoes: Echoes) -> None:
    """The minute begins with the last write of a value."""
    later = NOW + timedelta(seconds=EXPECTED_SECONDS - 1)
    echoes.expect(ONE, {"stage": "Staging"}, later)

    assert echoes.heard(Signal(ONE, ("stage",), value="Staging"), later + timedelta(seconds=2))


def test_what_never_comes_is_forgotten(echoes: Echoes) -> None:
    """However much is written, little is kept: the oldest goes first."""
    for number in range(MOST_EXPECTED):
        echoes.expect(Version(IRIS, str(number + 2)), {"stage": "None"}, NOW)

    assert not echoes.heard(Signal(ONE, ("stage",), value="Staging"), NOW)
    assert echoes.heard(Signal(Version(IRIS, "2"), ("stage",), value="None"), NOW)
