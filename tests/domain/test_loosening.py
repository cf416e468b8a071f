"""What a lifecycle loosens is found, whichever way it is written; what tightens it is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import Struct
from msgspec.structs import fields, replace

from stage_functions.domain.calendar import Calendar
from stage_functions.domain.lifecycle import (
    ApprovalPolicy,
    Assurance,
    Emergency,
    Escalation,
    Excluded,
    Lifecycle,
    NotRatified,
    OnViolation,
    Review,
    Stage,
    Transition,
    WhenInvalid,
    WhenUnreviewed,
)
from stage_functions.domain.loosening import HARMLESS, covers, loosening
from stage_functions.domain.rule import AzurePolicy, Rule

DAY = timedelta(days=1)
POLICY = ApprovalPolicy(
    quorum=3,
    groups={"risk": 2, "science": 1},
    exclude=(Excluded.REQUESTER, Excluded.AUTHOR),
    expires=5 * DAY,
    remind=(DAY,),
    escalate=Escalation(3 * DAY, "heads"),
    assurance=Assurance.SIGNED_IN,
    valid_for=30 * DAY,
    when_invalid=WhenInvalid.BLOCK,
)
REVIEW = Review(90 * DAY, ("risk",), 14 * DAY, (DAY,), WhenUnreviewed.BLOCK)
EMERGENCY = Emergency(("on-call",), DAY, NotRatified.REVERT, "heads", ("soaked",))
RULES = {
    "soaked": Rule("soaked", "now > in_stage_since"),
    "tagged": Rule("tagged", policy=AzurePolicy('{"if": 1}', '{"a": 1}', "tagged.json")),
}
RICH = Lifecycle(
    name="rich",
    applies_to=("prod/*/*", "dev/models/*"),
    stages={
        "None": Stage("None", initial=True, deletable=True),
        "Staging": Stage("Staging", deployable_to=("*/*-test",)),
        "Production": Stage(
            "Production",
            exclusive=True,
            displaced_to="Archived",
            deployable_to=("*/*",),
            retire_within=DAY,
            rollback_within=30 * DAY,
            frozen=True,
            review=REVIEW,
        ),
        "Archived": Stage("Archived", terminal=True, deletable=True, hidden=True),
    },
    transitions=(
        Transition("None", "Staging", rules=("tagged",)),
        Transition("Staging", "Archived"),
        Transition(
            "Staging",
            "Production",
            rules=("soaked", "tagged"),
            requesters=("science",),
            approval=POLICY,
        ),
        Transition("Production", "Archived"),
    ),
    rules=RULES,
    bind=("team",),
    calendars={"freeze": Calendar("freeze", "UTC", "2026-12-20T00:00", 14 * DAY, "FREQ=YEARLY")},
    on_violation=OnViolation.ZERO_TRAFFIC,
    emergency=EMERGENCY,
    protect_lifecycle=("risk",),
    retain_for=3650 * DAY,
)


def with_stage(name: str = "Production", **changes: object) -> Lifecycle:
    """Return the lifecycle with a stage changed."""
    stages = {**RICH.stages, name: replace(RICH.stages[name], **changes)}
    return replace(RICH, stages=stages)


def with_way(target: str = "Production", **changes: object) -> Lifecycle:
    """Return the lifecycle with the transition from Staging changed."""
    ways = tuple(
        replace(one, **changes) if (one.source, one.target) == ("Staging", target) else one
        for one in RICH.transitions
    )
    return replace(RICH, transitions=ways)


def with_policy(**changes: object) -> Lifecycle:
    """Return the lifecycle with what its approval demands changed."""
    return with_way(approval=replace(POLICY, **changes))


def with_review(**changes: object) -> Lifecycle:
    """Return the lifecycle with its review changed."""
    return with_stage(review=replace(REVIEW, **changes))


def with_emergency(**changes: object) -> Lifecycle:
    """Return the lifecycle with its emergency changed."""
    return replace(RICH, emergency=replace(EMERGENCY, **changes))


def with_rule(name: str, rule: Rule) -> Lifecycle:
    """Return the lifecycle with a rule changed."""
    return replace(RICH, rules={**RULES, name: rule})


def with_calendar(**changes: object) -> Lifecycle:
    """Return the lifecycle with its calendar changed."""
    return replace(RICH, calendars={"freeze": replace(RICH.calendars["freeze"], **changes)})


LOOSER: dict[type[Struct], dict[str, list[Lifecycle]]] = {
    Lifecycle: {
        "applies_to": [replace(RICH, applies_to=("prod/*/*",)), replace(RICH, applies_to=("x",))],
        "stages": [
            replace(RICH, stages={**RICH.stages, "Live": Stage("Live", deployable_to=("*",))})
        ],
        "transitions": [
            replace(RICH, transitions=(*RICH.transitions, Transition("None", "Production"))),
            replace(
                RICH,
                transitions=(
                    *RICH.transitions,
                    Transition("None", "Production", approval=POLICY),
                ),
            ),
            replace(
                RICH,
                stages={**RICH.stages, "Detour": Stage("Detour")},
                transitions=(
                    *RICH.transitions,
                    Transition("Staging", "Detour"),
                    Transition("Detour", "Production"),
                ),
            ),
            replace(RICH, transitions=(*RICH.transitions, Transition("Archived", "Staging"))),
        ],
        "rules": [with_rule("soaked", Rule("soaked", "true"))],
        "bind": [replace(RICH, bind=())],
        "links_despite_exclusions": [replace(RICH, links_despite_exclusions=True)],
        "calendars": [replace(RICH, calendars={})],
        "on_violation": [
            replace(RICH, on_violation=OnViolation.NOTIFY),
            replace(RICH, on_violation=OnViolation.RECORD),
        ],
        "emergency": [with_emergency(groups=("on-call", "anyone"))],
        "protect_lifecycle": [
            replace(RICH, protect_lifecycle=()),
            replace(RICH, protect_lifecycle=("risk", "science")),
        ],
        "retain_for": [replace(RICH, retain_for=None), replace(RICH, retain_for=DAY)],
    },
    Stage: {
        "initial": [
            replace(
                with_stage("Staging", initial=True),
                stages={
                    "None": Stage("None", deletable=True),
                    **{
                        k: v
                        for k, v in with_stage("Staging", initial=True).stages.items()
                        if k != "None"
                    },
                },
            )
        ],
        "exclusive": [with_stage(exclusive=False, displaced_to="")],
        "displaced_to": [
            replace(
                RICH,
                stages={
                    **RICH.stages,
                    "Staging": Stage(
                        "Staging",
                        exclusive=True,
                        displaced_to="Production",
                        deployable_to=("*/*-test",),
                    ),
                },
            )
        ],
        "deletable": [with_stage(deletable=True)],
        "hidden": [with_stage(hidden=True), with_stage("Staging", hidden=True)],
        "terminal": [with_stage(terminal=True)],
        "deployable_to": [with_stage("Staging", deployable_to=("*/*-test", "*/*"))],
        "retire_within": [with_stage(retire_within=2 * DAY), with_stage(retire_within=40 * DAY)],
        "rollback_within": [with_stage(rollback_within=60 * DAY)],
        "frozen": [with_stage(frozen=False)],
        "review": [with_stage(review=None)],
    },
    Review: {
        "every": [with_review(every=91 * DAY)],
        "groups": [with_review(groups=("risk", "science")), with_review(groups=())],
        "within": [with_review(within=15 * DAY)],
        "when_unreviewed": [with_review(when_unreviewed=WhenUnreviewed.NOTIFY)],
    },
    Emergency: {
        "groups": [with_emergency(groups=("on-call", "science"))],
        "ratify_within": [with_emergency(ratify_within=2 * DAY)],
        "not_ratified": [with_emergency(not_ratified=NotRatified.ESCALATE)],
        "escalate_to": [with_emergency(escalate_to="science")],
        "waives": [with_emergency(waives=("soaked", "tagged"))],
    },
    ApprovalPolicy: {
        "quorum": [with_policy(quorum=2)],
        "groups": [
            with_policy(groups={"risk": 1, "science": 1}),
            with_policy(groups={"risk": 2}),
            with_policy(groups={"risk": 2, "science": 1, "anyone": 0}),
        ],
        "exclude": [with_policy(exclude=(Excluded.REQUESTER,)), with_policy(exclude=())],
        "expires": [with_policy(expires=6 * DAY)],
        "escalate": [with_policy(escalate=Escalation(3 * DAY, "science"))],
        "assurance": [with_policy(assurance=Assurance.LINK)],
        "valid_for": [with_policy(valid_for=31 * DAY), with_policy(valid_for=None)],
        "when_invalid": [
            with_policy(when_invalid=WhenInvalid.RENEW),
            with_policy(when_invalid=WhenInvalid.NOTIFY),
        ],
    },
    Escalation: {
        "after": [with_policy(escalate=Escalation(2 * DAY, "heads"))],
        "to": [with_policy(escalate=Escalation(3 * DAY, "anyone"))],
    },
    Transition: {
        "rules": [with_way(rules=("soaked",)), with_way(rules=())],
        "requesters": [with_way(requesters=()), with_way(requesters=("science", "anyone"))],
        "approval": [with_way(approval=None)],
        "copy_to": [with_way(copy_to="shared"), with_way("Archived", copy_to="shared")],
    },
    Rule: {
        "cel": [with_rule("soaked", Rule("soaked", "true"))],
        "policy": [with_rule("tagged", Rule("tagged", "true"))],
    },
    AzurePolicy: {
        "definition": [with_rule("tagged", Rule("tagged", policy=AzurePolicy("{}", '{"a": 1}')))],
        "parameters": [with_rule("tagged", Rule("tagged", policy=AzurePolicy('{"if": 1}')))],
    },
    Calendar: {
        "timezone": [with_calendar(timezone="Asia/Tokyo")],
        "starts": [with_calendar(starts="2027-12-20T00:00")],
        "lasts": [with_calendar(lasts=DAY)],
        "recurs": [with_calendar(recurs="")],
    },
}
"""By type and field, lifecycles that are looser by that field."""
CASES = [
    pytest.param(one, id=f"{type_.__name__}-{name}-{position}")
    for type_, by_field in LOOSER.items()
    for name, found in by_field.items()
    for position, one in enumerate(found)
]
TIGHTER = [
    RICH,
    with_policy(quorum=4),
    with_policy(groups={"risk": 3, "science": 1}),
    with_policy(expires=DAY, escalate=None, valid_for=DAY),
    with_policy(escalate=Escalation(4 * DAY, "heads")),
    with_way(rules=("soaked", "tagged", "more")),
    with_way("Archived", approval=POLICY, requesters=("science",)),
    replace(RICH, transitions=RICH.transitions[:2]),
    replace(RICH, emergency=None),
    replace(RICH, applies_to=("*",), bind=("team", "owner"), retain_for=4000 * DAY),
    with_stage(deployable_to=(), retire_within=None, rollback_within=None),
    with_stage("None", frozen=True, exclusive=False, review=REVIEW, deletable=False),
    with_review(every=DAY, within=DAY),
    replace(RICH, rules={**RULES, "more": Rule("more", "true")}),
    replace(RICH, stages={**RICH.stages, "Lost": Stage("Lost")}),
    replace(RICH, transitions=(*RICH.transitions, Transition("None", "Archived"))),
]


@pytest.mark.parametrize("looser", CASES)
def test_each_way_to_loosen_is_found(looser: Lifecycle) -> None:
    """It is told in words, each short enough for a page."""
    found = loosening(RICH, looser)

    assert found
    assert all(len(line) < 200 for line in found)


@pytest.mark.parametrize("tighter", TIGHTER)
def test_what_tightens_loosens_nothing(tighter: Lifecycle) -> None:
    """Nobody has to consent to more being asked of them."""
    assert loosening(RICH, tighter) == ()


def test_no_field_is_left_unjudged() -> None:
    """Whoever adds one must say what loosens by it, or why nothing does."""
    for type_, by_field in LOOSER.items():
        harmless = HARMLESS.get(type_, {})
        names = {one.name for one in fields(type_)} - {"beyond"}  # of later releases

        assert names == set(by_field) | set(harmless), type_.__name__
        assert not set(by_field) & set(harmless), type_.__name__


def test_no_type_of_a_lifecycle_is_left_out() -> None:
    """Whatever a lifecycle is made of is among what was walked."""
    seen: set[type] = set()
    todo: list[object] = [RICH]
    while todo:
        one = todo.pop()
        if isinstance(one, Struct):
            seen.add(type(one))
            todo += [getattr(one, field.name) for field in fields(type(one))]
        elif isinstance(one, dict):
            todo += one.values()
        elif isinstance(one, tuple):
            todo += one

    assert seen == set(LOOSER)


def test_an_emergency_that_was_not_there_loosens() -> None:
    """It lets somebody do at once what takes approval."""
    found = loosening(replace(RICH, emergency=None), RICH)

    assert ("emergency: on-call may make a transition at once, without approval",) == found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (replace(RICH, protect_lifecycle=()), RICH),
        (with_stage(review=None), RICH),
        (with_way(approval=None), RICH),
        (with_way(requesters=()), RICH),
        (replace(RICH, retain_for=None), RICH),
    ],
)
def test_what_is_demanded_for_the_first_time_loosens_nothing(
    old: Lifecycle, new: Lifecycle
) -> None:
    """However little it is."""
    assert loosening(old, new) == ()


def test_who_may_review_is_not_widened_by_naming_somebody() -> None:
    """Whom the lifecycle did not name were those who vote: others are others."""
    found = loosening(with_review(groups=()), RICH)

    assert ("Production: review: groups: risk may review",) == found


def test_a_stage_that_is_only_called_otherwise_loosens_nothing() -> None:
    """Nor does it hide what is loosened besides."""
    called = {"Staging": "Testing"}

    def named(name: str) -> str:
        return called.get(name, name)

    stages = {named(k): replace(v, name=named(k)) for k, v in RICH.stages.items()}
    ways = tuple(
        replace(one, source=named(one.source), target=named(one.target)) for one in RICH.transitions
    )
    renamed = replace(RICH, stages=stages, transitions=ways, renamed=called)
    laxer = replace(renamed, transitions=(*ways[:2], replace(ways[2], approval=None), ways[3]))

    assert loosening(RICH, renamed) == ()
    assert ("Testing → Production: approval: nobody need approve any more",) == loosening(
        RICH, laxer
    )


def test_what_is_loosened_is_told_in_words() -> None:
    """Somebody is to consent to it, who need not read the file."""
    found = loosening(RICH, with_policy(quorum=2, exclude=(), valid_for=None))

    assert found == (
        "Staging → Production: approval: quorum: 2 must approve instead of 3",
        "Staging → Production: approval: exclude: the requester may vote",
        "Staging → Production: approval: exclude: the author may vote",
        "Staging → Production: approval: valid_for: for ever instead of 30 days",
    )


@pytest.mark.parametrize(
    ("glob", "other", "does"),
    [
        ("*", "a/b/c", True),
        ("a/*", "a/b?", True),
        ("a/*", "b/*", False),
        ("a/b", "a/b", True),
        ("a/[bc]", "a/b", False),
        ("*]", "[ab]", False),
    ],
)
def test_a_glob_covers_another_only_where_that_is_certain(
    glob: str, other: str, *, does: bool
) -> None:
    """What cannot be told counts as not covered."""
    assert covers(glob, other) is does
