"""Votes that do not count, and what voters, sponsors and requesters are told in words."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.answer import AnswerKind
from stage_functions.application.context import Context
from stage_functions.application.vote import withdraw
from stage_functions.domain.approval import Decision
from stage_functions.domain.consent import refused_words
from stage_functions.domain.error import (
    DeniedError,
    InvalidInputError,
    NotAllowedNowError,
    StaleError,
)
from stage_functions.domain.lifecycle import ApprovalPolicy, Assurance, Excluded, Lifecycle
from stage_functions.domain.people import Directory
from stage_functions.domain.record import RecordType
from tests.application.clock_world import Clocked, clocked
from tests.builders import DIRECTORY, actor, lifecycle


@pytest.fixture
def it() -> Iterator[Clocked]:
    """A world where Production takes two votes, at least one of risk."""
    made = clocked()
    yield made
    made.world.rows.close()


def demanding(policy: ApprovalPolicy, **more: bool) -> Lifecycle:
    """Return the lifecycle where Production takes what a policy says."""
    plain = lifecycle()
    return replace(
        plain,
        transitions=tuple(
            replace(one, approval=policy) if one.target == "Production" else one
            for one in plain.transitions
        ),
        text={"name": "default", "shape": "demanding"},
        **more,
    )


def knowing(context: Context, directory: Directory) -> Context:
    """Return an instance whose file has other people."""
    return replace(context, configuration=replace(context.configuration, directory=directory))


def test_who_was_removed_from_the_group_since_may_not_vote(it: Clocked) -> None:
    """Membership is judged at the vote, not when the approval opened."""
    id_ = it.ask().approval
    groups = {**DIRECTORY.groups, "risk": ("ada", "eve")}
    since = knowing(it.context, replace(DIRECTORY, groups=groups))
    with pytest.raises(DeniedError, match="only risk may vote on it"):
        it.vote(id_, "bob", context=since)
    it.vote(id_, "bob")
    answer = it.vote(id_, "eve", context=since)

    assert answer.kind is AnswerKind.GRANTED


@pytest.mark.parametrize(
    ("person", "why"),
    [
        ("ada", "nobody approves their own work: you are the requester"),
        ("sam", "only risk may vote on it"),
        ("stranger", "only risk may vote on it"),
    ],
)
def test_who_is_excluded_or_in_no_group_is_told_why(it: Clocked, person: str, why: str) -> None:
    """And nothing is recorded."""
    id_ = it.ask("ada").approval
    before = len(it.records())
    with pytest.raises(DeniedError, match=why):
        it.vote(id_, person)

    assert len(it.records()) == before


def test_a_second_vote_a_late_vote_and_one_on_another_brief_are_refused(it: Clocked) -> None:
    """Each says which it is."""
    id_ = it.ask().approval
    it.vote(id_, "bob")
    with pytest.raises(NotAllowedNowError) as twice:
        it.vote(id_, "bob")
    with pytest.raises(StaleError) as stale:
        it.vote(id_, "eve", fingerprint="sha256:0")
    it.vote(id_, "eve", Decision.REJECT, comment="drift")
    with pytest.raises(NotAllowedNowError) as closed:
        it.vote(id_, "ada")

    assert twice.value.code == "already-voted"
    assert "look at it again and vote anew" in str(stale.value)
    assert f"approval {id_} is rejected by person:eve: drift" in str(closed.value)


def test_two_approvers_at_the_same_instant_are_both_heard(it: Clocked) -> None:
    """Whoever commits second finds the ledger moved, and is counted on top of the first."""
    id_ = it.ask().approval

    def meanwhile() -> None:
        it.vote(id_, "eve", context=it.other)

    command = partial(it.vote, id_, "bob")
    it.world.rows.meanwhile = meanwhile
    answer = command()
    voted = [one for one in it.records() if one.type is RecordType.VOTED]

    assert answer.kind is AnswerKind.GRANTED
    assert [str(one.content["actor"]["id"]) for one in voted] == ["person:eve", "person:bob"]  # type: ignore[call-overload,index]  # an actor document
    assert it.state().stage == "Production"


@pytest.mark.parametrize("comment", ["", "  \n "])
def test_a_reject_without_a_comment_is_refused(it: Clocked, comment: str) -> None:
    """Whoever asked must know why; an approval may do without."""
    id_ = it.ask().approval
    with pytest.raises(InvalidInputError, match="a reject needs a comment"):
        it.vote(id_, "bob", Decision.REJECT, comment=comment)
    answer = it.vote(id_, "eve", comment="")

    assert answer.kind is AnswerKind.VOTED


def test_a_vote_by_link_counts_where_the_policy_takes_one_and_is_recorded_as_weaker() -> None:
    """Beside it one by signing in, which is not."""
    it = clocked(
        governed_by=demanding(ApprovalPolicy(2, {"risk": 1}, (), assurance=Assurance.LINK))
    )
    id_ = it.ask().approval
    it.vote(id_, "bob", assurance=Assurance.LINK)
    it.vote(id_, "eve")
    recorded = [one.content["assurance"] for one in it.records() if one.type is RecordType.VOTED]
    kept = [str(one.assurance) for one in it.approval(id_).votes]
    it.world.rows.close()

    assert recorded == ["link", "signed_in"]
    assert kept == ["link", "signed_in"]


@pytest.mark.parametrize(
    ("policy", "despite", "allowed"),
    [
        (ApprovalPolicy(1, {"risk": 1}, ()), False, False),
        (
            ApprovalPolicy(1, {"risk": 1}, (Excluded.AUTHOR,), assurance=Assurance.LINK),
            False,
            False,
        ),
        (ApprovalPolicy(1, {"risk": 1}, (Excluded.AUTHOR,), assurance=Assurance.LINK), True, True),
    ],
)
def test_a_link_may_be_passed_on_so_it_is_refused_where_anybody_is_excluded(
    policy: ApprovalPolicy,
    despite: bool,  # noqa: FBT001  # a parameter
    allowed: bool,  # noqa: FBT001  # likewise
) -> None:
    """Unless the policy asks for no more than a link, and the lifecycle allows it in so many words."""
    it = clocked(governed_by=demanding(policy, links_despite_exclusions=despite))
    id_ = it.ask().approval
    try:
        kind = str(it.vote(id_, "bob", assurance=Assurance.LINK).kind)
    except DeniedError as exc:
        kind = str(exc)
    it.world.rows.close()

    assert kind == ("granted" if allowed else "a link is not enough to vote on this one; sign in")


def test_who_stands_for_a_request_is_told_that_their_approval_is_lost(it: Clocked) -> None:
    """They approved it before, and nobody approves what they ask for."""
    it.world.tag(it.version, "stage_request", "Production: by tag")
    (view,) = query.approvals(it.context)
    it.vote(view.approval.id, "bob")
    it.vote(view.approval.id, "ada")
    answer = it.sponsor(view.approval.id, "ada")
    silent = [one.counting for one in query.approvals(it.context)]

    assert answer.detail.endswith(
        "your approval does not count any more, since you stand for the request now"
    )
    assert answer.needs == ("1 more of risk",)
    assert silent == [("person:bob",)]


def test_who_stands_for_a_request_is_not_named_among_those_who_approved_it(it: Clocked) -> None:
    """Their vote was kept, and did not count."""
    it.world.tag(it.version, "stage_request", "Production: by tag")
    (view,) = query.approvals(it.context)
    for person in ("ada", "bob", "eve"):
        it.vote(view.approval.id, person)
    answer = it.sponsor(view.approval.id, "ada")

    assert answer.kind is AnswerKind.GRANTED
    assert answer.detail.startswith("approved by person:bob and person:eve; your approval")


def test_who_had_not_voted_is_told_nothing_of_it(it: Clocked) -> None:
    """There was nothing to lose."""
    it.world.tag(it.version, "stage_request", "Production: by tag")
    (view,) = query.approvals(it.context)

    assert "does not count" not in it.sponsor(view.approval.id, "ada").detail


def test_what_an_approval_waits_for_is_said_in_the_same_words_everywhere(it: Clocked) -> None:
    """In the answer, in the tag, in the view."""
    asked = it.ask()
    words = "1 of risk, 1 more of risk; excluded: the requester"
    (view,) = query.approvals(it.context)
    voted = it.vote(asked.approval, "bob")

    assert asked.waits_for == words
    assert view.waits_for == words
    assert voted.detail == "needs 1 more of risk; excluded: the requester"
    assert it.world.registry.tags(it.version)["stage_status"].endswith(voted.detail)


@pytest.mark.parametrize("by_tag", [True, False])
def test_what_is_refused_meanwhile_does_not_hide_the_approval_that_is_open(
    it: Clocked, *, by_tag: bool
) -> None:
    """Tag and catalog say first what it waits for, and then the last refusal; a vote ends that."""
    asked = it.ask()
    pending = it.world.registry.tags(it.version)["stage_status"]
    for target in ("Stagin", "Prodction"):
        if by_tag:
            it.world.tag(it.version, "stage_request", target)
        else:
            it.ask(target=target)
    shown = it.world.registry.tags(it.version)["stage_status"]
    (entry,) = query.assets(it.context).entries
    it.vote(asked.approval, "bob")
    voted = it.world.registry.tags(it.version)["stage_status"]

    assert shown.startswith(
        f"{pending}; refused meanwhile: 'Prodction' is no stage of the lifecycle default (did"
    )
    assert entry.status.startswith(f"{pending}; refused meanwhile: 'Prodction' is no stage")
    assert f"pending approval {asked.approval}, needs 1 more of risk; " in voted
    assert "refused" not in voted


def test_what_the_release_before_wrote_over_an_open_approval_names_it_again(it: Clocked) -> None:
    """What it waits for is not known from the status any more: its page says it."""
    asked = it.ask()
    hidden = replace(it.state(), status="refused: 'Prodction' is no stage")

    words = refused_words(hidden, "'Stagin' is no stage")

    assert f"pending approval {asked.approval}; refused meanwhile: 'Stagin' is no stage" == words


def test_the_author_does_not_take_back_what_others_asked_for() -> None:
    """Only who asked, or for whom it was asked."""
    it = clocked()
    asked = it.ask("sam")
    with pytest.raises(DeniedError, match="only person:sam may withdraw"):
        withdraw(it.context, asked.approval, actor("ada"), "w1", "")
    done = withdraw(it.context, asked.approval, actor("sam"), "w2", "")
    it.world.rows.close()

    assert "withdrawn" == done.status


def test_a_quorum_that_nobody_left_can_reach_is_said_when_it_opens() -> None:
    """Not at expiry: in the answer, the record, the tag and the view."""
    policy = ApprovalPolicy(3, {"risk": 3}, (Excluded.REQUESTER,))
    it = clocked(governed_by=demanding(policy))
    asked = it.ask("ada")
    (view,) = query.approvals(it.context)
    status = it.world.registry.tags(it.version)["stage_status"]
    recorded = it.records()[-1].content["impossible"]
    possible = it.context
    withdraw(possible, asked.approval, actor("ada"), "w", "")
    fine = it.ask("sam")
    it.world.rows.close()

    said = "it cannot be reached: person:bob and person:eve of risk can still vote"
    assert asked.detail.startswith(f"Staging → Production waits for approval; {said}")
    assert recorded == view.impossible
    assert view.impossible.startswith(said)
    assert view.voters == ("person:bob", "person:eve")
    assert said in status
    assert fine.detail == "Staging → Production waits for approval"


def test_one_that_becomes_impossible_says_so_from_then_on() -> None:
    """A reject closes, but somebody who leaves the group only goes missing."""
    policy = ApprovalPolicy(2, {"risk": 2}, (Excluded.REQUESTER,))
    it = clocked(governed_by=demanding(policy))
    it.ask("ada")
    groups = {**DIRECTORY.groups, "risk": ("ada", "eve")}
    since = knowing(it.context, replace(DIRECTORY, groups=groups))
    (before,) = query.approvals(it.context)
    (after,) = query.approvals(since)
    it.world.rows.close()

    assert before.impossible == ""
    assert "person:eve of risk can still vote" in after.impossible


def test_a_status_says_once_what_was_rejected() -> None:
    """A version at Production that was not archived does not read as if it were rejected itself."""
    it = clocked()
    it.granted()
    archived = it.ask("sam", "Archived")
    it.vote(archived.approval, "bob", Decision.REJECT, comment="keep it")
    status = it.world.registry.tags(it.version)["stage_status"]
    it.ask("sam", "Archived")
    it.at(20)
    lapsed = it.world.registry.tags(it.version)["stage_status"]
    it.world.rows.close()

    assert status == "Production → Archived rejected by person:bob: keep it"
    assert lapsed.startswith("Production → Archived expired: no decision before 2026-01-")
