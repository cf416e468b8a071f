"""What was approved for a time: how it ends, what that blocks, and how it is renewed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.answer import Answer, AnswerKind
from stage_functions.application.checks import Action, Finding, Question, check
from stage_functions.application.deadlines import ring
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import preview, request_transition
from stage_functions.application.vote import withdraw
from stage_functions.domain.approval import Approval, Decision, Status
from stage_functions.domain.error import DeniedError, RegistryUnavailableError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import (
    ApprovalPolicy,
    Lifecycle,
    Transition,
    WhenInvalid,
)
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import Record, RecordType
from stage_functions.domain.rule import Rule
from stage_functions.domain.transition import Request
from tests.application.clock_world import Clocked, clocked, under
from tests.builders import IRIS, actor, lifecycle, timed

ENDED = RecordType.VALIDITY_ENDED
RUN_OUT = 31.0
"""Days after the world began: the approval was valid for 30."""


@pytest.fixture
def it() -> Iterator[Clocked]:
    """A world where an approval that has run out is only told of."""
    made = clocked()
    yield made
    made.world.rows.close()


@pytest.fixture
def blocking() -> Iterator[Clocked]:
    """A world where one that has run out blocks deployments."""
    made = clocked(WhenInvalid.BLOCK)
    yield made
    made.world.rows.close()


@pytest.fixture
def renewing() -> Iterator[Clocked]:
    """A world where one that has run out is to be renewed."""
    made = clocked(WhenInvalid.RENEW)
    yield made
    made.world.rows.close()


def ends(it: Clocked) -> list[Record]:
    """Return the records of what has run out."""
    return [record for record in it.records() if record.type is ENDED]


def waiting(it: Clocked) -> Approval:
    """Return the approval that is open."""
    (view,) = query.approvals(it.context)
    return view.approval


def deployment(it: Clocked) -> Finding:
    """Ask whether the version may be deployed."""
    return check(
        it.context, Question(it.version, Action.DEPLOY, Request("", "", actor("sam")), "a/b")
    )


def with_rule(cel: str, when_invalid: WhenInvalid = WhenInvalid.RENEW) -> Lifecycle:
    """Return the lifecycle whose way to Production has a rule."""
    course = timed(when_invalid)
    rule = Rule("fit", cel, "it is fit", ())
    return replace(
        course,
        rules={rule.name: rule},
        transitions=tuple(
            replace(one, rules=(rule.name,)) if one.target == "Production" else one
            for one in course.transitions
        ),
        text={**course.text, "cel": cel},
    )


def test_an_approval_that_has_run_out_is_told_of_once(it: Clocked) -> None:
    """The stage stays, and since when it stands there; whoever sweeps, and however often."""
    id_ = it.granted()
    before = it.state()
    it.set(RUN_OUT)
    for context in (it.context, it.other, it.context):
        sweep(context)
    (ended,) = ends(it)

    assert ended.content["approval"] == id_
    assert (ended.content["stage"], ended.content["then"]) == ("Production", "notify")
    assert (it.state().stage, it.state().since) == ("Production", before.since)
    assert (
        f"approval {id_} ran out on 2026-01-31"
        in it.world.registry.tags(it.version)["stage_status"]
    )
    assert it.approval(id_).ended is not None
    assert it.rows() == 0


def test_two_instances_that_find_it_at_once_note_it_once(it: Clocked) -> None:
    """Between the load of one and its commit the other is through."""
    id_ = it.granted()
    it.set(RUN_OUT)
    it.world.rows.meanwhile = partial(ring, it.other, IRIS, id_)
    ring(it.context, IRIS, id_)

    assert len(ends(it)) == 1


def test_of_a_version_that_has_moved_nothing_runs_out(it: Clocked) -> None:
    """It no longer stands there by that approval."""
    it.granted()
    archived = it.ask("sam", "Archived")
    it.vote(archived.approval, "bob")

    assert it.at(RUN_OUT).rung == ()
    assert it.state().valid_until is None


def test_of_a_version_that_was_displaced_or_is_another_thing_nothing_runs_out(
    it: Clocked,
) -> None:
    """Neither stands there by that approval."""
    it.granted()
    second = it.world.register("2")
    request_transition(it.context, it.world.command(second, "Staging"))
    asked = request_transition(it.context, it.world.command(second, "Production"))
    for person in ("bob", "eve"):
        it.vote(asked.approval, person)
    it.world.registry.register(second, it.world.clock.now())
    follow(it.context, Signal(second))

    assert it.at(RUN_OUT).rung == ()


def test_what_ran_out_blocks_a_deployment_where_the_lifecycle_says_so(blocking: Clocked) -> None:
    """By the moment, not by the sweep; with the words to mend it."""
    id_ = blocking.granted()
    before = deployment(blocking)
    blocking.set(RUN_OUT)
    unswept = deployment(blocking)
    sweep(blocking.context)

    assert before.allowed
    assert not unswept.allowed
    assert unswept.detail == (
        f"demo/models/iris:1 stands at Production, but approval {id_} ran out on "
        "2026-01-31 00:00 UTC; ask for its renewal: "
        "`stageward promote demo/models/iris:1 Production`"
    )
    assert deployment(blocking) == unswept
    assert [one.content["then"] for one in ends(blocking)] == ["block"]


def test_what_is_not_to_block_does_not(it: Clocked) -> None:
    """It was told of, and that is all."""
    it.granted()
    it.at(RUN_OUT)

    assert deployment(it).allowed


def test_a_renewal_unblocks(blocking: Clocked) -> None:
    """While it waits, the refusal names it."""
    blocking.granted()
    blocking.at(RUN_OUT)
    asked = blocking.ask("ada")
    meanwhile = deployment(blocking)
    for person in ("bob", "eve"):
        blocking.vote(asked.approval, person)

    assert f"approval {asked.approval} of its renewal needs 1 of risk" in meanwhile.detail
    assert not meanwhile.allowed
    assert deployment(blocking).allowed


def test_a_renewal_opens_by_itself_and_needs_somebody_to_stand_for_it(renewing: Clocked) -> None:
    """In the commit that notes the end; nothing moves when it is granted."""
    first = renewing.granted()
    since = renewing.state().since
    renewing.at(RUN_OUT)
    opened = waiting(renewing)
    ended, requested = renewing.records()[-2:]
    for person in ("bob", "eve"):
        renewing.vote(opened.id, person)
    unsponsored = renewing.approval(opened.id).status
    answer = renewing.sponsor(opened.id, "sam")
    closed, renewed = renewing.records()[-2:]
    state = renewing.state()

    assert (ended.type, ended.content["then"]) == (ENDED, "renew")
    assert requested.content["commit"] == ended.content["commit"]
    assert (opened.renews, opened.needs_sponsor) == (True, True)
    assert opened.reason == f"approval {first} was valid until 2026-01-31 00:00 UTC"
    assert unsponsored is Status.OPEN
    assert answer.kind is AnswerKind.GRANTED
    assert answer.detail == (
        "approved by person:bob and person:eve; Production is valid until 2026-03-03 00:00 UTC"
    )
    assert (closed.type, renewed.type) == (RecordType.APPROVAL_CLOSED, RecordType.RENEWED)
    assert (state.stage, state.since, state.approved_by) == ("Production", since, opened.id)
    assert state.valid_until == renewing.approval(opened.id).valid_until
    assert renewing.at(2 * RUN_OUT).rung == (ENDED, RecordType.APPROVAL_REQUESTED)


def test_who_asks_for_the_stage_again_renews_it_early(it: Clocked) -> None:
    """As its requester; the end that was set before then means nothing any more."""
    first = it.granted()
    asked = it.ask("ada")
    again = it.ask("sam")
    with pytest.raises(DeniedError) as own:
        it.vote(asked.approval, "ada")
    it.at(5)
    for person in ("bob", "eve"):
        it.vote(asked.approval, person)
    standings = query.standings(it.context, IRIS, None)

    assert asked.kind is AnswerKind.PENDING
    assert asked.detail == (
        "it stands there already, by an approval valid until 2026-01-31 00:00 UTC; "
        "the renewal of Production waits for approval"
    )
    assert again.approval == asked.approval
    assert "you are the requester" in str(own.value)
    assert it.state().approved_by == asked.approval
    assert it.at(RUN_OUT).rung == ()
    assert it.approval(first).ended is None
    assert standings["1"].approval == asked.approval
    assert standings["1"].valid_until == it.state().valid_until
    assert it.at(36).rung == (ENDED,)


def test_a_renewal_of_what_another_approval_is_open_for_is_refused_in_words(it: Clocked) -> None:
    """One approval of a version at a time, whatever it is for."""
    it.granted()
    archived = it.ask("sam", "Archived")
    refused = it.ask("ada")
    withdraw(it.context, archived.approval, actor("sam"), "w", "")
    renewal = it.ask("ada")
    other = it.ask("sam", "Archived")

    assert refused.kind is AnswerKind.REFUSED
    assert f"approval {archived.approval} for Archived is open" in refused.detail
    assert f"approval {renewal.approval} for the renewal of Production is open" in other.detail


def test_where_an_approval_has_no_end_the_stage_is_unchanged() -> None:
    """As it always was."""
    it = clocked(governed_by=lifecycle())
    it.granted()
    answer = it.ask("ada")
    it.world.rows.close()

    assert (answer.kind, answer.detail) == (
        AnswerKind.UNCHANGED,
        "stands at Production already",
    )


def test_only_who_is_proven_to_ask_renews_early(it: Clocked) -> None:
    """A tag that names the stage asks nothing, however often a tool writes it."""
    it.granted()
    it.world.tag(it.version, "stage_request", "Production: again")
    somebody = Actor("person:ada", Attribution.INFERRED, "tag")
    unproven = replace(it.world.command(it.version, "Production"), actor=somebody)
    answer = request_transition(it.context, unproven)

    assert answer.kind is AnswerKind.UNCHANGED
    assert it.state().approval == ""


@pytest.mark.parametrize(
    ("how", "why"),
    [("lapse", "no decision before"), ("reject", "rejected by"), ("withdraw", "withdrawn by")],
)
def test_a_renewal_that_comes_to_nothing_changes_nothing_and_says_so(
    blocking: Clocked, how: str, why: str
) -> None:
    """Blocked stays blocked, the stage stays."""
    blocking.granted()
    blocking.at(RUN_OUT)
    asked = blocking.ask("ada")
    if how == "reject":
        blocking.vote(asked.approval, "bob", Decision.REJECT)
    elif how == "withdraw":
        withdraw(blocking.context, asked.approval, actor("ada"), "w", "")
    else:
        blocking.at(RUN_OUT + 8)
    closed = blocking.approval(asked.approval)

    assert closed.why.startswith(why)
    assert closed.why.endswith(
        "; version 1 stays at Production, whose approval ran out on 2026-01-31 00:00 UTC, "
        "and is still not to be deployed"
    )
    assert blocking.state().stage == "Production"
    assert not deployment(blocking).allowed


def test_a_version_that_moves_leaves_its_renewal_behind(renewing: Clocked) -> None:
    """Displaced, it needs none."""
    renewing.granted()
    renewing.at(RUN_OUT)
    opened = waiting(renewing)
    second = renewing.world.register("2")
    request_transition(renewing.context, renewing.world.command(second, "Staging"))
    asked = request_transition(renewing.context, renewing.world.command(second, "Production"))
    for person in ("bob", "eve"):
        renewing.vote(asked.approval, person)

    assert renewing.approval(opened.id).status is Status.VOIDED
    assert renewing.approval(opened.id).why == "1 was displaced by 2"


def test_a_renewal_whose_rules_fail_opens_and_is_not_granted() -> None:
    """What fails is shown to whoever is to approve it; at the quorum it must pass."""
    it = clocked(governed_by=with_rule("evidence.metrics.accuracy > 0.9"))
    it.world.registry.evidences[it.version] = Evidence({"metrics": {"accuracy": 0.95}})
    it.granted()
    it.world.registry.evidences[it.version] = Evidence({"metrics": {"accuracy": 0.5}})
    it.at(RUN_OUT)
    opened = waiting(it)
    it.sponsor(opened.id, "sam")
    for person in ("bob", "eve"):
        it.vote(opened.id, person)
    refused = it.ask("sam")
    closed = it.approval(opened.id)
    it.world.rows.close()

    assert [str(one.result) for one in opened.verdicts] == ["failed"]
    assert closed.status is Status.VOIDED
    assert "fit" in closed.why
    assert "version 1 stays at Production" in closed.why
    assert refused.kind is AnswerKind.REFUSED


def test_a_renewal_is_bound_to_what_was_shown(renewing: Clocked) -> None:
    """Another text of the version voids it, as it does any approval."""
    renewing.granted()
    renewing.at(RUN_OUT)
    opened = waiting(renewing)
    renewing.sponsor(opened.id, "sam")
    renewing.world.registry.describe(renewing.version, "another text")
    for person in ("bob", "eve"):
        answer = renewing.vote(opened.id, person)

    assert answer.status == "voided"
    assert "description" in answer.detail


def test_what_the_lifecycle_says_now_counts_for_a_renewal(renewing: Clocked) -> None:
    """Quorum and groups are those by which the stage is reached today."""
    renewing.granted()
    one = ApprovalPolicy(1, {"science": 1}, ())
    now = replace(
        timed(WhenInvalid.RENEW),
        transitions=(
            Transition("None", "Staging"),
            Transition("Staging", "Production", approval=one),
            Transition("None", "Production", approval=replace(one, quorum=2)),
        ),
        text={"name": "default", "shape": "eased"},
    )
    later = under(renewing, now)
    later.at(RUN_OUT)
    opened = waiting(later)
    later.sponsor(opened.id, "bob")
    answer = later.vote(opened.id, "sam")

    assert opened.policy == one
    assert answer.kind is AnswerKind.GRANTED
    assert later.state().valid_until is None


@pytest.mark.parametrize("target", ["Production", "Archived"])
def test_where_the_stage_takes_no_approval_any_more_only_the_end_is_noted(
    renewing: Clocked, caplog: pytest.LogCaptureFixture, target: str
) -> None:
    """The record says that nothing else follows, and the log says why."""
    renewing.granted()
    ways = (Transition("Staging", target),)
    now = replace(timed(WhenInvalid.RENEW), transitions=ways, text={"name": "default"})
    later = under(renewing, now)
    later.at(RUN_OUT)
    (ended,) = ends(later)

    assert ended.content["then"] == "notify"
    assert query.approvals(later.context) == []
    assert "reaching Production asks for none" in caplog.text
    assert later.ask("ada").kind is AnswerKind.UNCHANGED


def test_where_another_approval_is_open_no_renewal_is(
    renewing: Clocked, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody wants the version elsewhere: that is to be decided first."""
    renewing.granted()
    renewing.set(30.0)
    archived = renewing.ask("sam", "Archived")
    renewing.at(RUN_OUT)

    assert [one.content["then"] for one in ends(renewing)] == ["notify"]
    assert waiting(renewing).id == archived.approval
    assert f"approval {archived.approval} is open" in caplog.text


