"""A rollback: what the present holder displaced comes back, in one step, and only what it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.attending import Attention, make_review
from stage_functions.application.rollback import (
    RollbackCommand,
    foresee,
    possible,
    request_rollback,
)
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import withdraw
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import (
    DeniedError,
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    RegistryUnavailableError,
    StaleError,
)
from stage_functions.domain.lifecycle import Lifecycle, Stage, Transition, WhenInvalid
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import Draft, Record, RecordType
from tests.application.rules_world import process, rules_world
from tests.builders import IRIS, World, actor, cast, context_over, timed, unguarded
from tests.way_back_world import (
    PERIOD,
    back,
    begun,
    end,
    promoted,
    returning,
    stages,
    two,
    whole_law,
)

ONE, TWO = Version(IRIS, "1"), Version(IRIS, "2")


@pytest.fixture(autouse=True)
def _ending() -> Iterator[None]:
    """Close what a test has begun."""
    yield
    end()


def records(here: World, *types: RecordType) -> list[Record]:
    """Return the history, or those of some types."""
    found = list(query.all_records(here.context, IRIS))
    return [one for one in found if not types or one.type in types]


def refused(here: World, **more: str) -> str:
    """Return why a rollback is refused."""
    with pytest.raises(NotAllowedNowError) as caught:
        request_rollback(here.context, back(here, **more))
    return str(caught.value)


def test_what_was_displaced_comes_back() -> None:
    """In one commit, with two records that are linked."""
    here = two()
    promotion = records(here, RecordType.STAGE_CHANGED)[-2]
    answer = request_rollback(here.context, back(here))
    came, left = records(here)[-2:]

    assert {"1": "Production", "2": "Archived"} == stages(here)
    assert ("granted", str(ONE), "Production", ("2",)) == (
        answer.kind,
        answer.version,
        answer.stage,
        answer.displaces,
    )
    assert came.content["commit"] == left.content["commit"]
    assert ("1", "rolled_back", promotion.number, ["2"]) == (
        came.version,
        came.content["why"],
        came.content["rolls_back"],
        came.content["displaces"],
    )
    assert promotion.content["approval"] == came.content["approval"]
    assert ("2", "displaced", "1", came.number) == (
        left.version,
        left.content["why"],
        left.content["displaced_by"],
        left.content["because_of"],
    )
    assert "marked" not in left.content
    assert query.check_history(here.context, IRIS) is None


def test_tags_follow_and_the_new_holder_is_written_first() -> None:
    """Once there was a holder the registry never shows none."""
    here = two()
    before = len(here.registry.stages_shown())
    request_rollback(here.context, back(here))
    sweep(here.context)
    shown = here.registry.stages_shown()[before:]

    assert "Production" == here.registry.tags(ONE)["stage"]
    assert "Archived" == here.registry.tags(TWO)["stage"]
    assert all("Production" in one.values() for one in shown)


def test_the_same_operation_id_gets_the_same_answer() -> None:
    """And rolls back once, also where the first answer was lost."""
    here = two()
    command = back(here)
    first = request_rollback(here.context, command)
    count = len(records(here))

    assert first == request_rollback(here.context, command)
    assert count == len(records(here))
    with pytest.raises(InvalidInputError):
        request_rollback(here.context, replace(command, reason="another"))


def test_a_reply_of_the_store_that_is_lost_changes_nothing() -> None:
    """The commit is found to have been made."""
    here = two()
    here.rows.losses = [None, True]
    answer = request_rollback(here.context, back(here))

    assert "granted" == answer.kind
    assert 1 == sum(one.content.get("why") == "rolled_back" for one in records(here))


def test_nothing_is_rolled_forward_again() -> None:
    """What came by a rollback displaced nobody that could come back by one."""
    here = two()
    request_rollback(here.context, back(here))

    assert "came back to Production by record" in refused(here)
    assert not possible(here.context, IRIS)


def test_it_is_too_late_after_a_while() -> None:
    """As long as the stage says, from the promotion of the holder on."""
    here = two()
    here.clock.sleep((PERIOD - timedelta(hours=1)).total_seconds())

    assert "it is too late: version 2 came to Production on" in refused(here)
    here = two()
    here.clock.sleep((PERIOD - timedelta(hours=1, seconds=1)).total_seconds())
    request_rollback(here.context, back(here))
    assert "Production" == stages(here)["1"]


def test_who_displaced_nobody_is_not_rolled_back() -> None:
    """The record is named that let it in."""
    here = begun(returning())
    assert "the ledger knows no" in _missing(here)
    promoted(here, "1")

    assert "displaced nobody when it came to Production (record" in refused(here)


def _missing(here: World) -> str:
    with pytest.raises(NotFoundError) as caught:
        request_rollback(here.context, back(here))
    return str(caught.value)


def test_where_nobody_stands_there_is_nobody_to_take_out() -> None:
    """It says so."""
    here = begun(returning())
    here.register("1")

    assert "no version holds Production, so there is none to take out" == refused(here)


def test_a_lifecycle_without_a_way_back_says_so() -> None:
    """And one where the stage is not named, or is another."""
    here = two(unguarded())
    assert "allows no rollback" in refused(here)
    here = two()
    assert "at Production alone" in refused(here, stage="Staging")


def test_a_stage_must_be_named_where_several_have_a_way_back() -> None:
    """None is guessed."""
    plain = returning()
    further = Stage("Live", exclusive=True, displaced_to="Archived", rollback_within=PERIOD)
    ways = (*plain.transitions, Transition("Production", "Live"))
    both = replace(plain, stages={**plain.stages, "Live": further}, transitions=ways)
    here = two(both)

    assert "say of which stage: Production or Live" == refused(here)
    request_rollback(here.context, back(here, stage="Production"))
    assert "Production" == stages(here)["1"]


def test_another_holder_than_was_expected_is_stale() -> None:
    """So nobody takes out what they did not look at."""
    here = two()
    with pytest.raises(StaleError):
        request_rollback(here.context, back(here, expected_holder="1"))
    request_rollback(here.context, back(here, expected_holder="2"))
    assert "Production" == stages(here)["1"]


@pytest.mark.parametrize(
    ("person", "may"), [("bob", True), ("ada", True), ("sam", True), ("eve", True), ("", False)]
)
def test_who_may_is_named_on_a_way_to_the_stage(person: str, *, may: bool) -> None:
    """Whoever may vote there: of risk and of science; and operators."""
    here = two()
    command = back(here, person or "bob")
    if not person:
        command = replace(command, actor=Actor("mlflow:zoe", Attribution.PROVEN, "api"))
    if may:
        assert "granted" == request_rollback(here.context, command).kind
    else:
        with pytest.raises(DeniedError):
            request_rollback(here.context, command)


def test_only_those_named_may_where_somebody_is() -> None:
    """Being known is not enough, and nor is being guessed."""
    ways = returning().transitions
    one = replace(ways[3], requesters=("risk",), approval=None)
    narrow = replace(returning(), transitions=(*ways[:3], one, *ways[4:]))
    here = begun(narrow)
    for number in ("1", "2"):
        version = here.register(number)
        request_transition(here.context, here.command(version, "Staging"))
        request_transition(here.context, here.command(version, "Production", "bob"))

    with pytest.raises(DeniedError, match="only risk, or operators, may roll back Production"):
        request_rollback(here.context, back(here, "sam"))
    guessed = replace(back(here), actor=Actor("person:bob", Attribution.INFERRED, "tag"))
    with pytest.raises(DeniedError):
        request_rollback(here.context, guessed)
    assert "without an approval, too" in foresee(here.context, IRIS, actor("bob")).effects[1]
    answer = request_rollback(here.context, back(here, "bob"))
    assert "" == answer.approval
    assert "approval" not in records(here)[-2].content


def test_what_is_gone_or_another_thing_cannot_come_back() -> None:
    """Neither where the ledger knows it, nor where only the registry does so far."""
    here = two()
    here.registry.remove(ONE)
    assert "registry demo has no version 1 any more" == refused(here)
    here.registry.register(ONE, here.clock.now(), author="mlflow:sam")
    assert "is another thing by now" in refused(here)
    follow(here.context, Signal(ONE))
    assert "was registered anew since it was displaced" in refused(here)


def test_what_has_moved_since_cannot_come_back() -> None:
    """The record is named by which it did."""
    plain = returning()
    stages_ = {**plain.stages, "Archived": replace(plain.stages["Archived"], terminal=False)}
    again = Transition("Archived", "Staging")
    open_ended = replace(
        plain, stages=stages_, transitions=(*plain.transitions, again), forward_only=False
    )
    here = two(open_ended)
    request_transition(here.context, here.command(ONE, "Staging"))

    assert f"has moved since it was displaced (record {len(records(here))})" in refused(here)


def test_a_registry_that_is_observed_or_away_is_left_alone() -> None:
    """Nothing is changed, and it says why."""
    here = two()
    here.registry.away = True
    with pytest.raises(RegistryUnavailableError):
        request_rollback(here.context, back(here))
    here.registry.away = False
    watched = context_over(
        here.rows, here.registry, here.clock, Mode.OBSERVE, governed_by=returning()
    )

    with pytest.raises(NotAllowedNowError, match="observe"):
        request_rollback(watched, back(here))
    assert "Archived" == stages(here)["1"]


def test_open_approvals_of_both_are_voided() -> None:
    """They were bound to where the versions stood."""
    here = two()
    asked = request_transition(here.context, here.command(TWO, "Archived")).approval
    said = foresee(here.context, IRIS, actor("bob")).effects
    request_rollback(here.context, back(here))

    assert f"The open approval {asked} of version 2 is closed as voided." in said
    assert "voided" == query.approval(here.context, asked).approval.status
    assert () == here.context.ledger.load(IRIS).head.approvals


def test_it_gets_back_what_it_stood_by_and_no_more() -> None:
    """Its own approval, whose end rings as it would have."""
    plain = timed(WhenInvalid.NOTIFY)
    production = replace(plain.stages["Production"], rollback_within=PERIOD)
    here = two(replace(plain, stages={**plain.stages, "Production": production}))
    before = records(here, RecordType.STAGE_CHANGED)[1]
    request_rollback(here.context, back(here))
    state = here.context.ledger.versions(IRIS)["1"]
    came = records(here)[-2].content

    assert before.content["approval"] == state.approved_by == came["restores"]
    assert before.content["valid_until"] == came["valid_until"]
    here.clock.sleep(timedelta(days=31).total_seconds())
    sweep(here.context)
    ended = records(here, RecordType.VALIDITY_ENDED)
    assert [("1", state.approved_by)] == [(one.version, one.content["approval"]) for one in ended]


def test_an_approval_that_has_run_out_and_blocks_brings_nothing_back() -> None:
    """Where it only notifies, it comes back as it would have stayed: with what is to be renewed."""
    for then in (WhenInvalid.BLOCK, WhenInvalid.NOTIFY):
        plain = timed(then)
        production = replace(plain.stages["Production"], rollback_within=2 * PERIOD)
        here = begun(replace(plain, stages={**plain.stages, "Production": production}))
        promoted(here, "1")
        here.clock.sleep(timedelta(days=29).total_seconds())
        promoted(here, "2")
        here.clock.sleep(timedelta(days=3).total_seconds())
        if then is WhenInvalid.BLOCK:
            assert "ran out on" in refused(here)
            continue
        assert any(
            "have it renewed" in one for one in foresee(here.context, IRIS, actor("bob")).effects
        )
        request_rollback(here.context, back(here))
        sweep(here.context)
        assert 1 == len(records(here, RecordType.VALIDITY_ENDED))


def test_what_is_marked_does_not_return_unreviewed() -> None:
    """But it may be archived; the record that marked it is named."""
    plain = returning(displaced_to="Staging")
    cyclic = replace(plain, forward_only=False)
    here = two(cyclic)
    request_rollback(here.context, back(here, mark=True))
    left = records(here)[-1]
    mark = here.context.ledger.versions(IRIS)["2"].marked
    answer = request_transition(here.context, here.command(TWO, "Production"))

    assert left.content["marked"] is True
    assert mark is not None
    assert (left.number, "it fails", "person:bob") == (mark.number, mark.why, mark.by)
    assert "refused" == answer.kind
    assert f"was marked in record {left.number} (it fails): have it reviewed" in answer.detail
    assert "granted" == request_transition(here.context, here.command(TWO, "Archived")).kind


def test_it_has_no_time_to_retire() -> None:
    """Else what is bad would stay deployable for a while."""
    here = two(returning(retire_within=timedelta(days=7), deployable_to=("demo/*",)))
    assert here.context.ledger.versions(IRIS)["1"].retires_at is not None
    said = foresee(here.context, IRIS, actor("bob")).effects
    request_rollback(here.context, back(here))
    states = here.context.ledger.versions(IRIS)

    assert (None, None) == (states["1"].retires_at, states["2"].retires_at)
    assert any(
        "may not be served any more at demo/*, without the time to retire" in s for s in said
    )


def test_what_it_would_do_is_told_and_changes_nothing() -> None:
    """To whoever may, and to others why they may not."""
    here = two()
    count, promotion = len(records(here)), records(here, RecordType.STAGE_CHANGED)[-2]
    seen = foresee(here.context, IRIS, actor("bob"))

    assert seen.way is not None
    assert ("Production", "2", "1", promotion.number, "", "Archived") == (
        seen.stage,
        seen.way.out,
        seen.way.back,
        seen.way.promotion,
        seen.refused,
        seen.goes_to,
    )
    assert promotion.at + PERIOD == seen.way.until
    assert possible(here.context, IRIS)
    assert count == len(records(here))


def test_as_of_tells_who_stood_where() -> None:
    """Before, and after."""
    here = two()
    moment = here.clock.now()
    here.clock.sleep(60)
    request_rollback(here.context, back(here))
    now, then = (query.standings(here.context, IRIS, at) for at in (None, moment))

    assert ("Production", "Archived") == (now["1"].stage, now["2"].stage)
    assert ("Archived", "Production") == (then["1"].stage, then["2"].stage)
    assert "rolled_back" == now["1"].why
    assert (now["1"].number, 0) == (now["2"].taken_out, then["1"].taken_out)


def test_a_stage_that_nobody_is_named_for_is_anybodys() -> None:
    """Everybody who is known could move any version there."""
    plain = unguarded()
    production = replace(plain.stages["Production"], rollback_within=PERIOD)
    free: Lifecycle = replace(plain, stages={**plain.stages, "Production": production})
    here = two(free)

    assert "granted" == request_rollback(here.context, back(here, "sam")).kind


def test_after_a_rollback_a_request_promotes_again() -> None:
    """And that one can be rolled back once more."""
    here = two()
    request_rollback(here.context, back(here))
    promoted(here, "3")
    request_rollback(here.context, back(here))

    assert {"1": "Production", "2": "Archived", "3": "Archived"} == stages(here)
    assert query.check_history(here.context, IRIS) is None


def test_a_command_says_which_it_is() -> None:
    """Two that differ in anything are two."""
    one = RollbackCommand(IRIS, actor("bob"), "a")

    assert one.asked != replace(one, mark=True).asked
    assert one.asked == replace(one, operation="b").asked


def test_withdrawn_requests_do_not_hinder() -> None:
    """What was asked and taken back since moved nothing."""
    here = two()
    asked = request_transition(here.context, here.command(TWO, "Archived")).approval
    withdraw(here.context, asked, actor("sam"), here.clock.operation_id(), "")

    assert "granted" == request_rollback(here.context, back(here)).kind


@pytest.mark.parametrize(
    ("person", "why"),
    [
        ("eve", "its author"),
        ("bob", "the person who marked it"),
        ("ada", ""),
        ("sam", ""),
    ],
)
def test_a_mark_is_cleared_by_who_may_vote_where_it_was_taken_out(person: str, why: str) -> None:
    """Not by who may vote on the way to where it stands now, whom that way does not exclude."""
    here = begun(whole_law())
    promoted(here, "1")
    version = Version(IRIS, "2")
    here.registry.register(version, here.clock.now(), author="mlflow:eve")
    follow(here.context, Signal(version))
    request_transition(here.context, here.command(version, "Staging"))
    asked = request_transition(here.context, here.command(version, "Production"))
    for voter in ("bob", "ada"):
        cast(here.context, asked.approval, voter)
    request_rollback(here.context, back(here, "bob", mark=True))
    command = Attention(version, "sound again", actor(person), here.clock.operation_id())
    if why:
        with pytest.raises(DeniedError, match=why):
            make_review(here.context, command)
    else:
        make_review(here.context, command)

    assert bool(why) is (here.context.ledger.versions(IRIS)["2"].marked is not None)


def test_a_mark_where_nobody_votes_is_cleared_by_an_operator() -> None:
    """Else it could never be cleared: the way to the stage takes no approval."""
    here = begun(replace(unguarded(), stages=returning().stages))
    for number in ("1", "2"):
        version = here.register(number)
        for target in ("Staging", "Production"):
            request_transition(here.context, here.command(version, target))
    request_rollback(here.context, back(here, "eve", mark=True))
    command = Attention(TWO, "sound again", actor("ada"), here.clock.operation_id())
    with pytest.raises(DeniedError, match="only operators may review it"):
        make_review(here.context, command)
    told = here.context.configuration
    several = replace(told, directory=replace(told.directory, operators=("eve", "bob")))
    make_review(
        replace(here.context, configuration=several),
        replace(command, actor=actor("bob"), operation="by bob"),
    )

    assert here.context.ledger.versions(IRIS)["2"].marked is None


@pytest.mark.parametrize("noted", [True, False])
def test_what_comes_back_has_its_end_though_its_stage_was_called_otherwise(*, noted: bool) -> None:
    """The record of another name says nothing of by what a version stands."""
    here = rules_world(whole_law())
    promoted(here, "1")
    until = here.context.ledger.versions(IRIS)["1"].valid_until
    context = process(here, whole_law(1))
    sweep(context)
    here = replace(here, context=context)
    version = here.register("2")
    request_transition(context, here.command(version, "Testing"))
    asked = request_transition(context, here.command(version, "Live"))
    for voter in ("bob", "eve"):
        cast(context, asked.approval, voter)
    if not noted:
        forget(here)
    request_rollback(context, back(here))
    came = context.ledger.versions(IRIS)["1"]

    assert ("Live", until) == (came.stage, came.valid_until)
    assert until is not None
    here.rows.close()


def forget(here: World) -> None:
    """Let no version have noted which records say by what it stands, as in an older ledger."""
    ledger = here.context.ledger
    loaded = ledger.load(IRIS, ledger.versions(IRIS))
    plain = {number: replace(one, footing=None) for number, one in loaded.versions.items()}
    ledger.complete(loaded, plain, (), (), loaded.head.owed)


def test_a_rollback_costs_the_same_however_long_the_history_is() -> None:
    """The few records that it needs are read, also by a page that offers it."""
    costs = []
    for count in (40, 1200):
        here = two()
        loaded = here.context.ledger.load(IRIS, ["2"])
        fields = {"from": "Production", "to": "None", "why": "no"}
        state = loaded.versions["2"]
        draft = Draft(
            RecordType.TRANSITION_REFUSED, "2", state.incarnation, actor("sam"), dict(fields)
        )
        for n in range(count // 40):
            step = replace(loaded.step(), drafts=(draft,) * 40)
            committed = here.context.ledger.commit(
                loaded, step, now=here.clock.now(), operation=f"long-{n}"
            )
            loaded = committed.loaded
        sweep(here.context)
        before = here.rows.trips
        assert possible(here.context, IRIS)
        assert foresee(here.context, IRIS, actor("bob")).way is not None
        costs.append(here.rows.trips - before)
        request_rollback(here.context, back(here))

    assert costs[0] == costs[1]
