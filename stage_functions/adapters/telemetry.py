"""Telemetry by OpenTelemetry's SDK. Loaded only where there is somewhere to send it.

What is told waits in a queue of fixed size, and is sent by threads of the SDK: whoever decides
never waits for it, and what the other side does not take in time is dropped. Only attributes of
the table in `application.measures` are passed on, whatever the caller says; of an exception, its
type alone. The SDK's global providers are left alone, so that no library adds spans of its own.

Every trace is kept or left out by its id alone, whatever the caller's flag says: so all processes
that have a part in it decide the same, and the host of Azure Functions, which may not have sampled
it, does not tear it apart.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from contextvars import Token
from types import TracebackType
from uuid import uuid4

from msgspec import Struct
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import SpanContext, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from stage_functions.application.measures import ERROR_TYPE, MEASURES, STEPS, Role
from stage_functions.application.ports.telemetry import Attribute
from stage_functions.domain.error import (
    ConflictError,
    DeniedError,
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    NotSignedInError,
    OvertakenError,
    StaleError,
)
from stage_functions.domain.figure import Figure

SCOPE = "stageward"
ATTRIBUTE_CHARACTERS = 500
METRICS_SECONDS = 60
"""How often metrics are sent."""
FIGURES_SECONDS = 150
"""For how long a figure holds: a process that sweeps no more shows no old ones."""
FLUSH_EVERY_SECONDS = 5
FLUSH_SECONDS = 1
"""How long `flush` waits at the most."""
CLOSE_SECONDS = 5
ANSWERS = (
    ConflictError,
    DeniedError,
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    NotSignedInError,
    OvertakenError,
    StaleError,
)
"""Exceptions that are an answer, or lead to another try: nothing has failed."""
log = logging.getLogger("stageward.telemetry")

_PROPAGATOR = TraceContextTextMapPropagator()
_ALLOWED = {step.name: frozenset(step.attributes) for step in STEPS}
_MEASURED = {measure.name: frozenset(measure.attributes) for measure in MEASURES}
_NONE: frozenset[str] = frozenset()


class Exports(Struct, frozen=True):
    """Somewhere to send telemetry to.

    Attributes:
        spans: takes spans.
        metrics: takes metrics.
    """

    spans: SpanExporter
    metrics: MetricExporter


Destination = Callable[[TracerProvider], Exports]
"""Makes what sends to somewhere, for spans of a provider."""


class OpenTelemetry:
    """Telemetry that is on. Safe to share between threads.

    Args:
        destinations: where to send it; each has a queue of its own.
        version: of Stageward.
        sampler: which traces are kept.
        hosted: a host that reports requests itself calls this process, so that they are not
            reported twice.
        close_seconds: how long `close` waits at the most.
    """

    def __init__(
        self,
        destinations: Sequence[Destination],
        version: str,
        sampler: Sampler,
        *,
        hosted: bool,
        close_seconds: float = CLOSE_SECONDS,
    ) -> None:
        resource = Resource.create(
            {
                "service.name": SCOPE,
                "service.version": version,
                "service.instance.id": uuid4().hex,
            }
        )
        self._traces = TracerProvider(
            sampler=sampler,
            resource=resource,
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_attribute_length=ATTRIBUTE_CHARACTERS),
        )
        exports = [destination(self._traces) for destination in destinations]
        for one in exports:
            self._traces.add_span_processor(BatchSpanProcessor(one.spans))
        readers = [
            PeriodicExportingMetricReader(one.metrics, METRICS_SECONDS * 1000) for one in exports
        ]
        self._metrics = MeterProvider(readers, resource, shutdown_on_exit=False)
        self._tracer = self._traces.get_tracer(SCOPE, version)
        self._kinds = _kinds(hosted=hosted)
        meter = self._metrics.get_meter(SCOPE, version)
        self._counters = {
            one.name: meter.create_counter(one.name, one.unit, one.says)
            for one in MEASURES
            if not one.bounds
        }
        self._histograms = {
            one.name: meter.create_histogram(
                one.name, one.unit, one.says, explicit_bucket_boundaries_advisory=one.bounds
            )
            for one in MEASURES
            if one.bounds
        }
        self._gauges = _Gauges(meter)
        self._sending = _Sending(self._send)
        self._metrics_sent = time.monotonic()
        self._closed = threading.Event()
        self._close_seconds = close_seconds
        atexit.register(self.close)

    def span(
        self, name: str, *, attributes: Mapping[str, Attribute] | None = None, parent: str = ""
    ) -> _Opened:
        """Open a step; see the port."""
        allowed = _ALLOWED.get(name, _NONE)
        told = {key: value for key, value in (attributes or {}).items() if key in allowed}
        kind = self._kinds.get(name, SpanKind.INTERNAL)
        return _Opened(self._tracer, name, kind, told, parent)

    def count(self, name: str, amount: int = 1, /, **attributes: str) -> None:
        """Add to a counter; see the port."""
        counter = self._counters.get(name)
        if counter is not None:
            counter.add(amount, _known(name, attributes))

    def measure(self, name: str, value: float, /, **attributes: str) -> None:
        """Add to a histogram; see the port."""
        histogram = self._histograms.get(name)
        if histogram is not None:
            histogram.record(value, _known(name, attributes))

    def gauges(self, figures: Iterable[Figure]) -> None:
        """Show figures, for two and a half minutes at the most; see the port."""
        self._gauges.show(figures)

    def traceparent(self) -> str:
        """Return the `traceparent` of the step that is open, or ""."""
        found = trace.get_current_span().get_span_context()
        if not found.is_valid:
            return ""
        return f"00-{found.trace_id:032x}-{found.span_id:016x}-{int(found.trace_flags):02x}"

    def flush(self) -> None:
        """Send what waits; every few seconds at the most, and waiting a second at the most.

        Where that was not enough, nobody waits again until the other side has caught up.
        """
        if not self._closed.is_set():
            self._sending.send(FLUSH_SECONDS)

    def close(self) -> None:
        """Send what waits, for some seconds at the most, and stop. The second time does nothing."""
        if self._closed.is_set():
            return
        self._closed.set()
        atexit.unregister(self.close)
        # Neither of them bounds its own way to stop; a thread that is late dies with the process.
        stopping = [
            threading.Thread(target=stop, daemon=True)
            for stop in (self._traces.shutdown, self._stop_metrics)
        ]
        for thread in stopping:
            thread.start()
        end = time.monotonic() + self._close_seconds
        for thread in stopping:
            thread.join(max(0, end - time.monotonic()))

    def _send(self) -> None:
        self._traces.force_flush()
        if time.monotonic() - self._metrics_sent >= METRICS_SECONDS:
            self._metrics_sent = time.monotonic()
            self._metrics.force_flush()

    def _stop_metrics(self) -> None:
        with suppress(Exception):  # the SDK raises where the other side is late
            self._metrics.shutdown(self._close_seconds * 1000)


class _Opened:
    """A span around a block."""

    __slots__ = ("_kind", "_name", "_parent", "_span", "_token", "_told", "_tracer")

    def __init__(
        self,
        tracer: trace.Tracer,
        name: str,
        kind: SpanKind,
        told: Mapping[str, Attribute],
        parent: str,
    ) -> None:
        self._tracer = tracer
        self._name = name
        self._kind = kind
        self._told = told
        self._parent = parent
        self._span: trace.Span = trace.INVALID_SPAN
        self._token: Token[Context] | None = None

    def __enter__(self) -> _Opened:  # noqa: PYI034  # nothing inherits from it
        above = get_current()
        if self._parent:
            above = _PROPAGATOR.extract({"traceparent": self._parent}, above)
        self._span = self._tracer.start_span(
            self._name, above, kind=self._kind, attributes=self._told
        )
        self._token = attach(trace.set_span_in_context(self._span, above))
        return self

    def __exit__(
        self,
        type_: type[BaseException] | None,
        exc: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        if type_ is not None:
            self._span.set_attribute(ERROR_TYPE, type_.__name__)
            if not issubclass(type_, ANSWERS):
                self._span.set_status(StatusCode.ERROR)
        self._span.end()
        if self._token is not None:
            detach(self._token)

    def set(self, name: str, value: Attribute) -> None:
        """Say more of it."""
        if name in _ALLOWED.get(self._name, _NONE):
            self._span.set_attribute(name, value)

    def link(self, traceparent: str) -> None:
        """Point to a step of another trace."""
        found = _context_of(traceparent)
        if found is not None:
            self._span.add_link(found)


class _Gauges:
    """Shows the last figures, as long as they hold."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._figures: tuple[Figure, ...] = ()
        self._shown = 0.0

    def show(self, figures: Iterable[Figure]) -> None:
        """Take the place of the figures before."""
        with self._lock:
            self._figures = tuple(figures)
            self._shown = time.monotonic()
            new = {one.name: one.unit for one in self._figures if one.name not in self._known}
            self._known |= set(new)
        for name, unit in new.items():
            self._meter.create_observable_gauge(name, [self._observing(name)], unit)

    def _observing(self, name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            with self._lock:
                held = time.monotonic() - self._shown <= FIGURES_SECONDS
                figures = self._figures if held else ()
            return [
                Observation(one.value, dict(one.attributes)) for one in figures if one.name == name
            ]

        return observe


class _Sending:
    """Sends in a thread of its own, one at a time, so that nobody waits longer than they want."""

    def __init__(self, send: Callable[[], None]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._running: threading.Thread | None = None
        self._begun = 0.0

    def send(self, seconds: float) -> None:
        """Send, unless that was done a moment ago or is being done; wait so long at the most."""
        with self._lock:
            now = time.monotonic()
            late = self._running is not None and self._running.is_alive()
            if late or (self._running is not None and now - self._begun < FLUSH_EVERY_SECONDS):
                return
            self._begun = now
            running = self._running = threading.Thread(target=self._quietly, daemon=True)
            running.start()
        running.join(seconds)

    def _quietly(self) -> None:
        try:
            self._send()
        except Exception:  # telemetry must not break anything
            log.debug("telemetry was not sent", exc_info=True)


def _known(name: str, attributes: Mapping[str, str]) -> dict[str, str]:
    allowed = _MEASURED[name]
    return {key: value for key, value in attributes.items() if key in allowed}


def _kinds(*, hosted: bool) -> dict[str, SpanKind]:
    roles = {
        Role.ENTRY: SpanKind.INTERNAL if hosted else SpanKind.SERVER,
        Role.STEP: SpanKind.INTERNAL,
        Role.CALL: SpanKind.CLIENT,
    }
    return {step.name: roles[step.role] for step in STEPS}


def _context_of(traceparent: str) -> SpanContext | None:
    found = _PROPAGATOR.extract({"traceparent": traceparent}, Context())
    context = trace.get_current_span(found).get_span_context()
    return context if context.is_valid else None
