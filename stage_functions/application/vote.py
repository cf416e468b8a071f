"""Votes, sponsors, withdrawals and the clock: what becomes of an open approval.

Membership, exclusion, deadline, status and the fingerprint of the brief are judged here, inside the
decision. When the quorum is reached everything an approval is bound to is read again: a difference
voids it, and the rules must pass again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application.answer import Answer, AnswerKind, decode, encode
from stage_functions.application.arrival import arrive
from stage_functions.application.context import Context
from stage_functions.application.judging import judge
from stage_functions.application.ledger import Loaded
from stage_functions.application.signals import settle
from stage_functions.domain import effect
from stage_functions.domain.approval import (
    Approval,
    Decision,
    Status,
    Vote,
    has_voted,
    objection,
    unmet,
)
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.consent import cast, close, sponsor
from stage_functions.domain.error import (
    ConflictError,
    DeniedError,
    NotAllowedNowError,
    NotFoundError,
    StaleError,
)
from stage_functions.domain.grounds import ITSELF
from stage_functions.domain.lifecycle import Assurance, Lifecycle
from stage_functions.domain.people import Actor
from stage_functions.domain.record import digest
from stage_functions.domain.rule import all_passed
from stage_functions.domain.state import Step
from stage_functions.domain.transition import Pending, Refused, Request


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


class _Case(Struct, frozen=True):
    """An open approval with everything that a decision on it is made on."""

    lifecycle: Lifecycle
    loaded: Loaded
    approval: Approval
    now: datetime


class _Ruling(Struct, frozen=True):
    """What a command does to an approval."""

    loaded: Loaded
    step: Step
    blobs: Mapping[str, bytes] = field(default_factory=dict)


def vote(context: Context, command: VoteCommand) -> Answer:
    """Cast a vote, and decide if it was the last one needed.

    Raises:
        NotFoundError: no such approval.
        DeniedError: this person's vote would not count; the message says why.
        NotAllowedNowError: the approval is closed, has expired, or has this person's vote.
        InvalidInputError: the operation id was used for another command.
        StaleError: the vote was cast on another brief.
        RegistryUnavailableError: what the approval is bound to cannot be read; nothing was decided.
        ConflictError, UnknownOutcomeError: the ledger kept moving or was lost; ask again.
    """

    def rule(case: _Case) -> _Ruling:
        approval, directory = case.approval, context.configuration.directory
        by_link = command.assurance is Assurance.LINK
        if by_link and approval.policy.assurance is not Assurance.LINK:
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
        groups = directory.groups_of(command.actor.id)
        ballot = Vote(
            command.actor.id,
            command.decision,
            command.comment,
            case.now,
            command.fingerprint,
            groups,
            command.assurance,
        )
        step = cast(case.loaded.step(), approval, ballot, command.actor, directory)
        if command.decision is Decision.REJECT:
            why = f"rejected by {command.actor.id}"
            why += f": {command.comment}" if command.comment else ""
            step = close(step, approval.id, Status.REJECTED, why, command.actor, case.now)
            return _Ruling(case.loaded, step)
        return _grant_if_reached(context, case, step, command.actor)

    return _decide(context, command.approval, command.operation, command.asked, rule)


def sponsor_request(context: Context, approval: str, actor: Actor, operation: str) -> Answer:
    """Stand for a request that nobody is proven to have made; the sponsor cannot vote.

    Raises:
        DeniedError: this person may not ask for such a transition.
        NotAllowedNowError: the approval is closed, or has a requester.
        NotFoundError, RegistryUnavailableError, ConflictError, UnknownOutcomeError: as `vote`.
    """

    def rule(case: _Case) -> _Ruling:
        directory = context.configuration.directory
        if not directory.knows(actor.id):
            message = f"{actor.id} is nobody in `people`; only a known person may sponsor"
            raise DeniedError(message)
        if not case.approval.needs_sponsor:
            message = f"approval {approval} has a requester, {case.approval.requester.id}"
            raise NotAllowedNowError(message, code="has-requester")
        step = sponsor(case.loaded.step(), case.approval, actor, directory)
        return _grant_if_reached(context, case, step, actor)

    return _decide(context, approval, operation, _asked(approval, "sponsor", actor), rule)


def withdraw(context: Context, approval: str, actor: Actor, operation: str, reason: str) -> Answer:
    """Take a request back.

    Raises:
        DeniedError: it is not this person's request.
        NotAllowedNowError: the approval is closed.
        NotFoundError, ConflictError, UnknownOutcomeError: as `vote`.
    """

    def rule(case: _Case) -> _Ruling:
        directory = context.configuration.directory
        held = case.approval
        owners = {held.requester.id, held.on_behalf_of, held.author, *held.candidates} - {""}
        mine = {directory.resolve(id_) for id_ in owners}
        nobodys = held.needs_sponsor and directory.knows(actor.id)
        if directory.resolve(actor.id) not in mine and not nobodys:
            message = f"only {' or '.join(sorted(mine))} may withdraw approval {approval}"
            raise DeniedError(message)
        why = f"withdrawn by {actor.id}" + (f": {reason}" if reason else "")
        step = close(case.loaded.step(), approval, Status.WITHDRAWN, why, actor, case.now)
        return _Ruling(case.loaded, step)

    asked = _asked(approval, "withdraw", actor, reason)
    return _decide(context, approval, operation, asked, rule)


def expire(context: Context, asset: Asset, approval: str) -> bool:
    """Close an approval whose deadline has passed; tell whether it was open till now."""

    def attempt() -> bool:
        loaded = context.ledger.more(context.ledger.load(asset), approval=approval)
        found = loaded.approvals.get(approval)
        now = context.clock.now()
        if found is None or found.status is not Status.OPEN or not found.lapsed(now):
            return False
        _close_lapsed(context, context.ledger.more(loaded, [found.version]), found, now)
        return True

    return context.persistently(attempt)


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


def _asked(approval: str, what: str, actor: Actor, *more: str) -> str:
    return digest([approval, what, actor.id, *more])


def _decide(
    context: Context,
    approval: str,
    operation: str,
    asked: str,
    rule: Callable[[_Case], _Ruling],
) -> Answer:
    def attempt() -> Answer:
        loaded, found = find(context, approval)
        given = context.ledger.answer(loaded.asset, operation)
        if given:
            return decode(given, asked)
        case = _open_case(context, loaded, found)
        return _commit(context, case, rule(case), operation, asked)

    return context.persistently(attempt)


def _open_case(context: Context, loaded: Loaded, approval: Approval) -> _Case:
    """Return the case of an approval that can still be decided.

    Raises:
        NotAllowedNowError: it cannot.
    """
    now = context.clock.now()
    if approval.status is not Status.OPEN:
        message = f"approval {approval.id} is {approval.status}: {approval.why}"
        raise NotAllowedNowError(message, code="approval-closed")
    why = context.states.ungoverned(loaded.asset.registry)
    if why:
        message = f"{why}; approvals stay open"
        raise NotAllowedNowError(message, code="registry-observed")
    if approval.lapsed(now):
        _close_lapsed(context, loaded, approval, now)
        message = (
            f"approval {approval.id} expired at {approval.deadline:%Y-%m-%d %H:%M} UTC; ask again"
        )
        raise NotAllowedNowError(message, code="approval-closed")
    return _Case(context.lifecycle(loaded.asset), loaded, approval, now)


def _close_lapsed(context: Context, loaded: Loaded, approval: Approval, now: datetime) -> None:
    step = close(loaded.step(), approval.id, Status.EXPIRED, approval.lapse, ITSELF, now)
    committed = context.ledger.commit(loaded, step, now=now, operation=f"expiry-{approval.id}")
    settle(context, committed)


def _commit(context: Context, case: _Case, ruling: _Ruling, operation: str, asked: str) -> Answer:
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


def _answer(context: Context, case: _Case, ruling: _Ruling) -> Answer:
    approval = ruling.step.state.approvals[case.approval.id]
    version = ruling.step.version(approval.version)
    closed = approval.status is not Status.OPEN
    granted = approval.status is Status.APPROVED
    kind = AnswerKind.CLOSED if closed else AnswerKind.VOTED
    needs = unmet(approval, context.configuration.directory)
    detail = approval.why if closed else f"needs {', '.join(needs)}"
    return Answer(
        kind=AnswerKind.GRANTED if granted else kind,
        version=str(Version(case.loaded.asset, approval.version)),
        stage=version.stage,
        detail=detail,
        approval=approval.id,
        status=str(approval.status),
        needs=needs,
        displaces=approval.binding.displaces if granted else (),
        record=case.loaded.head.number + len(ruling.step.drafts),
        fingerprint=approval.fingerprint,
    )


def _grant_if_reached(context: Context, case: _Case, step: Step, actor: Actor) -> _Ruling:
    approval = step.state.approvals[case.approval.id]
    if unmet(approval, context.configuration.directory):
        return _Ruling(case.loaded, step)
    version = Version(case.loaded.asset, approval.version)
    snapshot = context.registry(version.asset.registry).read(version)
    if snapshot is None:
        why = f"{version} is no longer in its registry"
        return _void(case, step, approval, why)
    if snapshot.incarnation != approval.binding.incarnation:
        arrived = arrive(context, step, snapshot, case.lifecycle, case.now)
        return _Ruling(case.loaded, arrived.step, arrived.blobs)
    request = Request(
        approval.binding.target, approval.reason, approval.requester, approval.on_behalf_of
    )
    judged = judge(context, case.lifecycle, step, snapshot, request, case.now)
    if judged.binding is None or judged.binding != approval.binding:
        modified = snapshot.modified_by
        who = context.identify(modified) if modified else "an unknown writer"
        stage = step.version(version.number).stage
        changed = (
            approval.binding.differences(judged.binding)
            if judged.binding is not None
            else (f"{stage} → {approval.binding.target} is not allowed now",)
        )
        why = f"changed since it was asked: {'; '.join(changed)} (by {who})"
        return _void(case, step, approval, why)
    if not isinstance(judged.outcome, Pending) or not all_passed(judged.grounds.verdicts):
        said = (
            judged.outcome.why if isinstance(judged.outcome, Refused) else "it is not pending now"
        )
        return _void(case, step, approval, said)
    loaded = context.ledger.more(case.loaded, approval.binding.displaces)
    step = step.knowing(loaded.versions, loaded.approvals)
    step = close(step, approval.id, Status.APPROVED, _voters(approval), actor, case.now)
    step = effect.grant(
        step,
        version.number,
        approval.binding.target,
        request,
        actor,
        judged.grounds,
        case.now,
        approval=approval,
    )
    return _Ruling(loaded, step, judged.blobs)


def _void(case: _Case, step: Step, approval: Approval, why: str) -> _Ruling:
    return _Ruling(case.loaded, close(step, approval.id, Status.VOIDED, why, ITSELF, case.now))


def _voters(approval: Approval) -> str:
    names = [vote.voter for vote in approval.votes if vote.decision is Decision.APPROVE]
    return f"approved by {' and '.join(names)}"
