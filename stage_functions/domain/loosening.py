"""What a lifecycle loosens of the one in force: of approval, exclusion, and what guards both.

Pure, and careful: what cannot be judged, such as an expression that reads otherwise, counts as
loosened. Every field of a lifecycle is judged here or named in `HARMLESS`; a test walks them, so
that one that is added later is not overlooked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from enum import Enum
from fnmatch import fnmatchcase

from msgspec.structs import replace

from stage_functions.domain.calendar import Calendar
from stage_functions.domain.demands import span
from stage_functions.domain.lifecycle import (
    ApprovalPolicy,
    Assurance,
    Emergency,
    Lifecycle,
    NotRatified,
    OnViolation,
    Review,
    Stage,
    Transition,
    WhenInvalid,
    WhenUnreviewed,
)
from stage_functions.domain.marks import leads_out
from stage_functions.domain.rule import AzurePolicy, Rule

HARMLESS: Mapping[type, Mapping[str, str]] = {
    Lifecycle: {
        "name": "two of one name are compared; another name is another lifecycle",
        "forward_only": "only how transitions may lead; each of them is judged",
        "renamed": "stages are compared by the names that they have afterwards",
        "text": "what it says is judged",
    },
    Stage: {
        "name": "stages are compared by it",
    },
    Transition: {"source": "ways are compared by it", "target": "likewise"},
    ApprovalPolicy: {"remind": "tells people, permits nothing"},
    Review: {"remind": "tells people, permits nothing"},
    Rule: {
        "name": "rules are compared by it",
        "says": "words for people",
        "shows": "shows more or less of the evidence",
    },
    AzurePolicy: {"file": "where it is written"},
    Calendar: {"name": "calendars are compared by it"},
}
"""By type, the fields of which no value loosens anything, each with the reason."""
_FROM_STRICT: tuple[tuple[Enum, ...], ...] = (
    (Assurance.SIGNED_IN, Assurance.LINK),
    (WhenInvalid.BLOCK, WhenInvalid.RENEW, WhenInvalid.NOTIFY),
    (OnViolation.ZERO_TRAFFIC, OnViolation.NOTIFY, OnViolation.RECORD),
    (WhenUnreviewed.BLOCK, WhenUnreviewed.NOTIFY),
    (NotRatified.REVERT, NotRatified.ESCALATE),
)
"""What follows, or is demanded, from the strictest to the laxest."""
_NEVER, _EVER = timedelta(0), timedelta.max


def loosening(before: Lifecycle, after: Lifecycle) -> tuple[str, ...]:
    """Say what a lifecycle loosens of the one in force; nothing where it only tightens.

    Args:
        before: the text in force.
        after: the one that is to be.
    """
    before = _renamed(before, after.renamed)
    return (
        *_of_scope(before, after),
        *_of_stages(before, after),
        *_of_transitions(before, after),
        *_of_rules(before, after),
        *_of_emergency(before.emergency, after.emergency),
    )


def covers(glob: str, other: str) -> bool:
    """Tell whether a glob certainly matches whatever another one matches."""
    return glob == other or (not set("?[]") & set(glob) and fnmatchcase(other, glob))


def _renamed(lifecycle: Lifecycle, renamed: Mapping[str, str]) -> Lifecycle:
    """Return the lifecycle with its stages called as they are to be called."""

    def now(name: str) -> str:
        return renamed.get(name, name)

    if not set(renamed) & set(lifecycle.stages):
        return lifecycle
    return replace(
        lifecycle,
        stages={
            now(name): replace(stage, name=now(name), displaced_to=now(stage.displaced_to))
            for name, stage in lifecycle.stages.items()
        },
        transitions=tuple(
            replace(way, source=now(way.source), target=now(way.target))
            for way in lifecycle.transitions
        ),
    )


def _of_scope(before: Lifecycle, after: Lifecycle) -> Iterator[str]:
    for glob in before.applies_to:
        if not any(covers(one, glob) for one in after.applies_to):
            yield f"assets that fit {glob} need not be governed by it any more"
    for glob in before.bind:
        if glob not in after.bind:
            yield f"bind: approvals are no longer bound to tags that fit {glob}"
    if after.links_despite_exclusions and not before.links_despite_exclusions:
        yield "links_despite_exclusions: a personal link may vote where somebody is excluded"
    yield from _laxer("on_violation", before.on_violation, after.on_violation)
    guards = before.protect_lifecycle
    if guards and not after.protect_lifecycle:
        yield "protect_lifecycle: nobody need consent to what loosens it any more"
    elif guards:
        yield from _more("protect_lifecycle", guards, after.protect_lifecycle, "may consent")
    yield from _shorter("retain_for", before.retain_for, after.retain_for)


def _of_stages(before: Lifecycle, after: Lifecycle) -> Iterator[str]:
    if after.initial != before.initial:
        yield f"versions begin at {after.initial}, no longer at {before.initial}"
    for name, stage in after.stages.items():
        old = before.stages.get(name, Stage(name))
        known = name in before.stages
        yield from _more(f"{name}: deployable_to", old.deployable_to, stage.deployable_to, "fits")
        if old.exclusive and not stage.exclusive:
            yield f"{name}: exclusive: several versions may hold it"
        if stage.deletable and known and not old.deletable:
            yield f"{name}: deletable: a version here may be deleted"
        out = leads_out(after, name) and not leads_out(before, name)
        if out and (guarded(before, name) or old.deployable_to):
            yield f"{name}: hidden or terminal: what was marked may come here unreviewed"
        if old.frozen and not stage.frozen:
            yield f"{name}: frozen: edits from outside are no longer put back"
        if known:
            yield from _longer(
                f"{name}: retire_within", old.retire_within, stage.retire_within, _NEVER
            )
            yield from _longer(
                f"{name}: rollback_within", old.rollback_within, stage.rollback_within, _NEVER
            )
        if old.review is not None:
            yield from _of_review(f"{name}: review", old.review, stage.review)
    yield from _of_displacement(before, after)


def _of_displacement(before: Lifecycle, after: Lifecycle) -> Iterator[str]:
    """Where displaced versions go nobody consents to: it must be no stage that needs consent."""
    for name, stage in after.stages.items():
        target, old = stage.displaced_to, before.stages.get(name)
        if target and (old is None or old.displaced_to != target) and guarded(before, target):
            yield f"{name}: displaced_to: its holder moves to {target} without approval"


def _of_review(place: str, old: Review, new: Review | None) -> Iterator[str]:
    if new is None:
        yield f"{place}: versions are no longer reviewed"
        return
    yield from _longer(f"{place}: review_every", old.every, new.every)
    yield from _longer(f"{place}: within", old.within, new.within)
    yield from _laxer(f"{place}: when_unreviewed", old.when_unreviewed, new.when_unreviewed)
    if new.groups != old.groups and not (old.groups and new.groups):
        yield f"{place}: groups: {' and '.join(new.groups) or 'whoever may vote'} may review"
    elif new.groups:
        yield from _more(f"{place}: groups", old.groups, new.groups, "may review")


def _of_transitions(before: Lifecycle, after: Lifecycle) -> Iterator[str]:
    for way in after.transitions:
        old = before.transition(way.source, way.target)
        place = f"{way.source} → {way.target}"
        if old is None:
            yield from _of_new_way(place, before, way)
        else:
            yield from _of_way(place, old, way)


def _of_new_way(place: str, before: Lifecycle, way: Transition) -> Iterator[str]:
    """A further way is harmless only to where a way led already that demanded no more."""
    ways = [one for one in before.transitions if one.target == way.target]
    if way.target not in before.stages or (not ways and not guarded(before, way.target)):
        if way.copy_to:
            yield f"{place}: copy_to: versions are copied to {way.copy_to}"
        return
    if guarded(before, way.target):
        yield f"{place}: a further way to a stage that is reached only with approval"
    elif not any(not list(_of_way(place, one, way)) for one in ways):
        yield f"{place}: a further way, which demands less than those that there are"


def guarded(lifecycle: Lifecycle, stage: str) -> bool:
    """Tell whether a stage is reached only with approval; one that nothing leads to may be served.

    The initial stage is reached by registering.
    """
    found = lifecycle.stages.get(stage)
    if found is None or found.initial:
        return False
    ways = [one for one in lifecycle.transitions if one.target == stage]
    return all(one.approval for one in ways) if ways else bool(found.deployable_to)


def demanding(lifecycle: Lifecycle) -> frozenset[str]:
    """Return the stages that no way leads to without approval, a rule, or `requesters`."""
    ways = lifecycle.transitions
    free = {one.target for one in ways if not (one.approval or one.rules or one.requesters)}
    return frozenset({one.target for one in ways} - free)


def reopened(before: Lifecycle, after: Lifecycle, demanded: Collection[str]) -> Iterator[str]:
    """Say which stages are reached again that no way led to meanwhile.

    A way that is taken out first and comes back later, or a stage that gets the name of one that
    was called otherwise or taken out, would get round what was demanded there.

    Args:
        before: the text in force.
        after: the one that is to be.
        demanded: names of stages that demanded something once: see `demanding`.
    """
    reached = {way.target for way in _renamed(before, after.renamed).transitions}
    for name in sorted({way.target for way in after.transitions} & set(demanded) - reached):
        yield f"{name}: a way to a stage of that name, to which none led; before, it demanded more"


def _of_way(place: str, old: Transition, new: Transition) -> Iterator[str]:
    for rule in old.rules:
        if rule not in new.rules:
            yield f"{place}: rules: {rule} need not pass any more"
    if old.requesters and not new.requesters:
        yield f"{place}: requesters: anybody may ask"
    elif old.requesters:
        yield from _more(f"{place}: requesters", old.requesters, new.requesters, "may ask")
    if new.copy_to and new.copy_to != old.copy_to:
        yield f"{place}: copy_to: versions are copied to {new.copy_to}"
    if old.approval is not None and new.approval is None:
        yield f"{place}: approval: nobody need approve any more"
    elif old.approval is not None and new.approval is not None:
        yield from _of_approval(f"{place}: approval", old.approval, new.approval)


def _of_approval(place: str, old: ApprovalPolicy, new: ApprovalPolicy) -> Iterator[str]:
    if new.quorum < old.quorum:
        yield f"{place}: quorum: {new.quorum} must approve instead of {old.quorum}"
    for group, minimum in old.groups.items():
        if new.groups.get(group, 0) < minimum:
            least = new.groups.get(group, 0)
            yield f"{place}: groups: at least {least} of {group} instead of {minimum}"
    yield from _more(f"{place}: groups", tuple(old.groups), tuple(new.groups), "may vote")
    for part in old.exclude:
        if part not in new.exclude:
            yield f"{place}: exclude: the {part} may vote"
    yield from _longer(f"{place}: expires", old.expires, new.expires)
    yield from _laxer(f"{place}: assurance", old.assurance, new.assurance)
    yield from _longer(f"{place}: valid_for", old.valid_for, new.valid_for)
    yield from _laxer(f"{place}: when_invalid", old.when_invalid, new.when_invalid)
    further = new.escalate
    if further is None:
        return
    if old.escalate is None or old.escalate.to != further.to:
        yield f"{place}: escalate: {further.to} may vote too after {_span(further.after)}"
    elif further.after < old.escalate.after:
        after, instead = _span(further.after), _span(old.escalate.after)
        yield f"{place}: escalate: {further.to} may vote too after {after} instead of {instead}"


def _of_rules(before: Lifecycle, after: Lifecycle) -> Iterator[str]:
    used = {name for way in before.transitions for name in way.rules}
    for name, rule in before.rules.items():
        new = after.rules.get(name)
        if name in used and new is not None and _asks(rule) != _asks(new):
            yield f"rules: {name} asks something else; whether it asks less cannot be judged"
    for name, calendar in before.calendars.items():
        if after.calendars.get(name) != calendar:
            yield f"calendars: {name} is another; whether rules let more through cannot be judged"


def _asks(rule: Rule) -> tuple[str, str, str]:
    policy = rule.policy or AzurePolicy("", "")
    return rule.cel, policy.definition, policy.parameters


def _of_emergency(old: Emergency | None, new: Emergency | None) -> Iterator[str]:
    if new is None:
        return
    if old is None:
        groups = " and ".join(new.groups)
        yield f"emergency: {groups} may make a transition at once, without approval"
        return
    yield from _more("emergency: groups", old.groups, new.groups, "may use it")
    yield from _longer("emergency: ratify_within", old.ratify_within, new.ratify_within)
    yield from _laxer("emergency: not_ratified", old.not_ratified, new.not_ratified)
    yield from _more("emergency: waives", old.waives, new.waives, "need not pass")
    if new.escalate_to and new.escalate_to != old.escalate_to:
        yield f"emergency: escalate_to: {new.escalate_to} may ratify"


def _more(place: str, old: Collection[str], new: Collection[str], what: str) -> Iterator[str]:
    """Say what is permitted besides."""
    for one in new:
        if one not in old:
            yield f"{place}: {one} {what} too"


def _laxer(place: str, old: Enum, new: Enum) -> Iterator[str]:
    order = next(one for one in _FROM_STRICT if old in one)
    if order.index(new) > order.index(old):
        yield f"{place}: {new.value} instead of {old.value}"


def _longer(
    place: str, old: timedelta | None, new: timedelta | None, unsaid: timedelta = _EVER
) -> Iterator[str]:
    """Say that something lasts longer; `unsaid` is how long where nothing is said."""
    before, after = (unsaid if one is None else one for one in (old, new))
    if after > before:
        yield f"{place}: {_span(after)} instead of {_span(before)}"


def _shorter(place: str, old: timedelta | None, new: timedelta | None) -> Iterator[str]:
    if old is not None and (new is None or new < old):
        kept = _span(new) if new is not None else "as long as nobody says"
        yield f"{place}: {kept} instead of {_span(old)}"


def _span(lasts: timedelta) -> str:
    if lasts == _EVER:
        return "for ever"
    return span(lasts.total_seconds()) if lasts else "never"
