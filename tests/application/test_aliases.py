"""An alias of MLflow stays at the holder of its stage, whoever does what to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.context import Context
from stage_functions.application.following import follow_any
from stage_functions.application.resolving import resolve
from stage_functions.application.rollback import RollbackCommand, request_rollback
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import AliasSignal, Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import RegistryUnavailableError
from stage_functions.domain.lifecycle import Lifecycle, Stage, Transition
from stage_functions.domain.record import RecordType
from tests.application.mirror_world import changed, configured, move, types
from tests.builders import IRIS, World, actor, unguarded, world
from tests.fakes.registry import MemoryRegistry
from tests.way_back_world import RATIFY, begun, end, promoted, returning, urgent

ONE, TWO, THREE = (Version(IRIS, number) for number in "123")
KEPT = {"champion": "Production"}


def leaving() -> Lifecycle:
    """Return a lifecycle where anyone may take Production, and leave it without a successor."""
    plain = unguarded()
    return replace(
        plain,
        transitions=(*plain.transitions, Transition("Production", "Archived")),
        text={"name": "leaving"},
    )


@pytest.fixture
def it() -> Iterator[World]:
    """A server with three versions of iris whose champion is the one in Production."""
    made = configured(world(governed_by=leaving()), aliases=KEPT)
    for number in "123":
        made.register(number)
    yield made
    made.rows.close()


def champion(it: World) -> str:
    """Return the version that has the alias, or ""."""
    return it.registry.aliases(IRIS).get("champion", "")


def drifts(it: World) -> list[tuple[str, object]]:
    """Return of each DriftFound which version it is of, and what was found."""
    records = query.all_records(it.context, IRIS)
    found = [one for one in records if one.type is RecordType.DRIFT_FOUND]
    return [(one.version, one.content.get("found")) for one in found]


def hint(it: World, number: str = "", asset: Asset = IRIS) -> bool:
    """Tell Stageward, as MLflow does, that the alias was set at a version, or deleted."""
    return follow_any(it.context, AliasSignal(asset, "champion", number))


def test_the_alias_follows_every_promotion_by_one_call(it: World) -> None:
    """The new holder takes it from the old one, which does not touch it."""
    move(it, ONE, "Staging", "Production")
    move(it, TWO, "Staging", "Production")
    move(it, THREE, "Staging", "Production")

    assert [("champion", one) for one in "123"] == it.registry.aliases_shown()
    assert [] == drifts(it)


def test_a_holder_that_leaves_without_a_successor_loses_it(it: World) -> None:
    """Nobody is the champion while nobody is in Production."""
    move(it, ONE, "Staging", "Production", "Archived")

    assert [("champion", "1"), ("champion", "")] == it.registry.aliases_shown()
    assert [] == drifts(it)
    assert "alias:champion" not in it.context.ledger.versions(IRIS)["1"].base


@pytest.mark.parametrize("told", ["hint", "signal", "scan"])
@pytest.mark.parametrize("moved_to", ["2", ""], ids=["moved", "deleted"])
def test_what_somebody_does_to_it_is_put_back_at_once(it: World, moved_to: str, told: str) -> None:
    """MLflow's hint names another version or none; both lead to the holder, and so does the scan."""
    move(it, ONE, "Staging", "Production")
    it.registry.set_alias(IRIS, "champion", moved_to)

    if told == "scan":
        Scanner(it.context).scan("demo")
    elif told == "hint":
        assert hint(it, moved_to)
    else:
        assert follow(it.context, Signal(ONE))

    assert "1" == champion(it)
    assert [("1", "no alias champion")] == drifts(it)


def test_where_nobody_holds_the_stage_it_is_taken_from_whoever_gave_it_to_himself(
    it: World,
) -> None:
    """A version at Staging is no champion."""
    it.registry.set_alias(IRIS, "champion", "2")

    assert hint(it, "2")
    assert "" == champion(it)
    assert [("2", "alias champion")] == drifts(it)
    assert not hint(it)


def test_a_hint_costs_one_reading_where_it_is_at_its_place(it: World) -> None:
    """However often it comes, and whatever version it names."""
    move(it, ONE, "Staging", "Production")
    it.registry.calls.clear()
    for number in ("1", "2", ""):
        assert not hint(it, number)

    assert ["read"] * 3 == it.registry.calls


