"""The sink port: where published records go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from stage_functions.domain.record import Record


class Sink(Protocol):
    """Something that takes records as CloudEvents. Safe to share between threads."""

    @property
    def name(self) -> str:
        """A short stable name, part of outbox rows: `eventgrid`, `webhook-<n>`."""
        ...

    def publish(self, records: Sequence[Record], traceparent: str = "") -> None:
        """Deliver records, in order; return only when the other side has them.

        Args:
            records: what to deliver.
            traceparent: of the step that made them true, which their events carry; or "".

        Raises:
            SinkUnavailableError: it cannot be reached, or answers 429 or 5xx: try again later.
            SinkRefusedError: it refuses for good (400, 403, 404, 413).
        """
        ...

    def close(self) -> None:
        """Give back what the adapter holds open."""
        ...
