"""The ledger: records and current state over the row port. Loads, commits, decides nothing.

Every batch in an asset's partition replaces the head under its ETag: the head is the asset's lock.
Before a commit that leaves work owed, a marker is written elsewhere, so that a sweep finds the work
of a process that died; before an approval opens, its id is mapped to its asset, and a row is
written for every moment at which the clock has something to do for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import ClassVar, Protocol, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application import (
    contents,
    copies,
    footings,
    keys,
    measures,
    users,
    violators,
    whole,
)
from stage_functions.application.chronicle import chronicle
from stage_functions.application.codec import (
    pack,
    pack_blob,
    pack_bytes,
    pack_record,
    plain,
    unpack,
    unpack_blob,
    unpack_bytes,
    unpack_record,
)
from stage_functions.application.ledger_format import ledger_format, say_format
from stage_functions.application.names import UNSAID, Keeping, KeptNames
from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.rows import (
    ANY_ETAG,
    BLOBS,
    LEDGER,
    WORK,
    Change,
    Delete,
    Insert,
    Leftover,
    Replace,
    Rows,
    Upsert,
    Value,
)
from stage_functions.application.ports.telemetry import SILENT, Attribute, Telemetry
from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.error import (
    BeingRestoredError,
    ConflictError,
    LaterReleaseError,
    LedgerDamagedError,
    RetryableError,
)
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.record import (
    UNPUBLISHED,
    Record,
    RecordType,
    Tail,
    empty_tail,
    seal,
)
from stage_functions.domain.renaming import say_renamed, standing_anew
from stage_functions.domain.state import UNNUMBERED, AssetState, Origin, Step, VersionState
from stage_functions.domain.stored import Stored, demand_understood

T = TypeVar("T")

PAGE = 1000
LOADS = 5
"""How often an asset that changes while it is loaded is loaded again."""
_PUT_OFF = "put back too often; the next time after a pause"
LEASE_SECONDS = 30
"""How long the outbox rows of a commit belong to the process that made it."""


class Head(Stored, frozen=True):
    """The row that is an asset's lock.

    Attributes:
        number: of the last record.
        hash: of the last record.
        at: of the last record.
        commit: counts the batches that decided something.
        holders: versions by exclusive stage.
        approvals: ids of the open approvals.
        owed: commits that still owe the outside something besides notices.
        notices: commits of which people are still to be told.
        past: up to which record `past` has kept where versions stood.
        renamed: `<lifecycle>/<record>`: by which adoption stages of it were last called otherwise,
            or "". Who does not know that adoption yet decides nothing here.
    """

    number: int
    hash: str
    at: datetime | None = None
    commit: int = 0
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    approvals: tuple[str, ...] = ()
    owed: tuple[int, ...] = ()
    notices: tuple[int, ...] = ()
    past: int = 0
    renamed: str = ""

    highest: ClassVar[int] = 2

    @property
    def bars(self) -> bool:
        """Stages are called otherwise: who does not know that misses their holders."""
        return bool(self.renamed)

    @property
    def owing(self) -> frozenset[int]:
        """The commits that outbox rows are left of."""
        return frozenset((*self.owed, *self.notices))


class Owed(Stored, frozen=True):
    """Something that a commit owes the outside.

    Attributes:
        commit: which commit owes it.
        position: among what that commit owes.
        duty: `reconcile`, `catalog`, `sink`, `notify`, `copy`, `traffic` or `forget`.
        target: a version's number, a sink's name, an approval's id, what a notice is about besides
            approvals, or what `Duty.target` is.
        versions: the versions whose catalog rows must follow, or the one that a duty is about.
        approvals: ids of the approvals that were closed, and are to be listed as decided.
        first: number of the first record to publish, to tell of, or of the commit.
        last: number of the last one.
        attempts: made so far.
        next_at: not before this moment, by anyone but the process that committed it.
        parked: given up until someone retries it.
        paused: put off on purpose, so that events need not wait for it.
        error: what went wrong last, or why it was put off on purpose.
        sent: what was told already: `<record>@<channel>`, or `<record>` where everybody was.
        refused: channels that refused for good, each with the reason; not tried again by itself.
        traceparent: W3C trace context of the step that committed it, or "".
    """

    commit: int
    position: int
    duty: str
    target: str = ""
    versions: tuple[str, ...] = ()
    approvals: tuple[str, ...] = ()
    first: int = 0
    last: int = 0
    attempts: int = 0
    next_at: datetime | None = None
    parked: bool = False
    paused: bool = False
    error: str = ""
    sent: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    traceparent: str = ""

    @property
    def key(self) -> str:
        """Its row's key."""
        return keys.outbox_key(self.commit, self.position)


