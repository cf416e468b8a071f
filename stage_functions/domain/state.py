"""Where an asset stands: what the ledger keeps beside the records, and how a decision grows.

All of it could be replayed from the records but for `base` and `asked`, which remember what the
registry showed, and for what left `violating` since it was found put right. A decision is built
as a `Step`: frozen in, a new step out, nothing on the side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.domain.approval import Approval
from stage_functions.domain.presence import APPROVAL, PRESENCE, stages
from stage_functions.domain.record import Draft, Json
from stage_functions.domain.stored import Stored
from stage_functions.domain.violation import Violation

MAX_ASKED = 100
"""Values of `stage` and `stage_request` remembered as answered; beyond, only the API asks."""
PUT_BACK_LIMIT = 3
"""Put-backs of one version within `PUT_BACK_WINDOW_SECONDS` before Stageward stops for a while."""
PUT_BACK_WINDOW_SECONDS = 600
PUT_BACK_PAUSE_SECONDS = 3600
MISSING_TWICE_SECONDS = 300
"""A version is gone when its registry has said so twice, this far apart."""
OUTDATED_SECONDS = 60
"""So long after a write an answer from before it is taken for an old one, and not for an edit."""
MAX_VIOLATIONS = 100
"""Violations by one version remembered as recorded: the newest."""
UNNUMBERED = -1
"""Stands for the number of a record that is not committed yet."""
ARCHIVED = "archived"
"""In `base`: the stage of the version hides it, so that Stageward archives it in its registry."""
ALIAS = "alias:"
"""Begins the keys in `base` that are about an alias of MLflow. It never asks."""


class Origin(Stored, frozen=True):
    """What a version is a copy of.

    Attributes:
        version: `registry/kind/name:version` of what was copied.
        content: what identified its content.
        record: hash, 64 hex digits, of the record that granted the stage that the copy begins at.
        evidence: digest of what was known of it then, or "".
        author: id of who registered it, or "".
        number: of that record, in the history of what was copied.
        trainer: id of whose job it was, or "".
    """

    version: str
    content: str
    record: str
    evidence: str = ""
    author: str = ""
    number: int = 0
    trainer: str = ""

    def document(self) -> dict[str, Json]:
        """Return the origin as records carry it."""
        known: dict[str, Json] = {"evidence": self.evidence} if self.evidence else {}
        return {
            "version": self.version,
            "content": self.content,
            "number": self.number,
            "record": self.record,
            **known,
        }


class Mark(Stored, frozen=True):
    """Why a version must not return to a stage unreviewed.

    Attributes:
        number: of the record that says so.
        why: in words.
        by: id of who marked it.
        stage: the one that it was taken out of, as that is called now; "" where that is not kept.
    """

    number: int
    why: str
    by: str = ""
    stage: str = ""


class Unratified(Stored, frozen=True):
    """By what emergency a version stands where it does, until that is ratified.

    Attributes:
        number: of the record of the emergency.
        by: id of who used it.
        incident: the incident, as they named it.
        escalated: it was not ratified: it is not to be deployed any more.
        source: the stage that it came from, as that is called now; "" where that is not kept.
    """

    number: int
    by: str
    incident: str
    escalated: bool = False
    source: str = ""


class Footing(Stored, frozen=True):
    """Which records say by what a version stands, so that its history need not be read for it.

    Attributes:
        placed: number of the record that moved it where it stands; another name moves nothing.
        by: number of the record by which it stands there: that one, or the last that renewed or
            ratified it.
        before: number of the record by which it stood before it was moved there; 0 for none,
            `UNNUMBERED` where that is not known.
        since: `VersionState.since` then. Where that differs an earlier release has moved it.
        approved_by: the same of `VersionState.approved_by`.
    """

    placed: int
    by: int
    before: int
    since: datetime
    approved_by: str = ""


class Duty(Struct, frozen=True):
    """Something that a decision owes the outside besides tags, events and notices.

    Attributes:
        kind: `copy`, `traffic` or `forget`.
        version: number of the version that it is about.
        target: the alias to copy to, `registry/endpoint/deployment` to take the traffic from, or
            the key of what was noted as unregistered, and is so no longer.
    """

    kind: str
    version: str
    target: str


COPY = "copy"
TRAFFIC = "traffic"
FORGET = "forget"


class VersionState(Stored, frozen=True):
    """Where a version stands.

    Attributes:
        version: its number.
        incarnation: which thing that number means.
        stage: the granted stage; "" while its registry is only observed.
        since: when it was granted, or first observed.
        author: id of who registered it, or "".
        base: last value seen or verifiably written, by source.
        asked: hashes of the values of `stage` and `stage_request` that were answered.
        held: the stages that this incarnation has held.
        number: of its last record.
        approval: id of its open approval, or "".
        status: what its `stage_status` tag is to say.
        writers: ids seen writing since it was last at base.
        verified_at: when it was last written to, by its registry's clock, as it was last seen at
            base: what is earlier asks for nothing any more, and an answer that shows something
            earlier is an old one; None where that is not known.
        put_backs: when its tags were put back lately.
        paused_until: no put-back before this moment, or None.
        stopped: why nothing is written to it, or "".
        overruled: the value of `stage_governor` that an operator has decided to write over, or
            that a copy came with, or "".
        gone: deleted in its registry.
        missing_since: when its registry first answered that there is no such version, or None.
        deleted_by: id of who is proven to have deleted it, until it is known to be gone; or "".
        approved_by: id of the approval that gave it its stage or renewed it, or "".
        valid_until: until when that approval is valid; None for ever.
        blocked_when_invalid: from then on it is not to be deployed.
        uses: `registry/kind/name:version` of what it uses, as its evidence said last.
        origin: what it is a copy of, or None.
        retires_at: until when it may still be served as before it was displaced, and is not hidden
            in its registry; None where that is past or was never so.
        retires_from: the stage that it was displaced from, while `retires_at` is to come.
        violations: hashes of the violations by it that were recorded: each is recorded once.
        violating: the violations that stand, the newest last: until it moves to a stage that
            allows what was done, or the endpoint is found to serve it so no more.
        job: id of the job that made it, or "".
        trainer: id of whose job that was, as far as it is known, or "".
        marked: why it must not be granted a stage again before it is reviewed, or None.
        unratified: by what emergency it stands there, which nobody has ratified yet, or None.
        frozen: digest of what it was as it came to its frozen stage, or "".
        drifted: number of the record of an edit from outside, at a frozen stage, that nobody has
            acknowledged; 0 for none, `UNNUMBERED` until that is committed. Nothing is granted to
            it meanwhile, wherever it stands by then.
        drifts: the parts that were edited so and are recorded, until they are acknowledged and
            seen put back: each is recorded once.
        review_due: when its next review is due, or None.
        reviews_reminded: how often it was told that this review is due.
        review_lapsed: the review was not made in time.
        review_at: when the clock has to look at that review next, or None.
        footing: which records say by what it stands; None where no release has noted that.
    """

    version: str
    incarnation: str
    stage: str
    since: datetime
    author: str = ""
    base: Mapping[str, str | None] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    number: int = 0
    approval: str = ""
    status: str = ""
    writers: tuple[str, ...] = ()
    put_backs: tuple[datetime, ...] = ()
    paused_until: datetime | None = None
    stopped: str = ""
    overruled: str = ""
    gone: bool = False
    missing_since: datetime | None = None
    deleted_by: str = ""
    approved_by: str = ""
    valid_until: datetime | None = None
    blocked_when_invalid: bool = False
    uses: tuple[str, ...] = ()
    origin: Origin | None = None
    retires_at: datetime | None = None
    retires_from: str = ""
    violations: tuple[str, ...] = ()
    violating: tuple[Violation, ...] = ()
    job: str = ""
    trainer: str = ""
    verified_at: datetime | None = None
    marked: Mark | None = None
    unratified: Unratified | None = None
    frozen: str = ""
    drifted: int = 0
    drifts: tuple[str, ...] = ()
    review_due: datetime | None = None
    reviews_reminded: int = 0
    review_lapsed: bool = False
    review_at: datetime | None = None
    footing: Footing | None = None

    @property
    def stands(self) -> Footing | None:
        """Which records say by what it stands; None where what was noted is not of now."""
        noted = self.footing
        now = self.since, self.approved_by
        return noted if noted and (noted.since, noted.approved_by) == now else None

    highest: ClassVar[int] = 2

    @property
    def bars(self) -> bool:
        """Nothing, or not everything, may be granted to it: a mark, an edit, an emergency."""
        return bool(self.marked or self.drifted or self.unratified)

    @property
    def content(self) -> str:
        """What identifies its content, as `Snapshot.content` has it."""
        return self.incarnation.partition("/")[2]

    @property
    def moments(self) -> tuple[datetime, ...]:
        """When the clock has something to do for it."""
        missing = self.missing_since
        again = missing + timedelta(seconds=MISSING_TWICE_SECONDS) if missing is not None else None
        moments = (again, self.retires_at, self.review_at)
        return tuple(one for one in moments if one is not None)

    @property
    def governed(self) -> bool:
        """The ledger has granted it a stage."""
        return bool(self.stage) and not self.gone

    def outdates(self, written_at: datetime | None, now: datetime) -> bool:
        """Tell whether what was written last at a moment was so before it was verified.

        Only for a while: a registry whose clock goes wrong is not to be disbelieved for ever.
        """
        own = self.verified_at
        if own is None or written_at is None or written_at >= own:
            return False
        return now - own < timedelta(seconds=OUTDATED_SECONDS)

    def was_asked(self, source: str, value: str) -> bool:
        """Tell whether this value was answered for this incarnation."""
        return asked_hash(source, value) in self.asked

    def answered(self, answers: Mapping[str, str | None], at: datetime) -> VersionState:
        """Remember the values that a decision judged: they are base, and do not ask again.

        Args:
            answers: the values by source.
            at: as `verified_at` has it.
        """
        hashes = tuple(
            asked_hash(source, one)
            for source, value in answers.items()
            for one in _asking(source, value)
        )
        fresh = tuple(value for value in hashes if value not in self.asked)
        return replace(
            self,
            base={**self.base, **answers},
            asked=(*self.asked, *fresh)[:MAX_ASKED],
            writers=(),
            verified_at=at,
        )

    def violated(self, mark: str) -> VersionState:
        """Remember a violation by its hash as recorded."""
        return replace(self, violations=(*self.violations, mark)[-MAX_VIOLATIONS:])

    @property
    def violation(self) -> Violation | None:
        """The newest violation that stands, or None."""
        return self.violating[-1] if self.violating else None


def violation_hash(*parts: str) -> str:
    """Return what `violations` keeps of one: 16 hex digits over what tells it from others."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _asking(source: str, value: str | None) -> tuple[str, ...]:
    """Return what of a value may ask: of tags that stand for stages each one by itself."""
    if source == PRESENCE:
        return stages(value)
    asks = source != APPROVAL and not source.startswith(ALIAS)
    return (value,) if value and asks else ()


