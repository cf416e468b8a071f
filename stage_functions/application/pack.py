"""An evidence pack: all that the ledger knows of how a version was judged, with its proof.

It is gathered from the ledger alone: no registry is asked, no clock is read, nothing is written. So
the same ledger gives the same pack. A history may have 100,000 records: they are looked at one by
one here, and read a second time when they are written.

What is missing or damaged is told, and packed as far as it can be read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from stage_functions.application import anchoring, histories, keys, pack_documents
from stage_functions.application.brief_people import someone
from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded
from stage_functions.application.pack_documents import (
    BESIDE,
    EVIDENCE,
    LIFECYCLES,
    Document,
    binding_of,
    whose,
)
from stage_functions.application.pack_lines import lines, look_over
from stage_functions.application.vote import find
from stage_functions.domain.anchor import Inclusion
from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Version
from stage_functions.domain.chain import Fault
from stage_functions.domain.error import (
    ConflictError,
    LaterReleaseError,
    LedgerDamagedError,
    NotFoundError,
)
from stage_functions.domain.record import Record, RecordType, Tail
from stage_functions.domain.state import VersionState

Prover = Callable[[Context, str], Inclusion | None]
"""Takes the name of a history; None where no anchor covers it."""
RECORDS = "records.jsonl"
FIRST, LAST = 100, 400
"""Of the version's records, so many at either end are kept for the report."""
MAX_DISPLACED = 200


class History(Struct, frozen=True):
    """A history that is packed.

    Attributes:
        name: as its records have it as their `asset`.
        partition: of the ledger, where it is.
        file: of the pack.
        head: where it ends.
        fault: its first bad record, or None.
        inclusion: the proof that it is under an anchor, or None.
    """

    name: str
    partition: str
    file: str
    head: Tail
    fault: Fault | None
    inclusion: Inclusion | None


class Missing(Struct, frozen=True):
    """What a pack should have and has not, or has otherwise than it was.

    Attributes:
        what: the file's name.
        why: in words.
    """

    what: str
    why: str


class Pack(Struct, frozen=True):
    """What was gathered.

    Attributes:
        version: what it is about.
        approval: id of the approval that was asked for, or "".
        state: the version, as the ledger knows it.
        histories: the asset's first, then those of the lifecycles that its records name.
        first: the first of the version's records.
        last: the last of them; those between are only in the file of records.
        count: how many records the version has.
        others: records of other versions that left a stage for this one.
        approvals: every one that the version's records name, in that order.
        documents: what records and approvals name by digest.
        missing: what could not be packed as it was.
        names: of people, by id.
        ended: the closing of each ratification that was not given and by which the version was put
            back, by its number; it may be a record of another version.
    """

    version: Version
    approval: str
    state: VersionState
    histories: tuple[History, ...]
    first: tuple[Record, ...]
    last: tuple[Record, ...]
    count: int
    others: tuple[Record, ...]
    approvals: tuple[Approval, ...]
    documents: tuple[Document, ...]
    missing: tuple[Missing, ...]
    names: Mapping[str, str]
    ended: Mapping[int, Record]

    @property
    def head(self) -> Tail:
        """Where the asset's history ended as it was packed."""
        return self.histories[0].head

    @property
    def left_out(self) -> int:
        """How many of the version's records are only in the file of records."""
        return self.count - len(self.first) - len(self.last)

    @property
    def file_name(self) -> str:
        """The name that the pack is offered under."""
        version = self.version
        named = f"{version.asset.registry}-{version.asset.name}-{version.number}"
        plain = keys.encode(named).replace("=", "_")[:120]
        about = f"approval-{self.approval}-" if self.approval else ""
        return f"stageward-{about}{plain}.zip"

    def document(self, digest: str) -> bytes | None:
        """Return the bytes of a document by its digest, where they are there and unaltered."""
        found = next((one for one in self.documents if one.digest == digest), None)
        return found.body if found is not None and not found.why else None


