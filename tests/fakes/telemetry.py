"""Telemetry that only counts how often it is called: what it costs where it is off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager

from stage_functions.application.ports.telemetry import SILENT, Attribute, Span
from stage_functions.domain.figure import Figure


class CountingTelemetry:
    """Telemetry that is off, and counts the calls of each method.

    Attributes:
        calls: how many, by method.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def span(
        self, name: str, *, attributes: Mapping[str, Attribute] | None = None, parent: str = ""
    ) -> AbstractContextManager[Span]:
        """Count it, and do nothing."""
        self.calls["span"] += 1
        return SILENT.span(name)

    def count(self, name: str, amount: int = 1, /, **attributes: str) -> None:
        """Count it."""
        self.calls["count"] += 1

    def measure(self, name: str, value: float, /, **attributes: str) -> None:
        """Count it."""
        self.calls["measure"] += 1

    def gauges(self, figures: Iterable[Figure]) -> None:
        """Count it."""
        self.calls["gauges"] += 1

    def traceparent(self) -> str:
        """Count it; there is none."""
        self.calls["traceparent"] += 1
        return ""

    def flush(self) -> None:
        """Count it."""
        self.calls["flush"] += 1

    def close(self) -> None:
        """Count it."""
        self.calls["close"] += 1