VALIDITY = "validity"
"""On a row of the clock: it is about an approval that was given, not about one that is open."""
VERSION = "version"
"""On a row of the clock: it is about a version, not about an approval."""
RECONCILE = "reconcile"
CATALOG_DUTY = "catalog"
SINK = "sink"
NOTIFY = "notify"


class Loaded(Struct, frozen=True):
    """An asset as far as it was loaded, with the lock that a commit is conditional on.

    Attributes:
        asset: which.
        head: its head; an empty one where the ledger does not know the asset.
        etag: of the head; "" where there is none.
        versions: those asked for and found.
        approvals: those asked for and found.
        renamed: by number, those of the versions as they are kept whose stage is called otherwise
            now: a commit says so first.
        held: the holders, as the head is kept: at stages by the names that their records say.
    """

    asset: Asset
    head: Head
    etag: str
    versions: Mapping[str, VersionState] = field(default_factory=dict)
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    renamed: Mapping[str, VersionState] = field(default_factory=dict)
    held: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def step(self) -> Step:
        """Return an empty decision on top of this.

        Raises:
            LaterReleaseError: a later release wrote some of it, and only that one can decide here.
        """
        demand_understood(self.head, *self.versions.values(), *self.approvals.values())
        return Step(
            AssetState(self.head.holders, self.head.approvals, self.versions, self.approvals)
        )

    def number(self, records: int) -> int:
        """Return which number the last of so many records of a decision on this gets.

        Those that say first what stages are called now come before it.
        """
        return self.head.number + len(self.renamed) + records


class Committed(Struct, frozen=True):
    """What a commit left behind.

    Attributes:
        loaded: the asset as it is now, under its new lock.
        records: the new ones.
        owed: what is owed by this commit.
    """

    loaded: Loaded
    records: tuple[Record, ...]
    owed: tuple[Owed, ...]


class StageNames(Protocol):
    """What the stages of assets are called now; see `in_force`."""

    def renamed(self, asset: Asset) -> Mapping[str, str]:
        """Return what stages of an asset are called now, by their names before."""

    def mark(self, asset: Asset) -> str:
        """Return by which adoption the stages of an asset are called as they are."""

    def governing(self, asset: Asset) -> Lifecycle | None:
        """Return the lifecycle in force that governs an asset."""

    def demand_known(self, asset: Asset, head: Head) -> None:
        """Decide nothing on an asset whose stages are called otherwise than is known here.

        Raises:
            ConflictError: they are; read what is in force, and start over.
        """


