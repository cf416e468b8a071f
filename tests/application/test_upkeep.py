"""What operators look after."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stage_functions.application import catalog, keys, query, upkeep
from stage_functions.application.adoption import adopt
from stage_functions.application.ports.rows import ANY_ETAG, CATALOG, LEDGER, Delete
from stage_functions.application.scan import Scanner, found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import (
    NotFoundError,
    RegistryUnavailableError,
    SinkRefusedError,
    SinkUnavailableError,
)
from tests.builders import IRIS, World, context_over, world
from tests.fakes.sink import MemorySink

DAY = 86_400


@pytest.fixture
def it(sink: MemorySink) -> Iterator[World]:
    """A world that publishes."""
    made = world(sinks=(sink,))
    yield made
    made.rows.close()


def sick(it: World) -> dict[str, str]:
    """Return what is wrong, by part: nothing that makes the process unready."""
    health = upkeep.health(it.context)
    assert health.ready
    return {part: why for part, why in health.parts.items() if why}


def test_all_is_well_where_nothing_is_wrong(it: World) -> None:
    """Every part is named."""
    it.register("1")

    assert upkeep.health(it.context).parts == {"ledger": "", "outbox": "", "registry demo": ""}
    assert sick(it) == {}


def test_a_registry_that_cannot_be_read_is_red_until_it_can(it: World) -> None:
    """In one word: whoever may ask what the scan said signs in for it."""
    it.registry.away = True
    scanner = Scanner(it.context)
    with pytest.raises(RegistryUnavailableError):
        scanner.scan("demo")
    away = sick(it)
    it.registry.away = False
    scanner.scan("demo")

    assert away == {"registry demo": "unreadable"}
    assert sick(it) == {}


def test_a_registry_that_has_lost_much_is_red(it: World) -> None:
    """Nothing is marked as deleted meanwhile."""
    versions = [it.register(str(number)) for number in range(1, 6)]
    for version in versions[1:]:
        it.registry.remove(version)
    Scanner(it.context).scan("demo")

    assert sick(it) == {"registry demo": "halted"}


def test_a_registry_to_be_governed_that_was_never_imported_is_red() -> None:
    """One that is only observed is as it should be."""
    found, observed = world(Mode.OBSERVE), world(Mode.OBSERVE)
    found.registry.register(Version(IRIS, "1"), found.clock.now())
    enforcing = context_over(found.rows, found.registry, found.clock, Mode.ENFORCE)
    adopt(enforcing)
    found_empty(enforcing, "demo")
    health = upkeep.health(enforcing)

    assert (True, "not-imported") == (health.ready, health.parts["registry demo"])
    assert upkeep.health(observed.context).ready
    found.rows.close()
    observed.rows.close()


def test_late_work_is_not_red_and_parked_work_is(it: World, sink: MemorySink) -> None:
    """What is only late comes to its end by itself; parked work is listed first."""
    sink.fault = SinkUnavailableError("away")
    it.register("1")
    late = sick(it)
    rose = Version(Asset("demo", Kind.MODELS, "rose"), "1")
    it.registry.register(rose, it.clock.now())
    sink.fault = SinkRefusedError("403")
    follow(it.context, Signal(rose))
    views = upkeep.outbox(it.context)

    assert late == {}
    assert sick(it) == {"outbox": "parked"}
    assert [(view.asset, view.owed.parked) for view in views] == [
        ("demo/models/rose", True),
        ("demo/models/iris", False),
    ]


def test_what_was_parked_is_done_when_a_later_grant_is_shown(it: World) -> None:
    """A registry that lets go again needs nobody who clears up after it."""
    version = it.register("1")

    def refuse(call: str) -> None:
        it.registry.refusing = call == "write_tags"

    it.registry.before = refuse
    request_transition(it.context, it.command(version, "Staging"))
    it.registry.before = lambda _: None
    it.registry.refusing = False
    parked = sick(it)
    request_transition(it.context, it.command(version, "Archived"))

    assert parked == {"outbox": "parked"}
    assert it.registry.tags(version)["stage"] == "Archived"
    assert upkeep.outbox(it.context) == []
    assert sick(it) == {}


def test_a_registry_that_refuses_its_tags_is_told_in_the_history(it: World) -> None:
    """What was granted stands; retried once it lets go, it is shown."""
    version = it.register("1")

    def refuse(call: str) -> None:
        it.registry.refusing = call == "write_tags"

    it.registry.before = refuse
    request_transition(it.context, it.command(version, "Staging"))
    it.registry.before = lambda _: None
    it.registry.refusing = False
    (parked,) = [view for view in upkeep.outbox(it.context) if view.owed.parked]
    shown = it.registry.tags(version)["stage"]
    upkeep.retry(it.context, parked.id)

    assert parked.owed.duty == "reconcile"
    assert shown == "None"
    assert [str(record.type) for record in query.all_records(it.context, IRIS)] == [
        "Registered",
        "StageChanged",
        "DriftFound",
    ]
    assert it.registry.tags(version)["stage"] == "Staging"
    assert upkeep.outbox(it.context) == []


def test_only_what_is_owed_can_be_retried(it: World) -> None:
    """The message says where to look."""
    with pytest.raises(NotFoundError, match="`stageward outbox` lists what is"):
        upkeep.retry(it.context, "asset:demo:models:iris@outbox:0000000001-000")


def answers(it: World) -> int:
    """Return how many operation ids have an answer."""
    start, end = keys.OPERATION, keys.after(keys.OPERATION)
    return len(it.rows.query(LEDGER, keys.asset_partition(IRIS), start=start, end=end))


def test_answers_are_forgotten_after_a_week_and_not_before(it: World) -> None:
    """Till then the same operation id gets the same answer."""
    old = it.command(it.register("1"), "Staging")
    request_transition(it.context, old)
    it.clock.sleep(6 * DAY)
    young = it.command(it.register("2"), "Staging")
    answer = request_transition(it.context, young)
    early = upkeep.forget_answers(it.context)
    it.clock.sleep(2 * DAY)

    assert (early, upkeep.forget_answers(it.context), answers(it)) == (0, 1, 1)
    assert request_transition(it.context, young) == answer


def test_any_number_of_answers_is_forgotten(it: World) -> None:
    """More than a batch of the store holds."""
    version = it.register("1")
    for _ in range(upkeep.BATCH + 20):
        request_transition(it.context, it.command(version, "Nowhere"))
    it.clock.sleep(8 * DAY)

    assert upkeep.forget_answers(it.context) == upkeep.BATCH + 20
    assert answers(it) == 0


def test_the_catalog_is_rebuilt_as_the_ledger_has_it(it: World) -> None:
    """Whatever became of it: lost or overwritten."""
    one, two = it.register("1"), it.register("2")
    whole = catalog.of_asset(it.rows, IRIS)
    stale = it.context.ledger.load(IRIS, ["2"]).versions
    request_transition(it.context, it.command(two, "Staging"))
    catalog.write(it.rows, IRIS, stale)
    partition = keys.catalog_partition("demo", Kind.MODELS)
    it.rows.commit(CATALOG, partition, [Delete(keys.catalog_key(one), ANY_ETAG)])
    rebuilt = upkeep.rebuild_catalog(it.context)

    assert rebuilt == 2
    assert [entry.stage for entry in whole] == ["None", "None"]
    assert [entry.stage for entry in catalog.of_asset(it.rows, IRIS)] == ["None", "Staging"]
