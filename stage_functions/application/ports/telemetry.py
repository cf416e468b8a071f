"""The telemetry port: what is told of how a decision went, to whoever watches Stageward itself.

A span is one step on a signal's way, with its begin and its end; spans that follow from one another
have one trace. Nothing here may fail, wait, or carry what could tell of a person: attributes are
ids, outcomes and numbers, never names, reasons, tokens, or values of tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol, Self

from stage_functions.domain.figure import Figure

Attribute = str | int | float | bool


class Span(Protocol):
    """A step that is being made."""

    def set(self, name: str, value: Attribute) -> None:
        """Say more of it than was known when it began."""
        ...

    def link(self, traceparent: str) -> None:
        """Point to a step of another trace; what names none is ignored."""
        ...


class Telemetry(Protocol):
    """Takes what is told. Safe to share between threads; no method raises or waits."""

    def span(
        self, name: str, *, attributes: Mapping[str, Attribute] | None = None, parent: str = ""
    ) -> AbstractContextManager[Span]:
        """Open a step, a child of the one that is open in this thread or task.

        An exception passes, and is noted by its type alone.

        Args:
            name: which step; one of few.
            attributes: ids and numbers.
            parent: W3C `traceparent` of the step that it follows from, where that is none of this
                thread; one that is malformed counts as none.
        """
        ...

    def count(self, name: str, amount: int = 1, /, **attributes: str) -> None:
        """Add to a counter. Attributes take few values: never the name of an asset."""
        ...

    def measure(self, name: str, value: float, /, **attributes: str) -> None:
        """Add a value to a histogram, in the unit of its name."""
        ...

    def gauges(self, figures: Iterable[Figure]) -> None:
        """Show figures as they are now; for how long they hold is for the adapter to say."""
        ...

    def traceparent(self) -> str:
        """Return the W3C `traceparent` of the step that is open, or ""."""
        ...

    def flush(self) -> None:
        """Send what waits, for a short time at the most: before the process may be suspended."""
        ...

    def close(self) -> None:
        """Send what waits, for a short time at the most, and stop."""
        ...


class _Nothing:
    """A span that is nowhere. One serves all."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def set(self, name: str, value: Attribute) -> None:
        """Do nothing."""

    def link(self, traceparent: str) -> None:
        """Do nothing."""


_NOTHING = _Nothing()


class _Silent:
    """Telemetry that is off."""

    def span(
        self,
        name: str,  # noqa: ARG002  # as the port has it; so are all below
        *,
        attributes: Mapping[str, Attribute] | None = None,  # noqa: ARG002
        parent: str = "",  # noqa: ARG002
    ) -> _Nothing:
        """Return what does nothing."""
        return _NOTHING

    def count(self, name: str, amount: int = 1, /, **attributes: str) -> None:
        """Do nothing."""

    def measure(self, name: str, value: float, /, **attributes: str) -> None:
        """Do nothing."""

    def gauges(self, figures: Iterable[Figure]) -> None:
        """Do nothing."""

    def traceparent(self) -> str:
        """Return ""."""
        return ""

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


SILENT: Telemetry = _Silent()
"""Does nothing, and costs next to nothing."""
