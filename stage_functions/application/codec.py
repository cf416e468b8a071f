"""How values become rows and back. Tolerant on input: what a later release wrote is carried along.

A row carries `format`, the layout that it was written in, and its value as JSON in `body0`,
`body1`, … of less than 60 KiB each. What this release does not know of a row (fields of the value,
properties beside it) is kept in the value, and written back with it: see `Stored`. A row of a
higher format than this release knows can be read as far as it goes, and is not decided on.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from stage_functions.application import beyond
from stage_functions.application.ports.rows import Row, Upsert, Value
from stage_functions.domain.error import LaterReleaseError, LedgerDamagedError
from stage_functions.domain.record import Record
from stage_functions.domain.stored import BEYOND, Beyond, Stored

FORMAT = 1
"""Of every kind of row in this release: see `formats`, and `docs/rolling.md` on raising one."""
UPDATE = "update this instance"
CHUNK_BYTES = 60 * 1024
CHUNKS_PER_ROW = 15
_BODY = "body"
_FORMAT = "format"
_FIRST, _SECOND = f"{_BODY}0", f"{_BODY}1"
_MARK = f'"{BEYOND}":{{'.encode()
"""How it looks in JSON that a value has something of a later release."""
_PLAIN_PROPERTIES = 2
"""Of a row of one chunk: `format` and `body0`."""

S = TypeVar("S", bound=Stored)


def pack(value: Stored, *, known: int = FORMAT) -> dict[str, Value]:
    """Return a value as a row's properties, with whatever a later release wrote of it.

    Args:
        value: the value.
        known: the format that this release gives to its kind of row.
    """
    known = max(known, value.highest) if value.bars else known
    data = msgspec.json.encode(value)
    if _MARK not in data:
        return pack_bytes(data, known=known)
    values = pack_bytes(msgspec.json.encode(beyond.document(value)), known=known)
    rest = value.beyond
    if rest is UNSET:
        return values
    return {**rest.properties, **values, _FORMAT: max(known, rest.format)}


def unpack(row: Row, type_: type[S], *, known: int = FORMAT) -> S:
    """Return the value of a row, with what a later release wrote of it.

    Args:
        row: the row.
        type_: what it holds.
        known: up to which format this release knows its kind of row, where its type says no more.

    Raises:
        LedgerDamagedError: the row does not hold such a value.
        LaterReleaseError: it does not hold one that this release can read.
    """
    known = max(known, type_.highest)
    data = unpack_bytes(row)
    try:
        value = msgspec.json.decode(data, type=type_)
    except (msgspec.MsgspecError, RecursionError):
        return _unpack_later(row, data, type_, known)
    if len(row.values) == _PLAIN_PROPERTIES and FORMAT <= format_of(row) <= known:
        return value
    return _with_properties(row, value, "", known)


def format_of(row: Row) -> int:
    """Return the format of a row; 0 for one of the first release, whose kind had none."""
    found = row.values.get(_FORMAT, 0)
    return found if isinstance(found, int) else 0


def plain(values: Mapping[str, Value], over: Row | None = None) -> dict[str, Value]:
    """Return the properties of a row that holds no value in JSON, with its format.

    Args:
        values: what it is to say.
        over: the row as it was read, whose further properties are kept.
    """
    if over is None:
        return {_FORMAT: FORMAT, **values}
    return {**over.values, **values, _FORMAT: max(FORMAT, format_of(over))}


def foreign(row: Row, *needed: str) -> str:
    """Say why a row that holds no value is a later release's alone; "" where it is known here.

    Args:
        row: the row.
        needed: properties that it has in this release.
    """
    missing = [name for name in needed if name not in row.values]
    if format_of(row) > FORMAT:
        return _raised(row, FORMAT)
    return f"row {row.key} is of a later release: it has no {missing[0]}" if missing else ""


def _unpack_later(row: Row, data: bytes, type_: type[S], known: int) -> S:
    try:
        value, doubt = beyond.read(data, type_)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as exc:
        if format_of(row) > known:
            raise LaterReleaseError(_raised(row, known)) from exc
        message = f"row {row.key} holds no {type_.__name__}: {exc}"
        raise LedgerDamagedError(message) from exc
    if doubt:
        doubt = f"row {row.key} was written by a later release: {doubt}; {UPDATE}"
    return _with_properties(row, value, doubt, known)


def _with_properties(row: Row, value: S, doubt: str, known: int) -> S:
    """Return a value with what its row has beside it."""
    own = {_FORMAT, *(f"{_BODY}{n}" for n in range(_chunks(row)))}
    properties = {name: one for name, one in row.values.items() if name not in own}
    raised = format_of(row) > known
    doubt = _raised(row, known) if raised else doubt
    if not properties and not doubt:
        return value
    fields = {} if value.beyond is UNSET else value.beyond.fields
    rest = Beyond(fields, properties, format_of(row) if raised else 0, doubt)
    return replace(value, beyond=rest)


def _raised(row: Row, known: int) -> str:
    formats = f"it has format {format_of(row)}, this release knows {known}"
    return f"row {row.key} was written by a later release: {formats}; {UPDATE}"


def _chunks(row: Row) -> int:
    count = 0
    while isinstance(row.values.get(f"{_BODY}{count}"), bytes):
        count += 1
    return count


def pack_bytes(data: bytes, *, known: int = FORMAT) -> dict[str, Value]:
    """Return bytes as a row's properties, in chunks."""
    values: dict[str, Value] = {_FORMAT: known}
    for position, start in enumerate(range(0, len(data), CHUNK_BYTES)):
        values[f"{_BODY}{position}"] = data[start : start + CHUNK_BYTES]
    return values