def test_a_promotion_costs_no_call_but_that_one(it: World) -> None:
    """Nothing is read for an alias: a reading of the version tells of it."""
    plain = configured(world(governed_by=leaving()))
    plain.register("1")
    calls = []
    for made in (plain, it):
        made.registry.calls.clear()
        move(made, ONE, "Staging", "Production")
        calls.append([*made.registry.calls])
    plain.rows.close()

    assert calls[0] == calls[1]


def test_a_tool_that_keeps_moving_it_is_left_alone_for_an_hour(it: World) -> None:
    """Three put-backs in ten minutes; the fourth says so once, and the next comes after an hour."""
    move(it, ONE, "Staging", "Production")
    for _ in range(6):
        it.registry.set_alias(IRIS, "champion", "2")
        hint(it, "2")
    before = champion(it)
    it.clock.sleep(3700)
    sweep(it.context)

    assert "2" == before
    assert "1" == champion(it)
    assert [("1", "no alias champion")] * 4 == drifts(it)


def test_a_promotion_sets_it_also_while_nothing_is_put_back(it: World) -> None:
    """The pause is of the version that somebody kept changing."""
    move(it, ONE, "Staging", "Production")
    for _ in range(5):
        it.registry.set_alias(IRIS, "champion", "2")
        hint(it, "2")
    move(it, THREE, "Staging", "Production")

    assert "3" == champion(it)


def test_the_old_holder_deletes_nothing_that_the_new_one_took_meanwhile(it: World) -> None:
    """Between its reading and its deleting another version was promoted, and has it."""
    move(it, ONE, "Staging", "Production")
    move(it, TWO, "Staging")

    def promote() -> None:
        move(it, TWO, "Production")

    once(it.registry, "write_alias", promote)
    move(it, ONE, "Archived")

    assert "2" == champion(it)
    assert "2" == it.context.ledger.load(IRIS).head.holders["Production"][0]


def test_before_it_is_deleted_the_ledger_is_asked_who_holds_the_stage(it: World) -> None:
    """A version that was promoted since the old holder was read takes it over by itself."""
    move(it, ONE, "Staging", "Production")
    move(it, TWO, "Staging")
    reads: list[str] = []

    def promote(name: str) -> None:
        reads.append(name)
        if reads.count("read") == 2:  # the first was for the decision, this is before it is written
            it.registry.after = lambda _: None
            move(it, TWO, "Production")

    it.registry.after = promote
    move(it, ONE, "Archived")

    assert [("champion", "1"), ("champion", "2")] == it.registry.aliases_shown()


def test_what_an_old_holder_wrote_late_is_taken_back_by_it(it: World) -> None:
    """Whoever finds the alias at a version that left has the holder take it again."""
    move(it, ONE, "Staging", "Production")
    move(it, TWO, "Staging", "Production")
    it.registry.set_alias(IRIS, "champion", "1")
    it.registry.set_tags(ONE, {"stage": "Nowhere"})
    follow(it.context, Signal(ONE))

    assert "2" == champion(it)


def test_it_stays_where_it_is_while_the_registry_is_away(it: World) -> None:
    """A decision that cannot be carried out now is carried out later, once."""
    move(it, ONE, "Staging", "Production")
    move(it, TWO, "Staging")

    it.registry.before = busy
    move(it, TWO, "Production")
    before = champion(it)
    it.registry.before = lambda _: None
    it.clock.sleep(7200)
    sweep(it.context)

    assert ("1", "2") == (before, champion(it))
    assert [] == drifts(it)


def test_it_goes_back_with_a_rollback() -> None:
    """The version that comes back to Production is the champion again."""
    it = configured(world(governed_by=returning()), aliases=KEPT)
    for version in (ONE, TWO):
        it.register(version.number)
        move(it, version, "Staging", "Production")
    operation = it.clock.operation_id()
    request_rollback(it.context, RollbackCommand(IRIS, actor("bob"), operation, reason="bad"))
    shown = it.registry.aliases_shown()
    it.rows.close()

    assert [("champion", one) for one in "121"] == shown


