"""Telemetry by OpenTelemetry's SDK, sent to a real receiver; and receivers that do not take it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stage_functions.adapters import telemetry_settings
from stage_functions.adapters.telemetry import CLOSE_SECONDS, FLUSH_SECONDS, OpenTelemetry
from stage_functions.adapters.telemetry_exporters import otlp, sampler
from stage_functions.application.measures import MEASURES
from stage_functions.application.ports.telemetry import SILENT
from stage_functions.bootstrap import open_telemetry
from stage_functions.domain.error import NotFoundError, RegistryUnavailableError
from stage_functions.domain.figure import Figure
from stage_functions.settings import Settings, read_settings
from tests.builders import world
from tests.collector import INSTRUMENTATION_KEY, Collector, collecting, telemetry_to
from tests.receiver import CUT, HELD, Answer
from tests.telemetry_identity import platform

ROOT = Path(__file__).parents[2]
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@pytest.fixture(autouse=True, scope="module")
def _no_exporter_outlives_these_tests() -> Iterator[None]:
    """A late one draws from `random`, which Hypothesis takes for a strategy of its own that does.

    `close` leaves those behind that are late, as it must; they end when they have tried enough.
    """
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("Otel"):
            thread.join(60)
            assert not thread.is_alive()


def test_a_step_goes_on_the_trace_of_whoever_caused_it(collector: Collector) -> None:
    """Also where the caller has not sampled it: kept or not is a matter of the trace's id."""
    telemetry = telemetry_to(collector)
    with telemetry.span("stageward.request", parent=CALLER):
        inside = telemetry.traceparent()
        with telemetry.span("stageward.signal"):
            pass
    telemetry.close()

    signal, request = collector.spans
    assert (CALLER[3:35], CALLER[36:52], "SERVER") == (request.trace, request.parent, request.kind)
    assert (request.trace, request.id, "INTERNAL") == (signal.trace, signal.parent, signal.kind)
    assert f"00-{request.trace}-{request.id}-01" == inside
    assert "" == telemetry.traceparent()


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "rubbish",
        CALLER[:-1],
        CALLER.upper(),
        f"ff{CALLER[2:]}",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "\x00" * 55,
        "é" * 55,
        f"{CALLER}-{'x' * 10_000}",
    ],
)
def test_a_traceparent_that_is_none_begins_a_trace_of_its_own(
    collector: Collector, parent: str
) -> None:
    """Whoever sends it can be anybody; and a link to it is no link."""
    telemetry = telemetry_to(collector)
    with telemetry.span("stageward.request", parent=parent) as span:
        span.link(parent)
    telemetry.close()

    (sent,) = collector.spans
    assert ("", ()) == (sent.parent, sent.links)


def test_an_exception_passes_and_only_its_type_is_told(collector: Collector) -> None:
    """What is an answer is no failure."""
    telemetry = telemetry_to(collector)
    for exc in (RegistryUnavailableError("mail sam@example.org"), NotFoundError("no sam")):
        with pytest.raises(type(exc)), telemetry.span("stageward.signal"):
            raise exc
    telemetry.close()

    told = [(span.attributes["error.type"], span.failed) for span in collector.spans]
    assert [("RegistryUnavailableError", True), ("NotFoundError", False)] == told
    assert not any(b"sam" in request.body for request in collector.receiver.requests)


def test_behind_a_host_that_reports_requests_none_is_reported_twice(collector: Collector) -> None:
    """What would be a request of its own is a step within the host's."""
    telemetry = telemetry_to(collector, hosted=True)
    with telemetry.span("stageward.sweep", parent=CALLER):
        pass
    with telemetry.span("stageward.registry.call"):
        pass
    telemetry.close()

    assert ["INTERNAL", "CLIENT"] == [span.kind for span in collector.spans]


def test_who_sends_it_is_said(collector: Collector) -> None:
    """Name, version, and an id of the process that says nothing of the machine."""
    one, two = telemetry_to(collector), telemetry_to(collector)
    for telemetry in (one, two):
        with telemetry.span("stageward.sweep"):
            pass
        telemetry.close()

    bodies = [one.body for one in collector.receiver.requests if one.path == "/v1/traces"]
    assert all(b"service.name" in body and b"stageward" in body for body in bodies)
    assert all(b"service.version" in body and b"1.2.3" in body for body in bodies)
    assert 2 == len({span.process for span in collector.spans})


