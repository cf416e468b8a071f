"""The brief answers what whoever decides asks, from the ledger first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from stage_functions.application.brief import brief
from stage_functions.application.keys import asset_partition
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import sponsor_request, withdraw
from stage_functions.domain.approval import Decision, Status
from stage_functions.domain.asset import Version
from stage_functions.domain.error import NotFoundError
from stage_functions.domain.lifecycle import Assurance
from stage_functions.domain.rule import Result
from tests.brief_world import (
    FILE,
    Asked,
    approve,
    ask,
    asked,
    context_over_file,
    empty_world,
    facts,
    people_of,
    seen,
)
from tests.builders import World, actor, cast, world
from tests.fakes.sink import MemorySink


def test_says_what_is_asked_by_whom_and_what_it_waits_for(it: Asked) -> None:
    """The request, whole."""
    found = seen(it)

    assert ("Ada Lovelace", "Ada Lovelace") == (
        found.requester.name,
        *(one.name for _, one in found.authors),
    )
    assert it.version == found.version
    assert ("1 of model-risk", "1 more of model-risk or data-science") == found.needs
    assert "" == found.vain
    assert found.approval.deadline - found.approval.opened == timedelta(days=7)


def test_says_who_may_vote_and_who_may_not(it: Asked) -> None:
    """By name, with the reason."""
    people = seen(it).people

    assert {"Grace Hopper", "Rosa Parks", "Tim Berners-Lee"} == {one.name for one in people.left}
    assert [("Ada Lovelace", "the author of the version and the requester")] == [
        (one.who.name, one.why) for one in people.barred
    ]


def test_says_what_the_viewer_may(it: Asked) -> None:
    """Each for themselves, and why not in words."""
    rosa, ada = seen(it).position, seen(it, "ada").position

    assert "" == rosa.vote
    assert ("1 more of model-risk or data-science",) == rosa.then
    assert rosa.withdraw == f"only Ada Lovelace may withdraw approval {it.approval}"
    assert "nobody approves their own work: you are the requester" == ada.vote
    assert "" == ada.withdraw
    assert "it is known who asked" == ada.sponsor


def test_says_whose_vote_is_the_last_one_needed(it: Asked) -> None:
    """So that whoever casts it knows what follows."""
    approve(it.world.context, it.approval, "grace", comment="fine")
    found = seen(it)
    (ballot,) = found.people.ballots

    assert () == found.position.then
    assert ("Grace Hopper", "fine", ("data-science",), True) == (
        ballot.voter.name,
        ballot.comment,
        ballot.groups,
        ballot.counts,
    )
    assert "you have voted on it already" == seen(it, "grace").position.vote


def test_a_link_is_for_voting_where_it_is_enough(it: Asked) -> None:
    """Here it is not."""
    position = seen(it, assurance=Assurance.LINK).position

    assert "a link is not enough to vote on this one; sign in" == position.vote
    assert "a personal link is only for voting; sign in" == position.withdraw


def test_a_link_is_enough_where_the_lifecycle_says_so(closing: Callable[[World], World]) -> None:
    """For a vote, and for nothing else."""
    file = FILE.replace("bind:", "links_despite_exclusions: true\n    bind:")
    file = file.replace("expires: 7d", "expires: 7d\n          assurance: link")
    position = seen(asked(closing(empty_world(file))), assurance=Assurance.LINK).position

    assert "" == position.vote
    assert "a personal link is only for voting; sign in" == position.withdraw


def test_nobody_acts_where_the_registry_is_only_observed(it: Asked) -> None:
    """The approval stays open, and says why it waits."""
    observed = context_over_file(
        it.world.rows, it.world.registry, it.world.clock, FILE.replace("enforce", "observe")
    )
    position = brief(observed, it.approval, "person:rosa").position

    assert position.vote.endswith("approvals stay open")
    assert position.vote == position.withdraw


def test_shows_each_rule_with_its_values_and_expression(it: Asked) -> None:
    """As of opening, and now."""
    found = {one.rule: one for one in seen(it).judgements}
    rule = found["no-worse"]

    assert ["job-finished", "no-worse"] == list(found)
    assert rule.then is not None
    assert rule.now is not None
    assert (Result.PASSED, Result.PASSED, False) == (
        rule.then.result,
        rule.now.result,
        rule.changed,
    )
    assert {"evidence.metrics.auc": "0.943", "holder.evidence.metrics.auc": "0.921"} == dict(
        rule.then.values
    )
    assert (
        "holder == null || evidence.metrics.auc >= holder.evidence.metrics.auc" == rule.written.text
    )


def test_a_closed_one_is_shown_as_it_was(it: Asked) -> None:
    """What became of it, why, and no comparison with now."""
    cast(it.world.context, it.approval, "rosa", Decision.REJECT, "drift")
    calls = len(it.world.registry.calls)
    found = seen(it)

    assert (Status.REJECTED, "rejected by person:rosa: drift") == (
        found.approval.status,
        found.approval.why,
    )
    assert found.present is None
    assert "it is rejected" == found.position.vote
    assert () == found.needs
    assert [] == it.world.registry.calls[calls:]
    assert "0.943" == facts(found, "metrics")["auc"].new


def test_one_that_was_granted_says_who_held_the_stage_then(it: Asked) -> None:
    """It no longer does."""
    approve(it.world.context, it.approval, "rosa", "grace")
    found = seen(it)

    assert (Status.APPROVED, "1", False) == (
        found.approval.status,
        found.holder.number,
        found.holder.holds_now,
    )


def test_an_old_one_has_expired_whether_or_not_that_is_recorded(it: Asked) -> None:
    """The clock decides."""
    it.world.clock.sleep(8 * 86400)

    assert Status.EXPIRED is seen(it).approval.status


def test_lists_its_records(it: Asked) -> None:
    """With numbers and hashes that a paper can be held against."""
    approve(it.world.context, it.approval, "rosa", "grace")
    found = seen(it).deeds
    records = {one.number: one for one in it.world.context.ledger.records(_partition(it))}

    assert ["ApprovalRequested", "Voted", "Voted", "ApprovalClosed", "StageChanged"] == [
        one.type for one in found
    ]
    assert all(records[one.number].hash == one.hash for one in found)
    assert ["Ada Lovelace", "Rosa Parks", "Grace Hopper"] == [one.actor.name for one in found[:3]]


def test_finds_its_records_in_a_long_history(it: Asked) -> None:
    """Among many others, before and behind."""
    withdraw(it.world.context, it.approval, people_of("ada"), "w0", "")
    for number in range(60):
        opened = ask(it.world.context, it.version, f"again {number}")
        withdraw(it.world.context, opened, people_of("ada"), f"w{number + 1}", "")
        it.world.clock.sleep(60)
    last = brief(it.world.context, opened, "person:rosa").deeds

    assert ["ApprovalRequested", "ApprovalClosed"] == [one.type for one in seen(it).deeds]
    assert ["ApprovalRequested", "ApprovalClosed"] == [one.type for one in last]
    assert last[0].number > 100


def test_an_id_that_no_approval_has_is_not_found(it: Asked) -> None:
    """With the next step."""
    with pytest.raises(NotFoundError, match="stageward approvals"):
        brief(it.world.context, "zzzzzzzz", "person:rosa")


def test_a_request_that_nobody_is_proven_to_have_made_needs_a_sponsor(
    closing: Callable[[World], World],
) -> None:
    """Until then votes do not count; whoever sponsors cannot vote."""
    made = closing(world())
    version = made.register("1")
    made.tag(version, "stage_request", "Staging")
    made.tag(version, "stage_request", "Production: by tag")
    (opened,) = made.context.ledger.load(version.asset).head.approvals
    before = brief(made.context, opened, "person:bob")
    cast(made.context, opened, "bob", Decision.APPROVE)
    waiting = brief(made.context, opened, "person:ada")
    sponsor_request(made.context, opened, actor("ada"), "s1")
    after = brief(made.context, opened, "person:ada")

    assert before.approval.needs_sponsor
    assert "" == before.position.sponsor
    assert [(False, "it waits for a sponsor")] == [
        (one.counts, one.why_not) for one in waiting.people.ballots
    ]
    assert [(True, "")] == [(one.counts, one.why_not) for one in after.people.ballots]
    assert "you are the sponsor of the request" in after.position.vote


def test_a_lifecycle_without_rules_and_a_stage_that_is_not_exclusive(
    closing: Callable[[World], World],
) -> None:
    """Nothing is judged, nothing is compared, and that is known."""
    made = closing(world())
    version = made.register("1")
    ask_as_sam(made, version)
    opened = made.context.ledger.load(version.asset).head.approvals[0]
    approve(made.context, opened, "bob", "eve")
    archive = ask_as_sam(made, version, "Archived")
    found = brief(made.context, archive, "person:bob")

    assert () == found.judgements
    assert not found.holder.exclusive
    assert not found.law.exclusive("Archived")


def test_says_which_systems_are_told(closing: Callable[[World], World]) -> None:
    """By the sinks' names."""
    it = asked(closing(empty_world(sinks=(MemorySink("siem"), MemorySink("lake")))))

    assert ("siem", "lake") == seen(it).sinks


def _partition(it: Asked) -> str:
    return asset_partition(it.version.asset)


def ask_as_sam(made: World, version: Version, target: str = "Production") -> str:
    """Ask as sam, by way of Staging; return the approval's id."""
    stages = ("Staging", target) if target == "Production" else (target,)
    answers = [request_transition(made.context, made.command(version, to)) for to in stages]
    return answers[-1].approval
