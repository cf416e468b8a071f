"""What a decision makes true: the state it leaves behind and the records that say so.

Every function takes a `Step` and returns one with more in it. What must hold after each:

- a version enters an exclusive stage only together with the displacement of every other holder;
- whatever changes a stage writes a record, and records of others name the one that caused them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from stage_functions.domain import review, validity
from stage_functions.domain.approval import Approval, Status
from stage_functions.domain.asset import Snapshot
from stage_functions.domain.consent import close, refused_words
from stage_functions.domain.grounds import ITSELF, Grounds, lifecycle_document
from stage_functions.domain.lifecycle import Lifecycle, OnViolation
from stage_functions.domain.people import Actor
from stage_functions.domain.record import (
    Draft,
    Json,
    RecordType,
    actor_document,
    minute,
    timestamp,
)
from stage_functions.domain.state import (
    ARCHIVED,
    COPY,
    Duty,
    Origin,
    Step,
    VersionState,
)
from stage_functions.domain.transition import Refused, Request, ask_again, refusal_words
from stage_functions.domain.violation import Violation, standing_at, with_one_more


def register(  # noqa: PLR0913, PLR0917  # a record says all of this
    step: Step,
    snapshot: Snapshot,
    actor: Actor,
    author: str,
    base: Mapping[str, str | None],
    lifecycle: Lifecycle,
    now: datetime,
    evidence: str,
    begun: Mapping[str, Json] | None = None,
    *,
    trainer: str = "",
) -> Step:
    """Begin a version's history at the initial stage.

    What its tags say of a stage was copied from elsewhere: it is remembered as answered, so that
    it asks nothing, and is put right.

    Args:
        step: the decision so far.
        snapshot: the version as it was read.
        actor: who registered it.
        author: id of whose it is, or "".
        base: what it shows.
        lifecycle: the one that governs it.
        now: aware UTC.
        evidence: digest of what is known of it.
        begun: what the record says of where it comes from, if from anywhere.
        trainer: id of whose job it was, or "".
    """
    number, stage = snapshot.version.number, lifecycle.initial
    state = VersionState(
        version=number,
        incarnation=snapshot.incarnation,
        stage=stage,
        since=now,
        author=author,
        held=(stage,),
        status=f"registered at {stage}",
        job=snapshot.job or "",
        trainer=trainer,
    ).answered(base, snapshot.created_at)
    due = review.begins(lifecycle, stage, now)
    state = review.awaiting(state, due)
    fields: dict[str, Json] = {
        **(begun or {}),
        "to": stage,
        "why": "registered",
        "created_at": timestamp(snapshot.created_at),
        "lifecycle": lifecycle_document(lifecycle),
        "evidence": evidence,
        **review.said(due),
    }
    if author:
        fields["author"] = author
    if trainer not in ("", author):
        fields["trainer"] = trainer
    draft = Draft(RecordType.REGISTERED, number, snapshot.incarnation, actor, fields)
    return step.with_version(state).record(draft)


def register_copy(  # a record says all of this
    step: Step,
    snapshot: Snapshot,
    origin: Origin,
    stage: str,
    base: Mapping[str, str | None],
    lifecycle: Lifecycle,
    now: datetime,
    evidence: str,
) -> Step:
    """Begin a copy's history at the stage that was granted to what it is a copy of.

    Where that is exclusive, its holder is displaced, as by any grant. Whoever registered or trained
    the original did so to the copy, so that nobody approves their own work by a detour.
    """
    number = snapshot.version.number
    displaces = others(step, lifecycle, number, stage)
    state = VersionState(
        version=number,
        incarnation=snapshot.incarnation,
        stage=stage,
        since=now,
        author=origin.author,
        held=(stage,),
        status=f"copied from {origin.version}: begins at {stage}",
        origin=origin,
        trainer=origin.trainer,
    ).answered(base, snapshot.created_at)
    fields: dict[str, Json] = {
        "to": stage,
        "why": "copied",
        "created_at": timestamp(snapshot.created_at),
        **({"displaces": list(displaces)} if displaces else {}),
        "lifecycle": lifecycle_document(lifecycle),
        "evidence": evidence,
        **({"author": origin.author} if origin.author else {}),
        **({"trainer": origin.trainer} if origin.trainer not in ("", origin.author) else {}),
        "origin": origin.document(),
    }
    cause = len(step.drafts)
    draft = Draft(RecordType.REGISTERED, number, snapshot.incarnation, ITSELF, fields)
    step = move(step.with_version(state).record(draft), number, stage, lifecycle, now)
    for displaced in displaces:
        step = displace(step, displaced, number, lifecycle, now, cause)
    return step


def take_over(  # noqa: PLR0913, PLR0917  # a record says all of this
    step: Step,
    snapshot: Snapshot,
    stage: str,
    actor: Actor,
    author: str,
    base: Mapping[str, str | None],
    lifecycle: Lifecycle,
    reason: str,
    now: datetime,
) -> Step:
    """Take the stage that a version has today as granted, without approval."""
    number = snapshot.version.number
    state = VersionState(
        version=number,
        incarnation=snapshot.incarnation,
        stage=stage,
        since=now,
        author=author,
        held=(stage,),
        status=f"imported at {stage}",
        job=snapshot.job or "",
    ).answered(base, snapshot.modified_at or now)
    due = review.begins(lifecycle, stage, now)
    state = review.awaiting(replace(state, base=_hiding(state.base, lifecycle, stage)), due)
    fields: dict[str, Json] = {
        "to": stage,
        "why": "imported",
        "grounds": "no approval",
        **({"reason": reason} if reason else {}),
        "created_at": timestamp(snapshot.created_at),
        "lifecycle": lifecycle_document(lifecycle),
        **review.said(due),
    }
    if author:
        fields["author"] = author
    draft = Draft(RecordType.IMPORTED, number, snapshot.incarnation, actor, fields)
    holders = dict(step.state.holders)
    if lifecycle.stages[stage].exclusive:
        holders[stage] = (*holders.get(stage, ()), number)
    return step.with_version(state).with_holders(holders).record(draft)


def grant(
    step: Step,
    version: str,
    target: str,
    request: Request,
    actor: Actor,
    grounds: Grounds,
    now: datetime,
    *,
    approval: Approval | None = None,
) -> Step:
    """Move a version, and displace whoever holds an exclusive stage that it takes."""
    state = step.version(version)
    displaces = others(step, grounds.lifecycle, version, target)
    fields: dict[str, Json] = {
        "from": state.stage,
        "to": target,
        "why": "approved" if approval else "allowed",
        "requester": actor_document(request.requester),
        **request.said(),
        **({"approval": approval.id, **validity.until(approval, now)} if approval else {}),
        **({"displaces": list(displaces)} if displaces else {}),
        **grounds.document(),
    }
    draft = Draft(RecordType.STAGE_CHANGED, version, state.incarnation, actor, fields)
    cause = len(step.drafts)
    step = move(step.record(draft), version, target, grounds.lifecycle, now)
    moved = replace(step.version(version), status=f"granted: {state.stage} → {target}")
    step = step.with_version(moved if approval is None else validity.approved(moved, approval, now))
    return follow(step, state, target, displaces, grounds.lifecycle, now, cause)


def follow(
    step: Step,
    before: VersionState,
    target: str,
    displaces: tuple[str, ...],
    lifecycle: Lifecycle,
    now: datetime,
    cause: int,
) -> Step:
    """Let follow what follows when a version has taken a stage: copies, and who must leave.

    Args:
        step: the decision so far; the version has moved.
        before: the version as it was.
        target: the stage that it has taken.
        displaces: who leaves that.
        lifecycle: the one that governs them.
        now: aware UTC.
        cause: index of the draft that moved the version.
    """
    version = before.version
    way = lifecycle.transition(before.stage, target)
    if way is not None and way.copy_to:
        step = step.owing(Duty(COPY, version, way.copy_to))
    step = void_stranded(step, version, f"{version} moved to {target}", now, cause)
    for displaced in displaces:
        step = displace(step, displaced, version, lifecycle, now, cause)
    return step


def refuse(
    step: Step, version: str, request: Request, refused: Refused, actor: Actor, grounds: Grounds
) -> Step:
    """Record that a request was refused, and answer in the version's status.

    An approval that is open stays to be seen there: it waits as before.
    """
    state = step.version(version)
    fields: dict[str, Json] = {
        "from": state.stage,
        "to": request.target,
        "why": refused.why,
        "allowed": list(refused.allowed),
        "requester": actor_document(request.requester),
        **request.said(),
        **grounds.document(),
    }
    again = ask_again(refused, request, grounds.lifecycle)
    status = refused_words(state, refusal_words(refused, ask_again=again))
    draft = Draft(RecordType.TRANSITION_REFUSED, version, state.incarnation, actor, fields)
    return step.with_version(replace(state, status=status)).record(draft)


def delete(
    step: Step, version: str, lifecycle: Lifecycle, actor: Actor, now: datetime, why: str
) -> Step:
    """Record that a version is gone; a violation where its stage is not deletable."""
    state = step.version(version)
    cause = len(step.drafts)
    stage = lifecycle.stages.get(state.stage)
    fields: dict[str, Json] = {"from": state.stage, "why": why}
    step = step.record(Draft(RecordType.DELETED, version, state.incarnation, actor, fields))
    if stage is not None and not stage.deletable:
        why = f"deleted while at {state.stage}, which is not deletable"
        violation: dict[str, Json] = {"from": state.stage, "why": why}
        step = violate(step, version, actor, violation, lifecycle.on_violation.unserved, cause)
    if state.approval:
        step = close(
            step,
            state.approval,
            Status.VOIDED,
            f"{version} was deleted",
            ITSELF,
            now,
            because_of=cause,
        )
    holders = {s: tuple(v for v in held if v != version) for s, held in step.state.holders.items()}
    return step.with_holders(holders).with_version(replace(step.version(version), gone=True))


def violate(
    step: Step,
    version: str,
    actor: Actor,
    fields: Mapping[str, Json],
    then: OnViolation,
    because_of: int | None = None,
    *,
    stands: bool = True,
) -> Step:
    """Record that something was done to a version that the lifecycle forbids, and what follows.

    It stands from then on, unless the version has been granted meanwhile what allows it.
    """
    state = step.version(version)
    said = {**fields, "then": str(then)}
    place = str(fields.get("endpoint", "")), str(fields.get("deployment", ""))
    violation = Violation(str(fields["why"]), *place)
    violating = with_one_more(state.violating, violation) if stands else state.violating
    step = step.with_version(replace(state, violating=violating))
    draft = Draft(RecordType.VIOLATED, version, state.incarnation, actor, said, because_of)
    return step.record(draft)


def forget(step: Step, version: str, actor: Actor, why: str) -> Step:
    """Record that a version which was only observed is gone."""
    state = step.version(version)
    fields: dict[str, Json] = {"outcome": "gone", "detail": why}
    draft = Draft(RecordType.OBSERVED, version, state.incarnation, actor, fields)
    return step.with_version(replace(state, gone=True)).record(draft)


def drift(step: Step, version: str, actor: Actor, fields: Mapping[str, Json]) -> Step:
    """Record that a version shows what nobody was granted."""
    state = step.version(version)
    return step.record(
        Draft(RecordType.DRIFT_FOUND, version, state.incarnation, actor, dict(fields))
    )


def others(step: Step, lifecycle: Lifecycle, version: str, target: str) -> tuple[str, ...]:
    """Return who else holds an exclusive stage that a version takes."""
    if not lifecycle.stages[target].exclusive:
        return ()
    return tuple(sorted(held for held in step.state.holders.get(target, ()) if held != version))


def move(step: Step, version: str, target: str, lifecycle: Lifecycle, now: datetime) -> Step:
    """Let a version stand elsewhere, by the record that was added last: it says what begins there.

    What it stood by, and what was against it there, ends.
    """
    state = step.version(version)
    held = state.held if target in state.held else (*state.held, target)
    holders = {s: tuple(v for v in vs if v != version) for s, vs in step.state.holders.items()}
    if lifecycle.stages[target].exclusive:
        holders[target] = (*holders.get(target, ()), version)
    moved = replace(
        state,
        stage=target,
        since=now,
        held=held,
        base=_hiding(state.base, lifecycle, target),
        approved_by="",
        valid_until=None,
        blocked_when_invalid=False,
        retires_at=None,
        retires_from="",
        frozen="",
        violating=standing_at(state.violating, lifecycle, target),
        unratified=None,
    )
    due = review.begins(lifecycle, target, now)
    last = step.drafts[-1]
    told = replace(last, fields={**last.fields, **review.said(due)})
    step = replace(step, drafts=(*step.drafts[:-1], told))
    return step.with_version(review.awaiting(moved, due)).with_holders(holders)


def _hiding(
    base: Mapping[str, str | None], lifecycle: Lifecycle, target: str
) -> Mapping[str, str | None]:
    """Note that the stage hides the version: what is archived from now on is Stageward's to show.

    Noted before it is written, so that a version whose archiving was never verified is shown again
    when it comes back.
    """
    return {**base, ARCHIVED: "true"} if lifecycle.stages[target].hidden else base


def displace(
    step: Step,
    version: str,
    by: str,
    lifecycle: Lifecycle,
    now: datetime,
    cause: int,
    more: Mapping[str, Json] | None = None,
    *,
    retires: bool = True,
) -> Step:
    """Move the holder of an exclusive stage out of the way of another version.

    Args:
        step: the decision so far.
        version: the holder.
        by: which version takes its stage.
        lifecycle: the one that governs them.
        now: aware UTC.
        cause: index of the draft that says why.
        more: what else its record says.
        retires: it may be served as before for as long as its stage says.
    """
    state = step.version(version)
    stage = lifecycle.stages[state.stage]
    target, within = stage.displaced_to, stage.retire_within if retires else None
    until = now + within if within is not None else None
    fields: dict[str, Json] = {
        "from": state.stage,
        "to": target,
        "why": "displaced",
        "displaced_by": by,
        **(more or {}),
        **({"retires_at": timestamp(until)} if until is not None else {}),
        "lifecycle": lifecycle_document(lifecycle),
    }
    draft = Draft(RecordType.STAGE_CHANGED, version, state.incarnation, ITSELF, fields, cause)
    step = move(step.record(draft), version, target, lifecycle, now)
    status = f"displaced by version {by}: {state.stage} → {target}"
    displaced = replace(step.version(version), status=status)
    if until is not None:
        status = f"{status}; may be served as before until {minute(until)}"
        displaced = replace(displaced, status=status, retires_at=until, retires_from=stage.name)
    step = step.with_version(displaced)
    return void_stranded(step, version, f"{version} was displaced by {by}", now, cause)


def void_stranded(step: Step, version: str, why: str, now: datetime, cause: int) -> Step:
    """Close the version's open approval: it was bound to the stage that the version has left."""
    state = step.version(version)
    if not state.approval:
        return step
    status = state.status
    step = close(step, state.approval, Status.VOIDED, why, ITSELF, now, because_of=cause)
    return step.with_version(replace(step.version(version), status=status))
