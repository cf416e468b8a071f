"""One fact in a history: numbered, hash-linked, never changed.

Canonical bytes are RFC 8785 over all fields but `prev` and `hash`. The hash of a record is SHA-256
over the previous hash (32 bytes) and those bytes; the first `prev` is bound to the ledger and the
asset, so that a history cannot be moved to another. What a history proves is in `history`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec
import rfc8785
from msgspec import Struct, field

from stage_functions.domain.people import Actor

Json = str | bool | int | Sequence["Json"] | Mapping[str, "Json"]
SCHEMA = 1
_ENCODER = msgspec.json.Encoder(order="sorted")
"""Forty times as fast as `rfc8785`, and the same in all that holds no `_SUSPECTS`."""
_SUSPECTS = tuple(
    re.compile(begins + rb"-?[0-9]+(?:[.eE]|[0-9]{15})")
    for begins in (rb"\A", rb'":', rb",", rb"\[")
)
"""A fraction, or an integer that may be of 2^53 or more (or a text that looks like one). Several,
since searching for what begins with a given text is many times as fast as with alternatives."""
MAX_TEXT_CHARACTERS = 2000
"""Of a reason or comment."""
RETAIN_UNTIL = "retain_until"
"""On a record: until when its lifecycle says that it is to be kept."""
RESTORED = "restored"
"""How often the ledger had been restored: numbers were used before by what is lost since."""


class RecordType(StrEnum):
    """What a record is about; published as the CloudEvent `Stageward.<type>`.

    A type of a later release reads as one that is called so and equals none of these: a history
    that has such records is verified and shown all the same.
    """

    REGISTERED = "Registered"
    IMPORTED = "Imported"
    OBSERVED = "Observed"
    TRANSITION_REFUSED = "TransitionRefused"
    APPROVAL_REQUESTED = "ApprovalRequested"
    SPONSORED = "Sponsored"
    VOTED = "Voted"
    REMINDED = "Reminded"
    ESCALATED = "Escalated"
    APPROVAL_CLOSED = "ApprovalClosed"
    VALIDITY_ENDED = "ValidityEnded"
    RENEWED = "Renewed"
    STAGE_CHANGED = "StageChanged"
    DELETED = "Deleted"
    VIOLATED = "Violated"
    DRIFT_FOUND = "DriftFound"
    LIFECYCLE_ADOPTED = "LifecycleAdopted"
    LIFECYCLE_PROPOSED = "LifecycleProposed"
    EMERGENCY_USED = "EmergencyUsed"
    RATIFIED = "Ratified"
    REVIEW_DUE = "ReviewDue"
    REVIEWED = "Reviewed"
    REVIEW_LAPSED = "ReviewLapsed"
    ACKNOWLEDGED = "Acknowledged"
    HOLD_PLACED = "HoldPlaced"
    HOLD_LIFTED = "HoldLifted"
    PERSON_FORGOTTEN = "PersonForgotten"
    RESTORED = "Restored"

    @classmethod
    def _missing_(cls, value: object) -> RecordType | None:
        if not isinstance(value, str):
            return None
        made = str.__new__(cls, value)
        made._name_ = made._value_ = value
        return made


UNPUBLISHED = frozenset({RecordType.OBSERVED, RecordType.IMPORTED})
NOTIFIED = frozenset(
    {
        RecordType.APPROVAL_REQUESTED,
        RecordType.REMINDED,
        RecordType.ESCALATED,
        RecordType.APPROVAL_CLOSED,
        RecordType.VALIDITY_ENDED,
        RecordType.VIOLATED,
        RecordType.REVIEW_DUE,
        RecordType.REVIEW_LAPSED,
        RecordType.EMERGENCY_USED,
    }
)
"""What people are told of, where they can be told: see `Record.told`."""
ONLY_RECORDED = "record"
"""What follows a violation of which nobody is told."""


_TYPES = frozenset(str(one) for one in RecordType)


class Draft(Struct, frozen=True):
    """A record before it has a number.

    Attributes:
        type: what it is about.
        version: the version's number, or "" for a record of a lifecycle.
        incarnation: which thing that number meant.
        actor: who did it.
        fields: what this type carries besides.
        because_of: index, among the drafts of the same commit, of the one that caused it.
    """

    type: RecordType
    version: str
    incarnation: str
    actor: Actor
    fields: Mapping[str, Json] = field(default_factory=dict)
    because_of: int | None = None


class Record(Struct, frozen=True):
    """A record as it is kept.

    Attributes:
        body: the canonical bytes.
        prev: hash of the record before, 64 hex digits.
        hash: its own hash, 64 hex digits.
        content: `body`, parsed.
    """

    body: bytes
    prev: str
    hash: str
    content: Mapping[str, Json]

    @property
    def number(self) -> int:
        """Its place in the history, from 1."""
        return _integer(self.content["number"])

    @property
    def type(self) -> RecordType:
        """What it is about; see `known`."""
        return RecordType(str(self.content["type"]))

    @property
    def known(self) -> bool:
        """Its type is one that this release has, and not one of a later release."""
        return self.content["type"] in _TYPES

    @property
    def told(self) -> bool:
        """People are told of it, where they can be told."""
        quiet = self.content.get("then", ONLY_RECORDED) == ONLY_RECORDED
        if self.type is RecordType.VIOLATED:
            return not quiet
        return self.type in NOTIFIED or self.blocks

    @property
    def blocks(self) -> bool:
        """It tells of an edit at a frozen stage: nothing is granted until it is acknowledged."""
        return self.type is RecordType.DRIFT_FOUND and "changes" in self.content

    @property
    def version(self) -> str:
        """The version's number, or ""."""
        return str(self.content.get("version", ""))

    @property
    def at(self) -> datetime:
        """When it was committed, aware UTC."""
        return datetime.fromisoformat(str(self.content["at"]))

    @property
    def retain_until(self) -> datetime | None:
        """Until when it is to be kept, aware UTC; None where nothing said."""
        until = self.content.get(RETAIN_UNTIL)
        return datetime.fromisoformat(str(until)) if until else None

    def document(self) -> dict[str, Json]:
        """Return the record with its links, as events and files carry it."""
        return {**self.content, "prev": self.prev, "hash": self.hash}


