"""Moments as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import typer

from stage_functions.cli.moments import moment_of
from stage_functions.cli.output import validity
from tests.builders import World
from tests.cli.console import Console

IRIS = "demo/models/iris"
NIGHT = datetime(2026, 11, 26, 1, 48, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-26 01:48",
        "2026-11-26 01:48 UTC",
        "2026-11-26 01:48Z",
        "2026-11-26T01:48:00",
        "2026-11-26T01:48:00Z",
        "2026-11-26T01:48:00.000Z",
        "2026-11-26 03:48+02:00",
        "2026-11-26 03:48 +02:00",
        "2026-11-25 20:48:00 -0500",
    ],
)
def test_a_moment_is_utc_unless_it_says_otherwise(text: str) -> None:
    """As pages, lists and programs write it."""
    found = moment_of(text)

    assert (found.at, found.whole_day) == (NIGHT, False)


@pytest.mark.parametrize("text", ["2026-03-31", "2026-03-31 UTC", " 2026-03-31Z "])
def test_a_day_means_its_end(text: str) -> None:
    """Whatever came to pass on it is in the answer."""
    found = moment_of(text)

    assert found.whole_day
    assert found.at == datetime(2026, 4, 1, tzinfo=UTC) - timedelta(microseconds=1)


@pytest.mark.parametrize("text", ["", "yesterday", "31.3.2026", "0001-01-01 00:00 +14:00"])
def test_what_is_no_time_is_said(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With how one is written."""
    with pytest.raises(typer.Exit):
        moment_of(text)

    assert "is no time: write 2026-11-23" in capsys.readouterr().err


def test_as_of_a_day_shows_how_it_closed(it: World, at: Console) -> None:
    """And says so; the words of a moment need no quotes."""
    it.register("1")
    at.run("sam", "promote", f"{IRIS}:1", "Staging")
    it.clock.sleep(2 * 86_400)

    day = at.run("sam", "as-of", IRIS, "2026-01-01")
    night = at.run("sam", "as-of", IRIS, "2026-01-01", "00:00", "+02:00")
    now = at.run("sam", "as-of", IRIS)

    assert f"{IRIS} at 2026-01-01 23:59:59 UTC, the end of that day" in day.out
    assert "Staging" in day.out
    assert f"{IRIS} at 2025-12-31 22:00:00 UTC\n" in night.out
    assert "Staging" not in night.out
    assert "the end of that day" not in now.out


def test_as_of_a_moment_to_come_says_that_it_is_what_is_known_now(it: World, at: Console) -> None:
    """Today is not over either."""
    it.register("1")

    later = at.run("sam", "as-of", IRIS, "2030-06-01")
    exact = at.run("sam", "as-of", IRIS, "2030-06-01", "12:00")
    today = at.run("sam", "as-of", IRIS, "2026-01-01")
    told = at.run("sam", "as-of", IRIS, "2030-06-01", "--json").json

    said = "UTC, as known now: the end of that day is still to come"
    assert said in later.out
    assert "as known now: 2030-06-01 12:00:00 UTC is still to come" in exact.out
    assert said in today.out
    assert told["time"].startswith("2026-01-01T00:")


def test_as_of_a_moment_before_the_history_says_when_it_begins(it: World, at: Console) -> None:
    """No table of nothing."""
    it.register("1")

    before = at.run("sam", "as-of", IRIS, "2020-01-01")

    assert "no version stood anywhere then: its history begins at 2026-01-01 00:00" in before.out
    assert "approved by" not in before.out


def test_an_approval_that_has_run_out_is_marked() -> None:
    """By now, or by the moment that was asked for where that is earlier."""
    past = datetime(2020, 1, 31, tzinfo=UTC)

    assert validity(past) == "ended 2020-01-31 00:00:00 UTC"
    assert validity(past, before=past - timedelta(1)) == "2020-01-31 00:00:00 UTC"
    assert validity(datetime(2999, 1, 1, tzinfo=UTC)) == "2999-01-01 00:00:00 UTC"
    assert not validity(None)
