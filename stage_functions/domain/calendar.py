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

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice

from msgspec import Struct

from stage_functions.domain.recurrence import (
    ENDS,
    PERIODS,
    WITHIN_A_YEAR,
    form_fault,
    parts_of,
    until_of,
)

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
    recurrence = form_fault(calendar.recurs)
    if recurrence:
        return "recurs", recurrence
    parts = parts_of(calendar.recurs)
    period = PERIODS[parts["FREQ"]] * int(parts.get("INTERVAL", 1))
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
    parts = parts_of(calendar.recurs)
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
        step = PERIODS[frequency] * every
        return text, starts + (near - starts) // step * step
    bare = not any(part in parts for part in WITHIN_A_YEAR)
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


def _never(calendar: Calendar, parts: dict[str, str]) -> str:
    """Say that a recurrence never takes place; an empty text if it does.

    Dates recur after 400 years, so that it is asked of the last ones there are: whatever does not
    take place in those never does, and the search for it ends with the year 9999.
    """
    starts = _start(calendar)
    text = ";".join(f"{key}={value}" for key, value in parts.items() if key not in ENDS)
    later = (_LATE_YEARS - starts.year) // _CYCLE_YEARS * _CYCLE_YEARS
    try:
        begins = starts.replace(year=starts.year + later)
        first = next(islice(_occurrences(text, begins), 1), None)
    except ValueError as exc:
        return f"it is no recurrence: {exc}"
    if first is None:
        return "it never takes place: no day is all of this"
    until = until_of(parts.get("UNTIL", ""))
    if until is not None and until < first.replace(year=first.year - later):
        return "it ends before it first takes place"
    return ""


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
