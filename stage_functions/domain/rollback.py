"""Rollback: the version that the present holder of an exclusive stage displaced comes back.

It is no new decision: the approval that let the holder in was bound to whom that displaces, so its
approvers saw what stood there before. So no rule is asked again and nobody votes, and it must hold:

- there is one holder, who displaced one version, and came by no rollback: nothing goes to and fro;
- the stage's `rollback_within`, counted from the holder's promotion, is not over;
- what comes back is the same thing, and has stayed where the displacement put it;
- it gets back what it stood by, and no more: its own approval, with the end that this had;
- the version taken out is not to be served as before for a while, whatever `retire_within` says.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.domain import effect
from stage_functions.domain.grounds import lifecycle_document
from stage_functions.domain.lifecycle import Lifecycle, Stage
from stage_functions.domain.marks import unreviewed
from stage_functions.domain.people import Actor, Attribution, Directory
from stage_functions.domain.record import (
    Draft,
    Json,
    Record,
    RecordType,
    actor_document,
    minute,
    timestamp,
)
from stage_functions.domain.state import AssetState, Mark, Step, VersionState

ROLLED_BACK, REVERTED, EMERGENCY, RENAMED = "rolled_back", "reverted", "emergency", "renamed"
"""Why a stage changed, as records say it."""
NO_ROLLBACK = "no-rollback"
"""For programs: code of the refusal of one."""
PLACED = (RecordType.REGISTERED, RecordType.IMPORTED, RecordType.STAGE_CHANGED)
"""Types of the records that say where a version stands from then on."""


class Stood(Struct, frozen=True):
    """By what a version stands, or stood.

    Attributes:
        approval: id of its approval, or of the one that renewed it last; "" for none.
        valid_until: until when that is valid; None for ever.
        blocks: from then on the version is not to be deployed.
        unratified: it stands there by an emergency that nobody has ratified.
    """

    approval: str = ""
    valid_until: datetime | None = None
    blocks: bool = False
    unratified: bool = False


class Past(Struct, frozen=True):
    """What the history says of a holder and of what it displaced.

    Attributes:
        promotion: the record that let the holder in.
        displacement: the record by which the other version left for it, or None.
        moved: the last record that moved the other version since, or None.
        before: by what the other version stood till then.
    """

    promotion: Record
    displacement: Record | None = None
    moved: Record | None = None
    before: Stood = Stood()


class Rollback(Struct, frozen=True):
    """A rollback that may take place.

    Attributes:
        stage: the exclusive stage.
        out: number of the version that leaves it.
        back: number of the version that comes back.
        promotion: number of the record that let `out` in.
        approval: id of the approval that carried that, or "".
        until: when it is too late.
        stood: by what `back` will stand again.
    """

    stage: str
    out: str
    back: str
    promotion: int
    approval: str
    until: datetime
    stood: Stood


def stage_of(lifecycle: Lifecycle, asked: str) -> Stage | str:
    """Return the stage that a rollback is about, or why there is none."""
    able = [one.name for one in lifecycle.stages.values() if one.rollback_within is not None]
    if not asked and len(able) == 1:
        return lifecycle.stages[able[0]]
    if not able:
        return (
            f"the lifecycle {lifecycle.name} allows no rollback: "
            "no stage of it has `rollback_within`; ask for a transition"
        )
    if not asked:
        return f"say of which stage: {' or '.join(able)}"
    if asked not in able:
        return f"the lifecycle {lifecycle.name} allows a rollback at {' and '.join(able)} alone"
    return lifecycle.stages[asked]


def holder_of(state: AssetState, stage: str) -> str:
    """Return the one version that holds an exclusive stage; "" where it is not exactly one."""
    held = state.holders.get(stage, ())
    return held[0] if len(held) == 1 else ""


def holderless(state: AssetState, stage: str) -> str:
    """Say why no version can be taken out of a stage; an empty text if one can."""
    held = state.holders.get(stage, ())
    if len(held) > 1:
        return f"versions {' and '.join(held)} all hold {stage}: move all but one of them first"
    return "" if held else f"no version holds {stage}, so there is none to take out"


def displaced_in(promotion: Record) -> tuple[str, ...]:
    """Return the versions that a promotion displaced."""
    found = promotion.content.get("displaces", ())
    return tuple(map(str, found)) if isinstance(found, list | tuple) else ()


def hindrance(
    lifecycle: Lifecycle, stage: Stage, out: VersionState, past: Past, now: datetime
) -> str:
    """Say why a holder cannot be rolled back, as far as the holder goes; "" if it can."""
    promotion, displaced = past.promotion, displaced_in(past.promotion)
    what = f"version {displaced[0]}" if len(displaced) == 1 else "one of them"
    returned = promotion.content.get("why") in (ROLLED_BACK, REVERTED)
    instead = _instead(lifecycle, stage.displaced_to, "it" if returned else what)
    number, within = promotion.number, stage.rollback_within
    if returned:
        return (
            f"version {out.version} came back to {stage.name} by record {number} itself: what was "
            f"there before is not rolled forward; {instead}"
        )
    if not displaced:
        return (
            f"version {out.version} displaced nobody when it came to {stage.name} "
            f"(record {number}): there is nothing to bring back; bring another version there, "
            "`stageward promote`"
        )
    if len(displaced) > 1:
        return (
            f"version {out.version} displaced {len(displaced)} versions "
            f"({', '.join(displaced)}, record {number}), and a rollback brings back one; {instead}"
        )
    if within is None or now >= promotion.at + within:
        until = minute(promotion.at + within) if within is not None else "never"
        return (
            f"it is too late: version {out.version} came to {stage.name} on "
            f"{minute(promotion.at)} (record {number}) and could be rolled back until {until}; "
            f"{instead}"
        )
    return ""


def _instead(lifecycle: Lifecycle, at: str, what: str) -> str:
    """Say how what stands somewhere may be brought back where no rollback does that."""
    if lifecycle.allowed(at):
        return f"ask for the transition of {what}, `stageward promote`"
    return f"nothing leaves {at}, so register {what} as a new version, and promote that"


def barrier(
    lifecycle: Lifecycle, stage: Stage, back: VersionState | None, past: Past, now: datetime
) -> str:
    """Say why what was displaced cannot come back; an empty text if it can."""
    number = displaced_in(past.promotion)[0]
    ask = "; bring another version there, `stageward promote`"
    displacement = past.displacement
    if back is None or back.gone:
        return f"version {number}, which would come back, is deleted{ask}"
    if displacement is None or displacement.content["incarnation"] != back.incarnation:
        return (
            f"version {number} was registered anew since it was displaced: it is another one{ask}"
        )
    if past.moved is not None:
        return (
            f"version {number} has moved since it was displaced (record {past.moved.number}) and "
            f"stands at {back.stage}; {_instead(lifecycle, back.stage, 'it')}"
        )
    if back.stopped:
        return f"nothing is written to version {number}: {back.stopped}"
    if back.drifted:
        return (
            f"version {number} was edited from outside (record {back.drifted}): "
            "have that acknowledged first"
        )
    instead = _instead(lifecycle, back.stage, "it")
    unfounded = _unfounded(stage, number, past.before, now)
    return unreviewed(lifecycle, back, stage.name) or (
        f"{unfounded}; {instead}" if unfounded else ""
    )


def _unfounded(stage: Stage, number: str, stood: Stood, now: datetime) -> str:
    """Say why a version cannot stand again by what it stood by; an empty text if it can."""
    if stood.unratified:
        return f"version {number} stood at {stage.name} by an emergency that nobody ratified"
    if stood.blocks and stood.valid_until is not None and now >= stood.valid_until:
        return (
            f"the approval by which version {number} stood at {stage.name}, {stood.approval}, ran "
            f"out on {minute(stood.valid_until)}, and it is not to be deployed without"
        )
    return ""


def who_may(lifecycle: Lifecycle, stage: str, actor: Actor, directory: Directory) -> str:
    """Say why somebody may not roll back; an empty text if they may.

    Those may who are named anywhere on a way to the stage: to ask for it, or to vote on it; the
    emergency groups; operators. Where nobody is named on any way to it, everybody known may: they
    could move any version there.
    """
    if actor.attribution is not Attribution.PROVEN or not directory.knows(actor.id):
        return "who takes a version out must be known for certain: sign in"
    ways = [one for one in lifecycle.transitions if one.target == stage]
    named = [group for way in ways for group in way.requesters]
    for way in ways:
        named += way.approval.groups if way.approval is not None else ()
    if not named:
        return ""
    named += lifecycle.emergency.groups if lifecycle.emergency is not None else ()
    if directory.is_operator(actor.id) or set(directory.groups_of(actor.id)) & set(named):
        return ""
    groups = " or ".join(dict.fromkeys(named))
    return f"only {groups}, or operators, may roll back {stage}; you are in none of these"


def roll_back(
    step: Step,
    way: Rollback,
    actor: Actor,
    reason: str,
    lifecycle: Lifecycle,
    now: datetime,
    *,
    mark: bool = False,
) -> Step:
    """Bring a version back, and take out the one that had displaced it."""
    state, stood = step.version(way.back), way.stood
    fields: dict[str, Json] = {
        "from": state.stage,
        "to": way.stage,
        "why": ROLLED_BACK,
        "rolls_back": way.promotion,
        "requester": actor_document(actor),
        **({"reason": reason} if reason else {}),
        **({"approval": way.approval} if way.approval else {}),
        **_restored(stood),
        "displaces": [way.out],
        "lifecycle": lifecycle_document(lifecycle),
    }
    draft = Draft(RecordType.STAGE_CHANGED, way.back, state.incarnation, actor, fields)
    cause = len(step.drafts)
    step = come_back(step.record(draft), way.back, way.stage, stood, lifecycle, now)
    back = step.version(way.back)
    status = f"rolled back: {state.stage} → {way.stage}, in place of version {way.out}"
    step = step.with_version(replace(back, status=status))
    step = effect.void_stranded(step, way.back, f"{way.back} came back by a rollback", now, cause)
    more: dict[str, Json] = {"rolls_back": way.promotion, **({"marked": True} if mark else {})}
    step = effect.displace(step, way.out, way.back, lifecycle, now, cause, more, retires=False)
    out = step.version(way.out)
    status = f"taken out by a rollback to version {way.back}: {way.stage} → {out.stage}"
    if mark:
        kept = f", and nothing leaves {out.stage}" if not lifecycle.allowed(out.stage) else ""
        status += f"; marked: to be reviewed{kept or ' before it may return'}"
        out = replace(out, marked=Mark(0, reason or "taken out by a rollback", actor.id, way.stage))
    return step.with_version(replace(out, status=status))


def come_back(
    step: Step, version: str, stage: str, stood: Stood, lifecycle: Lifecycle, now: datetime
) -> Step:
    """Let a version stand where it stood before, by what it stood by."""
    step = effect.move(step, version, stage, lifecycle, now)
    again = replace(
        step.version(version),
        approved_by=stood.approval,
        valid_until=stood.valid_until,
        blocked_when_invalid=stood.blocks,
    )
    return step.with_version(again)


def _restored(stood: Stood) -> dict[str, Json]:
    """Return, as records carry it, by what a version stands again."""
    until: dict[str, Json] = (
        {"valid_until": timestamp(stood.valid_until)} if stood.valid_until else {}
    )
    return {**({"restores": stood.approval} if stood.approval else {}), **until}
