"""What a brief says in sentences, for every course that an approval may take."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application.brief import Brief, Holder
from stage_functions.application.brief_now import Present
from stage_functions.application.brief_people import Someone
from stage_functions.application.brief_written import Written
from stage_functions.domain.approval import Status
from stage_functions.domain.lifecycle import Escalation, WhenInvalid
from stage_functions.domain.people import Actor, Attribution
from stage_functions.web.pages import brief_words
from tests.brief_world import asked, empty_world, seen


@pytest.fixture(scope="module")
def found() -> Iterator[Brief]:
    """The brief of an approval that waits."""
    made = empty_world()
    yield seen(asked(made))
    made.rows.close()


def of(found: Brief, **changes: object) -> Brief:
    """Return a brief whose approval differs in some fields."""
    return replace(found, approval=replace(found.approval, **changes))


@pytest.mark.parametrize(
    ("requester", "said"),
    [
        (Actor("person:ada", Attribution.PROVEN, "page"), "signed in, on a page"),
        (
            Actor("person:ada", Attribution.PROVEN, "tag"),
            "by a tag; an event that only Azure can send proves it",
        ),
        (Actor("person:ada", Attribution.PROVEN, "somehow"), "signed in"),
        (
            Actor("mlflow:ada", Attribution.INFERRED, "tag"),
            "by a tag; the registry says so, which is no proof; votes count once somebody sponsors the request",
        ),
        (
            Actor("mlflow:ada", Attribution.INFERRED, "scan"),
            "not proven; votes count once somebody sponsors the request",
        ),
        (
            Actor("stageward", Attribution.PROVEN, "itself"),
            "of itself, since an approval that was given is no longer valid",
        ),
        (
            Actor("", Attribution.NONE, "itself"),
            "of itself, since an approval that was given is no longer valid; votes count once somebody sponsors it",
        ),
        (
            Actor("", Attribution.NONE, "tag"),
            "by a tag; votes count once somebody sponsors the request",
        ),
    ],
)
def test_says_how_surely_it_is_known_who_asked(found: Brief, requester: Actor, said: str) -> None:
    """Proven, inferred, or not at all."""
    assert said == brief_words.attribution(of(found, requester=requester))


@pytest.mark.parametrize(
    ("via", "name"), [("itself", "Stageward"), ("tag", "nobody that is known")]
)
def test_says_who_asked_where_no_person_did(found: Brief, via: str, name: str) -> None:
    """Stageward itself, or nobody that is known."""
    nobody = of(found, requester=Actor("", Attribution.NONE, via))

    assert name == brief_words.asker(replace(nobody, requester=Someone("", "")))


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (WhenInvalid.NOTIFY, "then its people are told, and nothing else changes"),
        (WhenInvalid.BLOCK, "then deployment checks refuse it until it is approved again"),
        (WhenInvalid.RENEW, "then a renewal is asked for, as a new approval"),
    ],
)
def test_says_how_long_an_approval_is_valid(found: Brief, when: WhenInvalid, said: str) -> None:
    """And what follows."""
    policy = replace(found.approval.policy, valid_for=timedelta(days=90), when_invalid=when)
    lines = brief_words.on_approve(of(found, policy=policy))

    assert f"The approval is valid for 90 days; {said}." in lines


def test_says_when_a_further_group_may_vote(found: Brief) -> None:
    """Until it may."""
    policy = replace(found.approval.policy, escalate=Escalation(timedelta(days=2), "board"))
    before = brief_words.on_expiry(of(found, policy=policy))
    after = brief_words.on_expiry(of(found, policy=policy, escalated=found.now))

    assert "From 2026-01-03 00:00 UTC on, board may vote as well." == before[0]
    assert before[1:] == after


def test_says_that_nothing_is_displaced(found: Brief) -> None:
    """Because nothing holds the stage, or because several may."""
    alone = of(found, binding=replace(found.approval.binding, displaces=()))
    shared = replace(alone, law=replace(alone.law, exclusive_stages={}))

    assert "Nothing is displaced: no version holds Production." in brief_words.on_approve(alone)
    assert "Nothing is displaced: several versions may stand at Production." in (
        brief_words.on_approve(shared)
    )


def test_says_that_no_system_is_told(found: Brief) -> None:
    """Where there is no sink; several are counted."""
    several = replace(found, sinks=("siem", "lake"))

    assert "No system is told: no sink for events is configured." in brief_words.on_approve(found)
    assert "The records are published as events to 2 sinks: siem, lake." in (
        brief_words.on_approve(several)
    )


@pytest.mark.parametrize(
    ("holder", "said"),
    [
        (Holder(""), "Nothing holds Production yet: there is nothing to compare with."),
        (
            Holder("", exclusive=False),
            "Several versions may stand at Production: this one displaces none and is compared with none.",
        ),
        (
            Holder("1"),
            "Version 1 held Production when this was asked. Nothing that is known of it was kept.",
        ),
        (Holder("1", known=True), "Version 1 held Production when this was asked."),
    ],
)
def test_says_what_it_is_compared_with(found: Brief, holder: Holder, said: str) -> None:
    """Or plainly that there is nothing."""
    assert said == brief_words.compared_with(replace(found, holder=holder))


def test_says_of_the_past_what_was(found: Brief) -> None:
    """A closed brief is read when another version may hold the stage."""
    closed = replace(of(found, status=Status.APPROVED), holder=Holder(""))

    assert brief_words.compared_with(closed).startswith("Nothing held Production when this was")


def test_says_what_a_renewal_is_compared_with(found: Brief) -> None:
    """What was approved before, where that is kept."""
    renewal = of(found, binding=replace(found.approval.binding, source="Production"))
    lost = replace(renewal, holder=Holder("2"))

    assert "Compared with what was approved before, for the same version." == (
        brief_words.compared_with(renewal)
    )
    assert "What was approved before is not kept: there is nothing to compare with." == (
        brief_words.compared_with(lost)
    )
    assert "Approved before" == brief_words.old_title(renewal)


@pytest.mark.parametrize(
    ("status", "why", "said"),
    [
        (Status.APPROVED, "approved by Ada", "Approved by Ada."),
        (Status.VOIDED, "2 was deleted", "Voided: 2 was deleted."),
        (Status.EXPIRED, "", "Expired without a decision."),
    ],
)
def test_says_what_became_of_it(found: Brief, status: Status, why: str, said: str) -> None:
    """In one sentence."""
    assert said == brief_words.outcome(replace(of(found, status=status), why=why))


@pytest.mark.parametrize(
    ("status", "moves", "renews"),
    [
        (
            Status.APPROVED,
            "Moved churn version 2 from Staging to Production",
            "Renewed the approval of churn version 2 for Production",
        ),
        (
            Status.REJECTED,
            "Rejected: churn version 2 from Staging to Production",
            "Rejected: renewal of churn version 2 for Production",
        ),
    ],
)
def test_is_headed_by_what_became_of_it(
    found: Brief, status: Status, moves: str, renews: str
) -> None:
    """An open one by what is asked."""
    renewal = replace(found.approval.binding, source="Production")

    assert moves == brief_words.headline(of(found, status=status))
    assert renews == brief_words.headline(of(found, status=status, binding=renewal))


@pytest.mark.parametrize(
    ("bound", "then", "withdraw", "said", "instead"),
    [
        ((), (), "no", "approving renews the approval at once", "Whoever asked can withdraw it"),
        (("x",), (), "", "approving voids it and renews nothing", "Withdraw it, and ask anew"),
        (("x",), ("1 of risk",), "no", "waits for 1 of risk. The last vote will void it.", ""),
    ],
)
def test_says_what_approving_a_renewal_comes_to(
    found: Brief,
    bound: tuple[str, ...],
    then: tuple[str, ...],
    withdraw: str,
    said: str,
    instead: str,
) -> None:
    """It renews, or where something has changed it voids."""
    renewal = of(found, binding=replace(found.approval.binding, source="Production"))
    place = replace(found.position, then=then, withdraw=withdraw)
    case = replace(renewal, position=place, present=Present(bound=bound))

    assert said in brief_words.on_my_approval(case)
    assert instead in brief_words.instead(case)


def test_says_all_that_is_written_to_the_registry(found: Brief) -> None:
    """Tags that stand for stages, the stage field, and what is archived or shown again."""
    said = Written(
        tags=("stage", "stage_status", "stage_governor", "staging", "prod", "approval"),
        native={"2": "Production", "1": ""},
        archived=("1",),
        after=timedelta(days=7),
        restored=("2",),
        aliases={"champion": "2", "next": ""},
    )
    lines = brief_words.on_approve(replace(found, written=said))

    assert "In registry demo the alias champion is set to version 2." in lines
    assert "In registry demo the alias next is deleted." in lines
    assert (
        "In registry demo the tags stage, stage_status, stage_governor and 3 others of Stageward "
        "of versions 2 and 1 are written to say so; no other tag is touched."
    ) in lines
    assert "In registry demo the stage field of version 2 is set to Production." in lines
    assert "In registry demo the stage field of version 1 is emptied." in lines
    assert "Version 1 is archived in registry demo after 7 days." in lines
    assert "Version 2 is no longer archived in registry demo." in lines


def test_says_that_the_version_itself_is_archived(found: Brief) -> None:
    """At once: it displaces itself from nothing."""
    number = found.version.number
    said = Written(archived=(number,), after=timedelta(days=7))
    lines = brief_words.on_approve(replace(found, written=said))

    assert f"Version {number} is archived in registry demo." in lines