class Ledger:
    """Loads and commits assets.

    Args:
        rows: the store.
        clock: for leases and the age of markers.
        ledger_id: this ledger's id, 8 characters; see `open_ledger`.
        sinks: names of the sinks that published records are owed to.
        secret: what ids are masked with, known to this ledger alone.
        notices: people can be told, so that notices are owed to them.
        telemetry: what is told of loads and commits.
        stage_names: what stages are called now; None where none was ever called otherwise.
        restored: how often it was restored from a backup.

    Attributes:
        names: what people are called.
        keeping: what is asked of the configuration; see `retention.keep_under`.
    """

    def __init__(  # noqa: PLR0913  # one who opens it says all of this
        self,
        rows: Rows,
        clock: Clock,
        ledger_id: str,
        sinks: Sequence[str] = (),
        secret: bytes = b"",
        *,
        notices: bool = False,
        telemetry: Telemetry = SILENT,
        stage_names: StageNames | None = None,
        restored: int = 0,
    ) -> None:
        self.rows = rows
        self._stage_names = stage_names
        self.id = ledger_id
        self.restored = restored
        self.names = KeptNames(rows, secret)
        self.keeping: Keeping = UNSAID
        self._clock = clock
        self._sinks = tuple(sinks)
        self._notices = notices
        self._telemetry = telemetry
        self._known_blobs: dict[str, None] = {}
        self._outdated: RetryableError | None = None

    def demand_current(self) -> None:
        """Look whether the ledger was migrated to what this release is too old for, or is restored.

        From then on nothing is committed here. Asked for at each sweep: what a decision costs does
        not grow by it.

        Raises:
            LaterReleaseError, BeingRestoredError: it was, or is.
        """
        try:
            ledger_format(self.rows)
        except (LaterReleaseError, BeingRestoredError) as exc:
            self._outdated = exc
            raise
        self._outdated = None

    def load(self, asset: Asset, versions: Iterable[str] = ()) -> Loaded:
        """Load an asset's head and the versions named, with their open approvals.

        A version that the ledger does not know is left out.

        Raises:
            ConflictError: the asset kept changing while it was loaded.
        """
        wanted = tuple(versions)
        with self._telemetry.span(measures.LOAD):
            for _ in range(LOADS):
                with suppress(ConflictError):
                    return self._load(asset, wanted)
            return self._load(asset, wanted)

    def _load(self, asset: Asset, versions: tuple[str, ...]) -> Loaded:
        partition = keys.asset_partition(asset)
        row = self.rows.get(LEDGER, partition, keys.HEAD)
        if row is None:
            tail = empty_tail(self.id, str(asset))
            return Loaded(asset, Head(tail.number, tail.hash), "")
        head = kept = unpack(row, Head)
        if self._stage_names is not None:
            if head.renamed:
                self._stage_names.demand_known(asset, head)
            head = _holding(head, self._stage_names.renamed(asset))
        return self.more(Loaded(asset, head, row.etag, held=kept.holders), versions)

    def more(self, loaded: Loaded, versions: Iterable[str] = (), approval: str = "") -> Loaded:
        """Load further versions, their open approvals, and an approval, under the same lock.

        Raises:
            ConflictError: one of the versions has changed since the head was loaded.
        """
        partition = keys.asset_partition(loaded.asset)
        found_versions, found = dict(loaded.versions), dict(loaded.approvals)
        renamed, called = dict(loaded.renamed), self._called(loaded.asset)
        for number in versions:
            row = self.rows.get(LEDGER, partition, keys.version_key(number))
            if row is not None:
                kept = _under(loaded.head, unpack(row, VersionState))
                found_versions[number] = standing_anew(kept, called)
                if found_versions[number].stage != kept.stage:
                    renamed[number] = kept
        wanted = {state.approval for state in found_versions.values()} | {approval}
        for id_ in sorted(wanted - {""} - set(found)):
            row = self.rows.get(LEDGER, partition, keys.approval_key(id_))
            if row is not None:
                found[id_] = unpack(row, Approval)
        return replace(loaded, versions=found_versions, approvals=found, renamed=renamed)

    def _called(self, asset: Asset) -> Mapping[str, str]:
        return self._stage_names.renamed(asset) if self._stage_names is not None else {}

    def state(self, version: Version) -> VersionState | None:
        """Return where a version stands at this moment, under no lock; None if it is unknown."""
        partition = keys.asset_partition(version.asset)
        row = self.rows.get(LEDGER, partition, keys.version_key(version.number))
        if row is None:
            return None
        return standing_anew(unpack(row, VersionState), self._called(version.asset))

    def approval(self, asset: Asset, id_: str) -> Approval | None:
        """Return an approval as it is at this moment, under no lock; None if there is none."""
        row = self.rows.get(LEDGER, keys.asset_partition(asset), keys.approval_key(id_))
        return unpack(row, Approval) if row is not None else None

    def versions(self, asset: Asset, *, as_kept: bool = False) -> dict[str, VersionState]:
        """Return every version of an asset that the ledger knows, by number.

        Args:
            asset: which.
            as_kept: at the stages that their records say, though those be called otherwise now.
        """
        partition = keys.asset_partition(asset)
        called = {} if as_kept else self._called(asset)
        found: dict[str, VersionState] = {}
        start = keys.VERSION
        while True:
            rows = self.rows.query(
                LEDGER, partition, start=start, end=keys.after(keys.VERSION), limit=PAGE
            )
            states = [standing_anew(unpack(row, VersionState), called) for row in rows]
            found.update({state.version: state for state in states})
            if len(rows) < PAGE:
                return found
            start = keys.behind(rows[-1].key)

    def keep(self, blobs: Mapping[str, bytes]) -> None:
        """Keep documents by digest no later than the commit that follows.

        Raises:
            UnknownOutcomeError, StoreUnavailableError: as the store says.
        """
        for digest, document in blobs.items():
            if digest not in self._known_blobs:
                self.rows.prepare(BLOBS, keys.encode(digest), pack_blob(document))

    def answer(self, asset: Asset, operation: str) -> bytes | None:
        """Return the answer already given to an operation id, or None."""
        key = keys.operation_key(operation)
        row = self.rows.get(LEDGER, keys.asset_partition(asset), key)
        return unpack_bytes(row) if row is not None else None

    def commit(
        self,
        loaded: Loaded,
        step: Step,
        *,
        now: datetime,
        operation: str,
        answer: bytes | None = None,
        blobs: Mapping[str, bytes] | None = None,
        not_before: Mapping[str, datetime] | None = None,
        also: Sequence[Change] = (),
    ) -> Committed:
        """Make a decision true: state, records and what is owed, in one conditional batch.

        Args:
            loaded: what the decision was made on.
            step: the decision.
            now: aware UTC.
            operation: id of the operation, kept in its records.
            answer: kept under the operation id, for whoever asks again with it.
            blobs: documents by digest that the records refer to.
            not_before: by version, when its tags may be written at the earliest.
            also: changes of further rows in the asset's partition.

        Raises:
            ConflictError: the asset has changed since it was loaded; load and decide again.
            UnknownOutcomeError: it may have been committed; load and decide again.
            LaterReleaseError: a later release wrote what it is decided on; nothing was committed.
        """
        self._demand_writable()
        loaded = self._named(loaded, step.state.versions)
        if loaded.renamed:
            loaded, step = self._say_renamed(loaded, step)
        state = step.state
        demand_understood(loaded.head, *state.versions.values(), *state.approvals.values())
        number = loaded.head.commit + 1
        end = loaded.head
        tail = Tail(
            self.id, str(loaded.asset), end.number, end.hash, end.at, restored=self.restored
        )
        retain = self.keeping.retain(tail.asset)
        records = seal(
            tail, step.drafts, commit=number, now=now, operation=operation, retain=retain
        )
        owed = self._owed(number, loaded, step, records, now, not_before or {})
        versions = footings.noted(_numbered(step, records), loaded.versions, records)
        head = _next_head(loaded, step, records, owed)
        changes = [*self._changes(loaded, step, versions, head, records, owed), *also]
        if answer is not None:
            answer_row: dict[str, Value] = {**pack_bytes(answer), "at": now.isoformat()}
            changes.append(Insert(keys.operation_key(operation), answer_row))
        told: dict[str, Attribute] = {
            measures.ASSET: str(loaded.asset),
            "stageward.commit": number,
            "stageward.records": len(records),
            "stageward.owed": len(owed),
        }
        with self._telemetry.span(measures.COMMIT, attributes=told):
            self._keep_names(step, records, blobs or {}, now)
            self._prepare(loaded, step, head, owed, now, blobs or {})
            partition = keys.asset_partition(loaded.asset)
            etags = self._conditionally(lambda: self.rows.commit(LEDGER, partition, changes))
        measures.decided(self._telemetry, records)
        chronicle(loaded.asset, records, operation)
        self._known_blobs.update(dict.fromkeys(blobs or {}))
        called, held = self._called(loaded.asset), head.holders
        head = _holding(head, called)
        now_loaded = Loaded(loaded.asset, head, etags[0], versions, step.state.approvals, held=held)
        return Committed(now_loaded, records, owed)

    def complete(
        self,
        loaded: Loaded,
        versions: Mapping[str, VersionState],
        done: Sequence[Owed],
        later: Sequence[Owed],
        left: Iterable[int],
        notices: Iterable[int] | None = None,
        *,
        past: int = 0,
    ) -> Loaded:
        """Take finished work off the outbox, with what it verified, under the same lock.

        The markers of commits that owe nothing any more go with it.

        Args:
            loaded: what the work was done on.
            versions: those whose `base` was verified.
            done: to be removed.
            later: to be kept with a new time, error or parking.
            left: commits that still owe something besides notices.
            notices: commits that still owe notices; None where that has not changed.
            past: what `Head.past` is from now on, where that is more.

        Raises:
            ConflictError, UnknownOutcomeError, LaterReleaseError: as `commit`.
        """
        self._demand_writable()
        loaded = self._named(loaded, versions)
        demand_understood(loaded.head, *versions.values(), *done, *later)
        told = loaded.head.notices if notices is None else tuple(sorted(notices))
        head = replace(
            loaded.head,
            owed=tuple(sorted(left)),
            notices=told,
            past=max(loaded.head.past, past),
        )
        partition = keys.asset_partition(loaded.asset)
        kept = replace(head, holders=loaded.held)
        changes: list[Change] = [Replace(keys.HEAD, pack(kept), loaded.etag)]
        changes += [
            Upsert(keys.version_key(n), pack(_as_kept(state, loaded.renamed.get(n))))
            for n, state in versions.items()
        ]
        changes += [Delete(item.key, ANY_ETAG) for item in done]
        changes += [Upsert(item.key, pack(item)) for item in later]
        # Lost with the machine's power, the work is owed again, and found done.
        leftovers = [
            Leftover(WORK, keys.outbox_shard(partition), keys.marker_key(partition, commit))
            for commit in sorted(loaded.head.owing - head.owing)
        ]
        etags = self._conditionally(
            lambda: self.rows.commit(LEDGER, partition, changes, durable=False, leftovers=leftovers)
        )
        return replace(loaded, head=head, etag=etags[0], versions={**loaded.versions, **versions})

    def _named(self, loaded: Loaded, versions: Iterable[str]) -> Loaded:
        """Return what was loaded with how the stages of all versions are kept that are written.

        Some may have been loaded beside it, as the holder of a stage that another one takes.
        """
        if not self._called(loaded.asset):
            return loaded
        return self.more(loaded, [one for one in versions if one not in loaded.versions])

    def _say_renamed(self, loaded: Loaded, step: Step) -> tuple[Loaded, Step]:
        """Let a commit say first that stages are called otherwise: none changes without a record.

        What it is compared with is what is kept, so that all of it is written.
        """
        names = self._stage_names
        lifecycle = names.governing(loaded.asset) if names is not None else None
        if names is None or lifecycle is None:
            return loaded, step
        step = say_renamed(step, loaded.renamed, lifecycle)
        head = replace(loaded.head, renamed=names.mark(loaded.asset))
        kept = {**loaded.versions, **loaded.renamed}
        return replace(loaded, head=head, versions=kept), step

    def _conditionally(self, commit: Callable[[], T]) -> T:
        """Make a batch; count it where the asset has changed meanwhile."""
        try:
            return commit()
        except ConflictError:
            self._telemetry.count(measures.CONFLICTS)
            raise

    def owed(self, asset: Asset, limit: int = PAGE) -> list[Owed]:
        """Return what an asset's commits owe, oldest first, so many rows at the most."""
        partition = keys.asset_partition(asset)
        end = keys.after(keys.OUTBOX)
        rows = self.rows.query(LEDGER, partition, start=keys.OUTBOX, end=end, limit=limit)
        return [unpack(row, Owed) for row in rows]

    def records(
        self, partition: str, *, after: int = 0, last: int | None = None, limit: int = 1000
    ) -> list[Record]:
        """Return records behind a number, in order."""
        start = keys.record_key(after + 1)
        end = keys.after(keys.RECORD) if last is None else keys.record_key(last + 1)
        rows = self.rows.query(LEDGER, partition, start=start, end=end, limit=limit)
        return [unpack_record(row) for row in rows]

    def blob(self, digest: str) -> bytes | None:
        """Return a document by its digest, or None."""
        rows = self.rows.query(BLOBS, keys.encode(digest))
        return unpack_blob(rows) if rows else None

    def assets(self) -> Iterator[Asset]:
        """Yield every asset that the ledger knows."""
        start = ""
        while True:
            rows = self.rows.query(LEDGER, keys.ASSETS_PARTITION, start=start, limit=PAGE)
            for row in rows:
                yield Asset.parse(str(row.values["asset"]))
            if len(rows) < PAGE:
                return
            start = keys.behind(rows[-1].key)

    def asset_of(self, approval: str) -> Asset | None:
        """Return the asset of an approval, or None."""
        row = self.rows.get(LEDGER, keys.APPROVALS_PARTITION, keys.encode(approval))
        return Asset.parse(str(row.values["asset"])) if row is not None else None

    def mask(self, id_: str) -> str:
        """Return what stands in records for an id that could be a mail address."""
        return self.names.mask(id_)

    def name(self, masked: str) -> str:
        """Return the id behind a masked one; "" where it was forgotten."""
        return self.names.text(masked)

    def _demand_writable(self) -> None:
        if self._outdated is not None:
            raise type(self._outdated)(str(self._outdated))

    def _owed(
        self,
        commit: int,
        loaded: Loaded,
        step: Step,
        records: tuple[Record, ...],
        now: datetime,
        not_before: Mapping[str, datetime],
    ) -> tuple[Owed, ...]:
        lease = now + timedelta(seconds=LEASE_SECONDS)
        items: list[Owed] = [
            Owed(
                commit,
                0,
                RECONCILE,
                number,
                next_at=not_before.get(number, lease),
                paused=number in not_before,
                error=_PUT_OFF if number in not_before else "",
            )
            for number in step.touched
            if _mirrored(step.version(number))
        ]
        if records:
            closed = tuple(
                id_
                for id_, one in step.state.approvals.items()
                if one.closed is not None and one != loaded.approvals.get(id_)
            )
            follow = Owed(commit, 0, CATALOG_DUTY, versions=step.touched, approvals=closed)
            items.append(replace(follow, next_at=lease))
        items += [
            Owed(
                commit,
                0,
                duty.kind,
                duty.target,
                versions=(duty.version,),
                first=records[0].number if records else 0,
                last=records[-1].number if records else 0,
                next_at=lease,
            )
            for duty in step.duties
        ]
        published = [record.number for record in records if record.type not in UNPUBLISHED]
        if published:
            first, last = published[0], published[-1]
            items += [
                Owed(commit, 0, SINK, name, first=first, last=last, next_at=lease)
                for name in self._sinks
            ]
        told = [record for record in records if record.told] if self._notices else []
        if told:
            about = str(told[0].content.get("approval", f"version {told[0].version}"))
            first, last = told[0].number, told[-1].number
            # Not leased to this process: only the sweep tells people, so that nobody waits for it.
            items.append(Owed(commit, 0, NOTIFY, about, first=first, last=last, next_at=now))
        parent = self._telemetry.traceparent()
        return tuple(replace(item, position=n, traceparent=parent) for n, item in enumerate(items))

    def _changes(
        self,
        loaded: Loaded,
        step: Step,
        versions: Mapping[str, VersionState],
        head: Head,
        records: tuple[Record, ...],
        owed: tuple[Owed, ...],
    ) -> list[Change]:
        lock: Change = (
            Replace(keys.HEAD, pack(head), loaded.etag)
            if loaded.etag
            else Insert(keys.HEAD, pack(head))
        )
        changes: list[Change] = [lock]
        changes += [
            Upsert(keys.version_key(number), pack(state))
            for number, state in versions.items()
            if state != loaded.versions.get(number)
        ]
        changes += [
            Upsert(keys.approval_key(id_), pack(approval))
            for id_, approval in step.state.approvals.items()
            if approval != loaded.approvals.get(id_)
        ]
        changes += [Insert(keys.record_key(r.number), pack_record(r)) for r in records]
        changes += [Insert(item.key, pack(item)) for item in owed]
        return changes

    def _prepare(
        self,
        loaded: Loaded,
        step: Step,
        head: Head,
        owed: tuple[Owed, ...],
        now: datetime,
        blobs: Mapping[str, bytes],
    ) -> None:
        partition = keys.asset_partition(loaded.asset)
        if not loaded.etag:
            known = Upsert(partition, plain({"asset": str(loaded.asset)}))
            self.rows.prepare(LEDGER, keys.ASSETS_PARTITION, [known])
        self.keep(blobs)
        for number, state in step.state.versions.items():
            before = loaded.versions.get(number)
            if state.uses and (before is None or before.uses != state.uses):
                users.prepare(self.rows, Version(loaded.asset, number), state.uses)
            violators.prepare(self.rows, Version(loaded.asset, number), state, before)
            if state.origin and (before is None or _begun(before) != _begun(state)):
                copies.received(self.rows, Version(loaded.asset, number), state)
        contents.prepare(self.rows, loaded.asset, _identified_anew(loaded, step))
        # One that was open before may have been loaded since, with a version that is displaced.
        opened = set(step.state.approvals) - set(loaded.approvals) - set(loaded.head.approvals)
        for id_ in opened:
            self._prepare_approval(partition, loaded.asset, step.state.approvals[id_])
        self._prepare_validity(partition, loaded.asset, loaded, step.state.versions.values())
        self._prepare_moments(partition, loaded, step.state.versions.values())
        if owed:
            marker: dict[str, Value] = {
                "asset": str(loaded.asset),
                "commit": head.commit,
                "at": now.isoformat(),
            }
            upsert = Upsert(keys.marker_key(partition, head.commit), plain(marker))
            self.rows.prepare(WORK, keys.outbox_shard(partition), [upsert])

    def _keep_names(
        self,
        step: Step,
        records: tuple[Record, ...],
        blobs: Mapping[str, bytes],
        now: datetime,
    ) -> None:
        """Keep whom the ids mean that a commit has, no later than the commit."""
        states = step.state.versions.values()
        ids = (" ".join((one.author, one.trainer, *one.writers)) for one in states)
        new = (blob for digest, blob in blobs.items() if digest not in self._known_blobs)
        texts = (*(record.body for record in records), *new, *(text.encode() for text in ids))
        self.names.keep(texts, now, self.keeping.called)

    def _prepare_approval(self, partition: str, asset: Asset, approval: Approval) -> None:
        index = Insert(keys.encode(approval.id), plain({"asset": str(asset)}))
        self.rows.commit(LEDGER, keys.APPROVALS_PARTITION, [index])
        values = plain({"asset": str(asset), "approval": approval.id})
        moments = [
            Upsert(keys.deadline_key(moment, partition, approval.id), values)
            for moment in approval.moments
        ]
        self.rows.prepare(WORK, keys.deadlines_shard(partition), moments)

    def _prepare_validity(
        self, partition: str, asset: Asset, loaded: Loaded, states: Iterable[VersionState]
    ) -> None:
        """Let the clock find what is approved now when it is no longer valid."""
        for state in states:
            known = loaded.versions.get(state.version)
            if state.valid_until is None or (known and known.approved_by == state.approved_by):
                continue
            key = keys.deadline_key(state.valid_until, partition, state.approved_by)
            values = plain({"asset": str(asset), "approval": state.approved_by, VALIDITY: True})
            self.rows.prepare(WORK, keys.deadlines_shard(partition), [Upsert(key, values)])

    def _prepare_moments(
        self, partition: str, loaded: Loaded, states: Iterable[VersionState]
    ) -> None:
        """Let the clock find versions that it has something to do for."""
        for state in states:
            known = loaded.versions.get(state.version)
            for moment in set(state.moments) - set(known.moments if known is not None else ()):
                key = keys.deadline_key(moment, partition, f"version-{keys.encode(state.version)}")
                values = plain({"asset": str(loaded.asset), VERSION: state.version})
                self.rows.prepare(WORK, keys.deadlines_shard(partition), [Upsert(key, values)])


