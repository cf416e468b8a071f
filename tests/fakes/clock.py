"""A clock that stands still until told otherwise, and dice that count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock for tests."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self.count = 0

    def now(self) -> datetime:
        """Return the time, a millisecond later each time."""
        self.time += timedelta(milliseconds=1)
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass without waiting."""
        self.time += timedelta(seconds=seconds)

    def approval_id(self) -> str:
        """Return the next id."""
        self.count += 1
        return f"{self.count:08d}"

    def operation_id(self) -> str:
        """Return the next id."""
        self.count += 1
        return f"{self.count:026d}"

    def fraction(self) -> float:
        """Return the middle."""
        return 0.5
