"""Votes, sponsors, withdrawals: what people make of an open approval.

Membership, exclusion, deadline, status and the fingerprint of the brief are judged here, inside the
decision; so is whether a further group may vote by now, whenever the clock was last rung. What
follows when the quorum is reached is in `granting`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import measures
from stage_functions.application.answer import Answer, AnswerKind, decode, encode
from stage_functions.application.cases import Case, Ruling
from stage_functions.application.context import Context
from stage_functions.application.correlation import about
from stage_functions.application.granting import grant_if_reached
from stage_functions.application.ledger import Loaded
from stage_functions.application.ports.telemetry import Span
from stage_functions.application.ratifying import lapse, unratified
from stage_functions.application.signals import settle
from stage_functions.domain.approval import Approval, Decision, Status, Vote, ending
from stage_functions.domain.asset import Version
from stage_functions.domain.consent import cast, close, escalate, sponsor
from stage_functions.domain.error import (
    ConflictError,
    DeniedError,
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    StaleError,
)
from stage_functions.domain.grounds import ITSELF
from stage_functions.domain.lifecycle import Assurance, Excluded
from stage_functions.domain.people import Actor, Attribution, Directory
from stage_functions.domain.record import digest, minute
from stage_functions.domain.stored import demand_understood
from stage_functions.domain.transition import barred
from stage_functions.domain.voting import (
    has_voted,
    objection,
    unmet,
    waits_for,
    withdrawal_objection,
)


class VoteCommand(Struct, frozen=True):
    """What a voter decides.

    Attributes:
        approval: id of the approval.
        decision: approve or reject.
        comment: why, in the voter's words.
        fingerprint: of the brief that the voter saw.
        actor: who votes, proven.
        operation: id of this operation; the same id gets the same answer.
        assurance: how surely it is known that it is they.
    """

    approval: str
    decision: Decision
    comment: str
    fingerprint: str
    actor: Actor
    operation: str
    assurance: Assurance = Assurance.SIGNED_IN

    @property
    def asked(self) -> str:
        """Digest of everything but the operation id."""
        return _asked(self.approval, str(self.decision), self.actor, self.comment, self.fingerprint)


def vote(context: Context, command: VoteCommand) -> Answer:
    """Cast a vote, and decide if it was the last one needed.

    Raises:
        InvalidInputError: a reject without a comment, or the operation id was used for another
            command.
        NotFoundError: no such approval.
        DeniedError: this person's vote would not count; the message says why.
        NotAllowedNowError: the approval is closed, has expired, or has this person's vote.
        StaleError: the vote was cast on another brief.
        RegistryUnavailableError: what the approval is bound to cannot be read; nothing was decided.
        ConflictError, UnknownOutcomeError: the ledger kept moving or was lost; ask again.
    """
    if command.decision is Decision.REJECT and not command.comment.strip():
        message = "a reject needs a comment: say why, for whoever asked"
        raise InvalidInputError(message)

    def rule(case: Case) -> Ruling:
        _demand_sound(context, case, command)
        directory = context.configuration.directory
        ballot = Vote(
            command.actor.id,
            command.decision,
            command.comment,
            case.now,
            command.fingerprint,
            directory.groups_of(command.actor.id),
            command.assurance,
        )
        step = cast(case.step, case.approval, ballot, command.actor, directory)
        if command.decision is Decision.REJECT:
            why = f"rejected by {command.actor.id}: {command.comment}"
            if case.approval.ratifies:
                return unratified(context, case, step, Status.REJECTED, why, command.actor)
            step = close(step, case.approval.id, Status.REJECTED, why, command.actor, case.now)
            return Ruling(case.loaded, step)
        return grant_if_reached(context, case, step, command.actor)

    action = str(command.decision)
    return _decide(context, command.approval, command.operation, command.asked, rule, action)


def sponsor_request(context: Context, approval: str, actor: Actor, operation: str) -> Answer:
    """Stand for a request that nobody is proven to have made; the sponsor cannot vote.

    Raises:
        DeniedError: this person may not ask for such a transition, or is not signed in.
        NotAllowedNowError: the approval is closed, or has a requester.
        NotFoundError, RegistryUnavailableError, ConflictError, UnknownOutcomeError: as `vote`.
    """

    def rule(case: Case) -> Ruling:
        directory = context.configuration.directory
        if actor.attribution is not Attribution.PROVEN:
            message = "who sponsors a request must be known for certain: sign in"
            raise DeniedError(message)
        if not directory.knows(actor.id):
            message = f"{actor.id} is nobody in `people`; only a known person may sponsor"
            raise DeniedError(message)
        if not case.approval.needs_sponsor:
            message = f"approval {approval} has a requester, {case.approval.requester.id}"
            raise NotAllowedNowError(message, code="has-requester")
        why = _barred(case, actor, directory)
        if why:
            raise DeniedError(why)
        step = sponsor(case.step, case.approval, actor, directory)
        ruling = grant_if_reached(context, case, step, actor)
        lost = Excluded.REQUESTER in case.approval.policy.exclude and any(
            directory.resolve(one.voter) == directory.resolve(actor.id)
            for one in case.approval.votes
        )
        note = "your approval does not count any more, since you stand for the request now"
        return replace(ruling, note=note) if lost else ruling

    asked = _asked(approval, "sponsor", actor)
    return _decide(context, approval, operation, asked, rule, "sponsor")


def withdraw(context: Context, approval: str, actor: Actor, operation: str, reason: str) -> Answer:
    """Take a request back.

    Raises:
        DeniedError: it is not this person's request.
        NotAllowedNowError: the approval is closed.
        NotFoundError, ConflictError, UnknownOutcomeError: as `vote`.
    """

    def rule(case: Case) -> Ruling:
        objects = withdrawal_objection(case.approval, actor.id, context.configuration.directory)
        if objects:
            raise DeniedError(objects)
        why = f"withdrawn by {actor.id}" + (f": {reason}" if reason else "")
        if case.approval.ratifies:
            return unratified(context, case, case.step, Status.WITHDRAWN, why, actor)
        step = close(case.step, approval, Status.WITHDRAWN, why, actor, case.now)
        return Ruling(case.loaded, step)

    asked = _asked(approval, "withdraw", actor, reason)
    return _decide(context, approval, operation, asked, rule, "withdraw")


def find(context: Context, approval: str) -> tuple[Loaded, Approval]:
    """Load an approval with its asset.

    Raises:
        NotFoundError: no such approval.
    """
    asset = context.ledger.asset_of(approval)
    if asset is not None:
        loaded = context.ledger.more(context.ledger.load(asset), approval=approval)
        found = loaded.approvals.get(approval)
        if found is not None:
            return context.ledger.more(loaded, [found.version]), found
    message = f"no approval has the id '{approval}'; `stageward approvals` lists them"
    raise NotFoundError(message)


def _demand_sound(context: Context, case: Case, command: VoteCommand) -> None:
    """Refuse a vote that would not count.

    Raises:
        DeniedError, NotAllowedNowError, StaleError: as `vote`.
    """
    approval, directory = case.approval, context.configuration.directory
    if command.assurance is Assurance.LINK and not _link_will_do(case):
        message = "a link is not enough to vote on this one; sign in"
        raise DeniedError(message)
    why = objection(approval, command.actor.id, directory)
    if why:
        raise DeniedError(why)
    if has_voted(approval, command.actor.id, directory):
        message = f"you have voted on approval {approval.id} already"
        raise NotAllowedNowError(message, code="already-voted")
    if command.fingerprint != approval.fingerprint:
        message = (
            f"approval {approval.id} is bound to {approval.fingerprint}, "
            f"your vote to {command.fingerprint or 'nothing'}; look at it again and vote anew"
        )
        raise StaleError(message)


def _link_will_do(case: Case) -> bool:
    """Tell whether a personal link is enough: it may be passed on to whoever is excluded."""
    policy = case.approval.policy
    return policy.assurance is Assurance.LINK and (
        not policy.exclude or case.lifecycle.links_despite_exclusions
    )


def _barred(case: Case, actor: Actor, directory: Directory) -> str:
    """Say why somebody may not stand for a request: because they may not make it."""
    binding, state = case.approval.binding, case.step.version(case.approval.version)
    transition = (
        case.lifecycle.renewal(state.stage, state.held)
        if case.approval.renews
        else case.lifecycle.transition(binding.source, binding.target)
    )
    return barred(transition, actor, directory) if transition is not None else ""


def _asked(approval: str, what: str, actor: Actor, *more: str) -> str:
    return digest([approval, what, actor.id, *more])


def _decide(
    context: Context,
    approval: str,
    operation: str,
    asked: str,
    rule: Callable[[Case], Ruling],
    action: str,
) -> Answer:
    def attempt(span: Span) -> Answer:
        loaded, found = find(context, approval)
        span.set(measures.APPROVAL, found.id)
        span.link(found.traceparent)
        given = context.ledger.answer(loaded.asset, operation)
        if given:
            return decode(given, asked)
        case = _open_case(context, loaded, found)
        return _commit(context, case, rule(case), operation, asked)

    told, ids = {"stageward.action": action}, about(approval=approval, operation=operation)
    with ids, context.telemetry.span(measures.VOTE, attributes=told) as span:
        answer = context.persistently(lambda: attempt(span))
        span.set(measures.OUTCOME, answer.status)
        return answer


def _open_case(context: Context, loaded: Loaded, approval: Approval) -> Case:
    """Return the case of an approval that can still be decided.

    Raises:
        NotAllowedNowError: it cannot.
        LaterReleaseError: only a later release knows whether it can.
    """
    demand_understood(approval)
    now = context.clock.now()
    if approval.status is not Status.OPEN:
        message = f"approval {approval.id} is {ending(approval.status, approval.why)}"
        raise NotAllowedNowError(message, code="approval-closed")
    why = context.states.ungoverned(loaded.asset.registry)
    if why:
        message = f"{why}; approvals stay open"
        raise NotAllowedNowError(message, code="registry-observed")
    if approval.lapsed(now):
        _close_lapsed(context, loaded, approval, now)
        message = f"approval {approval.id} expired at {minute(approval.deadline)}; ask again"
        raise NotAllowedNowError(message, code="approval-closed")
    step = loaded.step()
    if approval.escalates(now):  # whoever may vote by now, may: also before a sweep says so
        step = escalate(step, approval, context.configuration.directory, now)
    lifecycle = context.lifecycle(loaded.asset)
    return Case(lifecycle, loaded, step, step.state.approvals[approval.id], now)


def _close_lapsed(context: Context, loaded: Loaded, approval: Approval, now: datetime) -> None:
    step = loaded.step()
    if approval.ratifies:
        ruling = lapse(context, loaded, approval, now)
        loaded, step = ruling.loaded, ruling.step
    else:
        step = close(step, approval.id, Status.EXPIRED, approval.lapse, ITSELF, now)
    committed = context.ledger.commit(loaded, step, now=now, operation=f"expiry-{approval.id}")
    settle(context, committed)


def _commit(context: Context, case: Case, ruling: Ruling, operation: str, asked: str) -> Answer:
    answer = replace(_answer(context, case, ruling), asked=asked)
    try:
        committed = context.ledger.commit(
            ruling.loaded,
            ruling.step,
            now=case.now,
            operation=operation,
            answer=encode(answer),
            blobs=ruling.blobs,
        )
    except ConflictError:
        given = context.ledger.answer(case.loaded.asset, operation)
        if given is None:
            raise
        return decode(given, asked)
    settle(context, committed)
    return answer


def _answer(context: Context, case: Case, ruling: Ruling) -> Answer:
    approval = ruling.step.state.approvals[case.approval.id]
    version = ruling.step.version(approval.version)
    closed = approval.status is not Status.OPEN
    granted = approval.status is Status.APPROVED
    kind = AnswerKind.CLOSED if closed else AnswerKind.VOTED
    directory = context.configuration.directory
    waits = waits_for(approval, directory) if not closed else ""
    detail = approval.why if closed else f"needs {waits}"
    if granted and approval.renews and version.valid_until is not None:
        detail += f"; {version.stage} is valid until {minute(version.valid_until)}"
    return Answer(
        kind=AnswerKind.GRANTED if granted else kind,
        version=str(Version(case.loaded.asset, approval.version)),
        stage=version.stage,
        detail=f"{detail}; {ruling.note}" if ruling.note else detail,
        approval=approval.id,
        status=str(approval.status),
        needs=unmet(approval, directory),
        displaces=approval.binding.displaces if granted and not approval.ratifies else (),
        record=ruling.loaded.number(len(ruling.step.drafts)),
        fingerprint=approval.fingerprint,
        waits_for=waits,
        renews=approval.renews,
        ratifies=bool(approval.ratifies),
    )
