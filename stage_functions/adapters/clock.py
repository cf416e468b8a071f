"""The real clock and dice."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


class SystemClock:
    """The machine's clock, and its source of randomness."""

    def now(self) -> datetime:
        """Return the time, aware UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def approval_id(self) -> str:
        """Return 8 Crockford base-32 characters: 40 random bits."""
        return _base32(secrets.randbits(40), 8)

    def operation_id(self) -> str:
        """Return a ULID: 48 bits of milliseconds, 80 random bits."""
        milliseconds = time.time_ns() // 1_000_000
        return _base32(milliseconds << 80 | secrets.randbits(80), 26).upper()

    def fraction(self) -> float:
        """Return a number in [0, 1)."""
        return secrets.randbelow(1 << 32) / (1 << 32)


def _base32(number: int, length: int) -> str:
    places = range(5 * (length - 1), -1, -5)
    return "".join([_CROCKFORD[number >> place & 31] for place in places])
