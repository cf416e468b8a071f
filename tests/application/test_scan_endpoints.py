"""What the scan finds of endpoints whose events were lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.registries import RegistryState
from stage_functions.application.scan import Scanner
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import (
    RegistryRefusedError,
    RegistryUnavailableError,
    StoreUnavailableError,
)
from stage_functions.domain.lifecycle import OnViolation
from stage_functions.domain.record import RecordType
from tests.application.guard_world import (
    HOURS,
    MINUTE,
    ONE,
    TWO,
    at,
    deploy,
    guarding,
    told,
    violations,
)
from tests.builders import IRIS, World, actor, world


@pytest.fixture
def it() -> Iterator[World]:
    """A world that takes traffic."""
    made = world(governed_by=guarding(OnViolation.ZERO_TRAFFIC))
    yield made
    made.rows.close()


def served(it: World, *names: str) -> None:
    """Have endpoints serve what they may not."""
    at(it, "1")
    for name in names:
        deploy(it, ONE, endpoint=name)


def endpoints(it: World) -> list[object]:
    """Return the endpoints of which a violation was recorded, in order."""
    return [one.content["endpoint"] for one in violations(it)]


def test_a_lost_event_of_an_endpoint_is_made_up_for(it: World) -> None:
    """The scan judges what it serves; a second one, or the event after all, finds nothing new."""
    served(it, "scoring", "test")
    scanner = Scanner(it.context)
    first, second = scanner.scan("demo"), scanner.scan("demo")

    assert ["demo/scoring", "demo/test"] == endpoints(it)
    assert (2, 2, True) == (first.endpoints, first.changed, first.complete)
    assert (2, 0, True) == (second.endpoints, second.changed, second.complete)
    assert not told(it)
    assert [0, 0] == [one.traffic_percent for one in it.registry.deployed]


def test_endpoints_cost_one_list_and_one_reading_each(it: World) -> None:
    """However many scans; the versions that they serve are not read again."""
    served(it, "a", "b", "c")
    scanner = Scanner(it.context)
    scanner.scan("demo")
    it.registry.calls.clear()
    scanner.scan("demo")

    assert ["versions", "endpoints", *["deployments"] * 3] == it.registry.calls


@pytest.mark.parametrize("closed", ["a", "b", "c"])
def test_an_endpoint_that_cannot_be_read_holds_up_no_other(
    it: World, closed: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The pass comes to its end, and says which it was; the registry stays readable."""
    served(it, *({"a", "b", "c"} - {closed}))
    it.registry.closed = {closed}
    scanned = Scanner(it.context).scan("demo")
    state = it.context.states.get("demo", fresh=True)

    assert sorted(f"demo/{name}" for name in {"a", "b", "c"} - {closed}) == endpoints(it)
    assert (2, True) == (scanned.endpoints, scanned.complete)
    assert scanned.unread.startswith(f"endpoint demo/{closed} is not judged: ")
    assert f"endpoint demo/{closed} is not judged" in caplog.text
    assert ("", "") == (state.unreadable, state.cursor)


@pytest.mark.parametrize("error", [RegistryRefusedError, RegistryUnavailableError])
def test_endpoints_that_cannot_be_listed_hold_up_nothing(it: World, error: type[Exception]) -> None:
    """Versions are compared all the same, and what is missing is noted."""

    def fail(call: str) -> None:
        if call == "endpoints":
            message = "no right to list them"
            raise error(message)

    served(it, "scoring")
    it.registry.before = fail
    scanned = Scanner(it.context).scan("demo")
    state = it.context.states.get("demo", fresh=True)

    assert ("no right to list them", True) == (scanned.unread, scanned.complete)
    assert state.pass_completed is not None
    assert ("", "") == (state.unreadable, state.cursor)


def test_a_store_that_is_away_ends_the_scan(it: World) -> None:
    """It is no fault of an endpoint."""
    served(it, "scoring")

    def fail(call: str) -> None:
        if call == "deployments":
            message = "the store is away"
            raise StoreUnavailableError(message)

    it.registry.before = fail
    with pytest.raises(StoreUnavailableError):
        Scanner(it.context).scan("demo")


def test_a_scan_goes_on_at_the_endpoint_where_its_time_was_over(it: World) -> None:
    """In whatever process: each scan does one at the least, and none twice."""
    served(it, "a", "b", "c")

    def wait(call: str) -> None:
        if call == "deployments":
            it.clock.sleep(100)

    it.registry.before = wait
    found = [Scanner(it.context).scan("demo", seconds=60) for _ in range(3)]
    cursor = it.context.states.get("demo", fresh=True).cursor

    assert ["demo/a", "demo/b", "demo/c"] == endpoints(it)
    assert [(3 - 2, False), (1, False), (1, True)] == [
        (one.endpoints, one.complete) for one in found
    ]
    assert [1, 0, 0] == [one.seen for one in found]
    assert "" == cursor
    assert 1 == Scanner(it.context).scan("demo").seen


def test_what_is_missing_is_told_once_though_endpoints_take_long(it: World) -> None:
    """The part of a scan that is about endpoints knows nothing of versions."""
    served(it, "a", "b")
    it.registry.before = lambda call: it.clock.sleep(100 if call == "deployments" else 0)
    scanner = Scanner(it.context)
    while not scanner.scan("demo", seconds=60).complete:
        pass
    it.registry.remove(ONE)
    found = [scanner.scan("demo", seconds=60) for _ in range(2)]

    assert [1, 0] == [one.missing for one in found]


def test_where_it_is_only_observed_it_is_said_what_would_be() -> None:
    """By one record, however often the endpoint is scanned; no traffic is taken."""
    it = world(Mode.OBSERVE, governed_by=guarding(OnViolation.ZERO_TRAFFIC))
    it.register("1")
    deploy(it, ONE)
    scanner = Scanner(it.context)
    changed = [scanner.scan("demo").changed for _ in range(3)]
    records = [one.type for one in query.all_records(it.context, IRIS)]
    shares = [one.traffic_percent for one in it.registry.deployed]
    it.rows.close()

    assert [1, 0, 0] == changed
    assert [RecordType.OBSERVED] * 2 == records
    assert [100] == shares


def test_arriving_takes_no_traffic_from_what_runs(it: World) -> None:
    """What was deployed before its version was imported is told; what comes later is stopped."""
    it.context.states.update("demo", lambda _: RegistryState())
    long_ago = it.clock.now() - timedelta(days=30)
    it.registry.register(ONE, long_ago)
    it.registry.register(TWO, long_ago)
    deploy(it, ONE, name="old", when=long_ago + MINUTE)
    import_registry(it.context, ImportCommand("demo", {}, (), "as it was", actor("eve")))
    it.clock.sleep(HOURS)
    deploy(it, TWO, name="new")
    Scanner(it.context).scan("demo")

    assert {"old": 100, "new": 0} == {one.name: one.traffic_percent for one in it.registry.deployed}
    assert {"old": "notify", "new": "zero_traffic"} == {
        one.content["deployment"]: one.content["then"] for one in violations(it)
    }


def test_more_deployments_than_a_version_remembers_are_told_once(it: World) -> None:
    """The history is asked where the version itself may have forgotten."""
    at(it, "1")
    it.registry.deployed = [
        replace(deploy(it, ONE), name=f"of-{count}", traffic_percent=0) for count in range(105)
    ]
    scanner = Scanner(it.context)
    scanner.scan("demo")
    again = scanner.scan("demo")

    assert (105, 0) == (len(violations(it)), again.changed)
