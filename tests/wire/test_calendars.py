"""Calendars in the file: what is read, and what is wrong told with its place."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stage_functions.domain.calendar import Calendar
from tests.wire.configuration_file import edited, faults, loaded

RULES = "    rules:  "
YEAR_END = '{timezone: Europe/Berlin, starts: 2026-12-20T00:00, lasts: 14d, recurs: "FREQ=YEARLY"}'


def with_calendar(written: str) -> str:
    """Return the default file with one calendar, in line 36."""
    return edited(RULES, f"    calendars:\n      year-end: {written}\n{RULES}")


def test_a_calendar_is_read_and_covered_by_the_digest() -> None:
    """A lifecycle is its calendars too: another window is another lifecycle."""
    one = loaded(with_calendar(YEAR_END)).lifecycles[0]
    other = loaded(with_calendar(YEAR_END.replace("14d", "15d"))).lifecycles[0]

    assert one.calendars == {
        "year-end": Calendar(
            "year-end", "Europe/Berlin", "2026-12-20T00:00", timedelta(days=14), "FREQ=YEARLY"
        )
    }
    assert one.digest != other.digest


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "Europe/Berlin",
            "Europe/Berln",
            "36:28: calendar year-end: no time zone is named 'Europe/Berln'; did you mean",
        ),
        ("2026-12-20T00:00", "2026-13-20T00:00", "36:51: calendar year-end: '2026-13-20T00:00' is"),
        ("2026-12-20T00:00", "2026-12-20", "36:51: 2026-12-20 without quotes is a date in YAML"),
        ("2026-12-20T00:00", '"2026-12-20"', "36:51: starts must be a local day and time without"),
        ("14d", "2w", "36:76: lasts must be a number of minutes, hours or days, such as 30m,"),
        ("14d", "900d", "36:76: calendar year-end: it would be on for ever: it recurs within"),
        ("FREQ=YEARLY", "FREQ=HOURLY", "36:89: calendar year-end: FREQ=HOURLY is too fine"),
        ("FREQ=YEARLY", "freq=yearly", "36:89: recurs must be an iCalendar recurrence in capitals"),
        ("recurs:", "recur:", "36:81: unknown key 'recur'; did you mean 'recurs'?"),
        ("lasts: 14d, ", "", "36:7: year-end lacks 'lasts'"),
    ],
)
def test_a_fault_of_a_calendar_is_told_with_its_place(old: str, new: str, told: str) -> None:
    """Where the value stands, in words."""
    assert old in YEAR_END

    found = faults(with_calendar(YEAR_END.replace(old, new)))

    assert len(found) == 1
    assert found[0].startswith(told)


def test_a_rule_that_names_no_calendar_of_its_lifecycle_is_told() -> None:
    """With the one that may have been meant."""
    text = with_calendar(YEAR_END)
    cel = "\"!has(evidence.job.id) || evidence.job.status == 'FINISHED'\""
    found = faults(text.replace(cel, "\"!calendars['year-ende'].active\""))

    assert found == [
        "39:14: rule job-finished: calendars has no 'year-ende'; did you mean 'year-end'? "
        "it has year-end"
    ]
