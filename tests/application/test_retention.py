"""Until when records are to be kept, what is past that, and what is held all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.application import histories, holds, query, retention
from stage_functions.application.adoption import adopt
from stage_functions.application.holds import HoldCommand, lift, place
from stage_functions.application.keeping import keep_under
from stage_functions.application.scan import Scanner
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.application.upkeep import forget_answers, rebuild_catalog
from stage_functions.domain.asset import Version
from stage_functions.domain.error import InvalidInputError, NotFoundError
from stage_functions.domain.record import Draft, RecordType, empty_tail, retained, seal
from tests.builders import IRIS, World, actor, cast, lifecycle, world
from tests.fakes.clock import FakeClock

DECADE = timedelta(days=3650)
KEPT = replace(lifecycle(), retain_for=DECADE)


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose lifecycle says how long records are to be kept."""
    made = world(governed_by=KEPT)
    yield made
    made.rows.close()


def hold(case: str = "case 7", reason: str = "", operation: str = "") -> HoldCommand:
    """Return eve's command about a hold on iris."""
    return HoldCommand(IRIS, case, reason, actor("eve"), operation or f"op {case}")


def disappear(it: World) -> None:
    """The one version of iris is deleted, and that is found."""
    it.register("1")
    it.registry.remove(Version(IRIS, "1"))
    scanner = Scanner(it.context)
    scanner.scan("demo")
    it.clock.sleep(400)
    scanner.scan("demo")
    sweep(it.context)


def test_every_record_says_until_when_it_is_to_be_kept(it: World) -> None:
    """Inside its hashed bytes: at its own time plus what the lifecycle says."""
    version = it.register("1")
    request_transition(it.context, it.command(version, "Staging"))
    asked = request_transition(it.context, it.command(version, "Production"))
    cast(it.context, asked.approval, "bob")
    it.tag(version, "stage", "Production")
    place(it.context, hold())

    records = list(query.all_records(it.context, IRIS))

    assert len(records) == 5
    assert [one.at + DECADE for one in records] == [one.retain_until for one in records]
    assert query.check_history(it.context, IRIS) is None


def test_a_lifecycles_own_history_says_it_too(it: World) -> None:
    """As long as what was decided under it is to be kept at the least."""
    (adopted,) = it.context.ledger.records(histories.of_lifecycle("default").partition)

    assert adopted.at + DECADE == adopted.retain_until


def test_where_no_lifecycle_says_it_no_record_does() -> None:
    """The field is left out: nothing is made up."""
    made = world()
    made.register("1")
    (record,) = query.all_records(made.context, IRIS)

    assert "retain_until" not in record.content
    assert record.retain_until is None
    made.rows.close()


@given(
    st.lists(st.timedeltas(timedelta(0), timedelta(days=400)), min_size=1, max_size=6),
    st.timedeltas(timedelta(0), timedelta(days=4_000_000)),
)
def test_it_is_never_before_the_record_and_never_beyond_the_calendar(
    pauses: list[timedelta], kept: timedelta
) -> None:
    """Whatever the clock does, and however long somebody wants to keep things."""
    clock, tail = FakeClock(), empty_tail("00000000", "demo/models/iris")
    for pause in pauses:
        clock.sleep(pause.total_seconds())
        draft = Draft(RecordType.OBSERVED, "1", "0/x", actor("sam"))
        now = clock.now()
        (record,) = seal(tail, [draft], commit=1, now=now, operation="o", retain=kept)

        assert retained(record.at, kept) == record.retain_until
        assert record.at <= retained(record.at, kept)


def test_what_is_gone_is_listed_until_it_is_past(it: World) -> None:
    """With until when; an asset that has a version left is no matter of this list."""
    disappear(it)
    before = list(retention.gone(it.context))
    it.clock.sleep((DECADE + timedelta(days=1)).total_seconds())
    after = list(retention.gone(it.context))
    it.register("2")
    sweep(it.context)

    assert [(IRIS, False, False)] == [(one.asset, one.past, one.removable) for one in before]
    assert [(IRIS, True, True)] == [(one.asset, one.past, one.removable) for one in after]
    assert before[0].records == len(list(query.all_records(it.context, IRIS))) - 1
    assert [] == list(retention.gone(it.context))


def test_what_was_made_before_the_lifecycle_said_so_is_kept_as_long() -> None:
    """By what it says now, from the last record on; and where nothing says, for good."""
    made = world()
    disappear(made)
    unsaid = list(retention.gone(made.context))
    configuration = replace(made.context.configuration, lifecycles=(KEPT,))
    context = replace(made.context, configuration=configuration)
    keep_under(context)
    adopt(context)
    (said,) = retention.gone(context)

    assert [(None, False)] == [(one.until, one.past) for one in unsaid]
    assert said.last + DECADE == said.until
    made.rows.close()


