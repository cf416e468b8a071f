"""Verify the histories of a backup while its rows go by: each is read once, and none is held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby
from operator import itemgetter

from msgspec import Struct

from stage_functions.application import histories, keys
from stage_functions.application.backup_lines import Broken, Reader
from stage_functions.application.codec import unpack, unpack_record
from stage_functions.application.ledger import Head
from stage_functions.application.ports.rows import LEDGER, Row
from stage_functions.application.verifying import name_of, records_found
from stage_functions.application.verifying_file import Lying
from stage_functions.domain.asset import Asset
from stage_functions.domain.chain import Found, verify
from stage_functions.domain.error import InvalidInputError, LedgerDamagedError, StagewardError
from stage_functions.domain.record import Record, Tail

_OF_LIFECYCLE = "lifecycle:"
_WITH_HISTORIES = ("asset:", _OF_LIFECYCLE)


class Checked(Struct, frozen=True):
    """What a history proved to be.

    Attributes:
        name: of the history, as its records have it; or its partition, where it has none.
        records: how many there are.
        broken: what is wrong with it, or None.
    """

    name: str
    records: int
    broken: Broken | None


def has_history(partition: str) -> bool:
    """Tell whether a partition of the ledger is of something that has a history."""
    return partition == keys.JOURNAL_PARTITION or partition.startswith(_WITH_HISTORIES)


def check(
    ledger: str, partition: str, rows: Iterator[Row], head: Callable[[], Row | None]
) -> Checked:
    """Verify the records of a partition, all of which are read.

    Args:
        ledger: the ledger's id.
        partition: where they lie.
        rows: of the records, in order; read to the end, whatever is found.
        head: returns the row of the head, once all records were read.
    """
    read = _Read(rows)
    records = read.records()
    first = next(records, None)
    name = str(first.content.get("asset")) if first is not None else partition
    broken = None
    if first is not None and _partition(name) == partition:
        fault = verify(ledger, name, _again(first, records))
        broken = Broken(name, fault.number, fault.why) if fault is not None else None
    elif first is not None:
        broken = Broken(partition, first.number, f"it belongs to {name}")
    for _ in records:  # a bad one ends the verification, not the history
        pass
    for _ in rows:
        read.number += 1
    if broken is None and read.why:
        broken = Broken(name, read.bad, read.why)
    return Checked(name, read.number, broken or _ended(name, read, head()))


def _ended(name: str, read: _Read, row: Row | None) -> Broken | None:
    """Say how the records and the head contradict each other, if they do."""
    try:
        end = unpack(row, Head) if row is not None else None
    except StagewardError as exc:
        return Broken(name, read.number + 1, f"its head cannot be read: {exc}")
    if end is None:
        return Broken(name, 1, "it has no head") if read.number else None
    last = read.last
    if end.number != read.number or (last is not None and last.hash != end.hash):
        why = f"the head is at {end.number}, the records end at {read.number}"
        return Broken(name, min(end.number, read.number) + 1, why)
    return None


class _Read:
    """Reads records out of rows, up to the first that is none."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self.number = 0
        self.last: Record | None = None
        self.bad = 0
        self.why = ""

    def records(self) -> Iterator[Record]:
        """Yield records; `why` says what came in between."""
        for row in self._rows:
            self.number += 1
            try:
                self.last = unpack_record(row)
            except StagewardError as exc:
                self.bad, self.why = self.number, str(exc)
                return
            yield self.last


def _again(first: Record, rest: Iterable[Record]) -> Iterator[Record]:
    yield first
    yield from rest


def _partition(name: str) -> str:
    """Return where the history lies that has a name; an empty text for no name of any."""
    if name == histories.JOURNAL.name:
        return histories.JOURNAL.partition
    if name.startswith(_OF_LIFECYCLE):
        return histories.of_lifecycle(name.removeprefix(_OF_LIFECYCLE)).partition
    try:
        return keys.asset_partition(Asset.parse(name))
    except StagewardError:
        return ""


class Lain(Struct, frozen=True):
    """The rows of a history as they lie in a file.

    Attributes:
        partition: of it.
        records: its rows, to be read once, before the next history is asked for.
        head: returns the row of its head, once its records were read; None where there is none.
    """

    partition: str
    records: Iterator[Row]
    head: Callable[[], Row | None]


def found_in(
    reader: Reader, seen: Callable[[str, str, Row], object] = lambda *_: None
) -> Iterator[Lain]:
    """Yield the histories of a backup, one after another, reading the file once.

    Args:
        reader: at the beginning.
        seen: is shown every row, of whatever kind.

    Raises:
        InvalidInputError: as `Reader.rows`.
    """
    for (table, partition), group in groupby(reader.rows(), key=itemgetter(0, 1)):
        rest = _Rest(group, seen)
        if table == LEDGER and has_history(partition):
            yield Lain(partition, rest.records(), rest.head)
        rest.head()


class _Rest:
    """The rows of one partition, the records of which are somebody's."""

    def __init__(
        self, group: Iterator[tuple[str, str, Row]], seen: Callable[[str, str, Row], object]
    ) -> None:
        self._group = group
        self._seen = seen
        self._head: Row | None = None

    def records(self) -> Iterator[Row]:
        for table, partition, row in self._group:
            self._seen(table, partition, row)
            if row.key.startswith(keys.RECORD):
                yield row
            elif row.key == keys.HEAD:
                self._head = row

    def head(self) -> Row | None:
        for _ in self.records():
            pass
        return self._head


def histories_of(reader: Reader) -> Iterator[Lying]:
    """Yield each history of a backup as `verifying_file` takes it, for whoever verifies a file.

    Raises:
        LedgerDamagedError: it is altered, or cut off; the message says where.
    """
    try:
        for found in found_in(reader):
            stream = records_found(found.records)
            first = next(stream, None)
            end = _End(reader.header.ledger, _name(found.partition, first), found.head)
            if first is not None or end.head() is not None:
                rest = chain([first], stream) if first is not None else iter(())
                yield Lying(end.ledger, end.name, rest, end.head, end.why)
    except InvalidInputError as exc:
        raise LedgerDamagedError(str(exc)) from exc


def _name(partition: str, first: Found | None) -> str:
    """Return the name of a history: as its first record has it, if that is where it lies."""
    said = str(first.record.content.get("asset")) if first and first.record else ""
    return said if _partition(said) == partition else name_of(partition)


class _End:
    """Where a history of a backup should end: its head is looked for behind its records."""

    def __init__(self, ledger: str, name: str, row: Callable[[], Row | None]) -> None:
        self.ledger = ledger
        self.name = name
        self._row = row
        self._why = ""

    def head(self) -> Tail | None:
        """Return the end, or None where no head says it."""
        row = self._row()
        try:
            end = unpack(row, Head) if row is not None else None
        except StagewardError as exc:
            self._why = f"its head cannot be read: {exc}"
            return None
        if end is None:
            self._why = "its head is gone, so nothing says where it should end"
            return None
        return Tail(self.ledger, self.name, end.number, end.hash, end.at)

    def why(self) -> str:
        """Say what is wrong with the head, once it was asked for."""
        return self._why
