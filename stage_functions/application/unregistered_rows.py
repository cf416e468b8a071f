"""What is noted of things that nobody has registered: one row each, with rows to find it by.

A partition of its own for each registry, since no asset's history has begun yet. Nothing here is
part of the ledger's truth: a row that is lost is written again by the next signal or scan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.codec import pack, plain, unpack
from stage_functions.application.ports.rows import (
    ANY_ETAG,
    LEDGER,
    Change,
    Delete,
    Insert,
    Replace,
    Row,
    Rows,
    Upsert,
)
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.stored import Stored, demand_understood

PAGE = 1000
MAX_ALIKE = 20
"""Things with one content that are looked at when it is registered."""
_KEY = "key"


class Note(Stored, frozen=True):
    """Something that nobody has registered.

    Attributes:
        version: what it is called, `registry/kind/name:version`.
        content: what identifies its content, as `Snapshot.content` does.
        made_at: when its job ended, or its registry made it.
        seen_at: when Stageward came to know of it.
        job: id of the job that made it, or "".
        output: of that job's outputs the one that it is; "" where it is a version that the
            registry itself has made.
        author: id of whose it is, or "".
        sole: its job left behind nothing else.
        type: of model, such as `mlflow_model`; "" where that is not known.
        path: the address to register it by; "" where that is its content.
    """

    version: str
    content: str
    made_at: datetime
    seen_at: datetime
    job: str = ""
    output: str = ""
    author: str = ""
    sole: bool = False
    type: str = ""
    path: str = ""

    @property
    def named(self) -> Version:
        """What it is called, read."""
        return Version.parse(self.version)

    @property
    def key(self) -> str:
        """Its row's key."""
        return keys.note_key(self.named)

    @property
    def pointers(self) -> tuple[str, ...]:
        """The keys of the rows that it is found by: its content and, if sole, its job."""
        kind, own = self.named.asset.kind, keys.hashed(self.version)
        found = [f"{keys.content_prefix(kind, self.content)}{own}"]
        if self.sole:
            found.append(f"{keys.job_prefix(kind, self.job)}{own}")
        return tuple(found)


def find(rows: Rows, version: Version) -> Note | None:
    """Return what is noted under a name, or None."""
    return by_key(rows, version.asset.registry, keys.note_key(version))


def by_key(rows: Rows, alias: str, key: str) -> Note | None:
    """Return what a key stands for, or None."""
    row = rows.get(LEDGER, keys.unregistered_partition(alias), key)
    return unpack(row, Note) if row is not None else None


def with_content(rows: Rows, alias: str, kind: Kind, content: str) -> list[Note]:
    """Return what is noted with a content."""
    return _pointed_at(rows, alias, keys.content_prefix(kind, content))


def of_job(rows: Rows, alias: str, kind: Kind, job: str) -> list[Note]:
    """Return the one thing that a job has left behind, where it was the only one."""
    return _pointed_at(rows, alias, keys.job_prefix(kind, job))


def put(rows: Rows, note: Note) -> bool:
    """Write a note, unless the same is noted; tell whether it was new.

    An output of a job stays one, also where its registry has made a version of it.

    Raises:
        ConflictError, UnknownOutcomeError: somebody else writes it; try again.
    """
    partition = keys.unregistered_partition(note.named.asset.registry)
    row = rows.get(LEDGER, partition, note.key)
    pointers: list[Change] = [Upsert(key, plain({_KEY: note.key})) for key in note.pointers]
    if row is None:
        rows.commit(LEDGER, partition, [Insert(note.key, pack(note)), *pointers])
        return True
    known = unpack(row, Note)
    if known.content == note.content and (known.output or not note.output):
        return False
    demand_understood(known)
    kept = replace(note, beyond=known.beyond)
    stale: list[Change] = [
        Delete(key, ANY_ETAG)
        for key in known.pointers
        if key not in note.pointers and rows.get(LEDGER, partition, key) is not None
    ]
    rows.commit(LEDGER, partition, [Replace(note.key, pack(kept), row.etag), *pointers, *stale])
    return True


def put_new(rows: Rows, alias: str, notes: Iterable[Note]) -> None:
    """Write notes that are new, at once.

    Raises:
        ConflictError, UnknownOutcomeError: one of them is there, or all may be; put each.
    """
    changes: list[Change] = []
    for note in notes:
        changes += [Insert(note.key, pack(note))]
        changes += [Upsert(key, plain({_KEY: note.key})) for key in note.pointers]
    rows.commit(LEDGER, keys.unregistered_partition(alias), changes)


def drop(rows: Rows, alias: str, key: str) -> bool:
    """Remove a note with what points at it; tell whether it was there.

    Raises:
        ConflictError, UnknownOutcomeError: somebody else writes it; try again.
    """
    partition = keys.unregistered_partition(alias)
    row = rows.get(LEDGER, partition, key)
    if row is None:
        return False
    known = unpack(row, Note)
    demand_understood(known)
    pointers: list[Change] = [Delete(one, ANY_ETAG) for one in known.pointers]
    rows.commit(LEDGER, partition, [Delete(key, row.etag), *pointers])
    return True


def noted(rows: Rows, alias: str, wanted: Collection[str]) -> frozenset[str]:
    """Return those of some keys that something is noted under."""
    if not wanted:
        return frozenset()
    found = _rows(rows, alias, min(wanted), keys.behind(max(wanted)))
    return frozenset(row.key for row in found) & frozenset(wanted)


def notes(
    rows: Rows, alias: str, kind: Kind | None = None, *, behind: str = ""
) -> Iterator[tuple[str, Note]]:
    """Yield what is noted of a registry behind a key, each with its key, by kind and name."""
    prefix = f"{keys.NOTE}{kind}:" if kind else keys.NOTE
    start = keys.behind(behind) if behind else prefix
    for row in _rows(rows, alias, start, keys.after(prefix)):
        yield row.key, unpack(row, Note)


def count(rows: Rows, aliases: Iterable[str], limit: int) -> int:
    """Return how much is noted, at most so much."""
    total = 0
    for alias in aliases:
        partition, end = keys.unregistered_partition(alias), keys.after(keys.NOTE)
        found = rows.query(LEDGER, partition, start=keys.NOTE, end=end, limit=limit - total)
        total += len(found)
        if total >= limit:
            break
    return total


def _pointed_at(rows: Rows, alias: str, prefix: str) -> list[Note]:
    partition, end = keys.unregistered_partition(alias), keys.after(prefix)
    pointers = rows.query(LEDGER, partition, start=prefix, end=end, limit=MAX_ALIKE)
    found = (by_key(rows, alias, str(row.values[_KEY])) for row in pointers)
    return [note for note in found if note is not None]


def _rows(rows: Rows, alias: str, start: str, end: str) -> Iterator[Row]:
    partition = keys.unregistered_partition(alias)
    while True:
        page = rows.query(LEDGER, partition, start=start, end=end, limit=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        start = keys.behind(page[-1].key)
