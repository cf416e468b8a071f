"""How far this clock is from others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.application.clocks import TOO_FAR_SECONDS, Clocks
from tests.fakes.clock import WanderingClock

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def heard(headers: dict[str, str]) -> Clocks:
    """Return what is known after an answer at noon."""
    clocks = Clocks()
    clocks.listener("ledger", WanderingClock([NOW]))(headers)
    return clocks


@pytest.mark.parametrize(
    ("ahead", "too_far"), [(0, False), (29, False), (31, True), (-29, False), (-31, True)]
)
def test_a_clock_that_is_half_a_minute_off_is_too_far(ahead: int, *, too_far: bool) -> None:
    """Either way: leases are that long."""
    there = NOW - timedelta(seconds=ahead)
    (skew,) = heard({"Date": format_datetime(there, usegmt=True)}).skews()

    assert (ahead - 0.5, too_far) == (skew.seconds, skew.too_far)
    assert "ledger" == skew.source


def test_the_last_answer_counts() -> None:
    """A clock that was set right is believed."""
    clocks = Clocks()
    hear = clocks.listener("dev", WanderingClock([NOW]))
    for off in (TOO_FAR_SECONDS * 10, 0):
        hear({"Date": format_datetime(NOW - timedelta(seconds=off), usegmt=True)})

    assert [False] == [one.too_far for one in clocks.skews()]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Date": ""},
        {"Date": "yesterday"},
        {"Date": "Thu, 01 Jan 2026 10:00:00 GMT", "Age": "7200"},
    ],
)
def test_what_tells_no_time_is_left_out(headers: dict[str, str]) -> None:
    """A store in this process sends none, and a cache tells of another hour."""
    assert () == heard(headers).skews()


@given(st.text())
def test_nothing_that_a_server_may_send_as_its_date_fails(date: str) -> None:
    """It is heard beside every answer."""
    assert len(heard({"Date": date}).skews()) <= 1
