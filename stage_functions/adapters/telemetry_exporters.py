"""Where telemetry is sent: to any collector by OTLP over HTTP, or to Application Insights.

Loaded only where telemetry is on. Each try has a time limit, and what is not taken is dropped, not
kept on disk. That the other side does not take it is logged seldom, however often it is tried.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, distribution

from opentelemetry.sdk.metrics import Counter, Histogram
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler, TraceIdRatioBased

from stage_functions.adapters.telemetry import Destination, Exports

EXPORT_SECONDS = 5
"""How long one try to send may take."""
LOGGED_EVERY_SECONDS = 600
LIBRARIES = ("azure.monitor.opentelemetry.exporter", "opentelemetry.exporter", "opentelemetry.sdk")
"""Loggers of what sends: with the other side away, they speak every few seconds."""
log = logging.getLogger("stageward.telemetry")

_HEADERS = "opentelemetry.util.re"
"""Logger of what reads headers out of variables."""
_INSIGHTS = "azure-monitor-opentelemetry-exporter"
_DELTAS: dict[type, AggregationTemporality] = {
    Counter: AggregationTemporality.DELTA,
    Histogram: AggregationTemporality.DELTA,
}
"""Application Insights adds up what comes."""


def otlp(endpoint: str) -> Destination:
    """Return the way to a collector.

    What else the specification has in the environment (`OTEL_EXPORTER_OTLP_HEADERS`, certificates,
    compression) the SDK reads itself.

    Args:
        endpoint: base URL of the collector, without `/v1/traces`.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415  # one of two
        OTLPMetricExporter,
    )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  # likewise
        OTLPSpanExporter,
    )

    logging.getLogger(_HEADERS).addFilter(_unsaid)
    base = endpoint.rstrip("/")
    return lambda _: Exports(
        OTLPSpanExporter(f"{base}/v1/traces", timeout=EXPORT_SECONDS),
        OTLPMetricExporter(f"{base}/v1/metrics", timeout=EXPORT_SECONDS),
    )


def application_insights(connection_string: str, *, signs_in: bool, client_id: str) -> Destination:
    """Return the way to Application Insights.

    What sends is made when first something is sent, in the thread that does: to load it takes a
    third of a second, for which no event is to wait.

    Args:
        connection_string: of the resource.
        signs_in: it takes telemetry only of who signs in.
        client_id: of the user-assigned identity that does; "" for the system-assigned one.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    try:
        distribution(_INSIGHTS)
    except PackageNotFoundError as exc:
        raise ModuleNotFoundError(name=_INSIGHTS) from exc

    def options() -> dict[str, object]:
        given: dict[str, object] = {
            "connection_string": connection_string,
            "disable_offline_storage": True,
            "instrumentation_collection": True,  # or it sends figures of its own, also at exit
            "timeout": EXPORT_SECONDS,
            "read_timeout": EXPORT_SECONDS,
            "retry_total": 1,
        }
        if signs_in:
            from azure.identity import ManagedIdentityCredential  # noqa: PLC0415  # 0.4 s

            given["credential"] = ManagedIdentityCredential(client_id=client_id or None)
        return given

    def spans(provider: TracerProvider) -> SpanExporter:
        from azure.monitor.opentelemetry.exporter import (  # noqa: PLC0415  # a third of a second
            AzureMonitorTraceExporter,
        )

        return AzureMonitorTraceExporter(tracer_provider=provider, **options())

    def metrics() -> MetricExporter:
        from azure.monitor.opentelemetry.exporter import (  # noqa: PLC0415  # likewise
            AzureMonitorMetricExporter,
        )

        return AzureMonitorMetricExporter(**options())

    making = threading.Lock()
    return lambda provider: Exports(
        _LateSpans(lambda: spans(provider), making), _LateMetrics(metrics, making)
    )


def sampler(share: float, *, insights: bool) -> Sampler:
    """Return what keeps a share of the traces.

    Args:
        share: from 0 to 1.
        insights: they go to Application Insights, whose counts then allow for what is left out.
    """
    if share >= 1:
        return ALWAYS_ON
    if not insights:
        return TraceIdRatioBased(share)
    from azure.monitor.opentelemetry.exporter import (  # noqa: PLC0415  # likewise
        ApplicationInsightsSampler,
    )

    return ApplicationInsightsSampler(share)


def speak_seldom() -> None:
    """Let the libraries that send say what is wrong, but only once in ten minutes each."""
    for name in LIBRARIES:
        library = logging.getLogger(name)
        if not any(isinstance(one, _Seldom) for one in library.handlers):
            library.addHandler(_Seldom(logging.WARNING))
            library.propagate = False


def _unsaid(record: logging.LogRecord) -> bool:
    """Name the variable that a header is in that is none: the SDK logs it as it is, secret too."""
    record.msg = "a header of OTEL_EXPORTER_OTLP_HEADERS is left out: write name=value"
    record.args = ()
    return True


class _Seldom(logging.Handler):
    """Passes on the first record of a while, as a warning of one line."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._passed = -float(LOGGED_EVERY_SECONDS)

    def emit(self, record: logging.LogRecord) -> None:
        """Log it, unless another was logged lately."""
        now = time.monotonic()
        if now - self._passed >= LOGGED_EVERY_SECONDS:
            self._passed = now
            said = record.getMessage().partition("\n")[0]
            log.warning("telemetry is not sent, decisions go on without it: %s", said)


class _LateSpans(SpanExporter):
    """Sends spans by an exporter that is made by the first of them."""

    def __init__(self, make: Callable[[], SpanExporter], making: threading.Lock) -> None:
        self._make = make
        self._making = making
        self._made: SpanExporter | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans."""
        with self._making:
            self._made = self._made or self._make()
        return self._made.export(spans)

    def shutdown(self) -> None:
        """Give back what is held open."""
        if self._made is not None:
            self._made.shutdown()


class _LateMetrics(MetricExporter):
    """Sends metrics by an exporter that is made by the first of them."""

    def __init__(self, make: Callable[[], MetricExporter], making: threading.Lock) -> None:
        super().__init__(preferred_temporality=_DELTAS)
        self._make = make
        self._making = making
        self._made: MetricExporter | None = None

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object
    ) -> MetricExportResult:
        """Send metrics."""
        with self._making:
            self._made = self._made or self._make()
        return self._made.export(metrics_data, timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:  # noqa: ARG002  # the SDK's
        """Hold nothing back."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **_: object) -> None:
        """Give back what is held open."""
        if self._made is not None:
            self._made.shutdown(timeout_millis)
