"""Arriving in a grown estate: today's stages are taken as granted, once everything is clear."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stage_functions.application import query, upkeep
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.ports.rows import CATALOG, Delete
from stage_functions.application.registries import RegistryState
from stage_functions.application.resolving import resolve
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import InvalidInputError, NotAllowedNowError
from tests.builders import IRIS, World, actor, world

ONE, TWO, THREE = (Version(IRIS, number) for number in "123")


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry had versions before Stageward came."""
    made = world()
    made.context.states.update("demo", lambda _: RegistryState())
    tags = {ONE: {"stage": "Prod"}, TWO: {"stage": "Staging"}, THREE: {}}
    for version, known in tags.items():
        made.registry.register(version, made.clock.now(), tags=known)
    yield made
    made.rows.close()


def command(*, keep: tuple[str, ...] = (), dry_run: bool = False, **mapping: str) -> ImportCommand:
    """Return an operator's decision."""
    return ImportCommand("demo", mapping, keep, "as it was", actor("eve"), dry_run)


def test_a_registry_that_was_never_imported_is_only_observed(it: World) -> None:
    """Nothing is written before somebody says that today's stages count."""
    follow(it.context, Signal(TWO))

    assert dict(it.registry.tags(TWO)) == {"stage": "Staging"}
    assert "stageward import demo" in it.context.states.ungoverned("demo")


def test_unknown_values_are_listed_and_nothing_is_imported(it: World) -> None:
    """All or nothing, and the list says what to map."""
    plan = import_registry(it.context, command())

    assert plan.unknown == {"Prod": (str(ONE),)}
    assert not plan.done
    assert it.context.ledger.load(IRIS).etag == ""


def test_a_mapping_must_name_a_stage(it: World) -> None:
    """The message names those there are."""
    with pytest.raises(InvalidInputError, match="the stages are None, Staging"):
        import_registry(it.context, command(Prod="Live"))


def test_a_dry_run_tells_and_does_nothing(it: World) -> None:
    """An operator sees first."""
    plan = import_registry(it.context, command(dry_run=True, Prod="Production"))

    assert plan.stages == {"Production": 1, "Staging": 1, "None": 1}
    assert not plan.done
    assert it.context.ledger.load(IRIS).etag == ""


def test_todays_stages_are_taken_as_granted_and_a_second_run_changes_nothing(it: World) -> None:
    """One Imported record each; then Stageward governs."""
    first = import_registry(it.context, command(Prod="Production"))
    count = it.context.ledger.load(IRIS).head.number
    again = import_registry(it.context, command(Prod="Production"))
    stood = {number: s.stage for number, s in query.standings(it.context, IRIS, None).items()}

    assert first.done
    assert stood == {"1": "Production", "2": "Staging", "3": "None"}
    assert it.registry.tags(ONE)["stage"] == "Production"
    assert it.context.states.ungoverned("demo") == ""
    assert (again.already, it.context.ledger.load(IRIS).head.number) == (3, count)


def test_several_holders_of_an_exclusive_stage_wait_for_the_one_to_keep(it: World) -> None:
    """The others go where displaced versions go."""
    it.registry.set_tags(TWO, {"stage": "Prod"})
    refused = import_registry(it.context, command(Prod="Production"))
    done = import_registry(it.context, command(keep=("models/iris:2",), Prod="Production"))

    assert refused.crowded == {"models/iris at Production": ("models/iris:1", "models/iris:2")}
    assert not refused.done
    assert done.done
    assert it.context.ledger.load(IRIS).head.holders == {"Production": ("2",)}
    assert it.registry.tags(ONE)["stage"] == "Archived"


def test_tags_of_another_ledger_stop_the_import_until_resolved(it: World) -> None:
    """A ledger that knows nothing does not write over one that does."""
    it.registry.set_tags(ONE, {"stage_governor": "another0/7"})
    with pytest.raises(NotAllowedNowError, match="stageward resolve demo"):
        import_registry(it.context, command(Prod="Production"))
    stopped = it.context.states.ungoverned("demo")
    resolve(it.context, "demo", actor("eve"))
    done = import_registry(it.context, command(Prod="Production"))

    assert "stopped" in stopped
    assert done.done
    assert it.registry.tags(ONE)["stage"] == "Production"
    assert it.registry.tags(ONE)["stage_governor"].startswith(it.context.ledger.id)


def test_the_catalog_is_rebuilt_from_the_ledger(it: World) -> None:
    """Lists are derived, and can be lost."""
    import_registry(it.context, command(Prod="Production"))
    before = query.assets(it.context).entries
    for row in it.rows.query(CATALOG, f"demo:{Kind.MODELS}"):
        it.rows.commit(CATALOG, f"demo:{Kind.MODELS}", [Delete(row.key, row.etag)])
    lost = query.assets(it.context).entries
    upkeep.rebuild_catalog(it.context)

    assert (len(before), len(lost)) == (3, 0)
    assert query.assets(it.context).entries == before


def test_a_list_goes_on_behind_its_cursor(it: World) -> None:
    """Pages neither repeat nor lose anything."""
    import_registry(it.context, command(Prod="Production"))
    first = query.assets(it.context, limit=2)
    rest = query.assets(it.context, limit=2, cursor=first.cursor)

    assert [entry.version for entry in (*first.entries, *rest.entries)] == ["1", "2", "3"]
    assert rest.cursor == ""


def test_old_answers_are_forgotten_after_a_week(it: World) -> None:
    """An operation id gets the same answer for seven days."""
    import_registry(it.context, command(Prod="Production"))
    request_transition(it.context, it.command(THREE, "Staging"))
    young = upkeep.forget_answers(it.context)
    it.clock.sleep(8 * 86_400)

    assert (young, upkeep.forget_answers(it.context)) == (0, 1)


def test_what_was_registered_anew_meanwhile_is_not_imported_over_what_was_before(
    it: World,
) -> None:
    """The old one is recorded as deleted, and its open approval voided."""
    import_registry(it.context, command(Prod="Production"))
    request_transition(it.context, it.command(TWO, "Production"))
    it.registry.remove(TWO)
    it.clock.sleep(60)
    it.registry.register(TWO, it.clock.now(), tags={"stage": "Staging"})
    it.context.states.update("demo", lambda _: RegistryState())

    done = import_registry(it.context, command(Prod="Production"))

    types = [str(one.type) for one in query.all_records(it.context, IRIS)]
    assert done.stages == {"Staging": 1}
    assert types[-4:] == ["Deleted", "Violated", "ApprovalClosed", "Imported"]
    assert it.context.ledger.load(IRIS).head.approvals == ()


def test_what_would_be_decided_in_observe_is_recorded_with_its_evidence() -> None:
    """A digest without its text proves nothing."""
    it = world(Mode.OBSERVE)
    it.register("1")
    it.tag(ONE, "stage_request", "Staging: ready")

    record = list(query.all_records(it.context, IRIS))[-1]

    assert it.context.ledger.blob(str(record.content["evidence"])) is not None
    it.rows.close()


def test_a_request_of_a_hundred_thousand_characters_is_refused_in_few_words() -> None:
    """A record is never changed, so it must not be filled."""
    it = world()
    it.register("1")
    it.tag(ONE, "stage_request", "x" * 100_000)

    record = list(query.all_records(it.context, IRIS))[-1]

    assert str(record.type) == "TransitionRefused"
    assert len(record.body) < 3000
    it.rows.close()
