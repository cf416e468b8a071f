"""What operators look after."""

from __future__ import annotations

import pytest

from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.error import SinkRefusedError
from tests.api_server import Api, api_over
from tests.builders import IRIS, World, world
from tests.fakes.notifier import MemoryNotifier
from tests.fakes.sink import MemorySink

FIRST = "/api/v1/assets/demo/models/iris/versions/1"
OPERATORS_ONLY = [
    "/api/v1/registries/demo/import",
    "/api/v1/registries/demo/scan",
    "/api/v1/registries/demo/resolve",
    "/api/v1/outbox/some/retry",
    "/api/v1/catalog/rebuild",
]


@pytest.mark.parametrize("path", OPERATORS_ONLY)
def test_only_operators_may(api: Api, path: str) -> None:
    """403 that names them."""
    answer = api.client("sam").post(path, json={})

    assert answer.status_code == 403
    assert "operators are eve" in answer.json()["detail"]


def test_registries_are_listed_with_mode_and_state(api: Api) -> None:
    """Whether Stageward acts on one, and why not."""
    (found,) = api.client("sam").get("/api/v1/registries").json()["registries"]

    assert (found["alias"], found["mode"], found["governed"]) == ("demo", "enforce", True)


def test_a_scan_finds_what_no_signal_told(it: World, api: Api) -> None:
    """And says how much."""
    it.registry.register(Version(IRIS, "1"), it.clock.now())

    found = api.client("eve").post("/api/v1/registries/demo/scan").json()

    assert (found["seen"], found["nominated"], found["changed"], found["complete"]) == (
        1,
        1,
        1,
        True,
    )
    assert it.registry.tags(Version(IRIS, "1"))["stage"] == "None"


@pytest.fixture
def estate() -> World:
    """A world with versions in it before Stageward came."""
    it = world()
    it.context.states.update("demo", lambda state: type(state)())
    for number, stage in (("1", "Prod"), ("2", "Staging")):
        it.registry.register(Version(IRIS, number), it.clock.now(), tags={"stage": stage})
    return it


def test_an_import_says_what_must_be_decided_first_and_then_takes_stages_as_granted(
    estate: World,
) -> None:
    """Unknown values wait for a mapping; nothing is imported until then."""
    with api_over(estate) as api:
        eve, path = api.client("eve"), "/api/v1/registries/demo/import"

        unclear = eve.post(path, json={"reason": "start"})
        told = eve.post(path, json={"map": {"Prod": "Production"}, "dry_run": True})
        done = eve.post(path, json={"map": {"Prod": "Production"}, "reason": "start"})

        assert unclear.status_code == 409
        assert "--map Prod=<stage>" in unclear.json()["detail"]
        assert unclear.json()["unclear"]["unknown"] == {"Prod": ["demo/models/iris:1"]}
        assert (told.json()["done"], told.json()["stages"]) == (
            False,
            {"Production": 1, "Staging": 1},
        )
        assert done.json()["done"] is True
        assert eve.get(FIRST).json()["stage"] == "Production"
    estate.rows.close()


def test_lifecycles_are_listed_as_written(api: Api) -> None:
    """With the digest that records name."""
    (found,) = api.client("sam").get("/api/v1/lifecycles").json()["lifecycles"]

    assert found["name"] == "default"
    assert found["digest"].startswith("sha256:")


def test_parked_work_is_named_on_health_and_can_be_retried() -> None:
    """A sink that refuses holds up only itself; a balancer goes on sending people here."""
    sink = MemorySink("webhook-1")
    it = world(sinks=(sink,))
    with api_over(it) as api:
        sink.fault = SinkRefusedError("HTTP 403")
        it.register("1")
        eve = api.client("eve")

        (owed,) = eve.get("/api/v1/outbox").json()["owed"]
        named = eve.get("/healthz")
        sink.fault = None
        eve.post(f"/api/v1/outbox/{owed['id']}/retry")
        after = eve.get("/healthz")

        assert (owed["duty"], owed["target"], owed["parked"]) == ("sink", "webhook-1", True)
        assert (200, True) == (named.status_code, named.json()["ready"])
        assert ("parked", "") == (named.json()["parts"]["outbox"], after.json()["parts"]["outbox"])
        assert [record.type for record in sink.taken] == ["Registered"]
    it.rows.close()


def test_who_was_not_told_is_shown_and_is_told_again() -> None:
    """As owed work, by channel; it makes nothing unfit."""
    notifier = MemoryNotifier({"group:risk": ("risk-1",)})
    it = world(notifier=notifier)
    with api_over(it) as api:
        notifier.faults["risk-1"] = SinkRefusedError("the workflow answered 404")
        version = it.register("1")
        request_transition(it.context, it.command(version, "Staging"))
        approval = request_transition(it.context, it.command(version, "Production")).approval
        sweep(it.context)
        eve = api.client("eve")

        (owed,) = eve.get("/api/v1/outbox").json()["owed"]
        shown = eve.get("/healthz")
        notifier.faults.clear()
        eve.post(f"/api/v1/outbox/{owed['id']}/retry")
        after = eve.get("/healthz")

        assert ("notify", approval, True) == (owed["duty"], owed["target"], owed["parked"])
        assert "risk-1: the workflow answered 404" == owed["error"]
        assert (200, "not-told") == (
            shown.status_code,
            shown.json()["parts"]["notifications"],
        )
        assert ["risk-1"] == [channel for channel, _ in notifier.told]
        assert "" == after.json()["parts"]["notifications"]
        assert [] == eve.get("/api/v1/outbox").json()["owed"]
    it.rows.close()


def test_the_catalog_is_rebuilt_from_the_ledger(it: World, api: Api) -> None:
    """One command, and it says how many rows."""
    it.register("1")

    answer = api.client("eve").post("/api/v1/catalog/rebuild")

    assert answer.json() == {"versions": 1}
