"""Make a transition at once that demands approval. Commits nothing; what must hold: see the domain.

As a request is judged, but for what consent it takes: that comes afterwards.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from stage_functions.application import listing
from stage_functions.application.context import Context
from stage_functions.application.judging import Asked, Judged, compared, new_approval, weigh
from stage_functions.application.ledger import Loaded
from stage_functions.domain import effect, emergency
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.copied import trespasses
from stage_functions.domain.error import DeniedError, InvalidInputError
from stage_functions.domain.grounds import Grounds
from stage_functions.domain.lifecycle import Emergency, Lifecycle, Transition
from stage_functions.domain.record import MAX_TEXT_CHARACTERS
from stage_functions.domain.state import Step
from stage_functions.domain.transition import (
    MAX_OPEN_APPROVALS,
    Granted,
    Pending,
    Refused,
    Request,
    Unchanged,
    displaced_by,
    leading,
    rule_sentence,
    too_many,
)


def ask_at_once(
    context: Context,
    loaded: Loaded,
    step: Step,
    snapshot: Snapshot,
    lifecycle: Lifecycle,
    request: Request,
    incident: str,
    now: datetime,
) -> Asked:
    """Decide on a request that does not wait for approval, and add what follows to the step.

    Raises:
        InvalidInputError: no reason is given.
        DeniedError: this person may not use an emergency.
        RegistryUnavailableError: evidence cannot be read: an error never grants.
    """
    if not request.reason.strip():
        message = "an emergency needs a reason: say why it cannot wait for approval"
        raise InvalidInputError(message)
    if len(incident) > MAX_TEXT_CHARACTERS:
        message = f"the incident is named in at most {MAX_TEXT_CHARACTERS} characters"
        raise InvalidInputError(message)
    directory = context.configuration.directory
    terms = lifecycle.emergency
    if terms is not None:
        why = emergency.may_use(terms, request.requester, directory)
        if why:
            raise DeniedError(why)
    number = snapshot.version.number
    if step.version(number).stage == request.target:
        return Asked(loaded, step, Judged(Unchanged(request.target), Grounds(lifecycle)))
    if terms is None:
        why = f"the lifecycle {lifecycle.name} knows no emergency; ask without one"
        return _refused(loaded, step, snapshot, request, _bare(Refused(why), lifecycle))
    loaded, why = _open_already(context, loaded, request)
    if why:
        bare = _bare(Refused(why, asked=request.target), lifecycle)
        return _refused(loaded, step, snapshot, request, bare)
    way = _way(context, lifecycle, step, snapshot, request)
    if isinstance(way, Refused):
        return _refused(loaded, step, snapshot, request, _bare(way, lifecycle))
    judged = _judge(context, lifecycle, terms, step, snapshot, way, request, now)
    if not isinstance(judged.outcome, Granted):
        return _refused(loaded, step, snapshot, request, judged)
    asked = Asked(loaded, step, judged)
    return _used(context, asked, snapshot, terms, request, incident, now)


def _bare(refused: Refused, lifecycle: Lifecycle) -> Judged:
    return Judged(refused, Grounds(lifecycle))


def _way(
    context: Context, lifecycle: Lifecycle, step: Step, snapshot: Snapshot, request: Request
) -> Transition | Refused:
    """Return the transition that is to be made at once, or why there is none."""
    state = step.version(snapshot.version.number)
    registry = context.configuration.registry(snapshot.version.asset.registry)
    why = trespasses(registry, lifecycle, state)
    if why:
        return Refused(why)
    way = leading(lifecycle, state, request)
    if isinstance(way, Transition) and way.approval is None:
        why = f"{way.source} → {way.target} takes no approval, so no emergency: ask without one"
        return Refused(why, lifecycle.allowed(state.stage), asked=way.target)
    return way


def _open_already(context: Context, loaded: Loaded, request: Request) -> tuple[Loaded, str]:
    """Say which ratification must be decided first, of this asset or of what they did elsewhere.

    Of this asset that is certain: its head lists what is open, and is the lock. Elsewhere it is
    what can be seen: two uses at the same instant do not see each other.
    """
    for id_ in loaded.head.approvals:
        loaded = context.ledger.more(loaded, approval=id_)
        found = loaded.approvals.get(id_)
        if found is not None and found.ratifies:
            return loaded, f"an emergency of it is not ratified yet: decide on {id_} first"
    resolve = context.configuration.directory.resolve
    mine = resolve(request.requester.id)
    for other, ids in listing.open_ones(context):
        for id_ in ids:
            found = context.ledger.more(other, approval=id_).approvals.get(id_)
            if found is not None and found.ratifies and resolve(found.requester.id) == mine:
                version = Version(other.asset, found.version)
                why = f"your emergency of {version} is not ratified yet: approval {id_} comes first"
                return loaded, why
    return loaded, ""


def _judge(
    context: Context,
    lifecycle: Lifecycle,
    terms: Emergency,
    step: Step,
    snapshot: Snapshot,
    way: Transition,
    request: Request,
    now: datetime,
) -> Judged:
    """Ask the rules; what the lifecycle does not waive must pass."""
    judged = weigh(context, lifecycle, step, snapshot, way, request, now)
    verdicts = judged.grounds.verdicts
    left = tuple(one for one in verdicts if one.rule not in terms.waives)
    displaces = displaced_by(lifecycle, step.state, snapshot.version.number, way.target)
    state = step.version(snapshot.version.number)
    others = [one for one in step.state.open_approvals if one != state.approval]
    why = rule_sentence(left) if emergency.unpassed(left) else too_many(displaces)
    if not why and len(others) >= MAX_OPEN_APPROVALS:
        why = f"{MAX_OPEN_APPROVALS} approvals of this asset are open; decide or withdraw some"
    if why:
        allowed = lifecycle.allowed(state.stage)
        return replace(judged, outcome=Refused(why, allowed, verdicts, asked=way.target))
    return replace(judged, outcome=Granted(way, displaces, verdicts))


def _used(
    context: Context,
    asked: Asked,
    snapshot: Snapshot,
    terms: Emergency,
    request: Request,
    incident: str,
    now: datetime,
) -> Asked:
    loaded, step, judged = asked.loaded, asked.step, asked.judged
    granted = judged.outcome
    if not isinstance(granted, Granted) or granted.transition.approval is None:
        message = "an emergency is for what takes approval"
        raise AssertionError(message)
    way, lifecycle = granted.transition, judged.grounds.lifecycle
    known = judged.blobs
    held, more = compared(context, lifecycle, Pending(way, granted.displaces), snapshot)
    policy = emergency.ratification(granted.transition.approval, terms.ratify_within)
    approval = new_approval(
        context, replace(way, approval=policy), step, snapshot, judged, request, now, held
    )
    loaded = context.ledger.more(loaded, granted.displaces)
    approval = replace(approval, ratifies=loaded.number(len(step.drafts) + 1))
    step = step.knowing(loaded.versions, loaded.approvals)
    step = emergency.use(
        step,
        approval,
        incident,
        granted.displaces,
        request,
        judged.grounds,
        context.configuration.directory,
        now,
    )
    return Asked(loaded, step, replace(judged, blobs={**known, **more}), approval)


def _refused(
    loaded: Loaded, step: Step, snapshot: Snapshot, request: Request, judged: Judged
) -> Asked:
    refused = judged.outcome
    if isinstance(refused, Refused):
        number = snapshot.version.number
        step = effect.refuse(step, number, request, refused, request.requester, judged.grounds)
    return Asked(loaded, step, judged)