def test_it_follows_an_emergency_and_goes_back_when_that_is_not_ratified() -> None:
    """At once, and in the same way as the tag."""
    it = configured(begun(urgent()), aliases=KEPT)
    promoted(it, "1")
    it.register("2")
    move(it, TWO, "Staging")
    command = replace(it.command(TWO, "Production", "ada"), emergency="INC-1")
    request_transition(it.context, command)
    used = champion(it)
    it.clock.sleep(RATIFY.total_seconds() + 1)
    sweep(it.context)
    reverted, found = champion(it), drifts(it)
    end()

    assert ("2", "1") == (used, reverted)
    assert [] == found


def test_a_registry_that_was_stopped_gets_it_back_when_it_is_resolved(it: World) -> None:
    """Nothing is written while it stands, and then what the ledger says."""
    move(it, ONE, "Staging", "Production")
    it.context.states.update("demo", lambda state: replace(state, stopped="three differ"))
    it.registry.set_alias(IRIS, "champion", "2")
    hint(it, "2")
    stood = champion(it)
    resolve(it.context, "demo", actor("eve"))
    follow(it.context, Signal(ONE))

    assert ("2", "1") == (stood, champion(it))


def test_a_displaced_version_loses_it_at_once_though_it_may_still_be_served() -> None:
    """As it loses the tag `stage`: what retires later is what an endpoint may serve."""
    plain = leaving()
    stages = {
        **plain.stages,
        "Production": replace(plain.stages["Production"], retire_within=timedelta(hours=1)),
    }
    it = configured(world(governed_by=replace(plain, stages=stages)), aliases=KEPT)
    for version in (ONE, TWO):
        it.register(version.number)
        move(it, version, "Staging", "Production")
    shown = it.registry.aliases_shown()
    it.rows.close()

    assert [("champion", "1"), ("champion", "2")] == shown


def test_at_a_frozen_stage_it_is_put_back_and_bars_nothing() -> None:
    """An alias is no part of what is frozen: it belongs to the model."""
    plain = leaving()
    stages = {**plain.stages, "Production": replace(plain.stages["Production"], frozen=True)}
    it = configured(world(governed_by=replace(plain, stages=stages)), aliases=KEPT)
    it.register("1")
    it.register("2")
    move(it, ONE, "Staging", "Production")
    it.registry.set_alias(IRIS, "champion", "2")
    hint(it, "2")
    kept = champion(it)
    state = it.context.ledger.versions(IRIS)["1"]
    it.rows.close()

    assert ("1", 0) == (kept, state.drifted)


def test_a_registry_that_is_only_observed_keeps_its_aliases() -> None:
    """What would be put back is noted, and nothing is written."""
    it = configured(world(Mode.OBSERVE), aliases=KEPT)
    it.registry.register(ONE, it.clock.now(), tags={"stage": "Production"})
    it.registry.set_alias(IRIS, "champion", "1")
    follow(it.context, Signal(ONE))
    it.registry.set_alias(IRIS, "champion")
    hint(it, "1")
    details = [
        str(one.content["detail"])
        for one in query.all_records(it.context, IRIS)
        if one.type is RecordType.OBSERVED
    ]
    kept = champion(it)
    it.rows.close()

    assert "" == kept
    assert 2 == len(details)
    assert "no alias champion would be put back: the stage is Production" == details[1]


def test_one_that_comes_into_the_file_later_is_set_by_the_scan(it: World) -> None:
    """Without DriftFound: nobody has taken it away."""
    before = configured(it, aliases={})
    move(before, ONE, "Staging", "Production")
    Scanner(it.context).scan("demo")

    assert "1" == champion(it)
    assert [] == drifts(it)


def test_one_that_is_in_its_place_already_is_known_from_then_on(it: World) -> None:
    """So that its first move by hand is found, as any other."""
    before = configured(it, aliases={})
    move(before, ONE, "Staging", "Production")
    it.registry.set_alias(IRIS, "champion", "1")
    Scanner(it.context).scan("demo")
    it.registry.set_alias(IRIS, "champion", "3")
    hint(it, "3")

    assert "1" == champion(it)
    assert [("1", "no alias champion")] == drifts(it)


