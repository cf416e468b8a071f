"""Windows of time that recur, such as a freeze at the end of the year, as rules ask about them.

A window is what a clock on the wall of its time zone shows. It begins at the first moment at which
that clock shows its start or later, and ends at the last one at which the clock shows its end: an
hour that comes twice in autumn belongs to it both times, and one that is left out in spring takes
nothing from it but itself. Recurrence is iCalendar's (RFC 5545), by `python-dateutil`, which is
loaded only where a calendar is asked about.

What one question costs is bounded whatever is written: nothing recurs within a day, the search
begins near the moment that is asked about and never at a start long past, and a recurrence that
never takes place is refused on loading (`fault`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import islice

from msgspec import Struct

MAX_COUNT = 1000
MAX_INTERVAL = 100
MAX_JOINED = 400
"""Windows that follow each other without a gap and are told as one."""
FIRST_YEAR, LAST_YEAR = 1970, 2200
"""Of `starts`."""
_CYCLE_YEARS = 400
"""After so many years dates fall on the same days of the week again."""
_LATE_YEARS = 9999 - _CYCLE_YEARS
_SLACK = timedelta(days=2)
"""More than any two clocks differ."""
_FORM = "%Y-%m-%dT%H:%M"
_DAY = timedelta(days=1)
_PERIODS = {"DAILY": _DAY, "WEEKLY": 7 * _DAY, "MONTHLY": 31 * _DAY, "YEARLY": 366 * _DAY}
_FINER = ("SECONDLY", "MINUTELY", "HOURLY")
_WEEKDAY = "(?:MO|TU|WE|TH|FR|SA|SU)"
_BOTH = ("MONTHLY", "YEARLY")
_PARTS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "INTERVAL": (r"[1-9][0-9]{0,2}", tuple(_PERIODS), f"a number from 1 to {MAX_INTERVAL}"),
    "COUNT": (r"[1-9][0-9]{0,3}", tuple(_PERIODS), f"a number from 1 to {MAX_COUNT}"),
    "UNTIL": (
        r"[0-9]{8}(?:T[0-9]{6})?",
        tuple(_PERIODS),
        "local time: 20271231 or 20271231T235959",
    ),
    "WKST": (_WEEKDAY, tuple(_PERIODS), "a day: MO, TU, WE, TH, FR, SA or SU"),
    "BYDAY": (
        rf"[+-]?(?:[1-9]|[1-4][0-9]|5[0-3])?{_WEEKDAY}",
        ("WEEKLY", *_BOTH),
        "days: MO, TU, WE, TH, FR, SA, SU, each with a number before it if need be, as -1FR",
    ),
    "BYMONTH": (r"[1-9]|1[0-2]", ("WEEKLY", *_BOTH), "months: 1 to 12"),
    "BYMONTHDAY": (r"[+-]?(?:[1-9]|[12][0-9]|3[01])", _BOTH, "days: 1 to 31, or -31 to -1"),
    "BYSETPOS": (r"[+-]?[1-9][0-9]{0,2}", ("WEEKLY", *_BOTH), "numbers, or -1 for the last"),
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
_WITHIN_A_YEAR = ("BYDAY", "BYMONTHDAY", "BYWEEKNO", "BYYEARDAY")


class Calendar(Struct, frozen=True):
    """A window of time that may recur.

    Attributes:
        name: as rules refer to it.
        timezone: of the IANA database, such as Europe/Berlin.
        starts: local time, `2026-12-20T00:00`; the first that the recurrence may take place at.
        lasts: by the clock on the wall.
        recurs: an iCalendar recurrence, such as `FREQ=YEARLY`, or "" for once.
    """

    name: str
    timezone: str
    starts: str
    lasts: timedelta
    recurs: str = ""


class Standing(Struct, frozen=True):
    """How a calendar stands at a moment; moments are aware UTC.

    Attributes:
        active: the moment lies in a window.
        since: when that window began, or None.
        until: when it ends, windows that follow without a gap included, or None.
        next: when the next window begins, or None where there is none.
        status: all of that in words, in the calendar's own time zone.
    """

    active: bool
    since: datetime | None = None
    until: datetime | None = None
    next: datetime | None = None
    status: str = ""

    def variables(self) -> dict[str, object]:
        """Return it as rules see it; what is None is left out."""
        found = {"since": self.since, "until": self.until, "next": self.next}
        return {
            "active": self.active,
            "status": self.status,
            **{name: moment for name, moment in found.items() if moment is not None},
        }


def fault(calendar: Calendar) -> tuple[str, str]:
    """Say which of a calendar's keys is wrong and why; two empty texts if none is.

    What is found here never comes up later: a calendar without a fault can always be asked about.
    """
    zone = _zone_fault(calendar.timezone)
    if zone:
        return "timezone", zone
    try:
        starts = _start(calendar)
    except ValueError:
        return "starts", f"'{calendar.starts}' is no day and time that there is"
    if not FIRST_YEAR <= starts.year <= LAST_YEAR:
        return "starts", f"it must be of a year from {FIRST_YEAR} to {LAST_YEAR}"
    if not calendar.recurs:
        return "", ""
    recurrence = _recurrence_fault(calendar.recurs)
    if recurrence:
        return "recurs", recurrence
    parts = _parts(calendar.recurs)
    period = _PERIODS[parts["FREQ"]] * int(parts.get("INTERVAL", 1))
    if calendar.lasts > period:
        return "lasts", f"it would be on for ever: it recurs within {period.days} days"
    return ("recurs", never) if (never := _never(calendar, parts)) else ("", "")


def standing(calendar: Calendar, now: datetime) -> Standing:
    """Tell how a calendar stands at a moment.

    Args:
        calendar: one without a `fault`.
        now: aware.
    """
    zone = _zone(calendar.timezone)
    now = now.astimezone(UTC)
    windows = (window for window in _windows(calendar, zone, now) if window[1] > now)
    since, until = next(windows, (None, None))
    if since is None or until is None:
        return Standing(active=False, status="off for good")
    if since > now:
        return Standing(active=False, next=since, status=f"off; next {_local(since, zone)}")
    for begins, ends in islice(windows, MAX_JOINED):
        if begins > until:
            return _active(zone, since, until, begins)
        until = max(until, ends)
    return _active(zone, since, None if next(windows, None) else until, None)


def _active(
    zone: tzinfo, since: datetime | None, until: datetime | None, following: datetime | None
) -> Standing:
    begun = f" since {_local(since, zone)}" if since else ""
    ends = f"until {_local(until, zone)}" if until else "with no end in sight"
    return Standing(
        active=True, since=since, until=until, next=following, status=f"on{begun} {ends}"
    )


def _local(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M} {zone}"


def _windows(
    calendar: Calendar, zone: tzinfo, now: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield windows that are not empty, in order, from the first that may reach a moment."""
    wall = now.astimezone(zone).replace(tzinfo=None)
    for start in _starts(calendar, wall - calendar.lasts - _SLACK):
        begins = _moment(start, zone, first=True)
        ends = _moment(start + calendar.lasts, zone, first=False)
        if begins < ends:
            yield begins, ends


