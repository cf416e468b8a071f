"""Template functions about points in time. None of them reads a clock.

What a function returns has the form of what it was given: a `Z`, an offset or neither, a `T` or a
space, and fractions of a second only where there are any. Fractions finer than a microsecond are
cut.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from msgspec import Struct

from stage_functions.azure_policy.error import UnfitValueError
from stage_functions.azure_policy.functions.signature import Function, integer, text

_MOMENT: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:([Tt ])(\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?)?"
    r"\s?([Zz]|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_DURATION: Final = re.compile(
    r"(-?)P(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?"
    r"(T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.(\d{1,6})\d*)?S)?)?",
    re.ASCII,
)
_PARTS: Final = re.compile(
    r"yyyy|MMMM|MMM|MM|dddd|ddd|dd|HH|hh|mm|ss|tt|f{1,6}|zzz|M|d|H|h|m|s|'[^']*'|\\.|[^A-Za-z]"
)
_STANDARD: Final = {
    "d": "MM/dd/yyyy",
    "D": "dddd, dd MMMM yyyy",
    "F": "dddd, dd MMMM yyyy HH:mm:ss",
    "G": "MM/dd/yyyy HH:mm:ss",
    "s": "yyyy-MM-dd'T'HH:mm:ss",
    "t": "HH:mm",
    "T": "HH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ss'Z'",
}
_DAYS_OF_YEAR, _DAYS_OF_MONTH = 365, 30
_MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS: Final = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class Moment(Struct, frozen=True):
    """A point in time and how it was written.

    Attributes:
        at: the point; in UTC where no offset was written.
        between: what stood between date and time.
        zone: what stood at the end: "Z", an offset, or "".
    """

    at: datetime
    between: str
    zone: str

    def written(self) -> str:
        """Return it in the form that it came in."""
        fraction = f".{self.at.microsecond:06}".rstrip("0") if self.at.microsecond else ""
        told = self.at.replace(tzinfo=None, microsecond=0).isoformat(self.between)
        return f"{told}{fraction}{self.zone}"


def moment(value: object) -> Moment:
    """Return the point in time that a text names."""
    match = _MOMENT.fullmatch(text(value, "the time").strip())
    if match is None:
        message = "the time must be written as 2026-01-31T12:00:00Z"
        raise UnfitValueError(message)
    day, between, clock, fraction, zone = match.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{clock or '00:00'}").replace(tzinfo=_zone(zone))
    except ValueError:
        message = f"there is no time {match[0]}"
        raise UnfitValueError(message) from None
    at = at.replace(microsecond=int(f"{fraction or 0:0<6}"[:6]))
    return Moment(at, (between or "T").upper(), (zone or "").upper())


def _zone(zone: str | None) -> timezone:
    if not zone or zone in "Zz":
        return UTC
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if zone[0] == "-" else offset)


def _moved(start: Moment, by: timedelta) -> Moment:
    try:
        return Moment(start.at + by, start.between, start.zone)
    except OverflowError:
        message = "the result is beyond the years 1 to 9999"
        raise UnfitValueError(message) from None


def add_days(value: object, days: object) -> str:
    """Return a time some days later, or earlier."""
    many = integer(days, "the number of days")
    try:
        by = timedelta(days=many)
    except OverflowError:
        message = "the result is beyond the years 1 to 9999"
        raise UnfitValueError(message) from None
    found = _moved(moment(value), by)
    return Moment(found.at, "T", found.zone or "Z").written()


def date_time_add(value: object, duration: object, form: object = None) -> str:
    """Return a time later by a duration of ISO 8601, in a form of .NET where one is given."""
    match = _DURATION.fullmatch(text(duration, "the duration").strip())
    if match is None or match[0].endswith(("P", "T")):
        message = "the duration must be written as P1Y2M3DT4H5M6S"
        raise UnfitValueError(message)
    years, months, weeks, days, hours, minutes, seconds = (
        int(match[index] or 0) for index in (2, 3, 4, 5, 7, 8, 9)
    )
    by = timedelta(
        days=years * _DAYS_OF_YEAR + months * _DAYS_OF_MONTH + weeks * 7 + days,
        hours=hours,
        minutes=minutes,
        seconds=seconds,
        microseconds=int(f"{match[10] or 0:0<6}"),
    )
    found = _moved(moment(value), -by if match[1] else by)
    return found.written() if form is None else in_form(found, text(form, "the form"))


def date_time_from_epoch(seconds: object) -> str:
    """Return the time some seconds after 1970."""
    start = Moment(datetime(1970, 1, 1, tzinfo=UTC), "T", "Z")
    try:
        return _moved(start, timedelta(seconds=integer(seconds, "the seconds"))).written()
    except OverflowError:
        message = "the result is beyond the years 1 to 9999"
        raise UnfitValueError(message) from None


def date_time_to_epoch(value: object) -> int:
    """Return the seconds from 1970 to a time."""
    return int((moment(value).at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1))


def in_form(found: Moment, form: str) -> str:
    """Return a time in a form of .NET, of the invariant culture.

    Raises:
        UnfitValueError: The form has letters that are not known here.
    """
    at = _in_utc(found.at) if form == "u" else found.at
    pattern = _STANDARD.get(form, form)
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        match = _PARTS.match(pattern, position)
        if match is None:
            message = f"the form {form!r} has {pattern[position]!r}, which is not known here"
            raise UnfitValueError(message)
        parts.append(_part(at, match[0]))
        position = match.end()
    return "".join(parts)


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        message = "the result is beyond the years 1 to 9999"
        raise UnfitValueError(message) from None


def _part(at: datetime, part: str) -> str:
    hour = at.hour % 12 or 12
    offset = f"{at:%z}"
    known = {
        "yyyy": f"{at.year:04}", "MMMM": _MONTHS[at.month - 1], "MMM": _MONTHS[at.month - 1][:3],
        "MM": f"{at.month:02}", "M": f"{at.month}",
        "dddd": _DAYS[at.weekday()], "ddd": _DAYS[at.weekday()][:3],
        "dd": f"{at.day:02}", "d": f"{at.day}", "HH": f"{at.hour:02}", "H": f"{at.hour}",
        "hh": f"{hour:02}", "h": f"{hour}", "mm": f"{at.minute:02}", "m": f"{at.minute}",
        "ss": f"{at.second:02}", "s": f"{at.second}", "tt": "PM" if at.hour >= 12 else "AM",  # noqa: PLR2004
        "zzz": f"{offset[:3]}:{offset[3:5]}",
    }  # fmt: skip
    if part in known:
        return known[part]
    if part.startswith("f"):
        return f"{at.microsecond:06}"[: len(part)]
    return part.strip("'") if part.startswith("'") else part.removeprefix("\\")


MOMENT_FUNCTIONS: Final = (
    Function("addDays", 2, 2, add_days),
    Function("dateTimeAdd", 2, 3, date_time_add),
    Function("dateTimeFromEpoch", 1, 1, date_time_from_epoch),
    Function("dateTimeToEpoch", 1, 1, date_time_to_epoch),
)
