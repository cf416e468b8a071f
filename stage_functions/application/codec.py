"""How values become rows and back. Tolerant on input: a later release's fields are left out.

A row carries `format`, so that a later release can tell what it reads, and its value as JSON in
`body0`, `body1`, … of less than 60 KiB each.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from stage_functions.application.ports.rows import Row, Upsert, Value
from stage_functions.domain.error import LedgerDamagedError
from stage_functions.domain.record import Record

FORMAT = 1
CHUNK_BYTES = 60 * 1024
CHUNKS_PER_ROW = 15
_BODY = "body"

T = TypeVar("T")


def pack(value: object) -> dict[str, Value]:
    """Return a value as a row's properties."""
    return pack_bytes(msgspec.json.encode(value))


def unpack(row: Row, type_: type[T]) -> T:
    """Return the value of a row.

    Raises:
        LedgerDamagedError: the row does not hold such a value.
    """
    try:
        return msgspec.json.decode(unpack_bytes(row), type=type_)
    except msgspec.MsgspecError as exc:
        message = f"row {row.key} holds no {type_.__name__}: {exc}"
        raise LedgerDamagedError(message) from exc


def pack_bytes(data: bytes) -> dict[str, Value]:
    """Return bytes as a row's properties, in chunks."""
    values: dict[str, Value] = {"format": FORMAT}
    for position, start in enumerate(range(0, len(data), CHUNK_BYTES)):
        values[f"{_BODY}{position}"] = data[start : start + CHUNK_BYTES]
    return values


def unpack_bytes(row: Row) -> bytes:
    """Return the bytes of a row that `pack_bytes` made."""
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
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as exc:
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
