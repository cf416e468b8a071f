"""What violates now: a fact of the history that stands until it is known to be put right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application import catalog, keys, query
from stage_functions.application.board import Wanted, board
from stage_functions.application.catalog import CatalogEntry
from stage_functions.application.guards import follow_endpoint
from stage_functions.application.ports.rows import CATALOG, Delete
from stage_functions.application.putting_right import Shown, put_right
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import EndpointSignal
from stage_functions.application.upkeep import rebuild_catalog
from stage_functions.domain.asset import Kind
from stage_functions.domain.record import RecordType
from stage_functions.domain.violation import MAX_STANDING, Violation, with_one_more
from tests.application.guard_world import (
    HOURS,
    MINUTE,
    ONE,
    SCORING,
    TWO,
    at,
    deploy,
    guarding,
    move,
    told,
    violations,
)
from tests.builders import IRIS, World, world
from tests.copy_world import CopyWorld, copy_world

WHY = (
    "deployed to demo/scoring while at None, which is not deployable to it; "
    "demo/scoring takes Production"
)
STRANGER = "only copies that Stageward makes belong in registry shared, and this is none"


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose lifecycle says what may be deployed where."""
    made = world(governed_by=guarding())
    yield made
    made.rows.close()


@pytest.fixture
def copying() -> Iterator[CopyWorld]:
    """Three registries, of which one takes only copies."""
    made = copy_world(copies_only=("shared",))
    yield made
    made.rows.close()


def listed(it: World, number: str = "1") -> CatalogEntry:
    """Return a version's row of the catalog."""
    rows = it.context.ledger.rows
    return next(one for one in catalog.of_asset(rows, IRIS) if one.version == number)


def test_a_version_that_is_served_against_its_stage_violates_from_then_on(it: World) -> None:
    """The catalog, which lists read, says why, since when, and in which record."""
    at(it, "1")
    deploy(it, ONE)
    told(it)
    (record,) = violations(it)

    expected = Violation(WHY, "demo/scoring", "blue", record.number, record.at)
    assert expected == listed(it).violation


def test_what_is_asked_of_it_and_refused_hides_nothing(it: World) -> None:
    """The status is the last answer; what it violates stands beside it."""
    at(it, "1")
    deploy(it, ONE)
    told(it)
    it.tag(ONE, "stage_request", "Nowhere: please")
    entry = listed(it)

    assert "refused" == entry.status.partition(":")[0]
    assert entry.violation is not None
    assert WHY == entry.violation.why


def test_a_stage_that_allows_it_ends_it(it: World) -> None:
    """One that does not, does not: the endpoint serves it still."""
    at(it, "1")
    deploy(it, ONE)
    told(it)
    move(it, ONE, "Staging")
    still = listed(it).violation
    move(it, ONE, "Production")

    assert still is not None
    assert listed(it).violation is None
    assert 1 == len(violations(it))


def test_the_endpoint_that_serves_another_version_ends_it(it: World) -> None:
    """Without a record: the history keeps what was done, and whoever lists sees it no more."""
    at(it, "1")
    at(it, "2", "Staging", "Production")
    deploy(it, ONE)
    told(it)
    before = query.asset(it.context, IRIS).records
    it.clock.sleep(HOURS)
    deploy(it, TWO)

    assert told(it)
    assert listed(it).violation is None
    assert before == query.asset(it.context, IRIS).records
    assert not told(it)


def test_an_endpoint_that_is_gone_ends_it(it: World) -> None:
    """A signal of its deletion is one of the endpoint."""
    at(it, "1")
    deploy(it, ONE)
    told(it)
    it.registry.deployed = []

    assert told(it)
    assert listed(it).violation is None


def test_the_scan_finds_that_an_endpoint_is_gone(it: World) -> None:
    """No list of endpoints names it, and no event of its end may have come."""
    at(it, "1")
    deploy(it, ONE)
    told(it)
    it.registry.deployed = []
    Scanner(it.context).scan("demo")

    assert listed(it).violation is None


def test_a_lifecycle_that_allows_it_by_now_ends_it(it: World) -> None:
    """With the next look at the endpoint."""
    at(it, "1")
    deploy(it, ONE)
    told(it)
    configuration = it.context.configuration
    (lifecycle,) = configuration.lifecycles
    stages = {
        **lifecycle.stages,
        "None": replace(lifecycle.stages["None"], deployable_to=("*/scoring",)),
    }
    wider = replace(configuration, lifecycles=(replace(lifecycle, stages=stages),))
    follow_endpoint(replace(it.context, configuration=wider), SCORING)

    assert listed(it).violation is None


def test_what_was_recorded_since_the_endpoint_was_asked_stays(it: World) -> None:
    """Two that follow one endpoint at once: who asked it earlier knows less."""
    at(it, "1")
    before = Shown("demo/scoring", (), it.clock.now())
    it.clock.sleep(60)
    deploy(it, ONE)
    told(it)

    assert not put_right(it.context, before)
    assert listed(it).violation is not None
    assert put_right(it.context, replace(before, asked_at=it.clock.now()))
    assert listed(it).violation is None


