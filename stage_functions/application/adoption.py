"""Adopt the lifecycles of the configuration: whatever is decided is decided under a known text.

A new digest is a LifecycleAdopted record in the lifecycle's own history, with the difference; the
text is kept by its digest. A lifecycle that would strand versions is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from itertools import takewhile

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import catalog, keys
from stage_functions.application.codec import pack, pack_blob, pack_record, plain, unpack
from stage_functions.application.context import Context
from stage_functions.application.ledger import Head
from stage_functions.application.ports.rows import (
    BLOBS,
    LEDGER,
    Change,
    Insert,
    Replace,
    Row,
    Upsert,
)
from stage_functions.application.ports.sink import Sink
from stage_functions.domain.asset import Asset, Kind
from stage_functions.domain.error import (
    ConfigurationError,
    SinkRefusedError,
    SinkUnavailableError,
)
from stage_functions.domain.grounds import ITSELF, lifecycle_document
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.record import (
    Draft,
    Json,
    Record,
    RecordType,
    Tail,
    canonical,
    empty_tail,
    seal,
)
from stage_functions.domain.stored import demand_understood

MAX_CHANGES = 200
MAX_CHANGED_CHARACTERS = 300
"""Of a value in a change; the texts themselves are kept whole, by their digests."""
_ADOPTED = "adopted"
_SINK = "sink:"


class Adopted(Struct, frozen=True):
    """A lifecycle, as it is in force here and as the ledger has adopted it last.

    Attributes:
        name: its name.
        digest: of the text in force here.
        adopted: of the text that the ledger has adopted; "" where it has adopted none.
        behind: sinks that do not have its last adoption yet.
        at: when that was, or None.
    """

    name: str
    digest: str
    adopted: str
    behind: tuple[str, ...] = ()
    at: datetime | None = None


def adopted(context: Context) -> tuple[Adopted, ...]:
    """Return every lifecycle of the configuration, as the ledger has adopted it.

    Raises:
        StoreUnavailableError: the ledger cannot be read.
    """
    return tuple(_as_adopted(context, one) for one in context.configuration.lifecycles)


def _as_adopted(context: Context, lifecycle: Lifecycle) -> Adopted:
    rows, partition = context.ledger.rows, keys.lifecycle_partition(lifecycle.name)
    row, head = rows.get(LEDGER, partition, _ADOPTED), rows.get(LEDGER, partition, keys.HEAD)
    last = unpack(head, Head) if head is not None else Head(0, "")
    behind = [
        name for name in context.sinks if _announced(context, partition, name)[2] < last.number
    ]
    digest = str(row.values.get("digest", "")) if row is not None else ""
    return Adopted(lifecycle.name, lifecycle.digest, digest, tuple(behind), last.at)


def adopt(context: Context) -> None:
    """Adopt every lifecycle whose digest is new.

    Raises:
        ConfigurationError: a stage was removed, or made exclusive, while versions stand there.
        StoreUnavailableError, ConflictError, UnknownOutcomeError: try again.
    """
    new = [
        lifecycle for lifecycle in context.configuration.lifecycles if _is_new(context, lifecycle)
    ]
    if not new:
        return
    _check_stranded(context)
    for lifecycle in new:
        context.persistently(partial(_adopt, context, lifecycle))


def announce(context: Context) -> tuple[str, ...]:
    """Publish adoptions that a sink does not have yet; tell what failed.

    A lifecycle's history is its own, with no outbox beside it: each sink has a row that says how
    far it got. So adoptions are published in order, at least once, when the sweep comes by.

    Raises:
        StoreUnavailableError: try again.
    """
    failed: list[str] = []
    for lifecycle in context.configuration.lifecycles:
        for sink in context.sinks.values():
            try:
                _announce(context, keys.lifecycle_partition(lifecycle.name), sink)
            except (SinkRefusedError, SinkUnavailableError) as exc:
                failed.append(f"lifecycle {lifecycle.name} to {sink.name}: {exc}")
    return tuple(failed)


def _announce(context: Context, partition: str, sink: Sink) -> None:
    key, row, done = _announced(context, partition, sink.name)
    records = list(takewhile(_known, context.ledger.records(partition, after=done)))
    if not records:
        return
    sink.publish(records)
    told = Upsert(key, plain({"number": records[-1].number}, row))
    context.ledger.rows.commit(LEDGER, partition, [told], durable=False)


def _known(record: Record) -> bool:
    """Tell whether a record can be published: behind one of a later release all wait for that."""
    return record.known


def _announced(context: Context, partition: str, sink: str) -> tuple[str, Row | None, int]:
    """Return key and row that say how far a sink got, and how far that is."""
    key = f"{_SINK}{keys.encode(sink)}"
    row = context.ledger.rows.get(LEDGER, partition, key)
    return key, row, int(row.values["number"]) if row is not None else 0


def _is_new(context: Context, lifecycle: Lifecycle) -> bool:
    row = context.ledger.rows.get(LEDGER, keys.lifecycle_partition(lifecycle.name), _ADOPTED)
    return row is None or row.values.get("digest") != lifecycle.digest


def _adopt(context: Context, lifecycle: Lifecycle) -> None:
    rows, partition = context.ledger.rows, keys.lifecycle_partition(lifecycle.name)
    head_row = rows.get(LEDGER, partition, keys.HEAD)
    adopted = rows.get(LEDGER, partition, _ADOPTED)
    if adopted is not None and adopted.values.get("digest") == lifecycle.digest:
        return
    record = _record(context, lifecycle, head_row, adopted)
    before = unpack(head_row, Head) if head_row else Head(0, "")
    demand_understood(before)
    head = replace(
        before, number=record.number, hash=record.hash, at=record.at, commit=record.number
    )
    row = plain({"digest": lifecycle.digest}, adopted)
    changes: list[Change] = [
        Replace(keys.HEAD, pack(head), head_row.etag)
        if head_row
        else Insert(keys.HEAD, pack(head)),
        Replace(_ADOPTED, row, adopted.etag) if adopted else Insert(_ADOPTED, row),
        Insert(keys.record_key(record.number), pack_record(record)),
    ]
    blob = pack_blob(canonical(lifecycle.text))
    rows.prepare(BLOBS, keys.encode(lifecycle.digest), blob)
    rows.commit(LEDGER, partition, changes)


def _record(
    context: Context, lifecycle: Lifecycle, head_row: Row | None, adopted: Row | None
) -> Record:
    name = f"lifecycle:{lifecycle.name}"
    empty = empty_tail(context.ledger.id, name)
    head = unpack(head_row, Head) if head_row else Head(empty.number, empty.hash)
    before = str(adopted.values["digest"]) if adopted else ""
    text = context.ledger.blob(before) if before else None
    fields: dict[str, Json] = {
        "lifecycle": lifecycle_document(lifecycle),
        **({"from": before} if before else {}),
        "changes": list(_differences(text, canonical(lifecycle.text))),
    }
    tail = Tail(context.ledger.id, name, head.number, head.hash, head.at)
    draft = Draft(RecordType.LIFECYCLE_ADOPTED, "", "", ITSELF, fields)
    (record,) = seal(
        tail,
        [draft],
        commit=head.number + 1,
        now=context.clock.now(),
        operation=context.clock.operation_id(),
    )
    return record


def _differences(before: bytes | None, after: bytes) -> tuple[str, ...]:
    if before is None:
        return ()
    old = dict(_leaves("", msgspec.json.decode(before)))
    new = dict(_leaves("", msgspec.json.decode(after)))
    lines = [f"+ {path}: {_cut(new[path])}" for path in new if path not in old]
    lines += [f"- {path}: {_cut(old[path])}" for path in old if path not in new]
    both = [path for path in new if path in old and old[path] != new[path]]
    lines += [f"~ {path}: {_cut(old[path])} → {_cut(new[path])}" for path in both]
    return tuple(sorted(lines, key=lambda line: line[2:])[:MAX_CHANGES])


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHANGED_CHARACTERS else f"{text[:MAX_CHANGED_CHARACTERS]}…"


def _leaves(path: str, value: object) -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _leaves(f"{path}.{key}" if path else str(key), child)
    elif isinstance(value, list):
        for position, child in enumerate(value):
            yield from _leaves(f"{path}[{position}]", child)
    else:
        yield path, str(value)


def _check_stranded(context: Context) -> None:
    """Refuse a lifecycle under which versions would stand nowhere, or two at an exclusive stage.

    Every asset is looked at: one that a changed lifecycle lets go falls to another, which is not.
    """
    held: dict[tuple[str, str], list[str]] = {}
    partitions = [(alias, kind) for alias in context.configuration.registries for kind in Kind]
    for _, entry in catalog.entries(context.ledger.rows, partitions):
        lifecycle = context.configuration.lifecycle(Asset.parse(entry.asset))
        if entry.gone or not entry.stage or lifecycle is None:
            continue
        stage = lifecycle.stages.get(entry.stage)
        if stage is None:
            message = (
                f"lifecycle {lifecycle.name} has no stage {entry.stage}, "
                f"but {entry.asset}:{entry.version} stands there: move it first, or keep the stage"
            )
            raise ConfigurationError(message)
        if stage.exclusive:
            held.setdefault((entry.asset, entry.stage), []).append(entry.version)
    _check_exclusive(held)


def _check_exclusive(held: Mapping[tuple[str, str], list[str]]) -> None:
    for (asset, stage), versions in held.items():
        if len(versions) > 1:
            message = (
                f"{stage} is exclusive now, but versions {', '.join(versions)} of {asset} "
                "stand there: move all but one first"
            )
            raise ConfigurationError(message)
