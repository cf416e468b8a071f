"""An iCalendar recurrence (RFC 5545) as calendars take it: what it may say, and in which form.

Windows recur by days, weeks, months or years, at the time of day of their first start; so there is
nothing finer, and no DTSTART. Whether a recurrence ever takes place is not asked here.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache

MAX_COUNT = 1000
MAX_INTERVAL = 100
_DAY = timedelta(days=1)
PERIODS = {"DAILY": _DAY, "WEEKLY": 7 * _DAY, "MONTHLY": 31 * _DAY, "YEARLY": 366 * _DAY}
_FINER = ("SECONDLY", "MINUTELY", "HOURLY")
_WEEKDAY = "(?:MO|TU|WE|TH|FR|SA|SU)"
_BOTH = ("MONTHLY", "YEARLY")
_PARTS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "INTERVAL": (r"[1-9][0-9]{0,2}", tuple(PERIODS), f"a number from 1 to {MAX_INTERVAL}"),
    "COUNT": (r"[1-9][0-9]{0,3}", tuple(PERIODS), f"a number from 1 to {MAX_COUNT}"),
    "UNTIL": (
        r"[0-9]{8}(?:T[0-9]{6})?",
        tuple(PERIODS),
        "local time: 20271231 or 20271231T235959",
    ),
    "WKST": (_WEEKDAY, tuple(PERIODS), "a day: MO, TU, WE, TH, FR, SA or SU"),
    "BYDAY": (
        rf"[+-]?(?:[1-9]|[1-4][0-9]|5[0-3])?{_WEEKDAY}",
        ("WEEKLY", *_BOTH),
        "days: MO, TU, WE, TH, FR, SA, SU, each with a number before it if need be, as -1FR",
    ),
    "BYMONTH": (r"[1-9]|1[0-2]", ("WEEKLY", *_BOTH), "months: 1 to 12"),
    "BYMONTHDAY": (r"[+-]?(?:[1-9]|[12][0-9]|3[01])", _BOTH, "days: 1 to 31, or -31 to -1"),
    "BYSETPOS": (r"[+-]?[1-9][0-9]{0,2}", _BOTH, "numbers, or -1 for the last"),
    "BYWEEKNO": (r"[+-]?(?:[1-9]|[1-4][0-9]|5[0-3])", ("YEARLY",), "weeks: 1 to 53"),
    "BYYEARDAY": (
        r"[+-]?(?:[1-9][0-9]?|[12][0-9]{2}|3[0-5][0-9]|36[0-6])",
        ("YEARLY",),
        "days of the year: 1 to 366",
    ),
}
"""What a recurrence may say: the form of each value, with which FREQ, and the form in words."""
_DIGITS = re.compile("[0-9]+")
_WEEKS_OF_A_MONTH = 5
_LISTS = ("BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "BYWEEKNO", "BYYEARDAY")
WITHIN_A_YEAR = ("BYDAY", "BYMONTHDAY", "BYWEEKNO", "BYYEARDAY")
ENDS = ("COUNT", "UNTIL")
"""What ends a recurrence."""


@lru_cache(maxsize=256)
def parts_of(recurs: str) -> dict[str, str]:
    """Return what a recurrence says, by key; one whose form is right."""
    return dict(part.split("=", 1) for part in recurs.split(";"))


def form_fault(recurs: str) -> str:
    """Say what is wrong with the form of a recurrence; an empty text if nothing is."""
    if recurs.startswith("RRULE:"):
        return "leave RRULE: out; write FREQ=YEARLY"
    seen: dict[str, str] = {}
    for part in recurs.split(";"):
        key, sign, value = part.partition("=")
        if not sign:
            return f"'{part}' is no part of a recurrence; write FREQ=YEARLY, parts separated by ';'"
        if key in seen:
            return f"{key} is there twice"
        seen[key] = value
    frequency = seen.pop("FREQ", "")
    if frequency in _FINER:
        return f"FREQ={frequency} is too fine: a window recurs DAILY, WEEKLY, MONTHLY or YEARLY"
    if frequency not in PERIODS:
        return f"FREQ is one of {', '.join(PERIODS)}" + (f", not {frequency}" if frequency else "")
    for key, value in seen.items():
        said = _part_fault(frequency, key, value)
        if said:
            return said
    in_a_month = frequency == "MONTHLY" or "BYMONTH" in seen
    if in_a_month and any(
        int(n) > _WEEKS_OF_A_MONTH for n in _DIGITS.findall(seen.get("BYDAY", ""))
    ):
        return f"a month has each day five times at the most: BYDAY={seen['BYDAY']} is none"
    return "COUNT and UNTIL exclude each other" if {"COUNT", "UNTIL"} <= set(seen) else ""


def _part_fault(frequency: str, key: str, value: str) -> str:
    if key == "DTSTART":
        return "DTSTART is not said here: it is `starts`"
    if key in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        return f"{key} is not said here: the time of day is that of `starts`"
    if key not in _PARTS:
        return f"nothing is named {key}; there are FREQ, {', '.join(_PARTS)}"
    form, frequencies, words = _PARTS[key]
    if frequency not in frequencies:
        return f"{key} goes with FREQ={' or '.join(frequencies)}, not with {frequency}"
    values = value.split(",") if key in _LISTS else [value]
    if not all(re.fullmatch(form, one) for one in values) or not _within(key, value):
        zulu = "; leave the Z out" if key == "UNTIL" and value.endswith("Z") else ""
        return f"{key} is {words}, not '{value}'{zulu}"
    if frequency == "WEEKLY" and key == "BYDAY" and re.search("[0-9]", value):
        return f"a week has each day once: write BYDAY without numbers, not '{value}'"
    return ""


def _within(key: str, value: str) -> bool:
    if key == "UNTIL":
        return until_of(value) is not None
    limit = {"INTERVAL": MAX_INTERVAL, "COUNT": MAX_COUNT}.get(key)
    return limit is None or int(value) <= limit


def until_of(value: str) -> datetime | None:
    """Return a last moment; a day alone ends when it begins, as iCalendar has it."""
    try:
        return datetime.strptime(value, "%Y%m%dT%H%M%S" if "T" in value else "%Y%m%d")  # noqa: DTZ007
    except ValueError:
        return None
