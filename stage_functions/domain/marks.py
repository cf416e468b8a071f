"""Marks: a version that was taken out for cause does not return before somebody reviewed it.

What leads out of the way is not barred: a marked version may go to a stage that is hidden, or that
nothing leaves.
"""

from __future__ import annotations

from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.state import VersionState


def leads_out(lifecycle: Lifecycle, target: str) -> bool:
    """Tell whether a stage takes a version out of use: a hidden one, or one that nothing leaves."""
    stage = lifecycle.stages.get(target)
    return stage is not None and (stage.hidden or stage.terminal)


def unreviewed(lifecycle: Lifecycle, state: VersionState, target: str) -> str:
    """Say why a marked version may not be granted a stage; an empty text if it may."""
    mark = state.marked
    if mark is None or leads_out(lifecycle, target):
        return ""
    return (
        f"version {state.version} was marked in record {mark.number} ({mark.why}): "
        "have it reviewed, `stageward review <version>`"
    )
