"""What a batch, a key and a range may be, in every store alike.

Decides whether Table Storage would take a batch, so that SQLite refuses what Azure refuses. It
does not touch a store, and it does not judge ETags. Two rules are stricter than Azure's own: a
key is not empty, and it holds no character above U+FFFF, because UTF-8 (SQLite) and UTF-16
(Azure) order those differently.

Sizes are Table Storage's own measures: a row is counted by its published formula, a batch by the
bytes that the SDK sends for it (JSON with escapes, base64, one set of headers a row).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NoReturn
from urllib.parse import quote

from stage_functions.application.ports.rows import (
    MAX_BATCH_BYTES,
    MAX_BATCH_ROWS,
    MAX_KEY_CHARACTERS,
    MAX_PROPERTY_BYTES,
    MAX_ROW_BYTES,
    TABLES,
    Change,
    Delete,
    Value,
)
from stage_functions.domain.error import RowTooLargeError

MAX_PROPERTIES = 252
MAX_PROPERTY_NAME_CHARACTERS = 255
INT32_MIN = -(2**31)
INT32_MAX = 2**31 - 1

_NOT_IN_A_BOUND = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\U00010000-\U0010ffff]")
_NOT_IN_A_KEY = re.compile("[/\\\\#?\x00-\x1f\x7f-\x9f\ud800-\udfff\U00010000-\U0010ffff]")
_PROPERTY_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_RESERVED_NAMES = frozenset({"PartitionKey", "RowKey", "Timestamp"})

_ROW_FIXED_BYTES = 4 + 8 + 2 * len("Timestamp") + 8
_CHANGE_FIXED_BYTES = 1024
"""An upper bound of the boundary, request line and headers that wrap one change in a batch."""
_PROPERTY_FIXED_BYTES = 64
"""An upper bound of the quotes, commas and type annotation around one property."""
_MOST_SENT_PER_BYTE = 14
"""An upper bound of the bytes sent for a byte of a row: a character of a key, two bytes there, is
at most twelve in JSON and twelve more in the URL; the rest covers what is around a value."""


def check_table(table: str) -> None:
    """Refuse a table that the port does not name.

    Raises:
        ValueError: it is not one of `TABLES`.
    """
    if table not in TABLES:
        message = f"no table {table!r}; there are {', '.join(TABLES)}"
        raise ValueError(message)


def check_key(key: str, what: str = "key") -> None:
    r"""Refuse a partition or row key that Table Storage does not take.

    Raises:
        ValueError: it is empty, or holds one of / \ # ? or a control character, or a character
            above U+FFFF.
        RowTooLargeError: it is too long.
    """
    if not key:
        message = f"an empty {what}"
        raise ValueError(message)
    if len(key) > MAX_KEY_CHARACTERS:
        message = f"a {what} of {len(key)} characters; at most {MAX_KEY_CHARACTERS}"
        raise RowTooLargeError(message)
    if found := _NOT_IN_A_KEY.search(key):
        message = f"the {what} {key!r} holds {found.group()!r}, which no key may"
        raise ValueError(message)


def check_range(start: str, end: str | None, limit: int) -> None:
    r"""Refuse bounds that the stores would order differently, and a limit below 1.

    A bound need not be a key: `/` as the end of all that begins with `.` is fine.

    Raises:
        ValueError: a bound holds a control character or one above U+FFFF, or `limit` is below 1.
    """
    for bound in (start, end or ""):
        if found := _NOT_IN_A_BOUND.search(bound):
            message = f"the bound {bound!r} holds {found.group()!r}, which no bound may"
            raise ValueError(message)
    if limit < 1:
        message = f"a limit of {limit}; at least 1"
        raise ValueError(message)


def check_batch(table: str, partition: str, changes: Sequence[Change]) -> None:
    """Refuse a batch that Table Storage does not take.

    Raises:
        ValueError: no such table, an empty batch, a key named twice, or a key, a property name
            or a value that cannot be stored.
        RowTooLargeError: a key, a property, a row or the batch is over its limit.
    """
    check_table(table)
    check_key(partition, "partition")
    if not changes:
        message = "an empty batch"
        raise ValueError(message)
    if len(changes) > MAX_BATCH_ROWS:
        message = f"a batch of {len(changes)} rows; at most {MAX_BATCH_ROWS}"
        raise RowTooLargeError(message)
    seen: set[str] = set()
    size = 0
    for change in changes:
        key = change.key
        check_key(key)
        if key in seen:
            message = f"the batch names the key {key!r} twice"
            raise ValueError(message)
        seen.add(key)
        size += 2 * (len(partition) + len(key))
        if not isinstance(change, Delete):
            size += _check_row(partition, key, change.values)
    if len(changes) * _CHANGE_FIXED_BYTES + _MOST_SENT_PER_BYTE * size > MAX_BATCH_BYTES:
        _check_batch_bytes(partition, changes)


def _check_row(partition: str, key: str, values: Mapping[str, Value]) -> int:
    """Return the bytes of a row without its keys."""
    if len(values) > MAX_PROPERTIES:
        message = f"the row {key!r} has {len(values)} properties; at most {MAX_PROPERTIES}"
        raise RowTooLargeError(message)
    size = _ROW_FIXED_BYTES
    for name, value in values.items():
        _check_name(key, name)
        size += 8 + 2 * len(name) + _value_bytes(key, name, value)
    whole = size + 2 * (len(partition) + len(key))
    if whole > MAX_ROW_BYTES:
        message = f"the row {key!r} has {whole} bytes; at most {MAX_ROW_BYTES}"
        raise RowTooLargeError(message)
    return size


def _check_name(key: str, name: str) -> None:
    if not _is_name(name):
        _refuse_name(key, name)


@lru_cache(maxsize=1024)
def _is_name(name: str) -> bool:
    short = len(name) <= MAX_PROPERTY_NAME_CHARACTERS
    return short and bool(_PROPERTY_NAME.fullmatch(name)) and name not in _RESERVED_NAMES


def _refuse_name(key: str, name: str) -> NoReturn:
    if len(name) > MAX_PROPERTY_NAME_CHARACTERS:
        message = f"the row {key!r} has a property name of {len(name)} characters"
        raise RowTooLargeError(message)
    message = f"the row {key!r} has a property named {name!r}, which cannot be stored"
    raise ValueError(message)


def _value_bytes(key: str, name: str, value: object) -> int:
    match value:
        case bytes():
            length = len(value)
        case bool():
            return 1
        case int():
            if not INT32_MIN <= value <= INT32_MAX:
                message = f"the property {name!r} of the row {key!r} is {value}: not an int32"
                raise ValueError(message)
            return 4
        case str():
            length = _utf16_bytes(key, name, value)
        case _:
            kind = type(value).__name__
            message = f"the property {name!r} of the row {key!r} is a {kind}"
            raise ValueError(message)
    if length > MAX_PROPERTY_BYTES:
        limit = MAX_PROPERTY_BYTES
        message = f"the property {name!r} of the row {key!r} has {length} bytes; at most {limit}"
        raise RowTooLargeError(message)
    return 4 + length


def _utf16_bytes(key: str, name: str, text: str) -> int:
    if text.isascii():
        return 2 * len(text)
    try:
        return len(text.encode("utf-16-le"))
    except UnicodeEncodeError as exc:
        message = f"the property {name!r} of the row {key!r} holds half a surrogate pair"
        raise ValueError(message) from exc


def _check_batch_bytes(partition: str, changes: Sequence[Change]) -> None:
    size = sum(_sent_bytes(partition, change) for change in changes)
    if size > MAX_BATCH_BYTES:
        message = f"a batch of {size} bytes as sent; at most {MAX_BATCH_BYTES}"
        raise RowTooLargeError(message)


def _sent_bytes(partition: str, change: Change) -> int:
    size = _CHANGE_FIXED_BYTES
    for name in (partition, change.key):
        size += _json_bytes(name) + _url_bytes(name)
    if isinstance(change, Delete):
        return size
    for name, value in change.values.items():
        size += _PROPERTY_FIXED_BYTES + 2 * len(name)
        if isinstance(value, str):
            size += _json_bytes(value)
        elif isinstance(value, bytes):
            size += (len(value) + 2) // 3 * 4
    return size


def _url_bytes(text: str) -> int:
    return len(quote(text))


def _json_bytes(text: str) -> int:
    return len(json.dumps(text))