def _under(head: Head, state: VersionState) -> VersionState:
    """Return a version's state, unless it is later than the head that it is to be read under."""
    if state.number > head.number:
        message = f"version {state.version} has changed since its asset was loaded"
        raise ConflictError(message)
    return state


def _holding(head: Head, called: Mapping[str, str]) -> Head:
    """Return a head whose holders hold stages by what those are called now."""
    if not set(called) & set(head.holders):
        return head
    holders: dict[str, tuple[str, ...]] = {}
    for stage, versions in head.holders.items():
        now = called.get(stage, stage)
        holders[now] = (*holders.get(now, ()), *versions)
    return replace(head, holders=holders)


def _as_kept(state: VersionState, kept: VersionState | None) -> VersionState:
    """Return a state at the stage that its records say; what was verified of it stays."""
    return state if kept is None else replace(state, stage=kept.stage, held=kept.held)


def _identified_anew(loaded: Loaded, step: Step) -> dict[str, VersionState]:
    """Return the versions whose content or job the ledger did not know so far."""

    def known(number: str) -> tuple[str, str]:
        state = loaded.versions.get(number)
        return (state.content, state.job) if state is not None else ("", "")

    return {
        number: state
        for number, state in step.state.versions.items()
        if (state.content, state.job) != known(number)
    }


