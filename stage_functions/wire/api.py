"""The documents of the HTTP API: what the server sends and the client reads, in one place.

Plain dataclasses, so that the server derives the OpenAPI description from the same types that the
client decodes into. Moments are aware UTC; ids of persons are `person:<key>` or
`<provider>:<stable id>`. A later release may add fields; readers ignore those they do not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

Scalar = str | bool | int | float
Foreseen = Literal["granted", "unchanged", "pending", "refused"]
Decided = Literal["granted", "unchanged", "pending", "refused", "voted", "closed"]
_CLOSED: dict[str, Any] = {"extra": "forbid"}
"""A misspelt field must not be ignored: `expected_stage` guards against surprises."""


@dataclass(frozen=True, slots=True)
class TransitionBody:
    """A request for a transition.

    Attributes:
        to: the stage to reach.
        reason: why, in at most 2,000 characters; approvers read it.
        expected_stage: answer 412 unless the version stands there now.
        archive_existing_versions: false refuses to displace the holder of an exclusive stage.
        on_behalf_of: id of the person it is asked for, who then cannot vote either.
        emergency: the incident for which it does not wait for approval: it is made at once, and
            to be ratified afterwards. For members of the lifecycle's emergency groups; a reason
            is needed.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _CLOSED

    to: str
    reason: str = ""
    expected_stage: str | None = None
    archive_existing_versions: bool = True
    on_behalf_of: str | None = None
    emergency: str | None = None


@dataclass(frozen=True, slots=True)
class CheckBody:
    """What somebody is about to do with a version.

    Attributes:
        action: what is to be done.
        to: the stage, for a transition.
        endpoint: `registry/endpoint`, for a deployment.
        reason: what a rule may read as the request's reason.
        configuration: text of a draft to try a transition under, at most 200,000 characters.
        definitions: texts of the definitions of Azure Policy that the draft names, by their paths.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _CLOSED

    action: Literal["transition", "deploy", "delete"]
    to: str | None = None
    endpoint: str | None = None
    reason: str = ""
    configuration: str | None = None
    definitions: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class VoteBody:
    """A vote on an approval.

    Attributes:
        decision: approve or reject.
        fingerprint: of the approval as the voter saw it.
        comment: why, in at most 2,000 characters; a reject needs one.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _CLOSED

    decision: Literal["approve", "reject"]
    fingerprint: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class WithdrawalBody:
    """The withdrawal of a request.

    Attributes:
        reason: why, in at most 2,000 characters.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _CLOSED

    reason: str = ""


@dataclass(frozen=True, slots=True)
class ImportBody:
    """How to take a registry's present stages as granted.

    Attributes:
        map: stage of the lifecycle by value found, such as `Prod` → `Production`.
        keep: `kind/name:version` of the holders to keep, where several hold an exclusive stage.
        reason: in the operator's words, at most 2,000 characters.
        dry_run: only tell.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _CLOSED

    map: dict[str, str] = field(default_factory=dict)
    keep: list[str] = field(default_factory=list)
    reason: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class ResolveBody:
    """How to decide that this ledger is right.

    Attributes:
        dry_run: only tell.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _CLOSED

    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rule's answer with the values it saw.

    Attributes:
        rule: the rule's name.
        result: passed, failed or errored; or a word of a later release.
        values: text by expression.
        says: the condition in words.
        error: why it could not be evaluated.
        sentence: all of it in one sentence.
    """

    rule: str
    result: str
    values: Mapping[str, str]
    says: str
    error: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Decision:
    """How a command ended.

    Attributes:
        outcome: in a word; `unchanged` where the version stood there already.
        changed: whether the stage changed.
        version: `registry/kind/name:version`.
        stage: where the version stands now.
        detail: the outcome in a sentence.
        approval: id of the approval that waits, was voted on or closed.
        status: of that approval.
        needs: what it still waits for, in words.
        allowed: stages that may be asked for, where it was refused.
        verdicts: of the rules, where they were asked.
        displaces: versions that leave the stage for this one.
        record: number of the last record that this made.
        fingerprint: of the approval; a vote must carry it.
        waits_for: what it still waits for, in a sentence: who may not vote, and if it is in vain.
        renews: the approval is of a renewal: no stage changes by it.
        ratifies: the approval ratifies an emergency: no stage changes when it is given.
    """

    outcome: Decided
    changed: bool
    version: str
    stage: str
    detail: str
    approval: str | None = None
    status: str | None = None
    needs: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    displaces: tuple[str, ...] = ()
    record: int | None = None
    fingerprint: str | None = None
    waits_for: str | None = None
    renews: bool = False
    ratifies: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """What would happen, and why.

    Attributes:
        allowed: it would take place now.
        outcome: granted, unchanged, pending or refused.
        stage: where the version stands; null where no stage was granted.
        detail: why, in a sentence.
        allowed_stages: stages that may be asked for, where a transition would be refused.
        verdicts: of the rules, where they were asked.
    """

    allowed: bool
    outcome: Foreseen
    stage: str | None
    detail: str
    allowed_stages: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """What was done to a version that its stage or its registry does not allow, and stands.

    Attributes:
        why: in words.
        record: number of the record, in the history of its asset.
        at: when it was recorded.
        endpoint: `registry/endpoint` that serves it, where that is what is wrong.
        deployment: name of the deployment there.
    """

    why: str
    record: int
    at: datetime | None
    endpoint: str | None = None
    deployment: str | None = None


