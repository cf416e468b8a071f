"""The port of dead letters: events that could not be delivered, kept one by one elsewhere.

Event Grid writes them, and nobody else. What one says is a hint, as every event is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct

MOST_LISTED = 5000
"""A page of the store: more are not counted."""
MOST_BYTES = 2 * 1024 * 1024
"""Of one: an event is a megabyte at the most, and what it failed of is written into it."""


class DeadLetter(Struct, frozen=True):
    """An event that could not be delivered.

    Attributes:
        name: unique where it is kept.
        written: when it was given up.
        etag: changes when it is written again.
        size: bytes.
    """

    name: str
    written: datetime
    etag: str
    size: int


class Counted(Struct, frozen=True):
    """How many there are.

    Attributes:
        count: how many; None where they cannot be counted.
        more: there are more.
        oldest: when the oldest of them was given up, or None.
        fault: why they cannot be counted, or "".
    """

    count: int | None = None
    more: bool = False
    oldest: datetime | None = None
    fault: str = ""


class DeadLetters(Protocol):
    """Where dead letters are kept. Safe to share between threads."""

    def listed(self, limit: int = MOST_LISTED) -> list[DeadLetter]:
        """Return at most so many of them, in no order that means anything.

        Raises:
            RetryableError: it cannot be reached.
            NotAllowedNowError: it lets nobody in, or is not there; the message says what to do.
        """
        ...

    def read(self, letter: DeadLetter) -> bytes:
        """Return the whole of one.

        Raises:
            NotFoundError: it is gone, or was written again.
            InvalidInputError: it is larger than `MOST_BYTES`.
            RetryableError, NotAllowedNowError: as `listed`.
        """
        ...

    def delete(self, letter: DeadLetter) -> bool:
        """Delete one as it was listed; tell whether it was there, and was not written again.

        Raises:
            RetryableError, NotAllowedNowError: as `listed`.
        """
        ...

    def close(self) -> None:
        """Give back what is held open."""
        ...
