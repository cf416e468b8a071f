"""How often registries are scanned: a pause between passes, and nothing else waits for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application.pace import LATE_SCAN, Pace
from stage_functions.application.registries import RegistryState

NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)
RING = timedelta(minutes=5)
ENDED = RegistryState(pass_completed=NOON)


def begun(minutes: int, ended_after: timedelta = timedelta(seconds=40)) -> list[int]:
    """Return the minutes of three hours at which a timer of five minutes begins a pass."""
    pace, state, found, busy = Pace.of(minutes, 0), RegistryState(), [], NOON
    for minute in range(0, 180, 5):
        now = NOON + timedelta(minutes=minute)
        if now >= busy and pace.due(state, now, RING):
            found.append(minute)
            busy = now + ended_after
            state = RegistryState(pass_completed=busy)
    return found


@pytest.mark.parametrize("minutes", [0, 1, 5])
def test_without_a_pause_each_ring_of_the_timer_scans(minutes: int) -> None:
    """As it was before there was a setting."""
    assert list(range(0, 180, 5)) == begun(minutes)


def test_an_hourly_scan_is_hourly() -> None:
    """It does not lose a ring for the seconds that the pass took."""
    assert [0, 60, 120] == begun(60)


def test_a_pass_that_takes_long_is_followed_by_the_whole_pause() -> None:
    """So that the share of the time in which a scan works stays small."""
    assert [0, 75, 150] == begun(60, timedelta(minutes=18))


@pytest.mark.parametrize(
    "state",
    [
        RegistryState(),
        replace(ENDED, cursor="models/iris"),
        replace(ENDED, cursor="endpoints/"),
        replace(ENDED, unreadable="403"),
        RegistryState(pass_completed=NOON + timedelta(days=1)),
    ],
)
def test_what_is_never_put_off(state: RegistryState) -> None:
    """The first pass, one that has begun, one that failed, and one that a wrong clock has dated."""
    assert Pace.of(1440, 0).due(state, NOON, RING)


def test_a_scan_is_late_when_it_is_said_or_after_an_hour_or_three_pauses() -> None:
    """A pause of a day is not late after an hour."""
    assert LATE_SCAN == Pace.of(0, 0).late == Pace.of(5, 0).late
    assert timedelta(hours=3) == Pace.of(60, 0).late
    assert timedelta(seconds=900) == Pace.of(60, 900).late