@dataclass(frozen=True, slots=True)
class CatalogVersion:
    """A version, as lists show it.

    Attributes:
        asset: `registry/kind/name`.
        version: its number.
        stage: the granted stage; null where its registry is only observed; Unregistered where
            nobody has registered it.
        since: when it was granted, or first observed; or when what is Unregistered was made.
        record: number of its last record; 0 where it is Unregistered.
        approval: id of its open approval.
        status: the last answer, in words; or that it is only observed.
        author: id of who registered it.
        gone: deleted in its registry.
        stopped: why nothing is written to it.
        approved_by: id of the approval that gave it its stage, or renewed it.
        valid_until: until when that approval is valid; null for ever.
        job: id of the job that made it.
        trainer: id of whose job that was.
        violation: the newest violation by it that stands, as far as is known; null where none does.
        drifted: number of the record of an edit at a frozen stage that nobody has acknowledged.
        review_due: when its next review is due; null for never.
        review_lapsed: that review was not made in time.
    """

    asset: str
    version: str
    stage: str | None
    since: datetime
    record: int
    approval: str | None
    status: str
    author: str | None
    gone: bool
    stopped: str | None
    approved_by: str | None = None
    valid_until: datetime | None = None
    job: str | None = None
    trainer: str | None = None
    violation: Violation | None = None
    drifted: int | None = None
    review_due: datetime | None = None
    review_lapsed: bool = False


