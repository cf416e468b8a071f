"""Rows whose store is watched: a ledger that can be read, but not written to, must be seen.

A disk is full, a file is locked, an identity has lost its role: reading still goes well, so nothing
else would tell. What was found is kept in the process; see `application.process`.
"""

from __future__ import annotations

from collections.abc import Sequence

from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.rows import Change, Leftover, Rows, Upsert
from stage_functions.application.process import Process
from stage_functions.domain.error import StoreUnavailableError, UnknownOutcomeError

_FAILED = (StoreUnavailableError, UnknownOutcomeError)


class NotedRows:
    """The `Rows` of a store, that tell the process whether writing goes well. As safe as those."""

    def __init__(self, rows: Rows, process: Process, clock: Clock) -> None:
        """Watch a store.

        Args:
            rows: the store; closed with these.
            process: what is told.
            clock: the time.
        """
        self._rows = rows
        self._process = process
        self._clock = clock
        self.get = rows.get  # reading costs nothing more
        self.query = rows.query
        self.close = rows.close

    def commit(
        self,
        table: str,
        partition: str,
        changes: Sequence[Change],
        *,
        durable: bool = True,
        leftovers: Sequence[Leftover] = (),
    ) -> tuple[str, ...]:
        """See `Rows`."""
        try:
            etags = self._rows.commit(
                table, partition, changes, durable=durable, leftovers=leftovers
            )
        except _FAILED as exc:
            self._process.not_written(self._clock.now(), str(exc))
            raise
        self._process.written()
        return etags

    def prepare(self, table: str, partition: str, changes: Sequence[Upsert]) -> None:
        """See `Rows`. A store may only remember it till the commit, so it tells nothing good."""
        try:
            self._rows.prepare(table, partition, changes)
        except _FAILED as exc:
            self._process.not_written(self._clock.now(), str(exc))
            raise
