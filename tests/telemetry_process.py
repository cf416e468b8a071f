"""A process that asks for Staging and dies when it publishes: `FOLDER COLLECTOR`.

What telemetry it has told by then, it sends first, so that a test sees how far it came.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from stage_functions.adapters.telemetry import OpenTelemetry
from stage_functions.adapters.telemetry_exporters import otlp
from stage_functions.application.adoption import adopt
from stage_functions.application.scan import found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.asset import Version
from stage_functions.domain.record import Record
from tests.builders import IRIS
from tests.crash import context, registry_of


class Deadly:
    """A sink whose receiver kills the process."""

    name = "file"

    def __init__(self, telemetry: OpenTelemetry) -> None:
        self._telemetry = telemetry

    def publish(self, records: Sequence[Record], traceparent: str = "") -> None:
        """Die."""
        self._telemetry.close()
        os.kill(os.getpid(), signal.SIGKILL)

    def close(self) -> None:
        """Hold nothing open."""


def main(folder: Path, collector: str) -> None:
    """Register a version, hear of it, and die."""
    telemetry = OpenTelemetry([otlp(collector)], "1", ALWAYS_ON, hosted=False)
    on = replace(context(folder, telemetry=telemetry), sinks={"file": Deadly(telemetry)})
    adopt(replace(on, sinks={}))
    found_empty(on, "demo")
    registry_of(folder).register(Version(IRIS, "1"), on.clock.now(), author="mlflow:sam")
    follow(on, Signal(Version(IRIS, "1")))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