@dataclass(frozen=True, slots=True)
class CatalogPage:
    """Some versions of the catalog.

    Attributes:
        versions: in the order of registry, kind, name.
        cursor: to go on behind; null when these were the last.
    """

    versions: tuple[CatalogVersion, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset with all versions that the ledger knows.

    Attributes:
        asset: `registry/kind/name`.
        lifecycle: name of the one that governs it.
        records: how many its history has.
        holders: versions by exclusive stage.
        versions: gone ones too.
        holds: cases that what is kept of it is held for.
        aliases: by alias of MLflow that is kept (`mirror_to`), the version that has it by grant.
    """

    asset: str
    lifecycle: str
    records: int
    holders: Mapping[str, tuple[str, ...]]
    versions: tuple[CatalogVersion, ...]
    holds: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a version is a copy of.

    Attributes:
        version: `registry/kind/name:version` of what was copied.
        stage: the stage that was granted to it, where the copy began.
        content: what identified its content.
        number: of the record that granted that stage, in the history of what was copied.
        record: hash of that record, 64 hex digits.
        proven: there is such a record, with that hash, and it grants that.
        detail: the same in words, or why not.
        evidence: digest of what was known of it then.
        now: where it stands now; null where it is gone, or another thing by now.
    """

    version: str
    stage: str
    content: str
    number: int
    record: str
    proven: bool
    detail: str
    evidence: str | None = None
    now: str | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a version.

    Attributes:
        version: `registry/kind/name:version`.
        source: what it was copied from: the version itself, or one of its copies.
        stage: where it stands; null where it is gone.
    """

    version: str
    source: str
    stage: str | None


@dataclass(frozen=True, slots=True)
class Version:
    """A version as the ledger and its registry know it.

    Attributes:
        version: `registry/kind/name:version`.
        stage: the granted stage; null where none was granted; Unregistered where nobody has
            registered it.
        since: when it was granted.
        allowed: stages that may be asked for.
        approval: id of its open approval.
        status: the last answer, in words; or that it is only observed.
        stopped: why nothing is written to it.
        registered: its registry has it.
        created: when its registry made it.
        author: id of who registered it.
        description: as its registry has it.
        tags: as its registry has them.
        properties: as its registry has them.
        evidence: what is known of it, by section; an empty section was not recorded.
        approved_by: id of the approval that gave it its stage, or renewed it.
        valid_until: until when that approval is valid; null for ever.
        origin: what it is a copy of; null where it is none.
        origins: the whole chain, that first.
        copies: what it was copied to, and what those were copied to.
        trainer: id of whose job made it.
        violations: violations by it that stand, as far as is known, the newest first.
        archived: its registry hides it by itself.
        drifted: number of the record of an edit at a frozen stage that nobody has acknowledged.
        review_due: when its next review is due; null for never.
        review_lapsed: that review was not made in time.
    """

    version: str
    stage: str | None
    since: datetime | None
    allowed: tuple[str, ...]
    approval: str | None
    status: str
    stopped: str | None
    registered: bool
    created: datetime | None
    author: str | None
    description: str
    tags: Mapping[str, str]
    properties: Mapping[str, str]
    evidence: Mapping[str, Mapping[str, Scalar]]
    approved_by: str | None = None
    valid_until: datetime | None = None
    origin: Origin | None = None
    origins: tuple[Origin, ...] = ()
    copies: tuple[Copy, ...] = ()
    trainer: str | None = None
    violations: tuple[Violation, ...] = ()
    archived: bool = False
    drifted: int | None = None
    review_due: datetime | None = None
    review_lapsed: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """Records of an asset, in order.

    Attributes:
        records: each with its links, as it was hashed (RFC 8785).
        after: to go on behind; null when these were the last.
    """

    records: tuple[Mapping[str, Any], ...]
    after: int | None


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's decision.

    Attributes:
        voter: id of the person.
        decision: approve or reject; or a word of a later release.
        comment: in the voter's words.
        at: when it was cast.
        counts: it counts now.
        assurance: how surely the voter was known: signed_in, or link, which is weaker.
        groups: the voter's groups, as of the vote.
    """

    voter: str
    decision: str
    comment: str
    at: datetime
    counts: bool
    assurance: str = "signed_in"
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Approval:
    """A pending request as approvers meet it.

    Attributes:
        id: 8 characters.
        version: `registry/kind/name:version`.
        from_stage: the stage it leaves.
        to_stage: the stage it reaches.
        displaces: versions that the grant would displace.
        reason: in the requester's words.
        requester: id of who asked; null where nobody is known.
        proven: it is certain who asked; otherwise it needs a sponsor.
        on_behalf_of: for whom it was asked.
        author: id of who registered the version.
        opened: when.
        deadline: when it lapses.
        status: open, approved, rejected, withdrawn, expired or voided.
        closed: when it was closed.
        why: why it was closed, in words.
        fingerprint: of what a vote is cast on; a vote must carry it.
        needs: what it still waits for, in words.
        votes: in the order they were cast.
        excluded: why each of these ids may not vote.
        verdicts: of the rules, when it opened.
        lifecycle: name of the lifecycle.
        waits_for: what it still waits for, in a sentence: who may not vote, and if it is in vain.
        impossible: why nobody who is left can reach the quorum, where that is so.
        escalated: since when a further group may vote.
        assurance: the least that is demanded of a vote: signed_in, or link.
        valid_until: until when what was approved is valid; null for ever, or where nothing was.
        renews: it asks that an approval which was given stays valid; no stage changes by it.
        ratifies: number of the record of the emergency that it is to ratify, whose stage has
            changed already; null for any other request.
        holder: the version that held the target stage when it opened.
        voters: ids of the people of the configuration who may still vote.
        trainers: ids of whose job made the version: as it was known first, and when it opened.
        copied_to: what the version is copied to once it is approved; null for nothing.
        copy_displaces: versions that leave the stage in that registry for the copy, as it is now.
        objection: why whoever asks for this one cannot vote on it; null where they can, and in
            lists.
    """

    id: str
    version: str
    from_stage: str
    to_stage: str
    displaces: tuple[str, ...]
    reason: str
    requester: str | None
    proven: bool
    on_behalf_of: str | None
    author: str | None
    opened: datetime
    deadline: datetime
    status: str
    closed: datetime | None
    why: str
    fingerprint: str
    needs: tuple[str, ...]
    votes: tuple[Vote, ...]
    excluded: Mapping[str, str]
    verdicts: tuple[Verdict, ...]
    lifecycle: str
    waits_for: str = ""
    impossible: str | None = None
    escalated: datetime | None = None
    assurance: str = "signed_in"
    valid_until: datetime | None = None
    renews: bool = False
    ratifies: int | None = None
    holder: str | None = None
    voters: tuple[str, ...] = ()
    trainers: tuple[str, ...] = ()
    copied_to: str | None = None
    copy_displaces: tuple[str, ...] = ()
    objection: str | None = None


@dataclass(frozen=True, slots=True)
class Approvals:
    """Approvals, the next deadline first.

    Attributes:
        approvals: all that were asked for.
    """

    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry with its state.

    Attributes:
        alias: the first part of its assets' names.
        type: mlflow or azureml.
        mode: observe or enforce, as configured.
        governed: Stageward acts on it.
        why: why it does not.
        imported: its stages were taken as granted.
        scanned: when a scan last came to its end.
        halted: why the scan marks nothing as deleted.
        unreadable: why it could not be read at the last scan.
        address: URL of an MLflow server, as Stageward reaches it; else an empty text.
    """

    alias: str
    type: str
    mode: Literal["observe", "enforce"]
    governed: bool
    why: str
    imported: bool
    scanned: datetime | None
    halted: str
    unreadable: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Registries:
    """All registries of the configuration.

    Attributes:
        registries: in the order of the file.
    """

    registries: tuple[Registry, ...]


@dataclass(frozen=True, slots=True)
class Import:
    """What an import came to, or would come to.

    Attributes:
        registry: its alias.
        stages: number of versions by stage.
        already: versions that are governed already.
        unknown: some versions by value that no stage is named like; map each value.
        crowded: holders by `kind/name at stage`, where several hold an exclusive stage; keep one.
        done: it was carried out.
        idle: why nothing is written to the registry even so, or an empty text.
    """

    registry: str
    stages: Mapping[str, int]
    already: int
    unknown: Mapping[str, tuple[str, ...]]
    crowded: Mapping[str, tuple[str, ...]]
    done: bool
    idle: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan of a registry came to.

    Attributes:
        registry: its alias.
        seen: versions listed.
        nominated: versions that differed and were read again.
        changed: of those, how many changed the ledger.
        missing: versions that the ledger knows and the registry does not.
        deleted: of those, how many were recorded as deleted.
        complete: the pass came to its end; otherwise the next scan goes on.
        halted: why nothing was marked as deleted.
        failed: the first version that could not be followed up, and why.
        failures: how many could not be.
        endpoints: that were judged by what they serve.
        unread: why one of them could not be judged.
    """

    registry: str
    seen: int
    nominated: int
    changed: int
    missing: int
    deleted: int
    complete: bool
    halted: str
    failed: str
    failures: int
    endpoints: int = 0
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Loss:
    """A version that shows another stage when its tags are written over.

    Attributes:
        version: `registry/kind/name:version`.
        shows: the stage that its tags show now.
        granted: the stage that the ledger has granted, and they are to show.
    """

    version: str
    shows: str
    granted: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """What resolving came to, or would come to.

    Attributes:
        registry: its alias.
        resumed: versions that are written over.
        lost: of these, how many show another stage then.
        losses: those, a hundred at the most.
        waiting: of `resumed`, how many the sweep has still to write.
        others: ids of the other ledgers that count no more.
        idle: why nothing is written even so, or an empty text.
        done: it was carried out.
    """

    registry: str
    resumed: int
    lost: int = 0
    losses: tuple[Loss, ...] = ()
    waiting: int = 0
    others: tuple[str, ...] = ()
    idle: str = ""
    done: bool = True


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A lifecycle of the configuration.

    Attributes:
        name: unique.
        digest: `sha256:<hex>` over the lifecycle as written.
        applies_to: globs over `registry/kind/name`.
        text: as written in the file.
    """

    name: str
    digest: str
    applies_to: tuple[str, ...]
    text: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lifecycles:
    """All lifecycles, in the order of the file; the first that matches an asset governs it.

    Attributes:
        lifecycles: all of them.
    """

    lifecycles: tuple[Lifecycle, ...]


@dataclass(frozen=True, slots=True)
class Owed:
    """Work that a decision still owes the outside.

    Attributes:
        id: to retry it by.
        asset: `registry/kind/name`.
        duty: reconcile (a version's tags), catalog, sink (events), or notify (people).
        target: a version's number, a sink's name, or an approval's id.
        attempts: made so far.
        next_at: not before this moment.
        parked: given up until somebody retries it.
        error: what went wrong last.
    """

    id: str
    asset: str
    duty: str
    target: str
    attempts: int
    next_at: datetime | None
    parked: bool
    error: str


@dataclass(frozen=True, slots=True)
class Outbox:
    """All owed work, parked work first.

    Attributes:
        owed: all of it.
    """

    owed: tuple[Owed, ...]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild of the catalog came to.

    Attributes:
        versions: how many rows were written.
    """

    versions: int


@dataclass(frozen=True, slots=True)
class Health:
    """Ready or not, and which part is not well. It says no more, since anybody may ask.

    Attributes:
        ready: this process can decide: its ledger can be read and written to. What is wrong with
            other parts is the same for every process, and makes none of them unready.
        parts: by part a word for what is wrong, such as `parked`, `unreadable` or `stopped`; an
            empty text where nothing is. `GET /api/v1/status` says the rest to operators.
    """

    ready: bool
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a delivery of events.

    Attributes:
        followed: hints that were followed up.
        changed: of those, how many changed the ledger.
        ignored: why the others were acknowledged unread.
    """

    followed: int
    changed: int
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Handshake:
    """The answer to Event Grid's question whether this address wants its events.

    Attributes:
        validationResponse: the code that it sent.
    """

    validationResponse: str  # noqa: N815  # Event Grid's own name


@dataclass(frozen=True, slots=True)
class Fault:
    """A value of a request that cannot be taken.

    Attributes:
        at: where: `body.to`, `query.limit`, `path.kind`.
        why: what is wrong with it.
    """

    at: str
    why: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request did not succeed (RFC 9457).

    Attributes:
        type: `urn:stageward:problem:<code>`, stable.
        title: the kind of problem.
        status: the HTTP status.
        detail: what happened and what to do, in words.
        errors: of a request that cannot be taken: each value with what is wrong.
        decision: of a refused transition: the refusal whole.
        unclear: of an import: what must be decided first.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[Fault, ...] | None = None
    decision: Decision | None = None
    unclear: Import | None = None
