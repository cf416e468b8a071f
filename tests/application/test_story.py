"""What users meet: tags that ask, approvals that decide, a history that says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stage_functions.application import query
from stage_functions.application.answer import Answer, AnswerKind
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, sponsor_request, vote
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import DeniedError, NotAllowedNowError, StaleError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.people import Actor, Attribution
from tests.builders import IRIS, World, actor, world


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry is governed."""
    made = world()
    yield made
    made.rows.close()


@pytest.fixture
def only_observed() -> Iterator[World]:
    """A world whose registry is only observed."""
    made = world(Mode.OBSERVE)
    yield made
    made.rows.close()


def types(it: World) -> list[str]:
    """Return the types of iris's records."""
    return [str(record.type) for record in query.all_records(it.context, IRIS)]


def staged(it: World, number: str = "1") -> Version:
    """Return a version at Staging."""
    version = it.register(number)
    request_transition(it.context, it.command(version, "Staging"))
    return version


def ballot(it: World, answer: Answer, person: str, decision: Decision = Decision.APPROVE) -> Answer:
    """Vote on an approval."""
    operation = it.clock.operation_id()
    command = VoteCommand(
        answer.approval, decision, "fine", answer.fingerprint, actor(person), operation
    )
    return vote(it.context, command)


def promoted(it: World, number: str) -> Version:
    """Return a version at Production."""
    version = staged(it, number)
    answer = request_transition(it.context, it.command(version, "Production"))
    ballot(it, answer, "bob")
    ballot(it, answer, "eve")
    return version


def test_a_registered_version_begins_at_the_initial_stage_and_says_so_in_its_tags(
    it: World,
) -> None:
    """Registering is enough: the tags follow."""
    version = it.register("1")

    assert it.registry.tags(version)["stage"] == "None"
    assert it.registry.tags(version)["stage_governor"] == f"{it.context.ledger.id}/1"
    assert types(it) == ["Registered"]


def test_a_stage_request_tag_moves_a_version_where_nobody_must_approve(it: World) -> None:
    """The ML professional just sets a tag."""
    version = it.register("1")
    it.tag(version, "stage_request", "Staging: looks good")

    assert it.registry.tags(version)["stage"] == "Staging"
    assert types(it) == ["Registered", "StageChanged"]


def test_editing_the_stage_tag_itself_is_a_request(it: World) -> None:
    """The shorthand asks as well."""
    version = it.register("1")
    it.tag(version, "stage", "Staging")

    assert it.registry.tags(version)["stage"] == "Staging"
    assert types(it) == ["Registered", "StageChanged"]


def test_an_illegal_jump_is_refused_with_the_reason_in_the_status(it: World) -> None:
    """The person who asked sees why not, and what is allowed."""
    version = it.register("1")
    it.tag(version, "stage_request", "Production")

    status = it.registry.tags(version)["stage_status"]
    assert status.startswith(
        "refused: None → Production is not allowed; allowed: Staging, Archived"
    )
    assert status.endswith("; to ask again: <stage>: <new reason>")


def test_a_stage_in_lower_case_is_refused_with_the_one_that_was_meant(it: World) -> None:
    """Never with the first that is allowed, which nobody asked for."""
    version = staged(it)
    it.tag(version, "stage_request", "production: lower case")

    status = it.registry.tags(version)["stage_status"]
    assert status.startswith(
        "refused: 'production' is no stage of the lifecycle default (did you mean 'Production'?); "
        "allowed:"
    )
    assert status.endswith("; to ask again: Production: <new reason>")


def test_two_distinct_persons_approve_and_the_version_moves(it: World) -> None:
    """The quorum grants, and not before."""
    version = staged(it)
    answer = request_transition(it.context, it.command(version, "Production"))
    first = ballot(it, answer, "bob")
    second = ballot(it, answer, "eve")

    assert (answer.kind, first.kind, second.kind) == (
        AnswerKind.PENDING,
        AnswerKind.VOTED,
        AnswerKind.GRANTED,
    )
    assert it.registry.tags(version)["stage"] == "Production"


def test_nobody_approves_their_own_work(it: World) -> None:
    """The requester's and the author's vote are refused."""
    version = staged(it)
    answer = request_transition(it.context, it.command(version, "Production", "ada"))

    for person in ("ada", "sam"):
        with pytest.raises(DeniedError, match="nobody approves their own work"):
            ballot(it, answer, person)