def _moment(wall: datetime, zone: tzinfo, *, first: bool) -> datetime:
    """Return when a clock on the wall shows a time or, where it leaves it out, goes past it.

    Args:
        wall: the time, without a zone.
        zone: the clock's.
        first: of a time that comes twice, the first or the last.
    """
    moment = wall.replace(tzinfo=zone, fold=0 if first else 1).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    # The clock goes past it: between these two it jumps.
    early, late = sorted(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        before = middle.astimezone(zone).replace(tzinfo=None) < wall
        early, late = (middle, late) if before else (early, middle)
    return late.replace(microsecond=0)


def _starts(calendar: Calendar, near: datetime) -> Iterator[datetime]:
    """Yield the starts of windows at or behind a time, in order; all without a zone."""
    starts = _start(calendar)
    if not calendar.recurs:
        return iter([starts] if starts >= near else [])
    parts = _parts(calendar.recurs)
    text, begins = calendar.recurs, starts
    if near > starts and "COUNT" not in parts:
        text, begins = _nearer(calendar.recurs, parts, starts, near)
    return (start for start in _occurrences(text, begins) if start >= near)


def _nearer(
    text: str, parts: dict[str, str], starts: datetime, near: datetime
) -> tuple[str, datetime]:
    """Return a recurrence and a start that, from `near` on, come to the same but begin near it.

    The start moves on by whole intervals. What a recurrence takes from its start where it says
    nothing itself, the day and the month, is written out.
    """
    every = int(parts.get("INTERVAL", 1))
    frequency = parts["FREQ"]
    if frequency in ("DAILY", "WEEKLY"):
        step = _PERIODS[frequency] * every
        return text, starts + (near - starts) // step * step
    bare = not any(part in parts for part in _WITHIN_A_YEAR)
    if frequency == "MONTHLY":
        months = (near.year - starts.year) * 12 + near.month - starts.month
        month = starts.month - 1 + months // every * every
        moved = starts.replace(year=starts.year + month // 12, month=month % 12 + 1, day=1)
        return (f"{text};BYMONTHDAY={starts.day}" if bare else text), moved
    years = (near.year - starts.year) // every * every
    if bare:
        month_of = "" if "BYMONTH" in parts else f";BYMONTH={starts.month}"
        text = f"{text}{month_of};BYMONTHDAY={starts.day}"
    return text, starts.replace(year=starts.year + years, month=1, day=1)


def _occurrences(text: str, starts: datetime) -> Iterator[datetime]:
    from dateutil.rrule import rrulestr  # noqa: PLC0415  # most decisions ask for no calendar

    return iter(rrulestr(text, dtstart=starts))


def _start(calendar: Calendar) -> datetime:
    return datetime.strptime(calendar.starts, _FORM)  # noqa: DTZ007  # the wall's, by intention


@lru_cache(maxsize=256)
def _parts(recurs: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in recurs.split(";"))


def _recurrence_fault(recurs: str) -> str:
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
    if frequency not in _PERIODS:
        return f"FREQ is one of {', '.join(_PERIODS)}" + (f", not {frequency}" if frequency else "")
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
        return _until(value) is not None
    limit = {"INTERVAL": MAX_INTERVAL, "COUNT": MAX_COUNT}.get(key)
    return limit is None or int(value) <= limit


def _until(value: str) -> datetime | None:
    """Return a last moment; a day alone ends when it begins, as iCalendar has it."""
    try:
        return datetime.strptime(value, "%Y%m%dT%H%M%S" if "T" in value else "%Y%m%d")  # noqa: DTZ007
    except ValueError:
        return None


def _never(calendar: Calendar, parts: dict[str, str]) -> str:
    """Say that a recurrence never takes place; an empty text if it does.

    Dates recur after 400 years, so that it is asked of the last ones there are: whatever does not
    take place in those never does, and the search for it ends with the year 9999.
    """
    starts = _start(calendar)
    text = ";".join(f"{key}={value}" for key, value in parts.items() if key not in _ENDS)
    later = (_LATE_YEARS - starts.year) // _CYCLE_YEARS * _CYCLE_YEARS
    try:
        begins = starts.replace(year=starts.year + later)
        first = next(islice(_occurrences(text, begins), 1), None)
    except ValueError as exc:
        return f"it is no recurrence: {exc}"
    if first is None:
        return "it never takes place: no day is all of this"
    until = _until(parts.get("UNTIL", ""))
    if until is not None and until < first.replace(year=first.year - later):
        return "it ends before it first takes place"
    return ""


_ENDS = ("COUNT", "UNTIL")


def _zone_fault(name: str) -> str:
    try:
        _zone(name)
    except (LookupError, OSError, ValueError):
        from difflib import get_close_matches  # noqa: PLC0415  # loads all names
        from zoneinfo import available_timezones  # noqa: PLC0415

        near = get_close_matches(name, sorted(available_timezones()), 1)
        hint = f"; did you mean '{near[0]}'?" if near else ", such as Europe/Berlin or UTC"
        return f"no time zone is named '{name}'{hint}"
    return ""


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo  # noqa: PLC0415  # most decisions ask for no calendar

    return ZoneInfo(name)
