"""The page of how Stageward fares: for operators."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.process import Ending, Facts, Process
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import SinkRefusedError
from tests.api_server import api_over
from tests.builders import IRIS, World, actor, world
from tests.fakes.sink import MemorySink
from tests.web.pages.conftest import Get, looked_at


def test_operators_find_it_in_the_navigation_and_others_do_not(get: Get) -> None:
    """Whoever goes there all the same is told who may."""
    assert "/status" == get("/", "eve").links["Status"]
    assert "Status" not in get("/", "sam").links
    refused = get("/status", "sam", 403)
    assert "Only operators see how Stageward fares; operators are eve." in refused.text
    assert {"Assets", "Approvals", "Lifecycles"} <= set(refused.links)
    assert "Sam" in refused.text
    assert "Sign out" in refused.text


def test_all_is_well_where_nothing_is_wrong(it: World, get: Get) -> None:
    """And everything is there all the same."""
    it.register("1")
    shown = get("/status", "eve").text

    assert "All is well." in shown
    for heading in ("Registries", "Owed work", "Keys and clocks", "Lifecycles in force"):
        assert heading in shown
    assert "demo mlflow enforce governed never" in shown
    assert "Dead letters not configured" in shown


def test_what_is_wrong_comes_first_with_what_to_do() -> None:
    """Parked work, by name, with the command that retries it; a reason as a reader sees it."""
    sink = MemorySink("webhook-1")
    it = world(sinks=(sink,))
    facts = Facts(
        version="1.2.3",
        ledger="Table Storage, acct",
        endings=(Ending("STAGEWARD_TABLES", it.clock.time + timedelta(days=3)),),
    )
    it = replace(it, context=replace(it.context, process=Process(facts)))
    rose = Version(Asset("demo", Kind.MODELS, "<b>rose"), "1")
    it.registry.register(rose, it.clock.now())
    sink.fault = SinkRefusedError("403 <script>alert(1)</script>")
    follow(it.context, Signal(rose))
    with api_over(it) as api:
        shown = looked_at(api, "/status", "eve", 200)
    it.rows.close()

    assert "2 things to look after" in shown.text
    assert "docs/operate.md" not in shown.text  # a file of the source, at no address
    assert "demo/models/<b>rose" in shown.links
    assert "403 <script>alert(1)</script>" in shown.text
    assert [] == shown.all("script")
    assert "stageward outbox --retry asset:demo:models:" in shown.text
    assert "STAGEWARD_TABLES ends in 3 days" in shown.text
    assert "Events to webhook-1 0 waiting, 1 parked" in shown.text


def test_what_waits_for_its_registry_to_be_governed_is_said_so() -> None:
    """Imported while it is observed: its banner asks for the mode alone."""
    it = world(Mode.OBSERVE)
    it.registry.register(Version(IRIS, "1"), it.clock.now(), tags={"stage": "Staging"})
    import_registry(it.context, ImportCommand("demo", {}, (), "", actor("eve")))
    with api_over(it) as api:
        shown = looked_at(api, "/status", "eve", 200).text
        board = looked_at(api, "/", "eve", 200).text
    it.rows.close()

    assert "Waiting 1 Waits longest nothing but what waits on purpose" in shown
    assert "All is well." in shown
    assert "To govern it, set mode: enforce in the configuration, and restart." in board
    assert "stageward import" not in board
