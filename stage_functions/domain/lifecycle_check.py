"""What must hold of a lifecycle before it may govern anything.

- one initial stage; every stage reachable from it; nothing leaves a terminal stage;
- under `forward_only` the transitions, displacements included, form no cycle;
- Unregistered is built in and never named;
- an exclusive stage names a stage, itself not exclusive, for the versions that it displaces;
- every rule, group and stage that is named exists, and every quorum can be reached;
- only what displaces can be rolled back; an emergency names groups and rules that there are, and
  somebody who may ratify what was not ratified at first;
- every calendar takes place some time, in a time zone that there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct

from stage_functions.domain import calendar
from stage_functions.domain.hint import did_you_mean
from stage_functions.domain.lifecycle import (
    EXCLUDED_BY_DEFAULT,
    UNREGISTERED,
    ApprovalPolicy,
    Assurance,
    Lifecycle,
    NotRatified,
    Stage,
    WhenInvalid,
    shortfall,
)
from stage_functions.domain.people import Directory

_MINUTES = {"d": 1440, "h": 60, "m": 1}


class Fault(Struct, frozen=True):
    """What is wrong with a lifecycle, and where.

    Attributes:
        path: keys and indexes from the lifecycle down.
        message: what is wrong and what to do.
    """

    path: tuple[str | int, ...]
    message: str


def faults(lifecycle: Lifecycle, directory: Directory) -> tuple[Fault, ...]:
    """Return everything that is wrong with a lifecycle, in the order of the file."""
    return (
        *_stage_faults(lifecycle),
        *_transition_faults(lifecycle),
        *_approval_faults(lifecycle, directory),
        *_way_back_faults(lifecycle, directory),
        *_shape_faults(lifecycle),
        *_calendar_faults(lifecycle),
    )


def _stage_faults(lifecycle: Lifecycle) -> Iterator[Fault]:
    initials = [stage.name for stage in lifecycle.stages.values() if stage.initial]
    if len(initials) != 1:
        found = f"{' and '.join(initials)} are" if initials else "none is"
        yield Fault(("stages",), f"one stage must be initial; {found}")
    for name, stage in lifecycle.stages.items():
        path = ("stages", name)
        if name == UNREGISTERED:
            yield Fault(path, f"{UNREGISTERED} is built in and cannot be defined")
        if stage.initial and stage.exclusive:
            yield Fault(
                path,
                f"{name} is initial, so every new version starts there: it cannot be exclusive",
            )
        if stage.exclusive and stage.terminal:
            yield Fault(
                path, f"{name} is terminal, so its holder cannot leave: it cannot be exclusive"
            )
        elif stage.exclusive:
            yield from _displacement_faults(lifecycle, stage)
        elif stage.displaced_to:
            yield Fault(
                (*path, "displaced_to"), f"{name} is not exclusive, so nothing is displaced from it"
            )
        if stage.retire_within is not None and not stage.displaced_to:
            yield Fault(
                (*path, "retire_within"),
                f"nothing is displaced from {name}, so nothing retires: say displaced_to, or leave "
                "retire_within out",
            )
        if stage.rollback_within is not None and not stage.exclusive:
            yield Fault(
                (*path, "rollback_within"),
                f"{name} is not exclusive, so nothing that was displaced from it could come back: "
                "leave rollback_within out",
            )


def _displacement_faults(lifecycle: Lifecycle, stage: Stage) -> Iterator[Fault]:
    target = lifecycle.stages.get(stage.displaced_to)
    if not stage.displaced_to:
        yield Fault(
            ("stages", stage.name),
            f"{stage.name} is exclusive; say where its holder goes: displaced_to",
        )
    elif target is None:
        yield Fault(
            ("stages", stage.name, "displaced_to"), f"no stage is named {stage.displaced_to}"
        )
    elif target.exclusive:
        yield Fault(
            ("stages", stage.name, "displaced_to"),
            f"{target.name} is exclusive itself, so it cannot take displaced versions",
        )


def _transition_faults(lifecycle: Lifecycle) -> Iterator[Fault]:
    seen: set[tuple[str, str]] = set()
    for index, transition in enumerate(lifecycle.transitions):
        path = ("transitions", index)
        for key, name in (("from", transition.source), ("to", transition.target)):
            if name == UNREGISTERED:
                yield Fault(
                    (*path, key), f"{UNREGISTERED} is built in; no transition leads from or to it"
                )
            elif name not in lifecycle.stages:
                known = ", ".join(lifecycle.stages)
                yield Fault((*path, key), f"no stage is named {name}; the stages are {known}")
        pair = (transition.source, transition.target)
        if transition.source == transition.target:
            yield Fault(path, f"{transition.source} → {transition.target} goes nowhere")
        if pair in seen:
            yield Fault(path, f"{transition.source} → {transition.target} is there already")
        seen.add(pair)
        source = lifecycle.stages.get(transition.source)
        if source is not None and source.terminal:
            yield Fault((*path, "from"), f"{source.name} is terminal; nothing leaves it")
        for position, rule in enumerate(transition.rules):
            if rule not in lifecycle.rules:
                hint = did_you_mean(rule, lifecycle.rules)
                yield Fault((*path, "rules", position), f"no rule is named {rule}{hint}")


def _approval_faults(lifecycle: Lifecycle, directory: Directory) -> Iterator[Fault]:
    for index, transition in enumerate(lifecycle.transitions):
        path: tuple[str | int, ...] = ("transitions", index)
        for position, group in enumerate(transition.requesters):
            if group not in directory.groups:
                yield Fault((*path, "requesters", position), _no_group(group, directory))
        policy = transition.approval
        if policy is None:
            continue
        yield from _policy_faults(lifecycle, policy, (*path, "approval"), directory)
        unknown = [group for group in policy.groups if group not in directory.groups]
        for group in unknown:
            yield Fault((*path, "approval", "groups", group), _no_group(group, directory))
        if not unknown and not _reachable_quorum(policy, directory):
            persons = "person" if policy.quorum == 1 else "distinct persons"
            yield Fault(
                (*path, "approval", "quorum"),
                f"no one can reach this quorum: {policy.quorum} {persons}, "
                f"{_minimums(policy)}, of groups with {_sizes(policy, directory)}",
            )


def _policy_faults(
    lifecycle: Lifecycle,
    policy: ApprovalPolicy,
    path: tuple[str | int, ...],
    directory: Directory,
) -> Iterator[Fault]:
    """What an approval says of its course: clock, further group, assurance, validity."""
    lapsed = f"the approval has lapsed by then: expires is {written(policy.expires)}"
    for position, after in enumerate(policy.remind):
        if after >= policy.expires:
            yield Fault((*path, "remind", position), lapsed)
    further = policy.escalate
    if further is not None and further.after >= policy.expires:
        yield Fault((*path, "escalate", "after"), lapsed)
    if further is not None and further.to not in directory.groups:
        yield Fault((*path, "escalate", "to"), _no_group(further.to, directory))
    if policy.assurance is Assurance.LINK and policy.exclude:
        excluded = " and ".join(f"the {one}" for one in policy.exclude)
        unsaid = " (the default of exclude)" if policy.exclude == EXCLUDED_BY_DEFAULT else ""
        if not lifecycle.links_despite_exclusions:
            yield Fault(
                (*path, "assurance"),
                f"a link may be passed on to {excluded}, whom it excludes{unsaid}; "
                "write exclude: [], or links_despite_exclusions: true in the lifecycle",
            )
    if policy.when_invalid is not WhenInvalid.NOTIFY and policy.valid_for is None:
        yield Fault((*path, "when_invalid"), "it stays valid for ever: say valid_for")


def _way_back_faults(lifecycle: Lifecycle, directory: Directory) -> Iterator[Fault]:
    """What an emergency says: who may use it, which rules it waives, what follows."""
    terms = lifecycle.emergency
    if terms is None:
        return
    path: tuple[str | int, ...] = ("emergency",)
    for position, group in enumerate(terms.groups):
        if group not in directory.groups:
            yield Fault((*path, "groups", position), _no_group(group, directory))
    for position, rule in enumerate(terms.waives):
        if rule not in lifecycle.rules:
            hint = did_you_mean(rule, lifecycle.rules)
            yield Fault((*path, "waives", position), f"no rule is named {rule}{hint}")
    if terms.escalate_to and terms.escalate_to not in directory.groups:
        yield Fault((*path, "escalate_to"), _no_group(terms.escalate_to, directory))
    if terms.not_ratified is NotRatified.ESCALATE and not terms.escalate_to:
        yield Fault(
            path,
            "say who may ratify what was not ratified at first: escalate_to, or write "
            "not_ratified: revert",
        )
    if all(one.approval is None for one in lifecycle.transitions):
        yield Fault(path, "no transition takes approval, so there is nothing to do without it")


def _no_group(name: str, directory: Directory) -> str:
    return f"no group is named {name}{did_you_mean(name, directory.groups)}"


def written(lasts: timedelta) -> str:
    """Return a length of time as the file has it: in the largest unit that fits."""
    minutes = int(lasts.total_seconds() // 60)
    unit, size = next(one for one in _MINUTES.items() if minutes % one[1] == 0)
    return f"{minutes // size}{unit}"


def _reachable_quorum(policy: ApprovalPolicy, directory: Directory) -> bool:
    if any(group in directory.entra for group in policy.groups):
        return True  # how many there are, Entra knows
    members = {
        person: tuple(group for group in policy.groups if person in directory.groups[group])
        for group in policy.groups
        for person in directory.groups[group]
    }
    return len(members) >= policy.quorum and not shortfall(policy, members)


def _minimums(policy: ApprovalPolicy) -> str:
    return ", ".join(f"at least {minimum} of {group}" for group, minimum in policy.groups.items())


def _sizes(policy: ApprovalPolicy, directory: Directory) -> str:
    return ", ".join(f"{len(set(directory.groups[group]))} in {group}" for group in policy.groups)


def _shape_faults(lifecycle: Lifecycle) -> Iterator[Fault]:
    edges = _edges(lifecycle)
    initials = [stage.name for stage in lifecycle.stages.values() if stage.initial]
    reached = _reached(initials, edges)
    for name in lifecycle.stages:
        if len(initials) == 1 and name not in reached:
            yield Fault(("stages", name), f"no transition leads to {name}")
    if lifecycle.forward_only:
        cycle = _cycle(lifecycle.stages, edges)
        if cycle:
            yield Fault(
                ("transitions",),
                f"forward_only forbids the cycle {' → '.join(cycle)}; "
                "remove a transition, or write forward_only: false",
            )


def _calendar_faults(lifecycle: Lifecycle) -> Iterator[Fault]:
    for name, one in lifecycle.calendars.items():
        key, why = calendar.fault(one)
        if why:
            yield Fault(("calendars", name, key), f"calendar {name}: {why}")


def _edges(lifecycle: Lifecycle) -> dict[str, list[str]]:
    edges: dict[str, list[str]] = {name: [] for name in lifecycle.stages}
    for transition in lifecycle.transitions:
        edges.setdefault(transition.source, []).append(transition.target)
    for stage in lifecycle.stages.values():
        if stage.displaced_to:
            edges[stage.name].append(stage.displaced_to)
    return edges


def _reached(start: Iterable[str], edges: Mapping[str, Sequence[str]]) -> set[str]:
    reached: set[str] = set()
    todo = list(start)
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo.extend(edges.get(name, ()))
    return reached


def _cycle(stages: Iterable[str], edges: Mapping[str, Sequence[str]]) -> list[str]:
    done: set[str] = set()
    for name in stages:
        cycle = _cycle_from(name, edges, (), done)
        if cycle:
            return cycle
    return []


def _cycle_from(
    at: str, edges: Mapping[str, Sequence[str]], path: tuple[str, ...], done: set[str]
) -> list[str]:
    """Walk on from a stage; `done` keeps a stage from being walked from twice."""
    if at in path:
        return [*path[path.index(at) :], at]
    if at in done:
        return []
    done.add(at)
    for following in edges.get(at, ()):
        cycle = _cycle_from(following, edges, (*path, at), done) if following != at else []
        if cycle:
            return cycle
    return []
