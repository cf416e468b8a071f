"""What was done to a version that its stage does not allow: it is served, or was deleted."""

from __future__ import annotations

from stage_functions.application.context import Context
from stage_functions.application.signal import EndpointSignal


def follow_endpoint(context: Context, signal: EndpointSignal) -> bool:
    """Judge what an endpoint serves; tell whether anything was committed."""
    raise NotImplementedError
