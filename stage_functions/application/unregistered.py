"""What nobody has registered: outputs of jobs, and versions that the registry itself has made."""

from __future__ import annotations

from stage_functions.application.context import Context
from stage_functions.application.signal import JobSignal


def follow_job(context: Context, signal: JobSignal) -> bool:
    """Note the models that a job has left behind; tell whether anything was new."""
    raise NotImplementedError