def test_measures_have_their_units_and_buckets(collector: Collector) -> None:
    """As the table of the application has them; a name that is not there is not sent."""
    telemetry = telemetry_to(collector)
    telemetry.count("stageward.signals", 2, outcome="changed")
    telemetry.count("stageward.signals", outcome="changed")
    telemetry.measure("stageward.event.duration", 0.3, outcome="followed")
    telemetry.count("stageward.nothing", outcome="changed")
    telemetry.measure("stageward.nothing", 1)
    telemetry.close()

    bounds = {one.name: one.bounds for one in MEASURES}["stageward.event.duration"]
    assert {("changed",): 3} == collector.values("stageward.signals")
    (duration,) = (one for one in collector.points if one.name == "stageward.event.duration")
    assert ("s", bounds, 0.3) == (duration.unit, duration.bounds, duration.value)
    assert {"stageward.signals", "stageward.event.duration"} == {
        one.name for one in collector.points
    }


def test_the_last_figures_are_shown(collector: Collector) -> None:
    """Those that are not named any more end."""
    telemetry = telemetry_to(collector)
    parked = Figure("stageward.outbox.parked", 3, "1")
    age = Figure("stageward.registry.scan.age", 61.5, "s", {"registry": "demo"})
    telemetry.gauges([parked, Figure("stageward.registry.scan.age", 9, "s", {"registry": "old"})])
    telemetry.gauges([parked, age])
    telemetry.close()

    assert {(): 3} == collector.values("stageward.outbox.parked")
    assert {("demo",): 61.5} == collector.values("stageward.registry.scan.age")
    assert {"1", "s"} == {one.unit for one in collector.points}


def test_two_collectors_get_the_same(collector: Collector) -> None:
    """Each has a queue of its own: one that is away costs the other nothing."""
    with collecting() as other:
        telemetry = telemetry_to(collector, other)
        with telemetry.span("stageward.sweep"):
            telemetry.count("stageward.conflicts")
        telemetry.gauges([Figure("stageward.dead_letters", 1, "1")])
        telemetry.close()

        assert collector.spans == other.spans
        assert collector.points == other.points
        assert {(): 1} == other.values("stageward.dead_letters")


@pytest.mark.parametrize(
    "answer", [HELD, CUT, Answer(503), Answer(429), Answer(401), Answer(200, body=b"?")]
)
def test_whatever_the_collector_answers_decisions_go_on(
    collector: Collector, answer: Answer
) -> None:
    """No slower: what is told waits in a queue, and the end of the process is not held up."""
    collector.receiver.always(answer)
    telemetry = telemetry_to(collector, close_seconds=1)
    it = world(telemetry=telemetry)

    began = time.monotonic()
    for number in range(5):
        it.register(str(number))
        telemetry.flush()
    decided = time.monotonic() - began
    telemetry.close()
    closed = time.monotonic() - began - decided

    assert 5 == len(it.context.ledger.versions(it.command(it.register("9"), "x").version.asset)) - 1
    assert decided < FLUSH_SECONDS + 2
    assert closed < 1.5
    it.rows.close()


def test_with_nobody_listening_decisions_go_on_and_the_queue_stays_small() -> None:
    """Ten thousand spans that nobody takes: the oldest are dropped, and it is logged seldom."""
    with collecting() as gone:
        pass
    telemetry = telemetry_to(gone, close_seconds=1)

    began = time.monotonic()
    for _ in range(10_000):
        with telemetry.span("stageward.signal"):
            pass
    took = time.monotonic() - began
    telemetry.close()

    assert took < 5


def test_a_flush_waits_a_second_and_no_second_time_for_the_same(collector: Collector) -> None:
    """While the other side holds one, nobody else waits."""
    collector.receiver.always(HELD)
    telemetry = telemetry_to(collector, close_seconds=1)
    waited = []
    for _ in range(3):
        with telemetry.span("stageward.signal"):
            pass
        began = time.monotonic()
        telemetry.flush()
        waited.append(time.monotonic() - began)

    assert FLUSH_SECONDS <= waited[0] < FLUSH_SECONDS + 0.5
    assert max(waited[1:]) < 0.2
    collector.receiver.close()
    telemetry.close()


def test_a_flush_sends_what_waits(collector: Collector) -> None:
    """At once, and not again within some seconds."""
    telemetry = telemetry_to(collector)
    for _ in range(2):
        with telemetry.span("stageward.signal"):
            pass
        telemetry.flush()

    assert 1 == len(collector.spans)
    telemetry.close()
    assert 2 == len(collector.spans)
    telemetry.close()
    telemetry.flush()


def test_threads_have_steps_of_their_own(collector: Collector) -> None:
    """What one opens is not above what another does."""
    telemetry = telemetry_to(collector)

    def sweep() -> None:
        with telemetry.span("stageward.sweep"):
            pass

    with telemetry.span("stageward.scan"):
        thread = threading.Thread(target=sweep)
        thread.start()
        thread.join()
    telemetry.close()

    assert 2 == len({span.trace for span in collector.spans})