def _begun(state: VersionState) -> tuple[str, Origin | None]:
    return state.incarnation, state.origin


def _mirrored(state: VersionState) -> bool:
    return state.governed and not state.stopped


def _numbered(step: Step, records: tuple[Record, ...]) -> dict[str, VersionState]:
    last = {record.version: record.number for record in records if record.version}
    violated = [record for record in records if record.type is RecordType.VIOLATED]
    marked = {record.version: record.number for record in records if "marked" in record.content}
    return {
        number: replace(
            _marked(_of_records(_drifted(state, records), violated), marked), number=last[number]
        )
        if number in last
        else state
        for number, state in step.state.versions.items()
    }


def _drifted(state: VersionState, records: Sequence[Record]) -> VersionState:
    """Return a state that was edited at a frozen stage with the number of the record of that."""
    if state.drifted != UNNUMBERED:
        return state
    mine = (one for one in records if one.version == state.version and one.blocks)
    return replace(state, drifted=next(one.number for one in mine))


def _of_records(state: VersionState, violated: Sequence[Record]) -> VersionState:
    """Return a state whose new violations say by which records they are known."""
    if all(one.number for one in state.violating):
        return state
    known = {_place(one): one for one in violated if one.version == state.version}
    standing = tuple(
        one if one.number else replace(one, number=known[one.place].number, at=known[one.place].at)
        for one in state.violating
    )
    return replace(state, violating=standing)


