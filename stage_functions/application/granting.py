"""What follows when the quorum of an approval is reached: it is granted, or voided.

Everything that the approval is bound to is read again: a difference voids it, and the rules must
pass again. A renewal moves nothing: the version stands by another approval where it stood.
"""

from __future__ import annotations

from msgspec.structs import replace

from stage_functions.application.arrival import arrive
from stage_functions.application.cases import Case, Ruling, changed
from stage_functions.application.context import Context
from stage_functions.application.freezing import look, seal
from stage_functions.application.judging import Judged, as_sealed_now, judge
from stage_functions.domain import effect, validity
from stage_functions.domain.approval import Approval, Binding, Status
from stage_functions.domain.asset import Version
from stage_functions.domain.blocked import blocked
from stage_functions.domain.consent import close
from stage_functions.domain.error import NotAllowedNowError
from stage_functions.domain.grounds import ITSELF
from stage_functions.domain.people import Actor
from stage_functions.domain.rule import all_passed
from stage_functions.domain.state import Step
from stage_functions.domain.transition import Pending, Refused, Request
from stage_functions.domain.voting import counted, unmet


def grant_if_reached(context: Context, case: Case, step: Step, actor: Actor) -> Ruling:
    """Grant or void an approval whose quorum is reached; else leave it as it is.

    Raises:
        RegistryUnavailableError: what it is bound to cannot be read; nothing was decided.
        NotAllowedNowError: nothing may be granted to its version now; it stays open.
    """
    approval = step.state.approvals[case.approval.id]
    if unmet(approval, context.configuration.directory):
        return Ruling(case.loaded, step)
    if approval.ratifies:
        from stage_functions.application.ratifying import ratify  # noqa: PLC0415  # rarely needed

        return ratify(context, case, step, actor)
    version = Version(case.loaded.asset, approval.version)
    snapshot = context.registry(version.asset.registry).read(version)
    if snapshot is None or snapshot.anonymous:
        why = f"{version} is no longer registered"
        return _void(case, step, approval, why)
    if snapshot.incarnation != approval.binding.incarnation:
        arrived = arrive(context, step, snapshot, case.lifecycle, case.now)
        return Ruling(case.loaded, arrived.step, arrived.blobs)
    held = blocked(step.version(version.number))
    if held:
        raise NotAllowedNowError(held, code="blocked")
    looked = look(context, step, snapshot, case.lifecycle, case.now)
    if looked.step.version(version.number).drifted:
        return _void(case, looked.step, approval, "it was edited from outside at a frozen stage")
    request = Request(
        approval.binding.target, approval.reason, approval.requester, approval.on_behalf_of
    )
    judged = judge(context, case.lifecycle, step, snapshot, request, case.now)
    if judged.binding is None or not _same(context, approval, judged.binding):
        why = changed(context, step, snapshot, approval, judged.binding, judged.blobs)
        return _void(case, step, approval, why)
    if not isinstance(judged.outcome, Pending) or not all_passed(judged.grounds.verdicts):
        said = (
            judged.outcome.why if isinstance(judged.outcome, Refused) else "it is not pending now"
        )
        return _void(case, step, approval, said)
    ruling = _grant(context, case, step, approval, request, judged, actor)
    step, kept = seal(context, ruling.step, snapshot, case.lifecycle)
    return replace(ruling, step=step, blobs={**ruling.blobs, **kept})


def _grant(
    context: Context,
    case: Case,
    step: Step,
    approval: Approval,
    request: Request,
    judged: Judged,
    actor: Actor,
) -> Ruling:
    loaded = context.ledger.more(case.loaded, approval.binding.displaces)
    step = step.knowing(loaded.versions, loaded.approvals)
    names = counted(approval, context.configuration.directory)
    why = f"approved by {' and '.join(names)}"
    step = step.with_approval(replace(approval, approvers=tuple(names)))
    step = close(step, approval.id, Status.APPROVED, why, actor, case.now)
    if approval.renews:
        step = validity.renew(step, approval, request, actor, judged.grounds, case.now)
    else:
        step = effect.grant(
            step,
            approval.version,
            approval.binding.target,
            request,
            actor,
            judged.grounds,
            case.now,
            approval=approval,
        )
    return Ruling(loaded, step, judged.blobs)


def _same(context: Context, approval: Approval, now: Binding) -> bool:
    """Tell whether what an approval is bound to is what there is now."""
    # What it was sealed with is read only where it differs: nearly always it is the same.
    return now == approval.binding or now == as_sealed_now(context, approval.binding)


def _void(case: Case, step: Step, approval: Approval, why: str) -> Ruling:
    return Ruling(case.loaded, close(step, approval.id, Status.VOIDED, why, ITSELF, case.now))
