"""What the environment says of telemetry, made of. A setting that is wrong is logged, and left out.

Loaded only where one of them is set.
"""

from __future__ import annotations

import logging
import re
from urllib.parse import urlsplit

from stage_functions import __version__
from stage_functions.adapters.telemetry import Destination, OpenTelemetry
from stage_functions.adapters.telemetry_exporters import (
    application_insights,
    otlp,
    sampler,
    speak_seldom,
)
from stage_functions.application.ports.telemetry import SILENT, Telemetry
from stage_functions.settings import Settings

log = logging.getLogger("stageward.telemetry")
_KEY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)


def opened(settings: Settings) -> Telemetry:
    """Return telemetry as settings have it; SILENT where none of it can be used.

    Raises:
        ModuleNotFoundError: a package that it needs is not installed.
        ValueError: of the SDK, whose own variables contradict each other or are none.
    """
    found = (_insights(settings), _collector(settings))
    destinations = [one for one in found if one is not None]
    if not destinations:
        return SILENT
    keeps = sampler(_share(settings.trace_share), insights=bool(settings.insights))
    made = OpenTelemetry(destinations, __version__, keeps, hosted=settings.in_functions)
    speak_seldom()  # of what it reads itself, and leaves out, it has spoken by now
    return made


def _insights(settings: Settings) -> Destination | None:
    if not settings.insights:
        return None
    if not _KEY.match(_pairs(settings.insights).get("instrumentationkey", "")):
        log.warning(
            "APPLICATIONINSIGHTS_CONNECTION_STRING has no InstrumentationKey that is one, so "
            "nothing is sent there; the overview of the resource shows the whole string"
        )
        return None
    sign_in = _pairs(settings.insights_sign_in)
    signs_in = sign_in.get("authorization", "").upper() == "AAD"
    if sign_in and not signs_in:
        log.warning(
            "APPLICATIONINSIGHTS_AUTHENTICATION_STRING is not followed, so nobody signs in; "
            "write ClientId=<of the identity>;Authorization=AAD"
        )
    client_id = sign_in.get("clientid", "")
    return application_insights(settings.insights, signs_in=signs_in, client_id=client_id)


def _collector(settings: Settings) -> Destination | None:
    if not settings.otlp:
        return None
    try:
        url = urlsplit(settings.otlp)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        log.warning(
            "OTEL_EXPORTER_OTLP_ENDPOINT is no URL, so nothing is sent there; it is the base of "
            "the collector's, such as https://collector.example.org:4318"
        )
        return None
    return otlp(settings.otlp)


def _share(text: str) -> float:
    try:
        share = float(text or 1)
    except ValueError:
        share = -1
    if 0 <= share <= 1:
        return share
    log.warning("OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1, so every trace is kept")
    return 1


def _pairs(text: str) -> dict[str, str]:
    """Return the pairs of `Name=value;Name=value`, names in small letters."""
    parts = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in parts if name.strip()}
