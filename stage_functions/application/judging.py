"""Gather what a decision needs, decide, and turn the outcome into a step. Commits nothing.

Evidence is read from the registry when a transition is lawful, never before; a fault while reading
it is an error to be retried, never a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application import measures, relations
from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded
from stage_functions.domain import effect
from stage_functions.domain.approval import Approval, Binding
from stage_functions.domain.arm_form import arm_form
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.beside import shown_beside
from stage_functions.domain.consent import open_approval
from stage_functions.domain.copied import trespasses
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.facts import binding, calendars, facts
from stage_functions.domain.grounds import Grounds
from stage_functions.domain.lifecycle import Lifecycle, Transition
from stage_functions.domain.record import canonical, digest_of
from stage_functions.domain.rule import RESOURCE, Facts, Result, Rule, Verdict
from stage_functions.domain.state import Step, VersionState
from stage_functions.domain.transition import (
    Granted,
    Outcome,
    Pending,
    Refused,
    Request,
    Unchanged,
    decide,
    displaced_by,
    lawful,
    renewable,
)
from stage_functions.domain.uses import references

_HOLDER = "holder"
_AUTHOR = "author"
_USES, _USED_BY, _CALENDARS = "uses", "used_by", "calendars"


class Judged(Struct, frozen=True):
    """A decision with what it was made on.

    Attributes:
        outcome: granted, pending, refused or unchanged.
        grounds: as records carry them.
        binding: what an approval would be bound to; None where no rule was asked.
        blobs: documents by digest that the records refer to.
        uses: names of the versions that this one uses, where evidence was read.
        trainer: id of whose job it was, as evidence says now, or "".
    """

    outcome: Outcome
    grounds: Grounds
    binding: Binding | None = None
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    uses: tuple[str, ...] | None = None
    trainer: str = ""


class Asked(Struct, frozen=True):
    """A request, answered.

    Attributes:
        loaded: the asset, with everything loaded that the answer touches.
        step: the decision so far.
        judged: the answer.
        approval: the one that now waits, where it is pending.
    """

    loaded: Loaded
    step: Step
    judged: Judged
    approval: Approval | None = None


class Held(Struct, frozen=True):
    """What an approval keeps for its approvers to compare with: see `Approval`.

    Attributes:
        holder: number of the version that would be displaced, or "".
        evidence: digest of its evidence, or "".
        beside: digest of what further is shown of both, or "".
    """

    holder: str = ""
    evidence: str = ""
    beside: str = ""


NOTHING_HELD = Held()


def judge(
    context: Context,
    lifecycle: Lifecycle,
    step: Step,
    snapshot: Snapshot,
    request: Request,
    now: datetime,
) -> Judged:
    """Decide on a request for a version as it is now.

    Raises:
        RegistryUnavailableError: evidence cannot be read.
    """
    about = measures.about(snapshot.version)
    with context.telemetry.span(measures.JUDGE, attributes=about) as span:
        judged = _judge(context, lifecycle, step, snapshot, request, now)
        span.set(measures.OUTCOME, type(judged.outcome).__name__.lower())
        if judged.binding is not None:  # else the target may be anything that somebody wrote
            span.set(measures.SOURCE, judged.binding.source)
            span.set(measures.TARGET, judged.binding.target)
            span.set("stageward.rules", len(judged.grounds.verdicts))
        return judged


def _judge(
    context: Context,
    lifecycle: Lifecycle,
    step: Step,
    snapshot: Snapshot,
    request: Request,
    now: datetime,
) -> Judged:
    directory = context.configuration.directory
    number = snapshot.version.number
    state = step.version(number)
    bare = Grounds(lifecycle)
    if request.target == state.stage and not renewable(lifecycle, state, request):
        return Judged(Unchanged(state.stage), bare)
    registry = context.configuration.registry(snapshot.version.asset.registry)
    why = trespasses(registry, lifecycle, state)
    if why:
        return Judged(Refused(why), bare)
    transition = lawful(lifecycle, state, request, directory)
    if isinstance(transition, Refused):
        return Judged(transition, bare)
    weighed = weigh(context, lifecycle, step, snapshot, transition, request, now)
    verdicts = weighed.grounds.verdicts
    outcome = decide(lifecycle, step.state, number, request, verdicts, directory)
    return replace(weighed, outcome=outcome)


def weigh(
    context: Context,
    lifecycle: Lifecycle,
    step: Step,
    snapshot: Snapshot,
    transition: Transition,
    request: Request,
    now: datetime,
) -> Judged:
    """Return what an approval of a transition would be asked on, whatever its rules answer.

    Raises:
        RegistryUnavailableError: evidence cannot be read.
    """
    displaces = displaced_by(lifecycle, step.state, snapshot.version.number, transition.target)
    evidence = context.evidence(snapshot)
    verdicts = _verdicts(context, lifecycle, transition, step, snapshot, evidence, request, now)
    sealed, document = evidence.sealed()
    bound = binding(lifecycle, snapshot, transition.source, transition.target, displaces, sealed)
    grounds = Grounds(lifecycle, verdicts, bound.evidence, bound.fingerprint)
    asked = Pending(transition, displaces, verdicts)
    uses, trainer = references(evidence), context.trainer("", evidence)
    return Judged(asked, grounds, bound, {sealed: document}, uses, trainer)


def ask(
    context: Context,
    loaded: Loaded,
    step: Step,
    snapshot: Snapshot,
    lifecycle: Lifecycle,
    request: Request,
    now: datetime,
) -> Asked:
    """Decide on a request and add what follows from it to the step."""
    judged = judge(context, lifecycle, step, snapshot, request, now)
    number = snapshot.version.number
    step = _knowing_more(step, number, judged)
    match judged.outcome:
        case Granted(transition=transition, displaces=displaces):
            loaded = context.ledger.more(loaded, displaces)
            step = step.knowing(loaded.versions, loaded.approvals)
            step = effect.grant(
                step, number, transition.target, request, request.requester, judged.grounds, now
            )
        case Pending(approval=None) as pending:
            held, known = compared(context, lifecycle, pending, snapshot)
            approval = new_approval(
                context, pending.transition, step, snapshot, judged, request, now, held
            )
            directory = context.configuration.directory
            step = open_approval(step, approval, judged.grounds, directory)
            judged = replace(judged, blobs={**judged.blobs, **known})
            return Asked(loaded, step, judged, approval)
        case Pending(approval=Approval() as existing):
            return Asked(loaded, step, judged, existing.at(now))
        case Refused() as refused:
            step = effect.refuse(step, number, request, refused, request.requester, judged.grounds)
        case Unchanged():
            pass
    return Asked(loaded, step, judged)


def new_approval(
    context: Context,
    transition: Transition,
    step: Step,
    snapshot: Snapshot,
    judged: Judged,
    request: Request,
    now: datetime,
    held: Held = NOTHING_HELD,
) -> Approval:
    """Return the approval that is to open.

    Args:
        context: the context.
        transition: what is asked for.
        step: the decision so far.
        snapshot: the version as its registry shows it.
        judged: what it is asked on.
        request: by whom it is asked, and why.
        now: aware UTC.
        held: what approvers compare it with.
    """
    policy = transition.approval
    if policy is None or judged.binding is None:
        message = "a transition without approval cannot be pending"
        raise AssertionError(message)
    state = step.version(snapshot.version.number)
    return Approval(
        id=context.clock.approval_id(),
        version=snapshot.version.number,
        binding=judged.binding,
        policy=policy,
        reason=request.reason,
        requester=request.requester,
        on_behalf_of=request.on_behalf_of,
        candidates=request.candidates,
        author=state.author,
        trainers=_trainers(context, state, judged),
        opened=now,
        deadline=now + policy.expires,
        verdicts=judged.grounds.verdicts,
        lifecycle=judged.grounds.lifecycle.name,
        holder=held.holder,
        holder_evidence=held.evidence,
        beside=held.beside,
        asked=request.asked,
        traceparent=context.telemetry.traceparent(),
    )


def as_sealed_now(context: Context, binding: Binding) -> Binding:
    """Return what an approval is bound to, its evidence sealed as this release seals it.

    The release before did not mask the author in it. Nothing else is made alike.
    """
    kept = context.ledger.blob(binding.evidence)
    document = msgspec.json.decode(kept) if kept is not None else {}
    author = str(document.get(_AUTHOR, {}).get("id", ""))
    if context.masked(author) == author:
        return binding
    masked = canonical({**document, _AUTHOR: {"id": context.masked(author)}})
    return replace(binding, evidence=digest_of(masked))


def _trainers(context: Context, state: VersionState, judged: Judged) -> tuple[str, ...]:
    """Return whose job it was: as it was known first, and as it is told now."""
    resolve = context.configuration.directory.resolve
    told = (state.trainer, judged.trainer)
    known = tuple(dict.fromkeys(resolve(one) for one in told if one))
    return tuple(one for one in known if len(known) == 1 or one != resolve(state.author))


def _knowing_more(step: Step, number: str, judged: Judged) -> Step:
    """Note what a version uses and who trained it, where the answer is committed."""
    state = step.version(number)
    known = replace(
        state,
        uses=state.uses if judged.uses is None else judged.uses,
        trainer=state.trainer or judged.trainer,
    )
    if known == state:
        return step
    match judged.outcome:
        case Unchanged() | Pending(approval=Approval()):
            return step
        case _:
            return step.with_version(known)


def rules_of(lifecycle: Lifecycle, transition: Transition) -> tuple[Rule, ...]:
    """Return the rules that a transition demands, in its order."""
    return tuple(lifecycle.rules[name] for name in transition.rules)


def _verdicts(
    context: Context,
    lifecycle: Lifecycle,
    transition: Transition,
    step: Step,
    snapshot: Snapshot,
    evidence: Evidence,
    request: Request,
    now: datetime,
) -> tuple[Verdict, ...]:
    rules = rules_of(lifecycle, transition)
    if not rules:
        return ()
    reads_holder = _named(_HOLDER, rules)
    holder = _holder(context, step, snapshot, transition.target) if reads_holder else None
    more = _more(context, lifecycle, rules, step, snapshot, evidence, now)
    if any(rule.policy is not None for rule in rules):
        registry = context.configuration.registry(snapshot.version.asset.registry)
        written = arm_form(registry, lifecycle, snapshot, evidence, transition.target)
        more = {**more, RESOURCE: written}
    state = step.version(snapshot.version.number)
    seen = _nameless(context, snapshot)
    verdicts = context.rules.evaluate(
        rules, facts(lifecycle, seen, state, evidence, holder, request, now, more)
    )
    errors = sum(verdict.result is Result.ERRORED for verdict in verdicts)
    if errors:
        context.telemetry.count(measures.RULE_ERRORS, errors)
    return verdicts


def _more(
    context: Context,
    lifecycle: Lifecycle,
    rules: tuple[Rule, ...],
    step: Step,
    snapshot: Snapshot,
    evidence: Evidence,
    now: datetime,
) -> Facts:
    """Return the facts that cost something, each only where a rule names it."""
    more: dict[str, object] = {}
    if _named(_USES, rules):
        more[_USES] = relations.used(context, step, snapshot.version, evidence)
    if _named(_USED_BY, rules):
        more[_USED_BY] = relations.users(context, step, snapshot.version)
    if _named(_CALENDARS, rules):
        more[_CALENDARS] = calendars(lifecycle.calendars.values(), now)
    return more


def _named(variable: str, rules: tuple[Rule, ...]) -> bool:
    return any(variable in text for rule in rules for text in (rule.cel, *rule.shows))


def _holder(
    context: Context, step: Step, snapshot: Snapshot, target: str
) -> tuple[Snapshot, Evidence] | None:
    """Return who holds the target stage; one that the registry has lost has no evidence."""
    held = [v for v in step.state.holders.get(target, ()) if v != snapshot.version.number]
    if not held:
        return None
    registry = context.registry(snapshot.version.asset.registry)
    version = Version(snapshot.version.asset, held[-1])
    found = registry.read(version)
    if found is None:
        lost = Snapshot(version, snapshot.created_at, "", {})
        return lost, Evidence()
    return _nameless(context, found), context.evidence(found)


def _nameless(context: Context, snapshot: Snapshot) -> Snapshot:
    """Return a version as rules see it: what they show of it goes into records."""
    return replace(snapshot, author=context.masked(snapshot.author or "") or None)


def compared(
    context: Context, lifecycle: Lifecycle, pending: Pending, snapshot: Snapshot
) -> tuple[Held, Mapping[str, bytes]]:
    """Keep what is known of the version that would be displaced: approvers compare with it.

    Returns:
        Its number and digests, and the documents by their digests; empty texts where there is
        none, or its registry has lost it.
    """
    number = pending.displaces[-1] if pending.displaces else ""
    asset = snapshot.version.asset
    found = context.registry(asset.registry).read(Version(asset, number)) if number else None
    registry = context.configuration.registry(asset.registry)
    beside = canonical(shown_beside(lifecycle, registry, snapshot, found).document())
    known, evidence = {digest_of(beside): beside}, ""
    if found is not None:
        evidence, document = context.evidence(found).sealed()
        known[evidence] = document
    return Held(number, evidence, digest_of(beside)), known
