"""How far this process's clock is from those of the others: by the `Date` of their answers.

Deadlines, leases and signatures compare moments that different machines have written. So a clock
that is wrong must be seen before it lets an approval lapse early. Nothing is asked for it: every
answer of a store or a registry says what time it was there, to the second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from msgspec import Struct

from stage_functions.application.ports.clock import Clock

TOO_FAR_SECONDS = 30
"""As long as the outbox rows of a commit belong to the process that made it."""
_HALF_A_SECOND = 0.5
"""`Date` is cut to the second: on average it is that much more."""
Headers = Mapping[str, str]
Heard = Callable[[Headers], None]


def deaf(_headers: Headers) -> None:
    """Hear nothing."""


class Skew(Struct, frozen=True):
    """How far this clock is from another.

    Attributes:
        source: whose, `ledger` or the alias of a registry.
        seconds: by which this clock is ahead; negative where it is behind.
        at: when that was heard, by this clock.
    """

    source: str
    seconds: float
    at: datetime

    @property
    def too_far(self) -> bool:
        """It is so far that what is decided by time is decided wrongly."""
        return abs(self.seconds) > TOO_FAR_SECONDS


class Clocks:
    """What time it was elsewhere, when that was last heard. Safe to share between threads."""

    def __init__(self) -> None:
        """Know of none."""
        self._heard: dict[str, tuple[datetime, str]] = {}

    def listener(self, source: str, clock: Clock) -> Heard:
        """Return what takes the headers of every answer of a source. It is quick, and never fails.

        What a cache has kept tells nothing: it says so by `Age`.
        """

        def hear(headers: Headers) -> None:
            date = headers.get("Date", "")
            if date and "Age" not in headers:
                self._heard[source] = (clock.now(), date)

        return hear

    def skews(self) -> tuple[Skew, ...]:
        """Return how far this clock is from each that was heard; what is no date is left out."""
        known = dict(self._heard)
        found = (_skew(source, at, date) for source, (at, date) in sorted(known.items()))
        return tuple(one for one in found if one is not None)


def _skew(source: str, at: datetime, date: str) -> Skew | None:
    try:
        there = parsedate_to_datetime(date)
        there = there if there.tzinfo else there.replace(tzinfo=UTC)
        ahead = (at - there).total_seconds() - _HALF_A_SECOND
    except (ValueError, OverflowError, TypeError):
        return None
    return Skew(source, ahead, at)
