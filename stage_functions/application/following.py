"""Follow up a hint of any kind: about a version, a job, or an endpoint."""

from __future__ import annotations

from stage_functions.application.context import Context
from stage_functions.application.guards import follow_endpoint
from stage_functions.application.signal import AnySignal, EndpointSignal, JobSignal
from stage_functions.application.signals import follow
from stage_functions.application.unregistered import follow_job


def follow_any(context: Context, signal: AnySignal) -> bool:
    """Follow up a hint; tell whether anything was committed.

    Raises:
        RegistryUnavailableError: what it is about cannot be read; deliver it again.
        StoreUnavailableError, ConflictError, UnknownOutcomeError: deliver it again.
    """
    match signal:
        case JobSignal():
            return follow_job(context, signal)
        case EndpointSignal():
            return follow_endpoint(context, signal)
        case _:
            return follow(context, signal)
