"""What bars a version from any stage but those that lead out of use: marks, and emergencies.

A version that was taken out for cause does not return before somebody reviewed it; one that stands
by an emergency goes nowhere before that is ratified. Each may go to a stage that is hidden, or that
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


def unratified(lifecycle: Lifecycle, state: VersionState, target: str) -> str:
    """Say why a version that stands by an emergency may not move on; "" if it may.

    A way out that takes approval waits as well: one approval of a version is open at a time, and
    to withdraw the ratification would put the emergency back.
    """
    used = state.unratified
    if used is None or _free(lifecycle, state.stage, target):
        return ""
    ways = [one for one in lifecycle.allowed(state.stage) if _free(lifecycle, state.stage, one)]
    until = f"until then it may only go to {' or '.join(ways)}, or" if ways else "until then it may"
    return (
        f"version {state.version} stands at {state.stage} by an emergency (record {used.number}) "
        f"that nobody has ratified yet: decide on approval {state.approval} first; {until} be "
        "rolled back"
    )


def _free(lifecycle: Lifecycle, stage: str, target: str) -> bool:
    """Tell whether a version leaves a stage for one out of use without waiting for approval."""
    way = lifecycle.transition(stage, target)
    return leads_out(lifecycle, target) and way is not None and way.approval is None
