"""What a next release may write: rows with more in them than this release knows.

Rows are changed as they lie in the store, by their JSON, and by no code of the product's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from stage_functions.application import keys
from stage_functions.application.ports.rows import (
    LEDGER,
    WORK,
    Change,
    Insert,
    Replace,
    Row,
    Rows,
    Upsert,
    Value,
)
from stage_functions.domain.asset import Asset
from stage_functions.domain.record import canonical, link

FIELD = "next_field"
"""A field of a value that this release does not have."""
CONTENT = {"of": ["a", "later"], "release": 2}
"""What it holds."""
PROPERTY = "next_property"
"""A property of a row that this release does not have."""
DUTY = "call-home"
"""A duty that this release does not have."""
RAISED = 3
"""A format of a row that this release does not have."""
TYPE = "Rehearsed"
"""A type of record that this release does not have."""


def body(row: Row) -> dict[str, Any]:
    """Return the value of a row as JSON."""
    chunks, position = b"", 0
    while isinstance(chunk := row.values.get(f"body{position}"), bytes):
        chunks, position = chunks + chunk, position + 1
    found: dict[str, Any] = json.loads(chunks)
    return found


def packed(document: object) -> dict[str, Value]:
    """Return a document as the one chunk of a row."""
    return {"body0": json.dumps(document, separators=(",", ":")).encode()}


def rewrite(
    rows: Rows, partition: str, key: str, change: Callable[[dict[str, Any]], object], **more: Value
) -> dict[str, Any]:
    """Change the value of a row in the ledger as another release would; return it.

    What is decided in an asset is decided under its lock: so the head is rewritten with it.
    """
    row = rows.get(LEDGER, partition, key)
    assert row is not None
    document = body(row)
    change(document)
    writes = [Replace(key, {**row.values, **packed(document), **more}, row.etag)]
    head = rows.get(LEDGER, partition, keys.HEAD)
    if head is not None and key != keys.HEAD:
        writes.append(Replace(keys.HEAD, head.values, head.etag))
    rows.commit(LEDGER, partition, writes)
    return document


def add_field(document: dict[str, Any]) -> None:
    """Write a field that this release does not have."""
    document[FIELD] = CONTENT


def owe(rows: Rows, asset: Asset, **more: object) -> str:
    """Commit work of a kind that this release does not know, with its marker; return its key."""
    partition = keys.asset_partition(asset)
    head = rows.get(LEDGER, partition, keys.HEAD)
    assert head is not None
    document = body(head)
    commit = document["commit"] + 1
    document = {**document, "commit": commit, "owed": [*document["owed"], commit]}
    owed = {"commit": commit, "position": 0, "duty": DUTY, "target": "home", **more}
    marker: dict[str, Value] = {
        "format": 1,
        "asset": str(asset),
        "commit": commit,
        "at": "2026-01-01T00:00:00+00:00",
    }
    shard = keys.outbox_shard(partition)
    rows.commit(WORK, shard, [Upsert(keys.marker_key(partition, commit), marker)])
    key = keys.outbox_key(commit, 0)
    changes: list[Change] = [
        Replace(keys.HEAD, {**head.values, **packed(document)}, head.etag),
        Insert(key, {"format": 1, **packed(owed)}),
    ]
    rows.commit(LEDGER, partition, changes)
    return key


def record(rows: Rows, asset: Asset, **fields: object) -> int:
    """Commit a record of a type that this release does not have; return its number."""
    partition = keys.asset_partition(asset)
    head = rows.get(LEDGER, partition, keys.HEAD)
    assert head is not None
    document = body(head)
    last = rows.get(LEDGER, partition, keys.record_key(document["number"]))
    assert last is not None
    number: int = document["number"] + 1
    commit = document["commit"] + 1
    content = {**body(last), "type": TYPE, "number": number, "commit": commit, **fields}
    content["at"] = _later(content["at"])
    bytes_ = canonical(content)
    prev = str(last.values["hash"])
    hash_ = link(prev, bytes_)
    values: dict[str, Value] = {"format": 1, "body0": bytes_, "prev": prev, "hash": hash_}
    document = {**document, "number": number, "commit": commit, "hash": hash_, "at": content["at"]}
    changes: list[Change] = [
        Replace(keys.HEAD, {**head.values, **packed(document)}, head.etag),
        Insert(keys.record_key(number), values),
    ]
    rows.commit(LEDGER, partition, changes)
    return number


def _later(at: str) -> str:
    """Return a moment one microsecond later."""
    whole, micros = at.removesuffix("Z").split(".")
    return f"{whole}.{int(micros) + 1:06d}Z"