@pytest.mark.parametrize("insights", [False, True])
def test_a_share_of_the_traces_is_kept_whole(collector: Collector, insights: bool) -> None:  # noqa: FBT001  # a case of the table
    """By the trace's id: a process that goes on with it decides the same."""
    keeps = sampler(0.3, insights=insights)
    processes = [OpenTelemetry([otlp(collector.url)], "1", keeps, hosted=False) for _ in range(2)]
    parents = []
    for _ in range(200):
        with processes[0].span("stageward.signal"):
            parents.append(processes[0].traceparent())
    for parent in parents:
        with processes[1].span("stageward.duty", parent=parent):
            pass
    for process in processes:
        process.close()

    begun, ended = collector.named("stageward.signal"), collector.named("stageward.duty")
    assert {span.trace for span in begun} == {span.trace for span in ended}
    assert 20 < len(begun) < 110


def test_nothing_is_sent_where_nothing_says_where_to() -> None:
    """Off is the default, and loads nothing."""
    assert open_telemetry(Settings()) is SILENT
    assert open_telemetry(read_settings({"OTEL_TRACES_SAMPLER_ARG": "0.5"})) is SILENT


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"},
            "OTEL_EXPORTER_OTLP_ENDPOINT is no URL",
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://[::1"}, "OTEL_EXPORTER_OTLP_ENDPOINT is no URL"),
        ({"APPLICATIONINSIGHTS_CONNECTION_STRING": "abc"}, "has no InstrumentationKey"),
        (
            {"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=1;X=https://x"},
            "has no InstrumentationKey",
        ),
    ],
)
def test_a_setting_that_is_wrong_is_pointed_out_and_stops_nothing(
    environment: dict[str, str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Stageward runs; only nothing is sent."""
    with caplog.at_level(logging.WARNING, "stageward"):
        assert open_telemetry(read_settings(environment)) is SILENT

    assert said in caplog.text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"OTEL_TRACES_SAMPLER_ARG": "often"}, "OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1"),
        ({"OTEL_TRACES_SAMPLER_ARG": "7"}, "OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1"),
        (
            {"APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "ClientId=me"},
            "APPLICATIONINSIGHTS_AUTHENTICATION_STRING is not followed",
        ),
    ],
)
def test_a_lesser_fault_leaves_the_rest_as_it_is(
    more: dict[str, str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, and what can be sent is."""
    string = f"InstrumentationKey={INSTRUMENTATION_KEY};IngestionEndpoint=http://127.0.0.1:9/"
    settings = read_settings({"APPLICATIONINSIGHTS_CONNECTION_STRING": string, **more})
    with caplog.at_level(logging.WARNING, "stageward"):
        opened = telemetry_settings.opened(settings)

    assert opened is not SILENT
    assert said in caplog.text
    opened.close()


def _run(code: str, **environment: str) -> str:
    """Run Python with an environment of its own; return what it says, errors too."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout + done.stderr


TELL = """
import logging
logging.basicConfig()
from stage_functions.bootstrap import open_telemetry
from stage_functions.domain.figure import Figure
from stage_functions.settings import read_settings
telemetry = open_telemetry(read_settings())
with telemetry.span('stageward.request', attributes={'http.request.method': 'GET'}) as span:
    span.set('http.route', '/approvals/{id}')
    span.set('http.response.status_code', 200)
    span.link('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')
    with telemetry.span('stageward.registry.call', attributes={'peer.service': 'demo'}):
        telemetry.count('stageward.signals', outcome='changed')
telemetry.gauges([Figure('stageward.outbox.parked', 3, '1')])
telemetry.close()
"""


def test_application_insights_takes_requests_dependencies_and_metrics(
    collector: Collector,
) -> None:
    """By Microsoft's own exporter, over its own wire; and a collector gets them as well."""
    environment = {
        "APPLICATIONINSIGHTS_CONNECTION_STRING": collector.connection_string,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
    }

    assert "" == _run(TELL, **environment)

    data = {one["data"]["baseType"]: one for one in collector.envelopes}
    request, call = data["RequestData"], data["RemoteDependencyData"]
    metrics = {
        metric["name"]: metric["value"]
        for one in collector.envelopes
        if one["data"]["baseType"] == "MetricData"
        for metric in one["data"]["baseData"]["metrics"]
    }
    assert {INSTRUMENTATION_KEY} == {one["iKey"] for one in collector.envelopes}
    assert {"stageward"} == {one["tags"]["ai.cloud.role"] for one in collector.envelopes}
    assert "GET /approvals/{id}" == request["data"]["baseData"]["name"]
    assert (
        "0af7651916cd43dd8448eb211c80319c" in request["data"]["baseData"]["properties"]["_MS.links"]
    )
    assert ("demo", request["tags"]["ai.operation.id"]) == (
        call["data"]["baseData"]["target"],
        call["tags"]["ai.operation.id"],
    )
    assert {"stageward.signals": 1, "stageward.outbox.parked": 3, "_OTELRESOURCE_": 0} == metrics
    assert request["tags"]["ai.operation.id"] == collector.named("stageward.request")[0].trace


@pytest.mark.parametrize("client_id", ["", "5a1e0000-0000-4000-8000-000000000001"])
def test_application_insights_is_signed_in_to_as_the_identity_that_is_named(
    tmp_path: Path, client_id: str
) -> None:
    """With a token of the platform's own; of the system-assigned identity where none is named."""
    with platform(tmp_path) as azure:
        string = f"InstrumentationKey={INSTRUMENTATION_KEY};IngestionEndpoint={azure.url}/"
        named = f"ClientId={client_id};" if client_id else ""
        said = _run(
            TELL,
            APPLICATIONINSIGHTS_CONNECTION_STRING=string,
            APPLICATIONINSIGHTS_AUTHENTICATION_STRING=f"{named}Authorization=AAD",
            IDENTITY_ENDPOINT=f"{azure.url}/msi/token",
            IDENTITY_HEADER="the platform's",
            REQUESTS_CA_BUNDLE=str(azure.trusted),
        )

        assert "" == said
        assert [client_id] == [one.get("client_id", [""])[0] for one in azure.asked[:1]]
        assert len(azure.taken) >= 4
        assert [] == azure.refused


def test_application_insights_that_is_away_does_not_hold_up_the_end(collector: Collector) -> None:
    """Nor is anything kept on disk for later; one line says it."""
    collector.receiver.always(HELD)
    began = time.monotonic()

    said = _run(TELL, APPLICATIONINSIGHTS_CONNECTION_STRING=collector.connection_string)

    assert time.monotonic() - began < CLOSE_SECONDS + 5
    assert said.count("\n") <= 2, said


def test_without_the_packages_it_is_off_and_says_what_to_install() -> None:
    """Stageward itself runs without them."""
    code = f"import sys; sys.modules['opentelemetry'] = None\n{TELL}"

    said = _run(code, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")

    assert "opentelemetry is not installed; in the repository of Stageward, pip install" in said
    assert "pip install '.[telemetry]'; or unset" in said


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100", "max_queue_size"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0", "schedule_delay"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "some", "exemplar filter"),
    ],
)
def test_a_variable_of_the_library_that_is_wrong_turns_telemetry_off_and_no_more(
    collector: Collector, name: str, value: str, said: str
) -> None:
    """It is said what is wrong, and Stageward runs without."""
    heard = _run(TELL, **{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, name: value})

    assert "no traces and no metrics are sent" in heard
    assert said in heard
    assert [] == collector.spans