def test_traffic_alone_ends_nothing(it: World) -> None:
    """The deployment is there, and may be given requests again."""
    at(it, "1")
    made = deploy(it, ONE)
    told(it)
    it.registry.deployed = [replace(made, traffic_percent=0)]
    told(it)

    assert listed(it).violation is not None


def test_another_endpoint_ends_nothing_here(it: World) -> None:
    """And of two places where it violates, one that is put right leaves the other."""
    at(it, "1")
    deploy(it, ONE)
    it.clock.sleep(60)
    deploy(it, ONE, endpoint="test")
    told(it)
    told(it, EndpointSignal("demo", "test"))
    newest = listed(it).violation
    it.registry.deployed = [one for one in it.registry.deployed if one.endpoint == "scoring"]
    told(it, EndpointSignal("demo", "test"))
    left = listed(it).violation
    told(it)

    assert newest is not None
    assert left is not None
    assert ("demo/test", "demo/scoring") == (newest.endpoint, left.endpoint)
    assert left == listed(it).violation


def test_of_two_deployments_at_an_endpoint_each_stands_by_itself(it: World) -> None:
    """The one that was removed stands no more."""
    at(it, "1")
    blue = deploy(it, ONE)
    deploy(it, ONE, name="green")
    told(it)
    it.registry.deployed = [blue]
    told(it)
    entry = listed(it)

    assert entry.violation is not None
    assert "blue" == entry.violation.deployment


def test_what_was_made_anew_against_its_stage_stands_by_its_new_record(it: World) -> None:
    """There is one for each place, the newest."""
    at(it, "1")
    deploy(it, ONE)
    told(it)
    it.clock.sleep(60)
    deploy(it, ONE)
    told(it)
    state = it.context.ledger.state(ONE)

    assert state is not None
    assert [violations(it)[-1].number] == [one.number for one in state.violating]


def test_what_is_allowed_by_the_time_that_it_is_found_is_recorded_and_stands_not(
    it: World,
) -> None:
    """No later promotion makes good what was done, and nothing is wrong with it now."""
    at(it, "1")
    it.clock.sleep(60)
    deploy(it, ONE, when=it.clock.now() - MINUTE / 2)
    it.clock.sleep(60)
    move(it, ONE, "Staging")
    move(it, ONE, "Production")
    told(it)

    assert 1 == len(violations(it))
    assert listed(it).violation is None


def test_another_thing_of_that_number_violates_nothing(it: World) -> None:
    """What was deployed is not what has that number now."""
    at(it, "1")
    deploy(it, ONE)
    told(it)
    it.registry.remove(ONE)
    it.clock.sleep(HOURS)
    it.register("1")

    assert listed(it).violation is None


def test_the_board_and_lists_find_what_violates(it: World) -> None:
    """Hidden stages included, for who looks for violations looks for all of them."""
    for number in ("1", "2"):
        at(it, number, "Staging", "Production")
    it.clock.sleep(60)
    deploy(it, ONE)
    told(it)
    wanted = query.Filter(violating=True)
    (card,) = board(it.context, Wanted(violating=True)).cards
    it.registry.deployed = []

    assert ["1"] == [one.version for one in query.assets(it.context, wanted).entries]
    assert ["1"] == list(card.violations)
    told(it)
    assert () == query.assets(it.context, wanted).entries
    assert () == board(it.context, Wanted(violating=True)).cards


def test_a_rebuild_of_the_catalog_reproduces_it(it: World) -> None:
    """The rows that lists read, and those by which an endpoint finds what stands against it."""
    at(it, "1")
    deploy(it, ONE)
    told(it)
    before, rows = listed(it), it.context.ledger.rows
    for partition in (keys.catalog_partition("demo", Kind.MODELS), "violators:registry:demo"):
        for row in rows.query(CATALOG, partition):
            rows.commit(CATALOG, partition, [Delete(row.key, row.etag)])
    rebuild_catalog(it.context)
    rebuilt = listed(it)
    it.registry.deployed = []
    told(it)

    assert before == rebuilt
    assert listed(it).violation is None


def test_a_stranger_where_only_copies_belong_stands_out_until_it_is_gone(
    copying: CopyWorld,
) -> None:
    """A refusal is its last answer, and not where it stands."""
    stranger = copying.register(alias="shared")
    copying.ask(stranger, "Staging")
    (entry,) = query.assets(copying.context, query.Filter(violating=True)).entries
    violated = next(o for o in copying.records(stranger) if o.type is RecordType.VIOLATED)

    assert Violation(STRANGER, number=violated.number, at=violated.at) == entry.violation
    assert "refused" == entry.status.partition(":")[0]


def test_only_so_many_are_remembered() -> None:
    """The newest; the history has all."""
    standing: tuple[Violation, ...] = ()
    for number in range(MAX_STANDING + 5):
        standing = with_one_more(standing, Violation("why", "demo/scoring", str(number)))

    assert MAX_STANDING == len(standing)
    assert "5" == standing[0].deployment