def unpack_bytes(row: Row) -> bytes:
    """Return the bytes of a row that `pack_bytes` made."""
    first = row.values.get(_FIRST)
    if isinstance(first, bytes) and _SECOND not in row.values:  # nearly always
        return first
    chunks: list[bytes] = []
    while isinstance(chunk := row.values.get(f"{_BODY}{len(chunks)}"), bytes):
        chunks.append(chunk)
    return b"".join(chunks)


def pack_record(record: Record) -> dict[str, Value]:
    """Return a record as a row's properties: its bytes as they were hashed."""
    return {**pack_bytes(record.body), "prev": record.prev, "hash": record.hash}


def unpack_record(row: Row) -> Record:
    """Return the record of a row, as it is kept; whether it is whole is for `history.verify`.

    Raises:
        LedgerDamagedError: it cannot even be read.
        LaterReleaseError: nor can it, since a later release writes it otherwise.
    """
    body = unpack_bytes(row)
    try:
        content = msgspec.json.decode(body, type=dict[str, Any])
        record = Record(
            body, str(row.values.get("prev", "")), str(row.values.get("hash", "")), content
        )
        if record.number < 1 or record.at.tzinfo is None:
            message = f"{row.key} has no number or no time"
            raise LedgerDamagedError(message)
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, RecursionError) as exc:
        if format_of(row) > FORMAT:
            raise LaterReleaseError(_raised(row, FORMAT)) from exc
        message = f"{row.key} is no record: {exc}"
        raise LedgerDamagedError(message) from exc
    return record


def pack_blob(document: bytes) -> tuple[Upsert, ...]:
    """Return a document as rows: compressed, in chunks, over several rows where it is large."""
    data = zlib.compress(document, 6)
    size = CHUNK_BYTES * CHUNKS_PER_ROW
    return tuple(
        Upsert(f"{position:04d}", pack_bytes(data[start : start + size]))
        for position, start in enumerate(range(0, len(data), size))
    )


def unpack_blob(rows: Sequence[Row]) -> bytes:
    """Return the document of the rows that `pack_blob` made."""
    return zlib.decompress(b"".join(unpack_bytes(row) for row in rows))