def test_an_early_renewal_that_is_open_is_the_renewal(renewing: Clocked) -> None:
    """No other opens beside it."""
    renewing.granted()
    renewing.set(29.9)
    early = renewing.ask("ada")
    renewing.at(RUN_OUT)

    assert [one.content["then"] for one in ends(renewing)] == ["renew"]
    assert waiting(renewing).id == early.approval


def test_while_the_registry_is_away_nothing_is_noted_and_the_next_sweep_tries_again(
    renewing: Clocked,
) -> None:
    """A renewal is asked for on what the version is, or not at all."""
    renewing.granted()

    def away(call: str) -> None:
        message = f"away: {call}"
        raise RegistryUnavailableError(message)

    renewing.world.registry.before = away
    failed = renewing.at(RUN_OUT).failed
    noted = len(ends(renewing))
    renewing.world.registry.before = lambda _: None
    sweep(renewing.context)

    assert "away" in failed[0]
    assert noted == 0
    assert waiting(renewing).renews


def test_a_version_that_is_another_thing_by_then_arrives_as_usual(renewing: Clocked) -> None:
    """Nothing has run out of what was just registered."""
    renewing.granted()
    renewing.world.registry.register(renewing.version, renewing.world.clock.now())
    renewing.at(RUN_OUT)
    types = [record.type for record in renewing.records()][-3:]

    assert types == [RecordType.DELETED, RecordType.VIOLATED, RecordType.REGISTERED]
    assert renewing.at(RUN_OUT + 1).rung == ()


