"""Clocks: one that stands still until told otherwise, one that wanders, one that is ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stage_functions.adapters.clock import SystemClock


class FakeClock:
    """A clock that goes on by a millisecond a look; its dice count."""

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


class WanderingClock(FakeClock):
    """A clock that somebody sets while it is read.

    Args:
        readings: what it says at each look; the last for ever.
    """

    def __init__(self, readings: list[datetime]) -> None:
        super().__init__()
        self._readings = readings

    def now(self) -> datetime:
        """Return the next reading."""
        return self._readings.pop(0) if len(self._readings) > 1 else self._readings[0]


class LaterClock(SystemClock):
    """The machine's clock, so many seconds ahead: for whoever comes later. Safe between threads."""

    def __init__(self, seconds: float) -> None:
        self._ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        """Return the time, ahead."""
        return super().now() + self._ahead