def test_a_shorter_retention_takes_nothing_back(it: World) -> None:
    """What a record says, it says for good."""
    disappear(it)
    shorter = replace(KEPT, retain_for=timedelta(days=1))
    configuration = replace(it.context.configuration, lifecycles=(shorter,))
    context = replace(it.context, configuration=configuration)
    it.clock.sleep(2 * 86_400)

    (found,) = retention.gone(context)

    assert found.last + DECADE == found.until


def test_what_is_held_is_not_offered_for_removal(it: World) -> None:
    """However long it is past; two cases are two holds."""
    disappear(it)
    place(it.context, hold("case 7"))
    place(it.context, hold("case 8", "of the court"))
    it.clock.sleep((DECADE + timedelta(days=1)).total_seconds())
    (held,) = retention.gone(it.context)
    lift(it.context, hold("case 7", operation="l7"))
    (half,) = retention.gone(it.context)
    lift(it.context, hold("case 8", operation="l8"))

    assert (("case 7", "case 8"), True, False) == (held.holds, held.past, held.removable)
    assert (("case 8",), False) == (half.holds, half.removable)
    assert [False] == [one.removable for one in retention.gone(it.context)]  # the lifting is recent


def test_a_hold_is_recorded_and_listed(it: World) -> None:
    """By whom, for what, and why; so is that it was lifted."""
    it.register("1")
    placed = place(it.context, hold(reason="of the court"))
    (listed,) = holds.listed(it.context.ledger)
    lifted = lift(it.context, hold(reason="closed", operation="l"))
    records = list(query.all_records(it.context, IRIS))[-2:]

    assert (IRIS, placed) == (listed.asset, listed.hold)
    assert placed == lifted
    assert ["HoldPlaced", "HoldLifted"] == [one.type for one in records]
    assert [("case 7", "of the court"), ("case 7", "closed")] == [
        (one.content["hold"], one.content["reason"]) for one in records
    ]
    assert all(one.version == "" for one in records)
    assert [] == list(holds.listed(it.context.ledger))
    assert query.check_history(it.context, IRIS) is None


def test_a_hold_is_placed_and_lifted_once_however_often_it_is_asked(it: World) -> None:
    """The same operation gets the same answer, also after a lost reply."""
    it.register("1")
    for _ in range(2):
        place(it.context, hold())
    place(it.context, hold(operation="another"))
    for _ in range(2):
        lift(it.context, hold(operation="l"))

    with pytest.raises(NotFoundError, match="has no hold for 'case 7'; it has: none"):
        lift(it.context, hold(operation="l2"))
    with pytest.raises(InvalidInputError, match="used for another command"):
        place(it.context, hold("case 9", operation="l"))

    assert 2 == sum(one.type.startswith("Hold") for one in query.all_records(it.context, IRIS))


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("call", range(3))
def test_a_lost_reply_places_and_lifts_one_hold(it: World, call: int, *, applied: bool) -> None:
    """Whichever commit it was, and whether it was applied."""
    it.register("1")
    it.rows.losses = [None] * call + [applied]
    place(it.context, hold())
    placed = [one.case for one in holds.of_asset(it.context.ledger, IRIS)]
    it.rows.losses = [None] * call + [applied]
    lift(it.context, hold(operation="l"))
    it.rows.losses = []

    assert ["case 7"] == placed
    assert () == holds.of_asset(it.context.ledger, IRIS)
    assert ["HoldPlaced", "HoldLifted"] == [
        one.type for one in query.all_records(it.context, IRIS) if one.type.startswith("Hold")
    ]


@pytest.mark.parametrize("case", ["", "  ", "x" * 101, "a\nb"])
def test_a_hold_names_its_case(it: World, case: str) -> None:
    """In a line that lists can show."""
    it.register("1")

    with pytest.raises(InvalidInputError, match="name the case"):
        place(it.context, hold(case))


def test_only_what_the_ledger_knows_is_held(it: World) -> None:
    """Else nobody would notice a name that was typed wrong."""
    with pytest.raises(NotFoundError, match="does not know demo/models/iris"):
        place(it.context, hold())


def test_what_upkeep_removes_is_nothing_that_a_hold_is_about(it: World) -> None:
    """Answers and lists come and go; records, approvals and documents of a held asset stay."""
    version = it.register("1")
    request_transition(it.context, it.command(version, "Staging"))
    place(it.context, hold())
    before = list(query.all_records(it.context, IRIS))
    it.clock.sleep(30 * 86_400)
    forgotten = forget_answers(it.context)
    rebuild_catalog(it.context)

    assert forgotten > 0
    assert before == list(query.all_records(it.context, IRIS))
    assert ["case 7"] == [one.case for one in holds.of_asset(it.context.ledger, IRIS)]
    assert before[0].content["evidence"]
    assert it.context.ledger.blob(str(before[0].content["evidence"])) is not None


def test_a_held_asset_goes_on(it: World) -> None:
    """A hold stops no transition: it is about what is kept."""
    version = it.register("1")
    place(it.context, hold())
    answer = request_transition(it.context, it.command(version, "Staging"))

    assert "Staging" == answer.stage
    assert ["case 7"] == [one.case for one in holds.of_asset(it.context.ledger, IRIS)]
