"""How fast an evidence pack is made of a long history, sent and checked, in a process of SQLite."""

from __future__ import annotations

import subprocess
import sys
import time
import tracemalloc
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from benchmarks.rows import Row
from benchmarks.world import MLFLOW, UnexpectedError, World, version, world
from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import keys
from stage_functions.application.codec import pack, pack_record, unpack
from stage_functions.application.ledger import Head
from stage_functions.application.pack import gather_version
from stage_functions.application.pack_files import VERIFIER, constant
from stage_functions.application.ports.rows import LEDGER, Change, Insert, Replace
from stage_functions.domain.asset import Version
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import Draft, Tail, seal
from stage_functions.web.exports import parts

RECORDS, QUICKLY = 100_000, 20_000
_BATCH = 90
_SAMPLED = 2_000
"""Records over which memory is measured a second time: it must not grow with them."""

_ACTOR = Actor("person:ada", Attribution.PROVEN, "api")


def measure(folder: Path, records: int = RECORDS) -> list[Row]:
    """Measure over a history of so many records, of which one version's are packed with it."""
    took, sent, path = _exported(folder, records)
    small = _peak(folder / "small.db", _SAMPLED)
    large = _peak(folder / "large.db", _SAMPLED * 10)
    verifier = folder / VERIFIER
    verifier.write_bytes(constant()[VERIFIER])
    begun = time.perf_counter()
    done = subprocess.run(  # noqa: S603  # this interpreter, on what was just written
        [sys.executable, "-I", "-S", str(verifier), str(path)], capture_output=True, check=False
    )
    checked = time.perf_counter() - begun
    if done.returncode:
        message = f"the pack does not hold: {done.stdout[:300]!r}"
        raise UnexpectedError(message)
    megabytes, whole = path.stat().st_size / 1e6, f"a pack of {records:,} records"
    return [
        Row(f"{whole}: made and sent", records / (took + sent), "1/s", note=f"{took + sent:.1f} s"),
        Row(f"{whole}: until its first byte", took, "s", note="looked over once, record by record"),
        Row(f"{whole}: sent", megabytes / sent, "MB/s", note=f"{megabytes:.1f} MB, compressed"),
        Row(f"{whole}: checked by its verifier", records / checked, "1/s", note=f"{checked:.1f} s"),
        Row(
            "memory of a pack, ten times the records", large / small, "times", "≤ 2", "at its peak"
        ),
    ]


def _exported(folder: Path, records: int) -> tuple[float, float, Path]:
    """Write a pack; return the seconds until it is gathered and until it is sent, and its file."""
    path = folder / "pack.zip"
    with closing(SQLiteRows(str(folder / "packs.db"))) as rows:
        it, wanted = _long(rows, records)
        begun = time.perf_counter()
        found = gather_version(it.context, wanted)
        took = time.perf_counter() - begun
        begun = time.perf_counter()
        with path.open("wb") as file:
            for part in parts(it.context, found):
                file.write(part)
        return took, time.perf_counter() - begun, path


def _peak(ledger: Path, records: int) -> int:
    """Return the bytes that a pack takes in memory at its peak, sent to nobody."""
    with closing(SQLiteRows(str(ledger))) as rows:
        it, wanted = _long(rows, records)
        tracemalloc.start()
        for _ in parts(it.context, gather_version(it.context, wanted)):
            pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak


def _long(rows: SQLiteRows, records: int) -> tuple[World, Version]:
    """Return a world where a version was approved, and others have so many records behind it."""
    it = world(rows, SystemClock())
    wanted = version(MLFLOW, "approved")
    it.register(wanted)
    it.approve(it.ask(wanted, "Production"))
    partition = keys.asset_partition(wanted.asset)
    (one,) = it.context.ledger.records(partition, limit=1)
    left_out = ("schema", "ledger", "asset", "number", "commit", "type", "version", "incarnation")
    fields = {
        key: value
        for key, value in one.content.items()
        if key not in (*left_out, "at", "actor", "operation")
    }
    while (row := rows.get(LEDGER, partition, keys.HEAD)) is not None:
        head = unpack(row, Head)
        missing = min(_BATCH, records - head.number)
        if missing <= 0 or head.at is None:
            return it, wanted
        tail = Tail(it.context.ledger.id, str(wanted.asset), head.number, head.hash, head.at)
        drafts = [
            Draft(one.type, f"{head.number + n}", "1/2", _ACTOR, fields) for n in range(missing)
        ]
        at = head.at + timedelta(seconds=1)
        sealed = seal(tail, drafts, commit=head.commit + 1, now=at, operation="filled")
        last = sealed[-1]
        after = replace(
            head, number=last.number, hash=last.hash, at=last.at, commit=head.commit + 1
        )
        changes: list[Change] = [Replace(keys.HEAD, pack(after), row.etag)]
        changes += [Insert(keys.record_key(r.number), pack_record(r)) for r in sealed]
        rows.commit(LEDGER, partition, changes, durable=False)
    message = f"{wanted.asset} has no head"
    raise UnexpectedError(message)
