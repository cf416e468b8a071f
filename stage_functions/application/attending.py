"""What somebody says of a version where it stands; no stage changes by it.

That they have taken note of an edit from outside, or that they have reviewed the version. Who may
is judged inside the decision; the same operation id gets the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.answer import Answer, AnswerKind, decode, encode
from stage_functions.application.context import Context
from stage_functions.application.correlation import about
from stage_functions.application.ledger import Loaded
from stage_functions.application.signals import settle
from stage_functions.domain import review
from stage_functions.domain.asset import Version
from stage_functions.domain.error import (
    ConflictError,
    DeniedError,
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    StaleError,
)
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import Draft, Json, Record, RecordType, digest, minute
from stage_functions.domain.state import Step, VersionState


class Attention(Struct, frozen=True):
    """What somebody says of a version.

    Attributes:
        version: which.
        comment: in their words.
        actor: who, proven.
        operation: id of this operation; the same id gets the same answer.
        record: number of the last record of it that they saw; 0 for whichever it is.
    """

    version: Version
    comment: str
    actor: Actor
    operation: str
    record: int = 0

    def asked(self, what: str) -> str:
        """Return the digest of everything but the operation id."""
        return digest([what, str(self.version), self.actor.id, self.comment, self.record])


class _Case(Struct, frozen=True):
    """A version under its asset's lock."""

    lifecycle: Lifecycle
    loaded: Loaded
    state: VersionState
    now: datetime


def acknowledge(context: Context, command: Attention) -> Answer:
    """Take note of what was edited from outside: the version may be granted something again.

    Raises:
        InvalidInputError: without a comment, or the operation id was used for another command.
        DeniedError: it is not for this person to do.
        NotAllowedNowError: nothing is to be acknowledged, or its registry is only observed.
        NotFoundError: the ledger knows no such version, or nothing governs it.
        StaleError: the version has further records than the one that was seen.
        ConflictError, UnknownOutcomeError: the ledger kept moving or was lost; ask again.
    """

    def rule(case: _Case) -> tuple[Step, str]:
        state = case.state
        if not state.drifted:
            message = f"nothing was edited of {command.version} that nobody has acknowledged"
            raise NotAllowedNowError(message, code="nothing-to-acknowledge")
        _demand_may_acknowledge(context, case, command)
        if not command.comment.strip():
            message = "acknowledging needs a comment: say what became of the edit"
            raise InvalidInputError(message)
        fields: dict[str, Json] = {"drift": state.drifted, "comment": command.comment}
        incarnation = state.incarnation
        draft = Draft(RecordType.ACKNOWLEDGED, state.version, incarnation, command.actor, fields)
        detail = f"the edit of record {state.drifted} is acknowledged"
        status = state.status if state.approval else f"{state.stage}; {detail}"
        after = replace(state, drifted=0, put_backs=(), paused_until=None, status=status)
        return case.loaded.step().with_version(after).record(draft), detail

    return _attend(context, command, "acknowledge", AnswerKind.ACKNOWLEDGED, rule)


def make_review(context: Context, command: Attention) -> Answer:
    """Record that somebody has reviewed a version, also before that is due.

    Raises:
        InvalidInputError: the operation id was used for another command.
        DeniedError: it is not for this person to do.
        NotAllowedNowError: its stage has no reviews and it is not marked, or its registry is only
            observed.
        NotFoundError, StaleError, ConflictError, UnknownOutcomeError: as `acknowledge`.
    """

    def rule(case: _Case) -> tuple[Step, str]:
        lifecycle, state = case.lifecycle, case.state
        if review.review_of(lifecycle, state.stage) is None and state.marked is None:
            message = f"{command.version} is not to be reviewed: {state.stage} has no review_every"
            raise NotAllowedNowError(message, code="nothing-to-review")
        _demand_proven(command.actor)
        directory = context.configuration.directory
        why = review.objection(lifecycle, state, command.actor.id, directory)
        if why:
            raise DeniedError(why)
        step = review.reviewed(
            case.loaded.step(), state.version, command.actor, command.comment, lifecycle, case.now
        )
        due = step.version(state.version).review_due
        return step, f"reviewed{f', next due on {minute(due)}' if due else ''}"

    return _attend(context, command, "review", AnswerKind.REVIEWED, rule)


