"""A ledger as the first release left it, and stores where something happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from stage_functions.application.ledger_format import KEY
from stage_functions.application.ports.rows import (
    ANY_ETAG,
    LEDGER,
    TABLES,
    Change,
    Delete,
    Leftover,
    Replace,
    Row,
    Value,
    WholeRows,
)
from tests.fakes.rows import LossyRows

Place = tuple[str, str, str]


class Store(LossyRows):
    """A store that can be scanned, and does something before a commit."""

    def __init__(self, rows: WholeRows) -> None:
        super().__init__(rows)
        self.whole = rows

    def scan(self, table: str) -> Iterator[tuple[str, Row]]:
        """Yield every row of a table."""
        return self.whole.scan(table)


def age(rows: WholeRows) -> None:
    """Take the format from all rows to which the first release gave none."""
    for table in TABLES:
        for partition, row in rows.scan(table):
            if not any(name.startswith("body") for name in row.values):
                values = {name: value for name, value in row.values.items() if name != "format"}
                rows.commit(table, partition, [Replace(row.key, values, row.etag)])
    if rows.get(LEDGER, "ledger", KEY) is not None:
        rows.commit(LEDGER, "ledger", [Delete(KEY, ANY_ETAG)])


def contents(rows: WholeRows) -> dict[Place, dict[str, Value]]:
    """Return all that a store holds."""
    return {
        (table, partition, row.key): dict(row.values)
        for table in TABLES
        for partition, row in rows.scan(table)
    }


class DiedError(Exception):
    """The process is gone."""


class Dying(Store):
    """The process dies at a commit, before it or after it."""

    def __init__(self, rows: Store, calls: int, *, after: bool) -> None:
        super().__init__(rows.whole)
        self._calls, self._after = calls, after

    def commit(
        self,
        table: str,
        partition: str,
        changes: Sequence[Change],
        *,
        durable: bool = True,
        leftovers: Sequence[Leftover] = (),
    ) -> tuple[str, ...]:
        """Commit so often, and die."""
        self._calls -= 1
        if self._calls < 0 and not self._after:
            raise DiedError
        etags = super().commit(table, partition, changes, durable=durable, leftovers=leftovers)
        if self._calls < 0:
            raise DiedError
        return etags


class Meanwhile(Store):
    """Somebody acts right before the first commit to a partition."""

    def __init__(self, rows: WholeRows, partition: str, act: Callable[[], object]) -> None:
        super().__init__(rows)
        self._partition, self._act = partition, act
        self.always = False

    def commit(
        self,
        table: str,
        partition: str,
        changes: Sequence[Change],
        *,
        durable: bool = True,
        leftovers: Sequence[Leftover] = (),
    ) -> tuple[str, ...]:
        """Commit, behind somebody else."""
        if partition == self._partition:
            self._act()
            if not self.always:
                self._partition = ""
        return super().commit(table, partition, changes, durable=durable, leftovers=leftovers)