def canonical(document: Json) -> bytes:
    """Return the canonical bytes of a document (RFC 8785).

    Raises:
        ValueError: it holds an integer of 2^53 or more, or half of a surrogate pair.
    """
    body = _ENCODER.encode(document)
    # In ASCII, keys sort the same by bytes and by UTF-16; whatever else differs looks suspect.
    if body.isascii() and not any(suspect.search(body) for suspect in _SUSPECTS):
        return body
    return rfc8785.dumps(document)


def digest(document: Json) -> str:
    """Return `sha256:<hex>` of a document's canonical bytes."""
    return digest_of(canonical(document))


def digest_of(body: bytes) -> str:
    """Return `sha256:<hex>` of canonical bytes."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def first_prev(ledger: str, asset: str) -> str:
    """Return what the first record of a history links to."""
    return hashlib.sha256(f"stageward/{SCHEMA}\n{ledger}\n{asset}".encode()).hexdigest()


def link(prev: str, body: bytes) -> str:
    """Return the hash of a record with these canonical bytes."""
    return hashlib.sha256(bytes.fromhex(prev) + body).hexdigest()


def timestamp(moment: datetime) -> str:
    """Return a moment as records write it: UTC, microseconds, `Z`."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def retained(at: datetime, retain: timedelta) -> datetime:
    """Return until when what was made at a moment is kept; the end of the calendar at the most."""
    try:
        return at + retain
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def minute(moment: datetime) -> str:
    """Return a moment as sentences say it: UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def actor_document(actor: Actor) -> dict[str, Json]:
    """Return an actor as records write it; nobody's id is left out."""
    known: dict[str, Json] = {"id": actor.id} if actor.id else {}
    return {**known, "attribution": str(actor.attribution), "via": actor.via}


class Tail(Struct, frozen=True):
    """The end of a history, where the next record goes.

    Attributes:
        ledger: the ledger's id.
        asset: the asset (or `lifecycle:<name>`) whose history it is.
        number: of the last record; 0 before the first.
        hash: of the last record, or what the first one links to.
        at: of the last record, or None.
        restored: how often the ledger was restored from a backup.
    """

    ledger: str
    asset: str
    number: int
    hash: str
    at: datetime | None = None
    restored: int = 0


def empty_tail(ledger: str, asset: str) -> Tail:
    """Return the tail of a history without records."""
    return Tail(ledger, asset, 0, first_prev(ledger, asset))


def seal(
    tail: Tail,
    drafts: Sequence[Draft],
    *,
    commit: int,
    now: datetime,
    operation: str,
    retain: timedelta | None = None,
) -> tuple[Record, ...]:
    """Number and link drafts behind a tail.

    `at` is max(now, previous + 1 µs), so that time never runs backwards in a history.

    Args:
        tail: where they go.
        drafts: the records to be.
        commit: number of the commit.
        now: aware UTC.
        operation: id of the operation.
        retain: how long they are to be kept, or None where nothing says.
    """
    sealed: list[Record] = []
    prev, at = tail.hash, tail.at
    for offset, draft in enumerate(drafts):
        at = now if at is None else max(now, at + timedelta(microseconds=1))
        cause: dict[str, Json] = (
            {} if draft.because_of is None else {"because_of": tail.number + 1 + draft.because_of}
        )
        content: dict[str, Json] = {
            "schema": SCHEMA,
            "ledger": tail.ledger,
            "asset": tail.asset,
            "number": tail.number + 1 + offset,
            "commit": commit,
            "type": str(draft.type),
            **(
                {"version": draft.version, "incarnation": draft.incarnation}
                if draft.version
                else {}
            ),
            "at": timestamp(at),
            "actor": actor_document(draft.actor),
            **draft.fields,
            **cause,
            **({} if retain is None else {RETAIN_UNTIL: timestamp(retained(at, retain))}),
            "operation": operation,
            **({RESTORED: tail.restored} if tail.restored else {}),
        }
        body = canonical(content)
        record = Record(body, prev, link(prev, body), content)
        sealed.append(record)
        prev = record.hash
    return tuple(sealed)


def _integer(value: Json) -> int:
    if not isinstance(value, int):
        message = f"{value!r} is no record number"
        raise TypeError(message)
    return value