def test_the_next_holder_displaces_the_last_one_in_the_same_commit(it: World) -> None:
    """At most one version holds Production, and both moves are one commit."""
    first, second = promoted(it, "1"), promoted(it, "2")

    assert it.registry.tags(first)["stage"] == "Archived"
    assert it.registry.tags(second)["stage"] == "Production"
    gained, lost = list(query.all_records(it.context, IRIS))[-2:]
    assert gained.content["commit"] == lost.content["commit"]
    assert lost.content["because_of"] == gained.number


def test_a_request_by_tag_needs_a_sponsor_before_votes_count(it: World) -> None:
    """Nobody is known to have asked until someone stands for it."""
    version = staged(it)
    it.tag(version, "stage_request", "Production: please")
    view = query.approvals(it.context)[0]
    answer = Answer(
        AnswerKind.PENDING,
        "",
        "",
        approval=view.approval.id,
        fingerprint=view.approval.fingerprint,
    )
    ballot(it, answer, "bob")
    waiting = ballot(it, answer, "eve")
    granted = sponsor_request(it.context, view.approval.id, actor("ada"), "sponsor-1")

    assert waiting.kind is AnswerKind.VOTED
    assert granted.kind is AnswerKind.GRANTED


def test_a_stale_tool_that_writes_old_tags_back_moves_nothing(it: World) -> None:
    """Old values ask nothing; the stage is put right."""
    version = it.register("1")
    old = dict(it.registry.tags(version))
    it.tag(version, "stage_request", "Staging: now")
    it.registry.set_tags(version, old)
    follow(it.context, Signal(version))

    assert it.registry.tags(version)["stage"] == "Staging"
    assert types(it) == ["Registered", "StageChanged", "DriftFound"]


def test_what_an_approval_is_bound_to_voids_it_when_it_changes(it: World) -> None:
    """A vote grants what was shown, or nothing."""
    version = staged(it)
    answer = request_transition(it.context, it.command(version, "Production"))
    ballot(it, answer, "bob")
    it.registry.describe(version, "another text")
    closed = ballot(it, answer, "eve")

    assert (closed.kind, closed.status) == (AnswerKind.CLOSED, "voided")
    assert "description" in closed.detail
    assert it.registry.tags(version)["stage"] == "Staging"


def test_evidence_that_changed_is_named_with_its_values(it: World) -> None:
    """Whoever voted reads what is different now; a name that could be an address stays out."""
    version = staged(it)
    it.registry.evidences[version] = Evidence(
        {"metrics": {"accuracy": 0.95}, "author": {"id": "mlflow:sam@example.org"}}
    )
    answer = request_transition(it.context, it.command(version, "Production"))
    ballot(it, answer, "bob")
    it.registry.evidences[version] = Evidence(
        {"metrics": {"accuracy": 0.7}, "author": {"id": "mlflow:eve@example.org"}}
    )

    closed = ballot(it, answer, "eve")

    assert "metrics: accuracy: 0.95 → 0.7 (by " in closed.detail
    assert "@" not in closed.detail


def test_a_vote_on_another_brief_is_stale(it: World) -> None:
    """The fingerprint says what the voter saw."""
    answer = request_transition(it.context, it.command(staged(it), "Production"))

    with pytest.raises(StaleError, match="look at it again"):
        vote(
            it.context,
            VoteCommand(answer.approval, Decision.APPROVE, "", "sha256:0", actor("bob"), "op"),
        )


def test_a_late_vote_finds_the_approval_expired(it: World) -> None:
    """Expiry lapses, and never approves."""
    version = staged(it)
    answer = request_transition(it.context, it.command(version, "Production"))
    ballot(it, answer, "bob")
    it.clock.sleep(8 * 86400)

    with pytest.raises(NotAllowedNowError, match="expired"):
        ballot(it, answer, "eve")
    assert it.registry.tags(version)["stage_status"].startswith("Staging → Production expired")


def test_the_sweep_closes_what_nobody_decided(it: World) -> None:
    """A deadline is owed work."""
    request_transition(it.context, it.command(staged(it), "Production"))
    it.clock.sleep(8 * 86400)

    assert sweep(it.context).expired == 1
    assert query.approvals(it.context) == []


