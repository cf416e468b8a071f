"""The form of a backup: JSON, a line each for a row, between a first line and a last one.

The first line says what it is. The last one counts, and has the SHA-256 of all bytes before it: a
file without it was never finished. Types are kept exactly: text, booleans and integers as JSON has
them, bytes as `{"utf8": …}` where they are text and as `{"base64": …}` where they are none. What is
in a row is not looked at here, so that rows of a later release are kept too.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import NoReturn

import msgspec
from msgspec import Struct

from stage_functions.application.ports.rows import TABLES, Row, Value
from stage_functions.domain.error import InvalidInputError

FORMAT = 1
"""Of backups that this release makes, and the highest that it reads."""
MAX_LINE_BYTES = 16 * 1024 * 1024
"""More than the largest row comes to, with every character escaped."""
_END = b'{"end":'
_MODULUS = 2**256

Write = Callable[[bytes], object]
"""Takes the next bytes of a backup."""


class Header(Struct, frozen=True):
    """The first line.

    Attributes:
        stageward_backup: the format of the backup.
        release: of Stageward that made it.
        ledger: the ledger's id.
        made_at: when it was begun, aware UTC.
    """

    stageward_backup: int
    release: str
    ledger: str
    made_at: datetime


class Broken(Struct, frozen=True):
    """A history that does not verify.

    Attributes:
        history: the asset, `lifecycle:<name>` or `ledger`; or the partition, where it has no name.
        number: of the first bad record.
        why: it is bad.
    """

    history: str
    number: int
    why: str


class End(Struct, frozen=True):
    """What the last line says.

    Attributes:
        at: when it was finished, aware UTC.
        rows: how many there are, by table.
        sums: of the rows of each table: of their lines' SHA-256, in whatever order.
        histories: how many were verified.
        records: how many these have.
        broken: histories that do not verify.
        sha256: of all bytes before the last line.
    """

    at: datetime
    rows: Mapping[str, int]
    sums: Mapping[str, str]
    histories: int
    records: int
    broken: tuple[Broken, ...]
    sha256: str


class _Bytes(Struct, frozen=True, forbid_unknown_fields=True):
    utf8: str | None = None
    base64: str | None = None

    def value(self) -> bytes:
        """Return the bytes.

        Raises:
            ValueError: they are in neither form, or in both.
        """
        if (self.utf8 is None) is (self.base64 is None):
            message = "bytes are written as utf8 or as base64"
            raise ValueError(message)
        return (
            self.utf8.encode()
            if self.utf8 is not None
            else b64decode(str(self.base64), None, validate=True)
        )


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    table: str
    partition: str
    key: str
    values: dict[str, str | bool | int | _Bytes]


class _Last(Struct, frozen=True):
    end: End


_ENCODER = msgspec.json.Encoder()
_LINES = msgspec.json.Decoder(_Line)


class Sums:
    """Counts rows, and sums up what they are: the same in whatever order they come."""

    def __init__(self) -> None:
        self.rows = dict.fromkeys(TABLES, 0)
        self._sums = dict.fromkeys(TABLES, 0)

    def add(self, table: str, line: bytes) -> None:
        """Count a row by its line."""
        self.rows[table] += 1
        digest = int.from_bytes(hashlib.sha256(line).digest(), "big")
        self._sums[table] = (self._sums[table] + digest) % _MODULUS

    @property
    def sums(self) -> dict[str, str]:
        """The sum of each table, 64 hex digits."""
        return {table: f"{number:064x}" for table, number in self._sums.items()}


def line(table: str, partition: str, row: Row) -> bytes:
    """Return a row as a line: the same for the same row, whatever store it comes from."""
    values = {name: _written(row.values[name]) for name in sorted(row.values)}
    written = {"table": table, "partition": partition, "key": row.key, "values": values}
    return _ENCODER.encode(written) + b"\n"


def _written(value: Value) -> object:
    if not isinstance(value, bytes):
        return value
    try:
        return {"utf8": value.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(value).decode()}


class Writer:
    """Writes a backup, line by line.

    Args:
        write: takes the bytes.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._sha = hashlib.sha256()
        self.sums = Sums()

    def header(self, header: Header) -> None:
        """Write the first line."""
        self._put(_ENCODER.encode(header) + b"\n")

    def row(self, table: str, written: bytes) -> None:
        """Write the line of a row."""
        self.sums.add(table, written)
        self._put(written)

    def end(self, at: datetime, histories: int, records: int, broken: tuple[Broken, ...]) -> End:
        """Write the last line; without it the backup is none."""
        sums = self.sums
        sha = self._sha.hexdigest()
        end = End(at, sums.rows, sums.sums, histories, records, broken, sha)
        self._write(_ENCODER.encode(_Last(end)) + b"\n")
        return end

    def _put(self, written: bytes) -> None:
        self._sha.update(written)
        self._write(written)


