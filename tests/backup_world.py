"""Backups in memory, and stores in which something happens while they are read."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Iterator

from stage_functions.adapters.clock import SystemClock
from stage_functions.application.backup import Backup, backup
from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.rows import Row, WholeRows
from stage_functions.application.restore import Contents, Lines, Restored, examine, restore
from tests.application.aged import Store

NAME = "it.backup"


def backed_up(rows: WholeRows, clock: Clock | None = None) -> tuple[bytes, Backup]:
    """Return the content of a backup, and what it came to."""
    out = io.BytesIO()
    made = backup(rows, out.write, clock or SystemClock(), release="0.1.0", spool=io.BytesIO)
    return out.getvalue(), made


def opened(content: bytes) -> Lines:
    """Return what opens a backup in memory."""

    def lines() -> Generator[bytes]:
        yield from io.BytesIO(content)

    return lines


def examined(content: bytes) -> Contents:
    """Return what is in a backup in memory."""
    return examine(opened(content), NAME)


def restored(rows: WholeRows, content: bytes, clock: Clock | None = None) -> Restored:
    """Restore a backup in memory."""
    lines = opened(content)
    return restore(rows, lines, clock or SystemClock(), examine(lines, NAME), NAME)


class Moving(Store):
    """A store in which somebody acts while it is read.

    Args:
        rows: the store.
        at: they act when a scan has come to a row of this table whose key begins so.
        act: what is done.
        times: how often; -1 for whenever rows of an asset are asked for.
    """

    def __init__(
        self, rows: WholeRows, at: tuple[str, str], act: Callable[[], object], times: int = 1
    ) -> None:
        super().__init__(rows)
        self._at, self._act, self._times = at, act, times

    def scan(self, table: str) -> Iterator[tuple[str, Row]]:
        """Yield every row, and act behind one."""
        for partition, row in self.whole.scan(table):
            yield partition, row
            if self._at[0] == table and row.key.startswith(self._at[1]):
                self._once()

    def query(
        self,
        table: str,
        partition: str,
        *,
        start: str = "",
        end: str | None = None,
        limit: int = 1000,
    ) -> list[Row]:
        """Act, if that is to be done for ever, and return rows."""
        if partition.startswith("asset:") and self._times < 0:
            self._act()
        return super().query(table, partition, start=start, end=end, limit=limit)

    def _once(self) -> None:
        if self._times > 0:
            self._times -= 1
            self._act()
