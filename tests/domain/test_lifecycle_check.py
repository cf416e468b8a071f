"""What must hold of a lifecycle: each fault alone, and the quorum that no one can reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.domain.lifecycle import (
    ApprovalPolicy,
    Lifecycle,
    Stage,
    Transition,
    shortfall,
)
from stage_functions.domain.lifecycle_check import Fault, faults
from stage_functions.domain.people import Directory, Person
from stage_functions.domain.rule import Rule

DIRECTORY = Directory(
    people={key: Person(key, key) for key in ("ada", "bob", "cy")},
    groups={"risk": ("ada", "bob"), "science": ("bob", "cy"), "nobody": ()},
)


def stages(*all_of_them: Stage) -> dict[str, Stage]:
    """Return stages by name."""
    return {stage.name: stage for stage in all_of_them}


NONE, STAGING = Stage("None", initial=True), Stage("Staging")
PRODUCTION = Stage("Production", exclusive=True, displaced_to="Archived")
ARCHIVED = Stage("Archived", terminal=True)
SOUND = Lifecycle(
    name="sound",
    applies_to=("*/*/*",),
    stages=stages(NONE, STAGING, PRODUCTION, ARCHIVED),
    transitions=(Transition("None", "Staging"), Transition("Staging", "Production")),
    rules={"finished": Rule("finished", "true")},
)


def with_stage(stage: Stage) -> Lifecycle:
    """Return the sound lifecycle with one stage put in or replaced."""
    return replace(SOUND, stages={**SOUND.stages, stage.name: stage})


def with_transition(transition: Transition) -> Lifecycle:
    """Return the sound lifecycle with one more transition, the third."""
    return replace(SOUND, transitions=(*SOUND.transitions, transition))


def with_approval(quorum: int, **groups: int) -> Lifecycle:
    """Return the sound lifecycle with an approval on its third transition."""
    return with_transition(Transition("None", "Archived", approval=ApprovalPolicy(quorum, groups)))


def test_a_sound_lifecycle_has_no_fault() -> None:
    """What only displacement reaches is reachable; approvals and rules that exist are fine."""
    demanding = Transition(
        "None", "Archived", ("finished",), ("science",), ApprovalPolicy(2, {"risk": 1})
    )

    assert faults(SOUND, DIRECTORY) == ()
    assert faults(with_transition(demanding), DIRECTORY) == ()


def test_a_lifecycle_that_may_go_back_may_have_cycles() -> None:
    """Without forward_only, a way back is allowed."""
    back = with_transition(Transition("Production", "Staging"))

    assert faults(replace(back, forward_only=False), DIRECTORY) == ()


CASES = {
    "no initial": (
        with_stage(replace(NONE, initial=False)),
        Fault(("stages",), "one stage must be initial; none is"),
    ),
    "two initials": (
        with_stage(replace(STAGING, initial=True)),
        Fault(("stages",), "one stage must be initial; None and Staging are"),
    ),
    "Unregistered defined": (
        replace(
            with_stage(Stage("Unregistered")),
            transitions=(*SOUND.transitions, Transition("None", "Unregistered")),
        ),
        Fault(("stages", "Unregistered"), "Unregistered is built in and cannot be defined"),
        Fault(
            ("transitions", 2, "to"),
            "Unregistered is built in; no transition leads from or to it",
        ),
    ),
    "Unregistered left": (
        with_transition(Transition("Unregistered", "None")),
        Fault(
            ("transitions", 2, "from"),
            "Unregistered is built in; no transition leads from or to it",
        ),
    ),
    "initial and exclusive": (
        with_stage(replace(NONE, exclusive=True, displaced_to="Archived")),
        Fault(
            ("stages", "None"),
            "None is initial, so every new version starts there: it cannot be exclusive",
        ),
    ),
    "terminal and exclusive": (
        with_stage(replace(ARCHIVED, exclusive=True, displaced_to="Staging")),
        Fault(
            ("stages", "Production", "displaced_to"),
            "Archived is exclusive itself, so it cannot take displaced versions",
        ),
        Fault(
            ("stages", "Archived"),
            "Archived is terminal, so its holder cannot leave: it cannot be exclusive",
        ),
        Fault(
            ("transitions",),
            "forward_only forbids the cycle Staging → Production → Archived → Staging; "
            "remove a transition, or write forward_only: false",
        ),
    ),
    "displaced nowhere": (
        replace(
            with_stage(replace(PRODUCTION, displaced_to="")),
            transitions=(*SOUND.transitions, Transition("None", "Archived")),
        ),
        Fault(
            ("stages", "Production"),
            "Production is exclusive; say where its holder goes: displaced_to",
        ),
    ),
    "displaced to no stage": (
        replace(
            with_stage(replace(PRODUCTION, displaced_to="Attic")),
            transitions=(*SOUND.transitions, Transition("None", "Archived")),
        ),
        Fault(("stages", "Production", "displaced_to"), "no stage is named Attic"),
    ),
    "displaced without being exclusive": (
        with_stage(replace(PRODUCTION, exclusive=False)),
        Fault(
            ("stages", "Production", "displaced_to"),
            "Production is not exclusive, so nothing is displaced from it",
        ),
    ),
    "displaced to an exclusive stage": (
        replace(
            with_stage(replace(PRODUCTION, displaced_to="Production")),
            transitions=(*SOUND.transitions, Transition("None", "Archived")),
        ),
        Fault(
            ("stages", "Production", "displaced_to"),
            "Production is exclusive itself, so it cannot take displaced versions",
        ),
    ),
    "to no stage": (
        with_transition(Transition("None", "Attic")),
        Fault(
            ("transitions", 2, "to"),
            "no stage is named Attic; the stages are None, Staging, Production, Archived",
        ),
    ),
    "nowhere": (
        with_transition(Transition("Staging", "Staging")),
        Fault(("transitions", 2), "Staging → Staging goes nowhere"),
    ),
    "twice": (
        with_transition(Transition("None", "Staging")),
        Fault(("transitions", 2), "None → Staging is there already"),
    ),
    "out of a terminal stage": (
        replace(with_transition(Transition("Archived", "None")), forward_only=False),
        Fault(("transitions", 2, "from"), "Archived is terminal; nothing leaves it"),
    ),
    "no rule": (
        with_transition(Transition("None", "Archived", ("finished", "tested"))),
        Fault(("transitions", 2, "rules", 1), "no rule is named tested"),
    ),
    "no requesters": (
        with_transition(Transition("None", "Archived", requesters=("risk", "legal"))),
        Fault(("transitions", 2, "requesters", 1), "no group is named legal"),
    ),
    "no approvers": (
        with_approval(1, legal=1),
        Fault(("transitions", 2, "approval", "groups", "legal"), "no group is named legal"),
    ),
    "too few people": (
        with_approval(3, risk=1),
        Fault(
            ("transitions", 2, "approval", "quorum"),
            "no one can reach this quorum: 3 distinct persons, at least 1 of risk, "
            "of groups with 2 in risk",
        ),
    ),
    "an empty group": (
        with_approval(1, nobody=1),
        Fault(
            ("transitions", 2, "approval", "quorum"),
            "no one can reach this quorum: 1 person, at least 1 of nobody, "
            "of groups with 0 in nobody",
        ),
    ),
    "one person counted twice": (
        with_approval(2, risk=2, science=2),
        Fault(
            ("transitions", 2, "approval", "quorum"),
            "no one can reach this quorum: 2 distinct persons, at least 2 of risk, "
            "at least 2 of science, of groups with 2 in risk, 2 in science",
        ),
    ),
    "unreachable": (
        with_stage(Stage("Attic")),
        Fault(("stages", "Attic"), "no transition leads to Attic"),
    ),
    "cycle": (
        with_transition(Transition("Production", "Staging")),
        Fault(
            ("transitions",),
            "forward_only forbids the cycle Staging → Production → Staging; "
            "remove a transition, or write forward_only: false",
        ),
    ),
    "cycle by displacement": (
        replace(
            with_stage(replace(PRODUCTION, displaced_to="Staging")),
            transitions=(*SOUND.transitions, Transition("None", "Archived")),
        ),
        Fault(
            ("transitions",),
            "forward_only forbids the cycle Staging → Production → Staging; "
            "remove a transition, or write forward_only: false",
        ),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_fault_is_told_with_its_path(case: tuple[Lifecycle, *tuple[Fault, ...]]) -> None:
    """Everything that is wrong is told, and nothing else."""
    lifecycle, *expected = case

    assert list(faults(lifecycle, DIRECTORY)) == expected


def test_many_stages_with_every_way_forward_are_checked_at_once() -> None:
    """Looking for cycles does not try every path: forty stages have 2^38 of them."""
    names = [f"S{index}" for index in range(40)]
    dense = Lifecycle(
        name="dense",
        applies_to=("*/*/*",),
        stages=stages(*(Stage(name, initial=name == "S0") for name in names)),
        transitions=tuple(Transition(a, b) for i, a in enumerate(names) for b in names[i + 1 :]),
    )

    assert faults(dense, DIRECTORY) == ()


small = st.integers(0, 4)


@settings(deadline=None)
@given(edges=st.sets(st.tuples(small, small).filter(lambda edge: edge[0] != edge[1]), max_size=10))
def test_a_cycle_is_found_exactly_where_no_order_of_the_stages_exists(
    edges: set[tuple[int, int]],
) -> None:
    """forward_only holds if and only if the stages can be lined up with every way forward."""
    lifecycle = Lifecycle(
        name="small",
        applies_to=("*/*/*",),
        stages=stages(*(Stage(str(number), initial=number == 0) for number in range(5))),
        transitions=tuple(Transition(str(a), str(b)) for a, b in sorted(edges)),
    )
    ordered = any(
        all(order.index(a) < order.index(b) for a, b in edges) for order in permutations(range(5))
    )

    found = [fault for fault in faults(lifecycle, DIRECTORY) if "cycle" in fault.message]

    assert bool(found) is not ordered


def fewest_empty(seats: Sequence[str], voters: Mapping[str, Sequence[str]]) -> int:
    """Try every seating, and return how few seats one can leave empty."""
    if not seats:
        return 0
    first, *rest = seats
    seated = [
        fewest_empty(rest, {other: of for other, of in voters.items() if other != person})
        for person, groups_of in voters.items()
        if first in groups_of
    ]
    return min([1 + fewest_empty(rest, voters), *seated])


groups = st.sampled_from(["a", "b", "c"])


@settings(deadline=None)
@given(
    minimums=st.dictionaries(groups, st.integers(0, 2), min_size=1),
    voters=st.dictionaries(st.sampled_from("uvwxy"), st.sets(groups).map(tuple), max_size=5),
)
def test_the_shortfall_is_the_least_that_any_seating_leaves_empty(
    minimums: dict[str, int], voters: dict[str, tuple[str, ...]]
) -> None:
    """One person takes one seat; no other seating leaves fewer seats empty."""
    seats = [group for group, minimum in minimums.items() for _ in range(minimum)]

    missing = shortfall(ApprovalPolicy(1, minimums), voters)

    assert sum(missing.values()) == fewest_empty(seats, voters)
    assert all(0 < number <= minimums[group] for group, number in missing.items())
