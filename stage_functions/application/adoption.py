"""Adopt the lifecycles of the configuration: whatever is decided is decided under a known text.

A new digest is a LifecycleAdopted record in the lifecycle's own history, with the difference; the
text is kept by its digest. A lifecycle that would strand versions is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial

import msgspec
from msgspec import Struct

from stage_functions.application import catalog, histories, keys
from stage_functions.application.codec import pack_blob, plain
from stage_functions.application.context import Context
from stage_functions.application.ports.rows import BLOBS, LEDGER, Insert, Replace
from stage_functions.domain.asset import Asset, Kind
from stage_functions.domain.error import (
    ConfigurationError,
    SinkRefusedError,
    SinkUnavailableError,
)
from stage_functions.domain.grounds import ITSELF, lifecycle_document
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.record import Draft, Json, RecordType, canonical

MAX_CHANGES = 200
MAX_CHANGED_CHARACTERS = 300
"""Of a value in a change; the texts themselves are kept whole, by their digests."""
_ADOPTED = "adopted"


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
    ledger, history = context.ledger, histories.of_lifecycle(lifecycle.name)
    row, last = (
        ledger.rows.get(LEDGER, history.partition, _ADOPTED),
        histories.tail(ledger, history),
    )
    behind = [
        name for name in context.sinks if histories.announced(ledger, history, name) < last.number
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
    """Publish records of lifecycles, and of the ledger, that a sink lacks; tell what failed.

    Raises:
        StoreUnavailableError: try again.
    """
    failed: list[str] = []
    own = [histories.of_lifecycle(one.name) for one in context.configuration.lifecycles]
    for history in (*own, histories.JOURNAL):
        for sink in context.sinks.values():
            try:
                histories.announce(context.ledger, history, sink)
            except (SinkRefusedError, SinkUnavailableError) as exc:
                failed.append(f"{history.name} to {sink.name}: {exc}")
    return tuple(failed)


def _is_new(context: Context, lifecycle: Lifecycle) -> bool:
    row = context.ledger.rows.get(LEDGER, keys.lifecycle_partition(lifecycle.name), _ADOPTED)
    return row is None or row.values.get("digest") != lifecycle.digest


def _adopt(context: Context, lifecycle: Lifecycle) -> None:
    history, rows = histories.of_lifecycle(lifecycle.name), context.ledger.rows
    adopted = rows.get(LEDGER, history.partition, _ADOPTED)
    before = str(adopted.values["digest"]) if adopted else ""
    if before == lifecycle.digest:
        return
    text, blob = context.ledger.blob(before) if before else None, canonical(lifecycle.text)
    fields: dict[str, Json] = {
        "lifecycle": lifecycle_document(lifecycle),
        **({"from": before} if before else {}),
        "changes": list(_differences(text, blob)),
    }
    row = plain({"digest": lifecycle.digest}, adopted)
    rows.prepare(BLOBS, keys.encode(lifecycle.digest), pack_blob(blob))
    histories.append(
        context.ledger,
        history,
        Draft(RecordType.LIFECYCLE_ADOPTED, "", "", ITSELF, fields),
        now=context.clock.now(),
        operation=context.clock.operation_id(),
        changes=[Replace(_ADOPTED, row, adopted.etag) if adopted else Insert(_ADOPTED, row)],
    )


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
