"""A collector of telemetry on a free loopback port: what was sent to it, decoded.

It takes OTLP over HTTP, and answers as the ingestion of Application Insights does too.

    with collecting() as collector:
        telemetry = telemetry_to(collector)
        ...
        telemetry.close()
        collector.spans
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from stage_functions.adapters.telemetry import OpenTelemetry
from stage_functions.adapters.telemetry_exporters import otlp
from tests.receiver import Answer, Receiver

TAKEN = Answer(
    headers={"Content-Type": "application/json"},
    body=b'{"itemsReceived": 1, "itemsAccepted": 1, "errors": []}',
)
INSTRUMENTATION_KEY = "0a1b2c3d-0000-4000-8000-00000000000a"


@dataclass(frozen=True, slots=True)
class Sent:
    """A span as it was sent.

    Attributes:
        name: of the step.
        kind: `SERVER`, `CLIENT` or `INTERNAL`.
        trace: id of its trace.
        id: its own.
        parent: id of the one above, or "".
        attributes: as sent.
        links: traces that it points to.
        failed: its status is ERROR.
        process: `service.instance.id` of who sent it.
    """

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    attributes: Mapping[str, object]
    links: tuple[str, ...]
    failed: bool
    process: str


@dataclass(frozen=True, slots=True)
class Point:
    """A value of a metric as it was sent.

    Attributes:
        name: of the metric.
        unit: of the value.
        attributes: as sent.
        value: of a counter or gauge; of a histogram, the sum.
        bounds: of the buckets of a histogram.
    """

    name: str
    unit: str
    attributes: Mapping[str, object]
    value: float
    bounds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Collector:
    """A collector that runs.

    Attributes:
        receiver: has every request as it arrived.
    """

    receiver: Receiver

    @property
    def url(self) -> str:
        """Base of what OTLP is sent to."""
        return self.receiver.url.removesuffix("/api/events")

    @property
    def connection_string(self) -> str:
        """Of Application Insights, as it were."""
        return f"InstrumentationKey={INSTRUMENTATION_KEY};IngestionEndpoint={self.url}/"

    @property
    def spans(self) -> list[Sent]:
        """Every span, in the order of their ends."""
        return [
            span
            for request in self.receiver.requests
            if request.path == "/v1/traces"
            for span in _spans(request.body)
        ]

    @property
    def points(self) -> list[Point]:
        """Every value of a metric, in the order of arrival."""
        return [
            point
            for request in self.receiver.requests
            if request.path == "/v1/metrics"
            for point in _points(request.body)
        ]

    @property
    def envelopes(self) -> list[dict[str, Any]]:
        """Everything that was sent to Application Insights."""
        return [
            envelope
            for request in self.receiver.requests
            if request.path == "/v2.1/track"
            for envelope in json.loads(request.body)
        ]

    def named(self, name: str) -> list[Sent]:
        """Return the spans of one name."""
        return [span for span in self.spans if span.name == name]

    def values(self, name: str) -> dict[tuple[object, ...], float]:
        """Return the last values of a metric by the values of its attributes, sorted by key."""
        return {
            tuple(value for _, value in sorted(point.attributes.items())): point.value
            for point in self.points
            if point.name == name
        }


@contextmanager
def collecting(*answers: int | Answer) -> Iterator[Collector]:
    """Run a collector inside the block; it gives these answers first."""
    with Receiver(*answers) as receiver:
        receiver.always(TAKEN)
        yield Collector(receiver)


def telemetry_to(
    *collectors: Collector, hosted: bool = False, close_seconds: float = 5
) -> OpenTelemetry:
    """Return telemetry that is sent to collectors by OTLP, every trace of it."""
    destinations = [otlp(one.url) for one in collectors]
    return OpenTelemetry(
        destinations, "1.2.3", ALWAYS_ON, hosted=hosted, close_seconds=close_seconds
    )


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that takes everything."""
    with collecting() as running:
        yield running


@pytest.fixture
def telemetry(collector: Collector) -> Iterator[OpenTelemetry]:
    """Telemetry that is sent to it."""
    opened = telemetry_to(collector)
    yield opened
    opened.close()


def _spans(body: bytes) -> Iterator[Sent]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        process = str(_attributes(resource.resource.attributes)["service.instance.id"])
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Sent(
                    span.name,
                    SpanMessage.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    _attributes(span.attributes),
                    tuple(link.trace_id.hex() for link in span.links),
                    failed=span.status.code == span.status.STATUS_CODE_ERROR,
                    process=process,
                )


def _points(body: bytes) -> Iterator[Point]:
    for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for one in (*metric.sum.data_points, *metric.gauge.data_points):
                    value = one.as_double if one.WhichOneof("value") == "as_double" else one.as_int
                    yield Point(metric.name, metric.unit, _attributes(one.attributes), value)
                for many in metric.histogram.data_points:
                    bounds = tuple(many.explicit_bounds)
                    told = _attributes(many.attributes)
                    yield Point(metric.name, metric.unit, told, many.sum, bounds)


def _attributes(pairs: Sequence[KeyValue]) -> dict[str, object]:
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in pairs}
