"""The clock and the dice: time and new ids are arguments, so that tests can choose them."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What the application knows of time and chance."""

    def now(self) -> datetime:
        """Return the time, aware UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait, before a retry."""
        ...

    def approval_id(self) -> str:
        """Return a new id of 8 Crockford base-32 characters."""
        ...

    def operation_id(self) -> str:
        """Return a new operation id, 26 Crockford base-32 characters, sortable by time (ULID)."""
        ...

    def fraction(self) -> float:
        """Return a number in [0, 1), for jitter."""
        ...