def test_the_same_operation_id_gets_the_same_answer(it: World) -> None:
    """Asking again after a lost reply is safe."""
    command = it.command(it.register("1"), "Staging")
    first = request_transition(it.context, command)
    count = len(types(it))

    assert request_transition(it.context, command) == first
    assert len(types(it)) == count


def test_a_registry_that_is_only_observed_is_never_written(only_observed: World) -> None:
    """Observe shows what would happen and changes nothing."""
    version = only_observed.register("1")
    only_observed.tag(version, "stage_request", "Staging")

    assert dict(only_observed.registry.tags(version)) == {"stage_request": "Staging"}
    assert types(only_observed) == ["Observed", "Observed"]


def test_a_lost_signal_is_caught_by_the_scan(it: World) -> None:
    """Nothing depends on a signal arriving."""
    version = it.register("1")
    it.registry.set_tags(version, {"stage_request": "Staging"})
    Scanner(it.context).scan("demo")

    assert it.registry.tags(version)["stage"] == "Staging"


def test_work_that_the_registry_could_not_take_is_finished_later(it: World) -> None:
    """A decision stands; its tags follow when the registry is back."""
    version = it.register("1")
    it.registry.set_tags(version, {"stage_request": "Staging"})
    it.registry.away = True
    it.clock.sleep(1)
    it.registry.away = False
    follow(it.context, Signal(version))

    assert it.registry.tags(version)["stage"] == "Staging"


def test_a_granted_transition_costs_a_bounded_number_of_calls(it: World) -> None:
    """Store round trips and registry calls stay within their budgets."""
    version = it.register("1")
    it.rows.trips = 0
    it.registry.calls.clear()
    request_transition(it.context, it.command(version, "Staging"))
    granted = (it.rows.trips, len(it.registry.calls))
    it.rows.trips = 0
    it.registry.calls.clear()
    follow(it.context, Signal(version))

    assert granted[0] <= 10
    assert granted[1] <= 6
    assert it.rows.trips <= 3
    assert len(it.registry.calls) <= 1


def test_an_open_approval_is_voided_when_its_version_moves_elsewhere(it: World) -> None:
    """It was bound to the stage that the version has left."""
    version = staged(it)
    answer = request_transition(it.context, it.command(version, "Production"))
    request_transition(it.context, it.command(version, "Archived"))

    assert query.approval(it.context, answer.approval).approval.status == "voided"
    with pytest.raises(NotAllowedNowError, match="voided"):
        ballot(it, answer, "bob")


def test_whoever_has_only_a_link_cannot_sponsor(it: World) -> None:
    """A request stands by somebody who is known for certain."""
    it.tag(staged(it), "stage_request", "Production: please")
    approval = query.approvals(it.context)[0].approval.id
    by_link = Actor("person:ada", Attribution.INFERRED, "link")

    with pytest.raises(DeniedError, match="sign in"):
        sponsor_request(it.context, approval, by_link, it.clock.operation_id())


def test_a_sponsor_who_has_voted_no_longer_counts(it: World) -> None:
    """Whoever stands for a request does not approve it."""
    version = staged(it)
    it.tag(version, "stage_request", "Production: please")
    view = query.approvals(it.context)[0]
    answer = Answer(
        AnswerKind.PENDING,
        "",
        "",
        approval=view.approval.id,
        fingerprint=view.approval.fingerprint,
    )
    ballot(it, answer, "bob")
    ballot(it, answer, "eve")
    sponsored = sponsor_request(it.context, view.approval.id, actor("eve"), "sponsor-1")

    assert sponsored.kind is AnswerKind.VOTED
    assert it.registry.tags(version)["stage"] == "Staging"


def test_asking_again_finds_the_same_approval(it: World) -> None:
    """One wish, one approval."""
    version = staged(it)
    first = request_transition(it.context, it.command(version, "Production"))
    again = request_transition(it.context, it.command(version, "Production"))

    assert again.approval == first.approval


def test_a_new_incarnation_begins_anew(it: World) -> None:
    """What was granted to one thing is not granted to another under its number."""
    version = promoted(it, "1")
    it.registry.register(version, it.clock.now(), tags=dict(it.registry.tags(version)))
    follow(it.context, Signal(version))

    assert it.registry.tags(version)["stage"] == "None"
    assert types(it)[-3:] == ["Deleted", "Violated", "Registered"]
    assert query.asset(it.context, IRIS).holders == {}