class _Seen:
    """What is kept of the records of an asset while they go by."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.count = 0
        self.first: list[Record] = []
        self.last: deque[Record] = deque(maxlen=LAST)
        self.others: deque[Record] = deque(maxlen=MAX_DISPLACED)
        self.approvals: dict[str, None] = {}
        self.lifecycles: dict[str, None] = {}
        self.names: dict[str, None] = {}
        self.evidence: dict[str, None] = {}
        self.ended: dict[int, Record] = {}
        self._closed: Record | None = None

    def see(self, record: Record) -> None:
        """Take note of a record."""
        content = record.content
        if record.type is RecordType.APPROVAL_CLOSED and "then" in content:
            self._closed = record
        if record.version != self.version:
            if content.get("displaced_by") == self.version:
                self.others.append(record)
            return
        self.count += 1
        closed = self._closed
        if "reverts" in content and closed and content.get("because_of") == closed.number:
            self.ended[closed.number] = closed
        if len(self.first) < FIRST:
            self.first.append(record)
        else:
            self.last.append(record)
        approval, lifecycle, origin = (
            content.get(key) for key in ("approval", "lifecycle", "origin")
        )
        if isinstance(approval, str):
            self.approvals[approval] = None
        if isinstance(lifecycle, Mapping):
            self.lifecycles[str(lifecycle.get("digest", ""))] = None
            self.names[str(lifecycle.get("name", ""))] = None
        for holder in (content, origin):
            if isinstance(holder, Mapping) and isinstance(holder.get("evidence"), str):
                self.evidence[str(holder["evidence"])] = None


def gather_version(
    context: Context, version: Version, *, prover: Prover = anchoring.inclusion
) -> Pack:
    """Gather the pack of a version.

    Raises:
        NotFoundError: the ledger does not know it.
        StoreUnavailableError, ConflictError: the ledger cannot be read now.
    """
    context.configuration.registry(version.asset.registry)

    def attempt() -> Pack:
        loaded = context.ledger.load(version.asset, [version.number])
        return _gather(context, loaded, version, "", prover)

    return context.persistently(attempt)


def gather_approval(context: Context, id_: str, *, prover: Prover = anchoring.inclusion) -> Pack:
    """Gather the pack of an approval: that of its version, which says more of this one.

    Raises:
        NotFoundError: no such approval.
        StoreUnavailableError, ConflictError: the ledger cannot be read now.
    """

    def attempt() -> Pack:
        loaded, found = find(context, id_)
        return _gather(context, loaded, Version(loaded.asset, found.version), found.id, prover)

    return context.persistently(attempt)


def _gather(
    context: Context, loaded: Loaded, version: Version, approval: str, prover: Prover
) -> Pack:
    ledger, state = context.ledger, loaded.versions.get(version.number)
    if state is None:
        message = f"the ledger knows no {version}: there is nothing to export"
        raise NotFoundError(message)
    end = loaded.head
    head = Tail(ledger.id, str(loaded.asset), end.number, end.hash, end.at)
    partition, seen = keys.asset_partition(loaded.asset), _Seen(version.number)
    fault = look_over(lines(ledger, partition, head.number), head, seen.see)
    own = History(head.asset, partition, RECORDS, head, fault, prover(context, str(loaded.asset)))
    ids = dict.fromkeys((*seen.approvals, *((approval,) if approval else ())))
    approvals, missing = _approvals(context, loaded, ids)
    wanted = {
        LIFECYCLES: [*seen.lifecycles, *(one.binding.lifecycle for one in approvals)],
        EVIDENCE: [
            *seen.evidence,
            *(one.binding.evidence for one in approvals),
            *(one.holder_evidence for one in approvals),
        ],
        BESIDE: [one.beside for one in approvals],
    }
    documents = [*pack_documents.of_ledger(ledger, wanted), *map(binding_of, approvals)]
    _demand_unmoved(context, head, version)
    names = dict.fromkeys((*seen.names, *(one.lifecycle for one in approvals)))
    missing += [Missing(one.name, one.why) for one in documents if one.why]
    return Pack(
        version=version,
        approval=approval,
        state=state,
        histories=(own, *(_lifecycle(context, name, prover) for name in sorted({*names} - {""}))),
        first=tuple(seen.first),
        last=tuple(seen.last),
        count=seen.count,
        others=tuple(seen.others),
        approvals=tuple(approvals),
        documents=tuple({one.name: one for one in documents}.values()),
        missing=tuple(missing),
        names=_names(
            context, approvals, (*seen.first, *seen.last, *seen.others, *seen.ended.values())
        ),
        ended=seen.ended,
    )


def _demand_unmoved(context: Context, head: Tail, version: Version) -> None:
    """Start over where the version has further records by now: its approvals may say more.

    Raises:
        ConflictError: it has.
    """
    now = context.ledger.load(version.asset).head.number
    since = lines(context.ledger, keys.asset_partition(version.asset), now, after=head.number)
    if any(one.record is not None and one.record.version == version.number for one in since):
        message = f"{version} has changed while it was packed"
        raise ConflictError(message)


def _approvals(
    context: Context, loaded: Loaded, ids: Mapping[str, None]
) -> tuple[list[Approval], list[Missing]]:
    """Return approvals of an asset, and those that are not there any more."""
    found: list[Approval] = []
    missing: list[Missing] = []
    for id_ in ids:
        try:
            one = context.ledger.more(loaded, approval=id_).approvals.get(id_)
        except (LedgerDamagedError, LaterReleaseError) as exc:
            missing.append(Missing(approval_file(id_), str(exc)))
            continue
        if one is None:
            missing.append(Missing(approval_file(id_), "the ledger does not have it"))
        else:
            found.append(one)
    return found, missing


def approval_file(id_: str) -> str:
    """Return the name of the file that has an approval."""
    return f"approvals/{keys.encode(id_)}.json"


def _lifecycle(context: Context, name: str, prover: Prover) -> History:
    """Return the history of a lifecycle: that its texts were adopted."""
    kept = histories.of_lifecycle(name)
    head = histories.tail(context.ledger, kept)
    found = lines(context.ledger, kept.partition, head.number)
    fault = look_over(found, head, lambda _: None)
    file = f"lifecycles/{keys.encode(name)}.jsonl"
    return History(kept.name, kept.partition, file, head, fault, prover(context, kept.name))


def _names(
    context: Context, approvals: Sequence[Approval], records: Sequence[Record]
) -> dict[str, str]:
    """Return the names of everybody who is named by id, where one is known."""
    ids = {id_ for one in approvals for id_ in whose(one)}
    for record in records:
        content = record.content
        actors = (content.get("actor"), content.get("requester"))
        ids |= {str(one.get("id", "")) for one in actors if isinstance(one, Mapping)}
        ids |= {str(content.get(key, "")) for key in ("on_behalf_of", "author", "trainer")}
    named = {id_: someone(context, id_).name for id_ in sorted(ids - {""})}
    return {id_: name for id_, name in named.items() if name != id_}