def _marked(state: VersionState, marked: Mapping[str, int]) -> VersionState:
    """Return a state whose new mark says by which record it is known."""
    mark = state.marked
    if mark is None or mark.number:
        return state
    return replace(state, marked=replace(mark, number=marked[state.version]))


def _place(record: Record) -> tuple[str, str]:
    content = record.content
    return str(content.get("endpoint", "")), str(content.get("deployment", ""))


def _held(loaded: Loaded, step: Step) -> Mapping[str, tuple[str, ...]]:
    """Return the holders after a decision, each where its records say: by that name of the stage.

    One that this decision has not loaded is said to stand at its stage by the present name only by
    the commit that has the record of that.
    """
    former = {version: stage for stage, held in loaded.held.items() for version in held}
    found: dict[str, tuple[str, ...]] = {}
    for stage, versions in step.state.holders.items():
        for version in versions:
            here = stage if version in step.state.versions else former.get(version, stage)
            found[here] = (*found.get(here, ()), version)
    return found


def _next_head(
    loaded: Loaded, step: Step, records: tuple[Record, ...], owed: tuple[Owed, ...]
) -> Head:
    head = loaded.head
    commit = head.commit + 1
    end = records[-1] if records else None
    return replace(
        head,
        number=end.number if end else head.number,
        hash=end.hash if end else head.hash,
        at=end.at if end else head.at,
        commit=commit,
        holders=_held(loaded, step),
        approvals=step.state.open_approvals,
        owed=(*head.owed, commit) if any(item.duty != NOTIFY for item in owed) else head.owed,
        notices=(
            (*head.notices, commit) if any(item.duty == NOTIFY for item in owed) else head.notices
        ),
    )


