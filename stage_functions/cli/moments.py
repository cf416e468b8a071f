"""Moments as people type them: a day means its end, since what is asked is how that day closed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from msgspec import Struct

from stage_functions.cli.output import fail, moment

_ZONE = re.compile(r"\s*(?:UTC|Z)$", re.IGNORECASE)
_OFFSET = re.compile(r"\s+([+-]\d\d:?\d\d)$")


class Moment(Struct, frozen=True):
    """A moment that somebody named.

    Attributes:
        at: the moment, aware UTC.
        whole_day: only the day was named; it is the end of it.
    """

    at: datetime
    whole_day: bool = False


def moment_of(text: str) -> Moment:
    """Return the moment that a text names, or end the command and say how one is written."""
    plain = _OFFSET.sub(r"\1", _ZONE.sub("+00:00", text.strip()))
    try:
        day = date.fromisoformat(plain.removesuffix("+00:00"))
    except ValueError:
        pass
    else:
        return Moment(datetime.combine(day, time.max, UTC), whole_day=True)
    try:
        at = datetime.fromisoformat(plain)
        return Moment(at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        fail(
            f"'{text}' is no time: write 2026-11-23 for the end of that day, 2026-11-23 22:31 or "
            "2026-11-23T22:31:09, in UTC, or with an offset such as +02:00 behind it"
        )


def of_what_was_asked(asked: Moment | None, answered: datetime) -> str:
    """Say how the moment that an answer is of came from the one that was asked for."""
    if asked is None:
        return ""
    if asked.at > answered:
        later = "the end of that day" if asked.whole_day else moment(asked.at)
        return f", as known now: {later} is still to come"
    return ", the end of that day" if asked.whole_day else ""
