"""A renewal: who asks for it, on what terms, and that nothing moves by it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.answer import Answer, AnswerKind
from stage_functions.application.transition import preview, request_transition
from stage_functions.application.vote import withdraw
from stage_functions.domain.approval import Decision, Status
from stage_functions.domain.error import DeniedError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import (
    ApprovalPolicy,
    Lifecycle,
    Transition,
    WhenInvalid,
)
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import RecordType
from stage_functions.domain.rule import Rule
from stage_functions.domain.transition import Request
from tests.application.clock_world import (
    RUN_OUT,
    Clocked,
    clocked,
    deployment,
    under,
    waiting,
)
from tests.builders import IRIS, actor, lifecycle, timed

ENDED = RecordType.VALIDITY_ENDED


@pytest.fixture
def it() -> Iterator[Clocked]:
    """A world where an approval that has run out is only told of."""
    made = clocked()
    yield made
    made.world.rows.close()


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
    assert answer.detail == (
        "it stands there already, by an approval valid until 2026-01-31 00:00 UTC; "
        "the renewal of Production needs approval: "
        "1 of risk, 1 more of risk; excluded: the requester"
    )


def test_who_asks_after_the_end_is_told_that_it_is_over(it: Clocked) -> None:
    """Not that what has ended is valid until then; and the status names the version to ask for."""
    it.granted()
    it.at(RUN_OUT)
    status = it.world.registry.tags(it.version)["stage_status"]
    foreseen = preview(it.context, it.version, Request("Production", "", actor("ada")))
    asked = it.ask("ada")
    again = preview(it.context, it.version, Request("Production", "", actor("ada")))

    assert "(`stageward promote demo/models/iris:1 Production`)" in status
    over = "it stands there already, by an approval which ran out on 2026-01-31 00:00 UTC; "
    assert asked.detail == f"{over}the renewal of Production waits for approval"
    assert foreseen.detail.startswith(f"{over}the renewal of Production needs approval: 1 of risk")
    assert again.detail.startswith(
        f"{over}the renewal of Production needs approval, and {asked.approval} of it is open: "
        "it needs 1 of risk"
    )