def open_ledger(
    rows: Rows,
    clock: Clock,
    sinks: Sequence[str] = (),
    *,
    notices: bool = False,
    telemetry: Telemetry = SILENT,
    names: StageNames | None = None,
) -> Ledger:
    """Open the ledger of a store, giving it an id and a secret if it is new.

    Raises:
        LedgerDamagedError: the store has an id that is none.
        LaterReleaseError: the ledger was migrated by a later release, which this one is too old
            for.
    """
    new = rows.get(LEDGER, keys.LEDGER_PARTITION, "id") is None
    if new:
        with suppress(ConflictError):
            say_format(rows)
    ledger_format(rows)
    made = plain({"id": clock.approval_id(), "created": clock.now().isoformat()})
    ledger_id = _once(rows, "id", made).get("id")
    secret = "".join(clock.operation_id() for _ in range(2))
    secret_kept = _once(rows, "secret", plain({"secret": secret.encode()})).get("secret")
    if not isinstance(ledger_id, str) or not isinstance(secret_kept, bytes):
        message = "the ledger has no id"
        raise LedgerDamagedError(message)
    if new:
        whole.begin(rows, ledger_id)
    return Ledger(
        rows,
        clock,
        ledger_id,
        sinks,
        secret_kept,
        notices=notices,
        telemetry=telemetry,
        stage_names=names,
        restored=restores(rows),
    )


def restores(rows: Rows) -> int:
    """Return how often a ledger was restored from a backup.

    Raises:
        StoreUnavailableError: as the store says.
    """
    row = rows.get(LEDGER, keys.LEDGER_PARTITION, keys.RESTORED)
    return int(row.values["count"]) if row is not None else 0


def _once(rows: Rows, key: str, values: Mapping[str, Value]) -> Mapping[str, Value]:
    """Return a row of the ledger's own that is written once and never changed."""
    row = rows.get(LEDGER, keys.LEDGER_PARTITION, key)
    if row is None:
        with suppress(ConflictError):
            rows.commit(LEDGER, keys.LEDGER_PARTITION, [Insert(key, values)])
        row = rows.get(LEDGER, keys.LEDGER_PARTITION, key)
    return row.values if row is not None else {}
