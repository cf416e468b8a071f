"""A store whose replies get lost when told so; everything else is the store behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stage_functions.application.ports.rows import Change, Leftover, Row, Rows, Upsert
from stage_functions.domain.error import UnknownOutcomeError


class LossyRows:
    """A store between Stageward and a real one.

    Attributes:
        losses: for the next commits, whether the batch is applied before the reply is lost;
            None lets a commit through.
        trips: store round trips made.
        meanwhile: done once, right before the next commit, as another instance would.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.losses: list[bool | None] = []
        self.trips = 0
        self.meanwhile: Callable[[], object] | None = None

    def get(self, table: str, partition: str, key: str) -> Row | None:
        """Return the row, or None."""
        self.trips += 1
        return self._rows.get(table, partition, key)

    def query(
        self,
        table: str,
        partition: str,
        *,
        start: str = "",
        end: str | None = None,
        limit: int = 1000,
    ) -> list[Row]:
        """Return rows of a range."""
        self.trips += 1
        return self._rows.query(table, partition, start=start, end=end, limit=limit)

    def commit(
        self,
        table: str,
        partition: str,
        changes: Sequence[Change],
        *,
        durable: bool = True,
        leftovers: Sequence[Leftover] = (),
    ) -> tuple[str, ...]:
        """Commit, and lose the reply where told so."""
        self.trips += 1
        if self.meanwhile is not None:
            interfere, self.meanwhile = self.meanwhile, None
            interfere()
        applied = self.losses.pop(0) if self.losses else None
        if applied is not False:
            etags = self._rows.commit(
                table, partition, changes, durable=durable, leftovers=leftovers
            )
            self.trips += len(leftovers)
        if applied is not None:
            message = "the reply was lost"
            raise UnknownOutcomeError(message)
        return etags

    def prepare(self, table: str, partition: str, changes: Sequence[Upsert]) -> None:
        """Prepare rows."""
        self.trips += 1
        self._rows.prepare(table, partition, changes)

    def close(self) -> None:
        """Close the store behind."""
        self._rows.close()