def test_what_the_library_leaves_out_of_its_variables_is_not_told_as_not_sent(
    collector: Collector,
) -> None:
    """For it is: with the default."""
    more = {"OTEL_BSP_MAX_QUEUE_SIZE": "many", "OTEL_RESOURCE_ATTRIBUTES": "rubbish"}

    heard = _run(TELL, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **more)

    assert "OTEL_BSP_MAX_QUEUE_SIZE" in heard
    assert "telemetry is not sent" not in heard
    assert 2 == len(collector.spans)


@pytest.mark.parametrize("header", ["x-team:telltale", "api-key telltale", "telltale"])
def test_a_header_that_is_none_is_left_out_and_not_logged(
    collector: Collector, header: str
) -> None:
    """Headers are where collectors take secrets."""
    heard = _run(
        TELL,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_EXPORTER_OTLP_HEADERS=f"x-other=1,{header}",
    )

    assert "a header of OTEL_EXPORTER_OTLP_HEADERS is left out" in heard
    assert "telltale" not in heard
    assert "1" == collector.receiver.requests[0].headers["x-other"]


def test_the_library_that_cannot_send_is_heard_once(collector: Collector) -> None:
    """Not every few seconds, for as long as the collector is away."""
    collector.receiver.always(Answer(401))
    code = TELL.replace(
        "telemetry.close()",
        "for _ in range(3): telemetry._traces.force_flush(); telemetry._metrics.force_flush()",
    )

    said = _run(code, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)

    assert 1 == said.count("telemetry is not sent, decisions go on without it"), said
    assert 1 == said.count("\n"), said
