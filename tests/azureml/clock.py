"""The clock of the local Azure ML: no two moments that it gives are the same.

Azure writes seven digits of a second; that is what is given here, so texts sort as moments do.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

_TICKS_PER_SECOND = 10_000_000
_NANOSECONDS_PER_TICK = 100


class Clock:
    """Strictly later with every question, in whichever thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def now(self) -> str:
        """Return the moment, UTC, as Azure writes it."""
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // _NANOSECONDS_PER_TICK)
            ticks = self._last
        seconds, fraction = divmod(ticks, _TICKS_PER_SECOND)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:07d}Z"


def seconds_now() -> int:
    """Return the second that tokens are counted in."""
    return time.time_ns() // 1_000_000_000