def asked_hash(source: str, value: str) -> str:
    """Return what `asked` keeps of a value: 16 hex digits."""
    return hashlib.sha256(f"{source}\n{value}".encode()).hexdigest()[:16]


class AssetState(Struct, frozen=True):
    """Where an asset stands, as far as a decision has loaded it.

    Attributes:
        holders: versions by exclusive stage.
        open_approvals: ids.
        versions: those loaded, by number.
        approvals: those loaded, by id.
    """

    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    open_approvals: tuple[str, ...] = ()
    versions: Mapping[str, VersionState] = field(default_factory=dict)
    approvals: Mapping[str, Approval] = field(default_factory=dict)

    def approval_of(self, version: str) -> Approval | None:
        """Return the open approval of a version, if it has one."""
        state = self.versions.get(version)
        return self.approvals.get(state.approval) if state is not None and state.approval else None


class Step(Struct, frozen=True):
    """A decision as it grows: what will be true, the records that say so, who must follow.

    Attributes:
        state: what the ledger will say.
        drafts: the records, in order.
        touched: versions whose tags and catalog rows must follow; a new holder comes first.
        duties: what else is owed.
    """

    state: AssetState
    drafts: tuple[Draft, ...] = ()
    touched: tuple[str, ...] = ()
    duties: tuple[Duty, ...] = ()

    def version(self, number: str) -> VersionState:
        """Return a loaded version."""
        return self.state.versions[number]

    def knowing(
        self, versions: Mapping[str, VersionState], approvals: Mapping[str, Approval]
    ) -> Step:
        """Add versions and approvals that were loaded since; what the decision changed stays."""
        state = replace(
            self.state,
            versions={**versions, **self.state.versions},
            approvals={**approvals, **self.state.approvals},
        )
        return replace(self, state=state)

    def record(self, draft: Draft) -> Step:
        """Add a record."""
        touched = () if draft.version in self.touched or not draft.version else (draft.version,)
        return replace(self, drafts=(*self.drafts, draft), touched=(*self.touched, *touched))

    def with_version(self, version: VersionState, *, touch: bool = False) -> Step:
        """Replace a version's state; `touch` it when its tags must follow without a record."""
        state = replace(self.state, versions={**self.state.versions, version.version: version})
        add = touch and version.version not in self.touched
        return replace(
            self, state=state, touched=(*self.touched, version.version) if add else self.touched
        )

    def owing(self, duty: Duty) -> Step:
        """Add something that is owed besides."""
        return replace(self, duties=(*self.duties, duty))

    def with_approval(self, approval: Approval) -> Step:
        """Add or replace an approval."""
        approvals = {**self.state.approvals, approval.id: approval}
        return replace(self, state=replace(self.state, approvals=approvals))

    def with_open(self, open_approvals: tuple[str, ...]) -> Step:
        """Replace the ids of the open approvals."""
        return replace(self, state=replace(self.state, open_approvals=open_approvals))

    def with_holders(self, holders: Mapping[str, tuple[str, ...]]) -> Step:
        """Replace the holders of the exclusive stages."""
        kept = {stage: versions for stage, versions in holders.items() if versions}
        return replace(self, state=replace(self.state, holders=kept))
