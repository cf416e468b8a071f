"""The row port: the smallest store that Azure Table Storage honours.

Rows live in a table and a partition under a key. A batch is atomic, conditional, and stays inside
one partition. The limits are those of Table Storage and hold in every store, so that what passes
on one machine passes in Azure. `RowStoreContract` in `tests/contracts` is what a store must do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

Value = str | bool | int | bytes

MAX_PROPERTY_BYTES = 64 * 1024
"""Of a value: UTF-16 code units × 2 for text, bytes for bytes (Table Storage's own measure)."""
MAX_ROW_BYTES = 1024 * 1024
MAX_BATCH_ROWS = 100
MAX_BATCH_BYTES = 4 * 1024 * 1024
MAX_KEY_CHARACTERS = 512
"""Table Storage takes 1 KiB, which is 512 UTF-16 code units."""
ANY_ETAG = "*"

LEDGER = "ledger"
WORK = "work"
CATALOG = "catalog"
BLOBS = "blobs"
TABLES = (LEDGER, WORK, CATALOG, BLOBS)


class Row(Struct, frozen=True):
    """A row as stored.

    Attributes:
        key: unique inside its partition.
        etag: changes with every write and is never reused.
        values: int32, bool, str or bytes by property name.
    """

    key: str
    etag: str
    values: Mapping[str, Value]


class Insert(Struct, frozen=True):
    """Add a row; a conflict if it exists."""

    key: str
    values: Mapping[str, Value]


class Replace(Struct, frozen=True):
    """Replace a row whole; a conflict if it is missing or its ETag differs (unless ANY_ETAG)."""

    key: str
    values: Mapping[str, Value]
    etag: str


class Upsert(Struct, frozen=True):
    """Insert or replace a row, whatever is there."""

    key: str
    values: Mapping[str, Value]


class Delete(Struct, frozen=True):
    """Delete a row; a conflict if it is missing or its ETag differs (unless ANY_ETAG)."""

    key: str
    etag: str


Change = Insert | Replace | Upsert | Delete


class Leftover(Struct, frozen=True):
    """A row in another place that a batch makes superfluous."""

    table: str
    partition: str
    key: str


class Rows(Protocol):
    """A store of rows. Safe to share between threads."""

    def get(self, table: str, partition: str, key: str) -> Row | None:
        """Return the row, or None.

        Raises:
            StoreUnavailableError: the store cannot be reached.
        """
        ...

    def query(
        self,
        table: str,
        partition: str,
        *,
        start: str = "",
        end: str | None = None,
        limit: int = 1000,
    ) -> list[Row]:
        """Return at most `limit` rows with start <= key < end, ordered by key (code units).

        `limit` may exceed a page of the store behind; the store follows its continuations.

        Raises:
            StoreUnavailableError: the store cannot be reached.
        """
        ...

    def commit(
        self,
        table: str,
        partition: str,
        changes: Sequence[Change],
        *,
        durable: bool = True,
        leftovers: Sequence[Leftover] = (),
    ) -> tuple[str, ...]:
        """Apply all changes or none; return the new ETags in order ("" for a deletion).

        What is not durable may be lost with the machine's power, never in part, and never together
        with something durable that was committed before or after it: for work that is simply done
        again. Leftovers are deleted once the batch was applied; a missing one is fine, and one that
        cannot be deleted now is left.

        Raises:
            ConflictError: a condition did not hold; nothing was applied.
            UnknownOutcomeError: the reply was lost; the batch may have been applied.
            RowTooLargeError: over a limit; nothing was applied.
            ValueError: an empty batch, or one that names a key twice.
        """
        ...

    def prepare(self, table: str, partition: str, changes: Sequence[Upsert]) -> None:
        """Write rows that the next `commit` of this thread relies on.

        They reach the disk no later than that commit; a store may buffer them till then, and
        may drop them when that commit fails.

        Raises:
            UnknownOutcomeError, RowTooLargeError, ValueError: as `commit`.
        """
        ...

    def close(self) -> None:
        """Give back what the store holds open."""
        ...


class WholeRows(Rows, Protocol):
    """A store that can be read from one end to the other: for upkeep, never for a decision."""

    def scan(self, table: str) -> Iterator[tuple[str, Row]]:
        """Yield every row of a table with its partition, ordered by partition and key.

        It reads page by page, so it is no picture of one moment: a row that is written or deleted
        meanwhile may be missed, or be yielded as it was. None is yielded twice.

        Raises:
            StoreUnavailableError: the store cannot be reached.
        """
        ...
