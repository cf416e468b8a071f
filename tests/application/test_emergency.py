"""An emergency: made at once, told to whom it passed over, and ratified or put back afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.answer import Answer
from stage_functions.application.checks import Action, Question, check
from stage_functions.application.rollback import request_rollback
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import withdraw
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import (
    DeniedError,
    InvalidInputError,
    NotAllowedNowError,
    RegistryUnavailableError,
)
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import Lifecycle, NotRatified, Transition
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import Record, RecordType
from stage_functions.domain.rule import Rule
from stage_functions.domain.transition import Request
from tests.application.clock_world import observed
from tests.builders import IRIS, World, actor, cast
from tests.way_back_world import RATIFY, back, begun, end, promoted, stages, urgent

ONE, TWO = Version(IRIS, "1"), Version(IRIS, "2")
ESCALATE = NotRatified.ESCALATE


@pytest.fixture(autouse=True)
def _ending() -> Iterator[None]:
    """Close what a test has begun."""
    yield
    end()


def ready(governed_by: Lifecycle | None = None) -> World:
    """Return a world where version 1 holds Production, and version 2 stands at Staging."""
    here = begun(governed_by or urgent())
    promoted(here, "1")
    here.clock.sleep(3600)
    here.register("2")
    request_transition(here.context, here.command(TWO, "Staging"))
    return here


def use(
    here: World, person: str = "ada", version: Version = TWO, target: str = "Production"
) -> Answer:
    """Use an emergency."""
    command = here.command(version, target, person)
    return request_transition(here.context, replace(command, emergency="INC-1"))


def records(here: World, *types: RecordType) -> list[Record]:
    """Return the history, or those of some types."""
    found = list(query.all_records(here.context, IRIS))
    return [one for one in found if not types or one.type in types]


def deployable(here: World) -> str:
    """Return what is said of deploying version 2."""
    question = Question(TWO, Action.DEPLOY, Request("", "", actor("bob")), "demo/score")
    return check(here.context, question).detail


def whole(here: World) -> None:
    """Check the history, and that nothing is owed any more."""
    sweep(here.context)
    loaded = here.context.ledger.load(IRIS)
    assert query.check_history(here.context, IRIS) is None
    assert loaded.head.owed == ()
    assert len(loaded.head.holders.get("Production", ())) <= 1


def test_it_takes_effect_at_once_and_opens_a_ratification() -> None:
    """All of it in one commit, with whom it passed over."""
    here = ready()
    count = len(records(here))
    answer = use(here)
    used, moved, displaced, opened = records(here)[count:]

    assert {"1": "Archived", "2": "Production"} == stages(here)
    assert ("granted", "open", ("1",)) == (answer.kind, answer.status, answer.displaces)
    assert "at once, for INC-1; to be ratified before" in answer.detail
    assert 1 == len({one.content["commit"] for one in (used, moved, displaced, opened)})
    assert (RecordType.EMERGENCY_USED, "INC-1", "because", ["person:bob", "person:eve"]) == (
        used.type,
        used.content["incident"],
        used.content["reason"],
        used.content["skipped"],
    )
    assert (answer.approval, answer.approval) == (
        used.content["approval"],
        opened.content["approval"],
    )
    assert ("emergency", used.number, ["1"]) == (
        moved.content["why"],
        moved.content["because_of"],
        moved.content["displaces"],
    )
    assert "approval" not in moved.content
    assert moved.number == displaced.content["because_of"]
    assert used.number == opened.content["ratifies"]
    approval = query.approval(here.context, answer.approval).approval
    assert approval.opened + RATIFY == approval.deadline
    assert used.number == approval.ratifies
    whole(here)
    assert "Production" == here.registry.tags(TWO)["stage"]


def test_the_same_operation_id_gets_the_same_answer() -> None:
    """And one emergency."""
    here = ready()
    command = replace(here.command(TWO, "Production", "ada"), emergency="INC-1")
    first = request_transition(here.context, command)

    assert first == request_transition(here.context, command)
    assert 1 == len(records(here, RecordType.EMERGENCY_USED))
    with pytest.raises(InvalidInputError):
        request_transition(here.context, replace(command, emergency="INC-2"))


@pytest.mark.parametrize("why", ["outsider", "unproven", "no reason"])
def test_only_who_may_uses_it_and_says_why(why: str) -> None:
    """A member of its groups, for certain, with a reason."""
    here = ready()
    command = replace(here.command(TWO, "Production", "ada"), emergency="INC-1")
    if why == "outsider":
        command = replace(command, actor=actor("bob"))
    if why == "unproven":
        command = replace(command, actor=Actor("person:ada", Attribution.INFERRED, "api"))
    if why == "no reason":
        command = replace(command, reason=" ")

    with pytest.raises(InvalidInputError if why == "no reason" else DeniedError):
        request_transition(here.context, command)
    assert "Staging" == stages(here)["2"]


def test_what_needs_no_approval_needs_no_emergency() -> None:
    """And what is no transition does not become one."""
    here = ready()

    assert "takes no approval, so no emergency" in use(here, target="Archived").detail
    assert "is not allowed" in use(here, target="None").detail
    assert "unchanged" == use(here, target="Staging").kind
    plain = begun(replace(urgent(), emergency=None))
    promoted(plain, "1")
    plain.register("2")
    request_transition(plain.context, plain.command(TWO, "Staging"))
    assert "knows no emergency" in use(plain).detail


def ruled(cel: str, waives: tuple[str, ...] = ()) -> Lifecycle:
    """Return the lifecycle where the way to Production has a rule."""
    plain = urgent(waives=waives)
    ways = tuple(
        replace(one, rules=("accurate",)) if one.target == "Production" else one
        for one in plain.transitions
    )
    return replace(plain, rules={"accurate": Rule("accurate", cel)}, transitions=ways)


@pytest.mark.parametrize(
    ("cel", "waives", "outcome"),
    [
        ("evidence.metrics.auc > 0.9", (), "refused"),
        ("evidence.metrics.nothing > 0.9", (), "refused"),
        ("evidence.metrics.auc > 0.9", ("accurate",), "granted"),
        ("evidence.metrics.nothing > 0.9", ("accurate",), "granted"),
    ],
)
def test_rules_are_asked_as_always(cel: str, waives: tuple[str, ...], outcome: str) -> None:
    """What failed or errored refuses, unless the lifecycle waives it: then the record says so."""
    here = begun(ruled(cel, waives))
    version = here.register("1")
    here.registry.evidences[version] = Evidence({"metrics": {"auc": 0.5}})
    request_transition(here.context, here.command(version, "Staging"))
    answer = use(here, version=version)

    assert outcome == answer.kind
    if outcome == "granted":
        assert ["accurate"] == records(here, RecordType.EMERGENCY_USED)[0].content["waived"]
        cast(here.context, answer.approval, "bob")
        cast(here.context, answer.approval, "eve")
        assert 1 == len(records(here, RecordType.RATIFIED))


def test_evidence_that_cannot_be_read_grants_nothing() -> None:
    """An error never grants."""
    here = ready()
    here.registry.away = True
    with pytest.raises(RegistryUnavailableError):
        use(here)
    assert "Staging" == stages(here)["2"]


def test_there_is_no_second_use_while_one_is_open() -> None:
    """Neither of this asset, nor by the same person of another one."""
    here = ready()
    here.register("3")
    request_transition(here.context, here.command(Version(IRIS, "3"), "Staging"))
    first = use(here)
    again = use(here, "sam", Version(IRIS, "3"))
    other = Version(Asset("demo", Kind.MODELS, "wine"), "1")
    here.registry.register(other, here.clock.now(), author="mlflow:bob")
    follow(here.context, Signal(other))
    request_transition(here.context, here.command(other, "Staging"))
    elsewhere = use(here, "ada", other)

    assert "refused" == again.kind
    assert (
        f"an emergency of it is not ratified yet: decide on {first.approval} first" in again.detail
    )
    assert "refused" == elsewhere.kind
    assert f"approval {first.approval} comes first" in elsewhere.detail
    assert "granted" == use(here, "sam", other).kind


def test_a_request_that_waited_is_voided() -> None:
    """The version has moved."""
    here = ready()
    asked = request_transition(here.context, here.command(TWO, "Production")).approval
    use(here)

    assert "voided" == query.approval(here.context, asked).approval.status
    assert 1 == len(here.context.ledger.load(IRIS).head.approvals)


def test_at_quorum_it_is_ratified() -> None:
    """It stands by that approval from then on; nothing moves."""
    here = ready()
    answer = use(here)
    since = here.context.ledger.versions(IRIS)["2"].since
    cast(here.context, answer.approval, "bob")
    last = cast(here.context, answer.approval, "eve")
    state, (ratified,) = (
        here.context.ledger.versions(IRIS)["2"],
        records(here, RecordType.RATIFIED),
    )

    assert ("granted", "approved", (), True) == (
        last.kind,
        last.status,
        last.displaces,
        last.ratifies,
    )
    assert (answer.approval, since, None) == (state.approved_by, state.since, state.unratified)
    assert (records(here, RecordType.EMERGENCY_USED)[0].number, "Production") == (
        ratified.content["ratifies"],
        ratified.content["stage"],
    )
    assert {"1": "Archived", "2": "Production"} == stages(here)
    assert answer.approval == query.standings(here.context, IRIS, None)["2"].approval
    here.clock.sleep(2 * RATIFY.total_seconds())
    whole(here)
    assert "Production" == stages(here)["2"]


@pytest.mark.parametrize("person", ["ada", "sam"])
def test_nobody_ratifies_what_they_did(person: str) -> None:
    """Neither who used it nor the author, whatever the transition excludes otherwise."""
    free = urgent()
    ways = tuple(
        replace(one, approval=replace(one.approval, exclude=()))
        if one.approval is not None
        else one
        for one in free.transitions
    )
    here = ready(replace(free, transitions=ways))
    answer = use(here)

    with pytest.raises(DeniedError):
        cast(here.context, answer.approval, person)


@pytest.mark.parametrize("how", ["reject", "lapse", "late vote", "withdraw", "changed"])
def test_what_is_not_ratified_is_put_back(how: str) -> None:
    """In one commit the version goes back, and what it displaced comes back, by what it had."""
    here = ready()
    before = here.context.ledger.versions(IRIS)["1"].approved_by
    answer = use(here)
    sweep(here.context)
    shown = len(here.registry.stages_shown())
    if how == "reject":
        cast(here.context, answer.approval, "bob", Decision.REJECT, "no")
    elif how == "withdraw":
        withdraw(here.context, answer.approval, actor("ada"), here.clock.operation_id(), "")
    elif how == "changed":
        here.registry.describe(TWO, "another description")
        cast(here.context, answer.approval, "bob")
        cast(here.context, answer.approval, "eve")
    else:
        here.clock.sleep(RATIFY.total_seconds() + 1)
        if how == "late vote":
            with pytest.raises(NotAllowedNowError):
                cast(here.context, answer.approval, "bob")
    whole(here)
    closed, came, went = records(here)[-3:]
    used = records(here, RecordType.EMERGENCY_USED)[0].number
    state = here.context.ledger.versions(IRIS)

    assert {"1": "Production", "2": "Staging"} == stages(here)
    assert 1 == len({one.content["commit"] for one in (closed, came, went)})
    assert (RecordType.APPROVAL_CLOSED, "revert") == (closed.type, closed.content["then"])
    assert ("1", "reverted", used, ["2"], before) == (
        came.version,
        came.content["why"],
        came.content["reverts"],
        came.content["displaces"],
        came.content["approval"],
    )
    assert ("2", "reverted", used) == (
        went.version,
        went.content["why"],
        went.content["reverts"],
    )
    assert closed.number == came.content["because_of"] == went.content["because_of"]
    assert (before, None) == (state["1"].approved_by, state["2"].unratified)
    assert ("Production", "Staging") == tuple(
        here.registry.tags(one)["stage"] for one in (ONE, TWO)
    )
    shown_since = here.registry.stages_shown()[shown:]
    assert all("Production" in one.values() for one in shown_since)


def test_where_nobody_was_displaced_the_stage_is_empty_again() -> None:
    """As it was before."""
    here = begun(urgent())
    here.register("2")
    request_transition(here.context, here.command(TWO, "Staging"))
    answer = use(here)
    cast(here.context, answer.approval, "bob", Decision.REJECT, "no")

    assert {"2": "Staging"} == stages(here)
    assert {} == here.context.ledger.load(IRIS).head.holders
    whole(here)


def test_where_it_cannot_be_put_back_it_is_escalated() -> None:
    """Else the stage would be left without anybody."""
    here = ready()
    answer = use(here)
    here.registry.remove(ONE)
    cast(here.context, answer.approval, "bob", Decision.REJECT, "no")
    closed = records(here, RecordType.APPROVAL_CLOSED)[-1]

    assert "Production" == stages(here)["2"]
    assert "escalate" == closed.content["then"]
    assert "it is not put back: registry demo has no version 1 any more" in closed.content["why"]  # type: ignore[operator]  # a text
    assert 1 == len(here.context.ledger.load(IRIS).head.approvals)
    assert "that was not ratified" in deployable(here)


def test_a_registry_that_is_away_puts_off_what_follows() -> None:
    """It is done when it can be read again."""
    here = ready()
    use(here)
    here.clock.sleep(RATIFY.total_seconds() + 1)
    here.registry.away = True
    sweep(here.context)
    assert "Production" == stages(here)["2"]
    here.registry.away = False
    here.clock.sleep(3700)
    whole(here)
    assert {"1": "Production", "2": "Staging"} == stages(here)


def test_a_registry_that_is_only_observed_waits() -> None:
    """And goes on when it is governed again."""
    here = ready()
    use(here)
    here.clock.sleep(RATIFY.total_seconds() + 1)
    sweep(observed(here.context))
    assert "Production" == stages(here)["2"]
    here.clock.sleep(3700)
    whole(here)
    assert {"1": "Production", "2": "Staging"} == stages(here)


@pytest.mark.parametrize("how", ["reject", "lapse", "withdraw", "changed"])
def test_what_is_escalated_stays_and_is_barred(how: str) -> None:
    """A further group may ratify it, each member for whichever group is asked; as long again."""
    here = ready(urgent(ESCALATE))
    answer = use(here, "sam")
    assert "nobody ratified" not in deployable(here)
    if how == "reject":
        cast(here.context, answer.approval, "bob", Decision.REJECT, "no")
    elif how == "withdraw":
        withdraw(here.context, answer.approval, actor("sam"), here.clock.operation_id(), "")
    elif how == "changed":
        here.registry.describe(TWO, "another description")
        cast(here.context, answer.approval, "bob")
        cast(here.context, answer.approval, "eve")
    else:
        here.clock.sleep(RATIFY.total_seconds() + 1)
    whole(here)
    (next_,) = here.context.ledger.load(IRIS).head.approvals
    following = query.approval(here.context, next_).approval

    assert answer.approval != next_
    assert {"1": "Archived", "2": "Production"} == stages(here)
    assert "decide on approval" in deployable(here)
    assert following.opened + RATIFY == following.deadline
    assert ("risk", "science") == following.voting_groups
    cast(here.context, next_, "ada")
    cast(here.context, next_, "bob")
    assert here.context.ledger.versions(IRIS)["2"].unratified is None
    assert "decide on approval" not in deployable(here)
    whole(here)


def test_there_is_always_a_ratification_to_decide_on() -> None:
    """However often it lapses; it is never approved by that."""
    here = ready(urgent(ESCALATE))
    use(here, "sam")
    for _ in range(4):
        here.clock.sleep(RATIFY.total_seconds() + 60)
        sweep(here.context)
        assert 1 == len(here.context.ledger.load(IRIS).head.approvals)
    assert 4 == len(records(here, RecordType.APPROVAL_CLOSED)[-4:])
    assert [] == records(here, RecordType.RATIFIED)
    whole(here)


@pytest.mark.parametrize("then", [NotRatified.REVERT, ESCALATE])
def test_a_rollback_ends_it(then: NotRatified) -> None:
    """What was displaced comes back; the ratification is void, and nothing follows later."""
    here = ready(urgent(then))
    answer = use(here)
    request_rollback(here.context, back(here))
    here.clock.sleep(2 * RATIFY.total_seconds())
    whole(here)

    assert {"1": "Production", "2": "Archived"} == stages(here)
    assert "voided" == query.approval(here.context, answer.approval).approval.status
    assert () == here.context.ledger.load(IRIS).head.approvals
    assert here.context.ledger.versions(IRIS)["2"].unratified is None


def test_what_is_not_ratified_goes_nowhere_but_out() -> None:
    """Not even where no approval is asked for."""
    plain = urgent()
    ways = (
        *(one for one in plain.transitions if one.source != "Production"),
        Transition("Production", "Archived"),
        Transition("Production", "Staging"),
    )
    here = ready(replace(plain, transitions=ways, forward_only=False))
    use(here)
    onward = request_transition(here.context, here.command(TWO, "Staging"))

    assert "refused" == onward.kind
    assert "that nobody has ratified yet" in onward.detail
    assert "it may only go to Archived, or be rolled back" in onward.detail
    assert "withdraw" not in onward.detail
    assert "granted" == request_transition(here.context, here.command(TWO, "Archived")).kind
    here.clock.sleep(2 * RATIFY.total_seconds())
    whole(here)
    assert {"1": "Archived", "2": "Archived"} == stages(here)


def test_a_way_out_that_takes_approval_waits_for_the_ratification() -> None:
    """It is told what to do; to withdraw the ratification would put the emergency back."""
    here = ready()
    answer = use(here)
    refused = request_transition(here.context, here.command(TWO, "Archived"))

    assert "refused" == refused.kind
    assert f"decide on approval {answer.approval} first" in refused.detail
    assert "until then it may be rolled back" in refused.detail
    assert "withdraw" not in refused.detail


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (NotRatified.REVERT, "version 2 is back at Staging, and version 1 at Production"),
        (ESCALATE, "version 2 stays at Production, not to be deployed until approval"),
    ],
)
def test_who_takes_it_back_is_told_what_followed(then: NotRatified, said: str) -> None:
    """Put back, or escalated."""
    here = ready(urgent(then))
    answer = use(here)
    person = "ada"
    done = withdraw(here.context, answer.approval, actor(person), here.clock.operation_id(), "")

    assert said in done.detail


def test_a_tag_neither_withdraws_nor_lapses_it() -> None:
    """It is not certain who wrote it; and a signal leaves what has lapsed to the clock."""
    here = ready()
    answer = use(here)
    here.tag(TWO, "stage_request", f"withdraw {answer.approval}")
    assert {"1": "Archived", "2": "Production"} == stages(here)
    assert "open" == query.approval(here.context, answer.approval).approval.status
    with pytest.raises(DeniedError):
        withdraw(here.context, answer.approval, actor("eve"), here.clock.operation_id(), "")
    here.clock.sleep(RATIFY.total_seconds() + 1)
    here.tag(TWO, "stage_request", "Archived: done")
    sweep(here.context)
    assert {"1": "Production", "2": "Staging"} == stages(here)
    whole(here)


def test_another_lifecycle_changes_nothing_about_what_was_done() -> None:
    """The policy is kept with the ratification; only what the version is must be the same."""
    here = ready()
    answer = use(here)
    changed = replace(urgent(), text={"name": "default", "shape": "edited since"})
    context = replace(
        here.context,
        configuration=replace(here.context.configuration, lifecycles=(changed,)),
    )
    cast(context, answer.approval, "bob")
    cast(context, answer.approval, "eve")

    assert 1 == len(records(here, RecordType.RATIFIED))


def test_a_lifecycle_that_knows_no_emergency_any_more_reverts_nothing_unseen() -> None:
    """What is open still ends: it is escalated, so that it is not left to itself."""
    here = ready()
    use(here)
    changed = replace(urgent(), emergency=None)
    context = replace(
        here.context,
        configuration=replace(here.context.configuration, lifecycles=(changed,)),
    )
    here.clock.sleep(RATIFY.total_seconds() + 1)
    sweep(context)

    assert "Production" == stages(here)["2"]
    assert 1 == len(context.ledger.load(IRIS).head.approvals)
    state = context.ledger.versions(IRIS)["2"]
    assert state.unratified is not None
    assert state.unratified.escalated


def test_what_is_deleted_is_not_ratified_and_brings_nothing_back() -> None:
    """It is gone, so there is nothing to put back; the record says that it was not deletable."""
    here = ready()
    use(here)
    here.registry.remove(TWO)
    here.registry.register(TWO, here.clock.now() + timedelta(seconds=5), author="mlflow:sam")
    follow(here.context, Signal(TWO))
    here.clock.sleep(RATIFY.total_seconds() + 60)
    whole(here)

    assert {"1": "Archived", "2": "None"} == stages(here)
    assert () == here.context.ledger.load(IRIS).head.approvals


def test_where_it_is_observed_nothing_is_used() -> None:
    """As any transition."""
    here = ready()
    watching = observed(here.context)
    assert Mode.OBSERVE == watching.configuration.registries["demo"].mode
    command = replace(here.command(TWO, "Production", "ada"), emergency="INC-1")
    with pytest.raises(NotAllowedNowError):
        request_transition(watching, command)