def test_a_version_that_its_registry_has_lost_has_no_renewal(
    renewing: Clocked, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it is deleted is for the scan to find."""
    renewing.granted()
    renewing.world.registry.remove(renewing.version)
    renewing.at(RUN_OUT)

    assert [one.content["then"] for one in ends(renewing)] == ["notify"]
    assert "no such version" in caplog.text


def test_who_may_not_ask_for_the_stage_may_not_stand_for_its_renewal() -> None:
    """Else a renewal would be the way around `requesters`."""
    course = timed(WhenInvalid.RENEW)
    limited = replace(
        course,
        transitions=tuple(
            replace(one, requesters=("science",)) if one.target == "Production" else one
            for one in course.transitions
        ),
        text={**course.text, "requesters": ["science"]},
    )
    it = clocked(governed_by=limited)
    it.granted()
    it.at(RUN_OUT)
    opened = waiting(it)
    with pytest.raises(DeniedError, match="only science may ask for the renewal of Production"):
        it.sponsor(opened.id, "bob")
    refused = it.ask("bob")
    sponsored = it.sponsor(opened.id, "sam")
    it.world.rows.close()

    assert refused.kind is AnswerKind.REFUSED
    assert sponsored.kind is AnswerKind.VOTED


def test_a_question_about_the_stage_it_stands_at_says_what_asking_would_do(it: Clocked) -> None:
    """It would open a renewal."""
    it.granted()
    answer: Answer = preview(it.context, it.version, Request("Production", "", actor("ada")))

    assert answer.kind is AnswerKind.PENDING
    assert "the renewal of Production waits for approval" in answer.detail


def test_one_that_lapses_while_it_is_to_be_renewed_makes_room(renewing: Clocked) -> None:
    """What has lapsed is closed in the commit that opens the renewal."""
    renewing.granted()
    renewing.set(20.0)
    lapsed = renewing.ask("ada")
    id_ = renewing.state().approved_by
    renewing.set(RUN_OUT)
    ring(renewing.context, IRIS, id_)

    assert renewing.approval(lapsed.approval).status is Status.EXPIRED
    assert waiting(renewing).id != lapsed.approval


def test_a_clock_that_jumps_ends_nothing_twice(renewing: Clocked) -> None:
    """What ran out ahead of time has run out."""
    renewing.granted()
    rung = [renewing.at(days).rung for days in (RUN_OUT, 3.0, RUN_OUT + 0.1)]

    assert rung == [(ENDED, RecordType.APPROVAL_REQUESTED), (), ()]