def test_one_that_goes_out_of_the_file_stays_where_it_is(it: World) -> None:
    """It is nobody's then, and no longer Stageward's to write."""
    move(it, ONE, "Staging", "Production")
    after = configured(it, aliases={})
    it.registry.set_alias(IRIS, "champion", "2")
    assert not hint(after, "2")
    move(after, TWO, "Staging", "Production")
    move(after, THREE, "Staging", "Production")

    assert "2" == champion(it)
    assert [] == drifts(it)
    assert "alias:champion" not in it.context.ledger.versions(IRIS)["1"].base


def test_a_holder_that_is_deleted_leaves_none_behind(it: World) -> None:
    """MLflow deletes the alias with the version; the next holder gets it."""
    move(it, ONE, "Staging", "Production")
    it.registry.delete_version(ONE)
    for _ in range(2):
        follow(it.context, Signal(ONE))
        it.clock.sleep(301)
    move(it, TWO, "Staging", "Production")

    assert "2" == champion(it)


def test_several_assets_have_an_alias_each(it: World) -> None:
    """A promotion of one moves nothing of the other."""
    wine = Asset("demo", Kind.MODELS, "wine")
    it.registry.register(Version(wine, "1"), it.clock.now())
    follow(it.context, Signal(Version(wine, "1")))
    move(it, TWO, "Staging", "Production")
    for stage in ("Staging", "Production"):
        request_transition(it.context, it.command(Version(wine, "1"), stage))
    it.registry.set_alias(wine, "champion")
    hint(it, asset=wine)

    assert ({"champion": "2"}, {"champion": "1"}) == (
        it.registry.aliases(IRIS),
        it.registry.aliases(wine),
    )


def test_several_aliases_and_stages_keep_out_of_each_other_s_way() -> None:
    """Two names for one stage, one for another; hands that swap them are answered by one record."""
    plain = leaving()
    second = Stage("Challenger", exclusive=True, displaced_to="Staging")
    lifecycle = replace(
        plain,
        stages={**plain.stages, "Challenger": second},
        transitions=(*plain.transitions, Transition("Staging", "Challenger")),
    )
    kept = {"champion": "Production", "best": "Production", "next": "Challenger"}
    it = configured(world(governed_by=lifecycle), aliases=kept)
    for version, stage in ((ONE, "Production"), (TWO, "Challenger")):
        it.register(version.number)
        move(it, version, "Staging", stage)
    before = it.registry.aliases(IRIS)
    for alias, number in (("champion", "2"), ("best", "2"), ("next", "1")):
        it.registry.set_alias(IRIS, alias, number)
    follow(it.context, Signal(ONE))
    after, found = it.registry.aliases(IRIS), drifts(it)
    it.rows.close()

    assert {"champion": "1", "best": "1", "next": "2"} == before == after
    assert [("1", "no alias champion, no alias best")] == found


def test_aliases_that_nobody_named_are_left_alone(it: World) -> None:
    """People have their own, and case counts."""
    move(it, ONE, "Staging", "Production")
    for alias in ("mine", "Champion"):
        it.registry.set_alias(IRIS, alias, "2")
        assert not follow_any(it.context, AliasSignal(IRIS, alias, "2"))

    assert {"champion": "1", "mine": "2", "Champion": "2"} == it.registry.aliases(IRIS)


def test_the_asset_says_who_has_it_by_grant(it: World) -> None:
    """As the ledger has it, whatever MLflow shows."""
    move(it, ONE, "Staging", "Production")
    it.registry.set_alias(IRIS, "champion", "2")

    assert {"champion": "1"} == query.asset(it.context, IRIS).aliases


def test_two_instances_of_which_one_knows_no_alias_yet(it: World) -> None:
    """While an update rolls through, the older one moves tags, and the other sets the alias."""
    older: Context = changed(it.context, aliases={})
    move(it, ONE, "Staging", "Production")
    request_transition(older, it.command(TWO, "Staging"))
    request_transition(older, it.command(TWO, "Production"))
    before = champion(it)
    Scanner(it.context).scan("demo")

    assert ("1", "2") == (before, champion(it))
    assert "DriftFound" not in types(it)


def busy(name: str) -> None:
    """Take no alias now."""
    if name == "write_alias":
        message = "the server is busy"
        raise RegistryUnavailableError(message)


def once(registry: MemoryRegistry, call: str, does: Callable[[], None]) -> None:
    """Do something before the next call of a name."""

    def before(name: str) -> None:
        if name == call:
            registry.before = lambda _: None
            does()

    registry.before = before
