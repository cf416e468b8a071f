"""How fast histories are verified, and what an anchor costs, on SQLite files and files of records.

A long history is written straight to its rows, as decisions would have: making it is not measured.
"""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from benchmarks.rows import Row
from benchmarks.world import world
from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.record_files import found_in
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.adapters.sqlite_connections import Synchronous
from stage_functions.application import anchored, keys, verifying
from stage_functions.application.anchoring import anchor, keep_up
from stage_functions.application.codec import pack, pack_record, plain
from stage_functions.application.ledger import Head
from stage_functions.application.ports.rows import LEDGER, Change, Insert, Rows, Upsert
from stage_functions.application.verifying_file import check_file
from stage_functions.domain.asset import Asset, Kind
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import Draft, Json, Record, RecordType, Tail, empty_tail, seal
from stage_functions.domain.state import VersionState
from tests.fakes.anchors import MemoryAnchors

RECORDS, QUICKLY = 1_000_000, 50_000
ASSETS = 10_000
VERSIONS = 50
_LEDGER = "benchmrk"
_LONG = Asset("demo", Kind.MODELS, "long")
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_SAM = Actor("person:sam", Attribution.PROVEN, "api")
_BATCH = 90


def measure(folder: Path, records: int = RECORDS) -> list[Row]:
    """Verify a history of so many records, one of a tenth of it, a file; anchor many assets."""
    return [*of_records(folder, records), *_anchors(folder)]


def of_records(folder: Path, records: int) -> list[Row]:
    """Verify a history of so many records, one of a tenth of it, and a file.

    Raises:
        NotWholeError: one did not verify.
    """
    few = records // 10
    with closing(_store(folder / "few.db")) as rows:
        _write(rows, few)
        short = min(_timed(lambda: _verified(rows, few)) for _ in range(3))
        peak = _peak(lambda: _verified(rows, few))
    with closing(_store(folder / "many.db")) as rows:
        _write(rows, records)
        long = _timed(lambda: _verified(rows, records))
    file = folder / "records.jsonl"
    _write_file(file, few)
    from_file = _timed(lambda: _verified_file(file, few))
    rate, rate_short = records / long, few / short
    of = f"of about 0.8 KiB; {records} in {long:.1f} s, {few} in {short:.2f} s"
    return [
        Row("verify: records of a history a processor second", rate, "/s", "≥ 20000", of),
        Row("verify: speed at ten times the records", rate / rate_short, "×", "≥ 0.7", "linear"),
        Row("verify: most memory, a tenth of them", peak / 2**20, "MiB", "≤ 16", "as it streams"),
        Row(
            "verify: records of a file a processor second",
            few / from_file,
            "/s",
            None,
            "JSON lines",
        ),
    ]


def _store(path: Path) -> SQLiteRows:
    return SQLiteRows(path, synchronous=Synchronous.NORMAL)


def _timed(act: Callable[[], None]) -> float:
    """Return the processor time of an act, in seconds: what else runs does not count."""
    begun = time.process_time()
    act()
    return time.process_time() - begun


def _peak(act: Callable[[], None]) -> int:
    tracemalloc.start()
    act()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@dataclass(frozen=True, slots=True)
class NotWholeError(Exception):
    """What was measured did not verify, so its speed means nothing."""

    what: str


def _verified(rows: Rows, count: int) -> None:
    found = verifying.check(rows, _LEDGER, verifying.of_asset(_LONG), documents=False)
    if not found.whole or found.records != count:
        raise NotWholeError(str(found))


def _verified_file(path: Path, count: int) -> None:
    (found,) = check_file(found_in(path))
    if not found.verified.whole or found.verified.records != count:
        raise NotWholeError(str(found))


def _records(count: int) -> Iterator[Record]:
    """Yield a history of one version after the other being promoted."""
    tail = empty_tail(_LEDGER, str(_LONG))
    rules: list[Json] = [
        {"rule": f"accurate-{n}", "result": "passed", "values": {"accuracy": "0.93"}}
        for n in range(2)
    ]
    fields: dict[str, Json] = {
        "from": "Staging",
        "to": "Production",
        "why": "approved",
        "approval": "7f3k9m2x",
        "reason": "AUC 0.94 on the data of the third quarter. " * 5,
        "lifecycle": {"name": "default", "digest": f"sha256:{'a' * 64}"},
        "verdicts": rules,
    }
    for number in range(count):
        version = str(number % VERSIONS)
        draft = Draft(RecordType.STAGE_CHANGED, version, "2026/abc", _SAM, fields)
        (record,) = seal(tail, [draft], commit=number + 1, now=_NOW, operation="op")
        tail = Tail(tail.ledger, tail.asset, record.number, record.hash, record.at)
        yield record


def _write(rows: Rows, count: int) -> None:
    """Write a history as its rows, with a head, versions and an index that agree with it."""
    partition = keys.asset_partition(_LONG)
    named = Upsert(partition, plain({"asset": str(_LONG)}))
    rows.commit(LEDGER, keys.ASSETS_PARTITION, [named], durable=False)
    batch: list[Change] = []
    last: dict[str, Record] = {}
    for record in _records(count):
        batch.append(Insert(keys.record_key(record.number), pack_record(record)))
        last[record.version] = record
        end = record
        if len(batch) == _BATCH:
            rows.commit(LEDGER, partition, batch, durable=False)
            batch = []
    head = Head(end.number, end.hash, end.at, end.number)
    batch.append(Insert(keys.HEAD, pack(head)))
    rows.commit(LEDGER, partition, batch)
    states = [
        VersionState(one.version, "2026/abc", "Production", one.at, number=one.number)
        for one in last.values()
    ]
    rows.commit(
        LEDGER, partition, [Insert(keys.version_key(one.version), pack(one)) for one in states]
    )


def _write_file(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for record in _records(count):
            file.write(f"{json.dumps(record.document())}\n")


def _anchors(folder: Path) -> list[Row]:
    """Measure what it takes to anchor many assets, and to compare them with their anchors."""
    with closing(_store(folder / "anchors.db")) as rows:
        place = MemoryAnchors()
        context = replace(world(rows, SystemClock()).context, places=(place,))
        _write_heads(rows)
        first = _timed(lambda: _anchored(keep_up(context)))
        again = _timed(lambda: _anchored(anchor(context)))
        keep_up(context)
        compared = _timed(
            lambda: _anchored(anchored.compare(rows, context.ledger.id, place.kept()))
        )
    over = f"{ASSETS} histories, SQLite; every head is read"
    return [
        Row("anchor: first", first, "s", "≤ 20", over),
        Row("anchor: when nothing has changed", again, "s", "≤ 20", over),
        Row("anchor: comparing two with the ledger", compared, "s", None, over),
    ]


def _anchored(_: object) -> None:
    """Take what an act returned, which is not looked at."""


def _write_heads(rows: Rows) -> None:
    """Write that there are many assets, each with a head."""
    assets = [Asset("demo", Kind.MODELS, f"m{number}") for number in range(ASSETS)]
    for start in range(0, ASSETS, _BATCH):
        known = [
            Upsert(keys.asset_partition(one), plain({"asset": str(one)}))
            for one in assets[start : start + _BATCH]
        ]
        rows.commit(LEDGER, keys.ASSETS_PARTITION, known, durable=False)
    for number, one in enumerate(assets):
        head = Head(number + 1, f"{number:064x}", _NOW, number + 1)
        partition = keys.asset_partition(one)
        rows.commit(LEDGER, partition, [Insert(keys.HEAD, pack(head))], durable=False)