class Reader:
    """Reads a backup once, from the first line to the last.

    Args:
        lines: of the file, each with its end.
        name: what the file is called in messages.

    Attributes:
        header: the first line.
        sums: of the rows read so far.

    Raises:
        InvalidInputError: it is no backup, or one of a later release.
    """

    def __init__(self, lines: Iterator[bytes], name: str) -> None:
        self._lines = lines
        self._name = name
        self._number = 0
        self._sha = hashlib.sha256()
        self._end: End | None = None
        self.sums = Sums()
        self.header = self._header()

    def rows(self) -> Iterator[tuple[str, str, Row]]:
        """Yield every row with its table and partition, then check that it was all.

        Raises:
            InvalidInputError: the file is altered, cut off, or goes on behind its end; the message
                says where.
        """
        for written in self._lines:
            self._number += 1
            if written.startswith(_END):
                self._ended(written)
                return
            self._sha.update(written)
            yield self._row(written)
        self._refuse("the backup is cut off behind it: its last line is missing")

    @property
    def count(self) -> int:
        """How many rows were read so far."""
        return sum(self.sums.rows.values())

    @property
    def end(self) -> End:
        """What the last line says, once all rows were read."""
        if self._end is None:
            self._refuse("it was not read to its end")
        return self._end

    def _header(self) -> Header:
        first = next(self._lines, b"")
        self._number = 1
        try:
            found: Mapping[str, object] = msgspec.json.decode(first, type=dict[str, object])
            number = found["stageward_backup"]
        except (msgspec.MsgspecError, KeyError):
            self._refuse("this is no backup of Stageward (`stageward backup`)")
        if not isinstance(number, int) or number > FORMAT:
            self._refuse(
                f"the backup has format {number}, this release reads {FORMAT}: update Stageward"
            )
        try:
            header = msgspec.json.decode(first, type=Header)
        except msgspec.MsgspecError as exc:
            self._refuse(f"the first line says too little of the backup: {exc}")
        self._sha.update(first)
        return header

    def _row(self, written: bytes) -> tuple[str, str, Row]:
        try:
            read = _LINES.decode(written)
            values = {
                name: value.value() if isinstance(value, _Bytes) else value
                for name, value in read.values.items()
            }
        except (msgspec.MsgspecError, ValueError) as exc:
            self._refuse(f"the line holds no row: {exc}")
        if read.table not in TABLES:
            self._refuse(f"there is no table {read.table!r}")
        row = Row(read.key, "", values)
        self.sums.add(read.table, line(read.table, read.partition, row))
        return read.table, read.partition, row

    def _ended(self, written: bytes) -> None:
        try:
            end = msgspec.json.decode(written, type=_Last).end
        except msgspec.MsgspecError as exc:
            self._refuse(f"the last line cannot be read: {exc}")
        if end.sha256 != self._sha.hexdigest():
            self._refuse(
                "the file is not what was written: the SHA-256 of the lines before is "
                f"{self._sha.hexdigest()}, and it says {end.sha256}"
            )
        if (end.rows, end.sums) != (self.sums.rows, self.sums.sums):
            self._refuse("the rows are not those that were counted")
        if next(self._lines, b""):
            self._number += 1
            self._refuse("the file goes on behind the end of the backup")
        self._end = end

    def _refuse(self, why: str) -> NoReturn:
        message = f"{self._name}, line {self._number}: {why}"
        raise InvalidInputError(message)