def acknowledgers(lifecycle: Lifecycle, state: VersionState) -> tuple[str, ...]:
    """Return the groups whose members may acknowledge an edit of a version, beside operators."""
    return review.voters(lifecycle, state)


def may_acknowledge(context: Context, lifecycle: Lifecycle, state: VersionState, who: str) -> bool:
    """Tell whether somebody may, as far as it is not known that they edited it themselves."""
    directory = context.configuration.directory
    return directory.is_operator(who) or review.may_vote(lifecycle, state, who, directory)


def _demand_may_acknowledge(context: Context, case: _Case, command: Attention) -> None:
    """Refuse whoever may not acknowledge, and whoever is known to have edited.

    Raises:
        DeniedError: with the reason.
    """
    _demand_proven(command.actor)
    directory, me = context.configuration.directory, command.actor.id
    may = acknowledgers(case.lifecycle, case.state)
    if not may_acknowledge(context, case.lifecycle, case.state, me):
        whose = "".join(f" or {one}" for one in may)
        message = f"only operators{whose} may acknowledge it, and not who made the version"
        raise DeniedError(message)
    for record in _edits(context, case):
        actor = record.content.get("actor")
        editor = str(actor.get("id", "")) if isinstance(actor, dict) else ""
        if editor and directory.resolve(editor) == directory.resolve(me):
            message = "nobody acknowledges their own edit: have somebody else look at it"
            raise DeniedError(message)


def _edits(context: Context, case: _Case) -> Iterator[Record]:
    """Yield the records of all edits of a version that nobody has acknowledged, by whoever."""
    partition, after = keys.asset_partition(case.loaded.asset), case.state.drifted - 1
    last = case.state.number
    while page := context.ledger.records(partition, after=after, last=last):
        yield from (one for one in page if one.version == case.state.version and one.blocks)
        after = page[-1].number


def _demand_proven(actor: Actor) -> None:
    if actor.attribution is not Attribution.PROVEN:
        message = "who says this must be known for certain: sign in"
        raise DeniedError(message)


def _attend(
    context: Context,
    command: Attention,
    what: str,
    kind: AnswerKind,
    rule: Callable[[_Case], tuple[Step, str]],
) -> Answer:
    version, asked = command.version, command.asked(what)
    with about(asset=str(version.asset), version=version.number, operation=command.operation):
        return context.persistently(lambda: _attempt(context, command, asked, kind, rule))


def _attempt(
    context: Context,
    command: Attention,
    asked: str,
    kind: AnswerKind,
    rule: Callable[[_Case], tuple[Step, str]],
) -> Answer:
    version, asset = command.version, command.version.asset
    lifecycle = context.lifecycle(asset)
    loaded = context.ledger.load(asset, [version.number])
    given = context.ledger.answer(asset, command.operation)
    if given:
        return decode(given, asked)
    case = _case(context, command, lifecycle, loaded)
    step, detail = rule(case)
    answer = Answer(
        kind=kind,
        version=str(version),
        stage=case.state.stage,
        detail=detail,
        record=loaded.number(len(step.drafts)),
        asked=asked,
    )
    try:
        committed = context.ledger.commit(
            loaded, step, now=case.now, operation=command.operation, answer=encode(answer)
        )
    except ConflictError:
        given = context.ledger.answer(asset, command.operation)
        if given is None:
            raise
        return decode(given, asked)
    settle(context, committed)
    return answer


def _case(context: Context, command: Attention, lifecycle: Lifecycle, loaded: Loaded) -> _Case:
    """Return a version that something can be said of.

    Raises:
        NotFoundError, NotAllowedNowError, StaleError: as `acknowledge`.
    """
    version = command.version
    state = loaded.versions.get(version.number)
    if state is None or not state.governed:
        message = f"the ledger has granted {version} no stage"
        raise NotFoundError(message)
    why = context.states.ungoverned(version.asset.registry)
    if why:
        raise NotAllowedNowError(why, code="registry-observed")
    if command.record and command.record != state.number:
        message = (
            f"the last record of {version} is {state.number}, you saw {command.record}: "
            "look at it again"
        )
        raise StaleError(message)
    return _Case(lifecycle, loaded, state, context.clock.now())
