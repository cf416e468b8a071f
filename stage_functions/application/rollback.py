"""Take a version out within one call: what it displaced comes back. Conditions are in the domain.

Load → read what comes back from the registry → look at the history → commit → work off. Neither
evidence nor anybody's vote is waited for: what comes back must only be what it was.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from stage_functions.application import measures
from stage_functions.application.answer import Answer, AnswerKind, decode, encode
from stage_functions.application.arrival import contradiction
from stage_functions.application.context import Context
from stage_functions.application.correlation import about
from stage_functions.application.ledger import Loaded
from stage_functions.application.promotions import past_of
from stage_functions.application.rollback_words import effects
from stage_functions.application.signals import settle
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.error import (
    ConflictError,
    DeniedError,
    NotAllowedNowError,
    NotFoundError,
    StaleError,
)
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.people import Actor
from stage_functions.domain.record import digest, minute
from stage_functions.domain.rollback import (
    EMERGENCY,
    NO_ROLLBACK,
    Past,
    Rollback,
    barrier,
    displaced_in,
    hindrance,
    holder_of,
    holderless,
    roll_back,
    stage_of,
    who_may,
)
from stage_functions.domain.state import Step, VersionState


class RollbackCommand(Struct, frozen=True):
    """What a caller wants.

    Attributes:
        asset: of which asset.
        actor: who wants it, proven.
        operation: id of this operation; the same id gets the same answer.
        stage: the exclusive stage; "" where the lifecycle has one with `rollback_within`.
        reason: why, in the caller's words.
        mark: what is taken out must be reviewed before it may be granted a stage again.
        expected_holder: refuse as stale unless this version holds the stage now; "" for whichever.
    """

    asset: Asset
    actor: Actor
    operation: str
    stage: str = ""
    reason: str = ""
    mark: bool = False
    expected_holder: str = ""

    @property
    def asked(self) -> str:
        """Digest of everything but the operation id."""
        return digest(
            {
                "rollback": str(self.asset),
                "stage": self.stage,
                "reason": self.reason,
                "mark": self.mark,
                "actor": self.actor.id,
                "expected_holder": self.expected_holder,
            }
        )


class Foreseen(Struct, frozen=True):
    """What a rollback would do now.

    Attributes:
        asset: of which asset.
        stage: the exclusive stage, or "" where that is not clear.
        refused: why it cannot be made, and what to do instead; "" if it can.
        way: what would move, or None.
        goes_to: the stage that the holder would move to, or "".
        effects: what will happen, and what will not, a sentence each.
        comes_from: the stage that the version would come back from, or "".
    """

    asset: Asset
    stage: str
    refused: str = ""
    way: Rollback | None = None
    goes_to: str = ""
    effects: tuple[str, ...] = ()
    comes_from: str = ""


class _Planned(Struct, frozen=True):
    """A rollback, looked into."""

    lifecycle: Lifecycle
    loaded: Loaded
    stage: str
    refused: str = ""
    way: Rollback | None = None


def request_rollback(context: Context, command: RollbackCommand) -> Answer:
    """Take the holder of a stage out, and bring back what it displaced.

    Raises:
        NotFoundError: no such registry or asset, or nothing governs it.
        DeniedError: this person may not.
        StaleError: another version holds the stage than was expected.
        NotAllowedNowError: it cannot be made; the message says why, and what to do.
        RegistryUnavailableError: what comes back cannot be read; nothing was changed.
        InvalidInputError: the operation id was used for another command.
        ConflictError, UnknownOutcomeError: the ledger kept moving or was lost; ask again.
    """
    ids = about(asset=str(command.asset), operation=command.operation)
    told = {measures.REGISTRY: command.asset.registry, measures.ASSET: str(command.asset)}
    with ids, context.telemetry.span(measures.TRANSITION, attributes=told) as span:
        answer = context.persistently(lambda: _attempt(context, command))
        span.set(measures.OUTCOME, str(answer.kind))
        return answer


def foresee(context: Context, asset: Asset, actor: Actor, stage: str = "") -> Foreseen:
    """Tell what a rollback would do now; nothing is changed.

    Raises:
        NotFoundError, RegistryUnavailableError: as `request_rollback`.
    """
    now = context.clock.now()
    planned = _plan(context, asset, stage, now)
    way = planned.way
    if way is None:
        return Foreseen(asset, planned.stage, planned.refused)
    directory = context.configuration.directory
    refused = who_may(planned.lifecycle, planned.stage, actor, directory)
    return Foreseen(
        asset,
        planned.stage,
        refused,
        way,
        planned.lifecycle.stages[planned.stage].displaced_to,
        effects(context, planned.lifecycle, planned.loaded, way, now),
        planned.loaded.versions[way.back].stage,
    )


def possible(context: Context, asset: Asset, stage: str = "") -> bool:
    """Tell, without reading the registry, whether a rollback is worth being shown."""
    lifecycle = context.governing(asset)
    if lifecycle is None or context.states.ungoverned(asset.registry):
        return False
    found, now = stage_of(lifecycle, stage), context.clock.now()
    loaded = context.ledger.load(asset)
    if isinstance(found, str):
        return False
    holder = holder_of(loaded.step().state, found.name)
    if not holder:
        return False
    loaded = context.ledger.more(loaded, [holder])
    out = loaded.versions.get(holder)
    past = past_of(context, loaded, holder)
    return out is not None and not hindrance(lifecycle, found, out, past, now)


def _attempt(context: Context, command: RollbackCommand) -> Answer:
    given = context.ledger.answer(command.asset, command.operation)
    if given:
        return decode(given, command.asked)
    now = context.clock.now()
    lifecycle = context.lifecycle(command.asset)
    found = stage_of(lifecycle, command.stage)
    if not isinstance(found, str):
        why = who_may(lifecycle, found.name, command.actor, context.configuration.directory)
        if why:
            raise DeniedError(why)
    planned = _plan(context, command.asset, command.stage, now, command.expected_holder)
    if planned.way is None:
        idle = planned.refused == context.states.ungoverned(command.asset.registry)
        code = "registry-observed" if idle else NO_ROLLBACK
        raise NotAllowedNowError(planned.refused, code=code)
    step = roll_back(
        planned.loaded.step(),
        planned.way,
        command.actor,
        command.reason,
        planned.lifecycle,
        now,
        mark=command.mark,
    )
    return _commit(context, command, planned, planned.way, step, now)


def _commit(
    context: Context,
    command: RollbackCommand,
    planned: _Planned,
    way: Rollback,
    step: Step,
    now: datetime,
) -> Answer:
    version = Version(command.asset, way.back)
    answer = Answer(
        AnswerKind.GRANTED,
        str(version),
        way.stage,
        f"rolled back: it holds {way.stage} again, in place of version {way.out}",
        approval=way.approval,
        displaces=(way.out,),
        record=planned.loaded.number(len(step.drafts)),
        asked=command.asked,
    )
    try:
        committed = context.ledger.commit(
            planned.loaded,
            step,
            now=now,
            operation=command.operation,
            answer=encode(answer),
        )
    except ConflictError:
        given = context.ledger.answer(command.asset, command.operation)
        if given is None:
            raise
        return decode(given, command.asked)
    settle(context, committed)
    return answer


def _plan(
    context: Context, asset: Asset, asked: str, now: datetime, expected: str = ""
) -> _Planned:
    """Look into a rollback: what it would move, or why it cannot be made."""
    lifecycle = context.lifecycle(asset)
    loaded = context.ledger.load(asset)
    if not loaded.etag:
        message = f"the ledger knows no {asset}"
        raise NotFoundError(message)
    stage = stage_of(lifecycle, asked)
    if isinstance(stage, str):
        return _Planned(lifecycle, loaded, asked, stage)
    state = loaded.step().state
    holder, why = holder_of(state, stage.name), holderless(state, stage.name)
    if expected and holder and holder != expected:
        message = f"version {holder} of {asset} holds {stage.name}, not version {expected}"
        raise StaleError(message)
    why = context.states.ungoverned(asset.registry) or why
    if why:
        return _Planned(lifecycle, loaded, stage.name, why)
    loaded = context.ledger.more(loaded, [holder])
    out, past = loaded.versions[holder], past_of(context, loaded, holder)
    why = hindrance(lifecycle, stage, out, past, now)
    if why:
        return _Planned(lifecycle, loaded, stage.name, why)
    back = displaced_in(past.promotion)[0]
    loaded = context.ledger.more(loaded, [back])
    returns = loaded.versions.get(back)
    why = (
        barrier(lifecycle, stage, returns, past, now)
        or (f"nothing is written to version {holder}: {out.stopped}" if out.stopped else "")
        or changed(context, loaded, Version(asset, back))
    )
    within = stage.rollback_within
    if why or within is None:
        return _Planned(lifecycle, loaded, stage.name, why)
    way = Rollback(
        stage.name,
        holder,
        back,
        past.promotion.number,
        _carried(past, out),
        past.promotion.at + within,
        past.before,
    )
    return _Planned(lifecycle, loaded, stage.name, "", way)


def _carried(past: Past, out: VersionState) -> str:
    """Return the approval that let the holder in; of an emergency, the one that ratified it."""
    content = past.promotion.content
    ratified = out.approved_by if content.get("why") == EMERGENCY else ""
    return str(content.get("approval", ratified))


def changed(context: Context, loaded: Loaded, version: Version) -> str:
    """Say why a version is not, in its registry, what the ledger knows of it; "" if it is.

    Raises:
        RegistryUnavailableError: it cannot be read.
    """
    snapshot = context.registry(version.asset.registry).read(version)
    number = version.number
    if snapshot is None or snapshot.anonymous:
        return f"registry {version.asset.registry} has no version {number} any more"
    if snapshot.incarnation != loaded.versions[number].incarnation:
        return (
            f"version {number} is another thing by now, registered {minute(snapshot.created_at)}: "
            "what it was cannot come back"
        )
    return contradiction(context, loaded, snapshot)
