"""Requests as spans: the caller's trace goes on, and no path, token or query is told."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from stage_functions.adapters.telemetry import OpenTelemetry
from stage_functions.domain.asset import Version
from stage_functions.settings import SignIn
from tests.api_server import api_over
from tests.builders import IRIS, World, world
from tests.collector import Collector
from tests.fakes.sink import MemorySink
from tests.web.browser import Browser, site_over
from tests.web.linked import Case, asked, linked
from tests.web.test_signals import CREATED, deliver

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def it(telemetry: OpenTelemetry) -> Iterator[World]:
    """A world where links are enough, that is watched."""
    made = world(governed_by=linked(), sinks=(MemorySink("hook"),), telemetry=telemetry)
    yield made
    made.rows.close()


def test_a_webhook_of_mlflow_is_one_trace_to_its_last_effect(
    it: World, collector: Collector, telemetry: OpenTelemetry
) -> None:
    """From the request, which may have a trace already, to tags and event."""
    it.registry.register(Version(IRIS, "1"), it.clock.now())
    with api_over(it) as api:
        assert 200 == deliver(api, it, CREATED, traceparent=CALLER)
    telemetry.close()

    duties = collector.named("stageward.duty")
    (request,) = collector.named("stageward.request")
    (delivery,) = collector.named("stageward.delivery")
    assert (CALLER[3:35], CALLER[36:52], "SERVER") == (request.trace, request.parent, request.kind)
    assert request.id == delivery.parent
    assert {"reconcile", "catalog", "sink"} == {one.attributes["stageward.duty"] for one in duties}
    way = [one for one in collector.spans if one.attributes.get("stageward.call") != "versions"]
    assert {request.trace} == {span.trace for span in way}


def test_a_route_is_named_and_never_what_stands_in_its_place(
    it: World, collector: Collector, telemetry: OpenTelemetry
) -> None:
    """A personal link is a token; a query, a form and a header may hold anything."""
    with site_over(it, SignIn.TOKENS) as site, Browser(site) as browser:
        case = Case(it, site, asked(it, "1"))
        token = case.link().rpartition("/")[2]
        statuses = [
            browser.get(case.link()).status_code,
            browser.get("/telltale/telltale?telltale=1").status_code,
            browser.get("/sign-in?next=/telltale").status_code,
        ]
    telemetry.close()

    requests = collector.named("stageward.request")
    routes = [span.attributes.get("http.route", "") for span in requests]
    sent = b"".join(request.body for request in collector.receiver.requests)
    assert 404 in statuses
    assert statuses == [span.attributes["http.response.status_code"] for span in requests]
    assert any("{" in str(route) for route in routes), routes
    assert token.encode() not in sent
    assert b"telltale" not in sent.lower()


def test_whether_it_is_well_is_asked_too_often_to_be_told(
    it: World, collector: Collector, telemetry: OpenTelemetry
) -> None:
    """And a method that is none has no name of its own."""
    with api_over(it) as api:
        httpx.get(f"{api.address}/healthz")
        httpx.request("PROPFIND", f"{api.address}/approvals")
    telemetry.close()

    (request,) = collector.named("stageward.request")
    assert "_OTHER" == request.attributes["http.request.method"]


def test_two_traceparents_are_none(
    it: World, collector: Collector, telemetry: OpenTelemetry
) -> None:
    """As the recommendation of the W3C says."""
    with api_over(it) as api:
        headers = [("traceparent", CALLER), ("traceparent", CALLER)]
        httpx.get(f"{api.address}/approvals", headers=headers)
    telemetry.close()

    (request,) = collector.named("stageward.request")
    assert "" == request.parent
