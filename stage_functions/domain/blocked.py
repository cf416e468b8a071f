"""Why nothing may be granted to a version now, or why it must not be deployed.

What displaces a version, or brings another one back in its place, is never kept from happening by
this: nothing is granted to the version that leaves.
"""

from __future__ import annotations

from datetime import datetime

from stage_functions.domain.lifecycle import Lifecycle, WhenUnreviewed
from stage_functions.domain.record import minute
from stage_functions.domain.state import VersionState


def blocked(state: VersionState) -> str:
    """Say why nothing may be granted to a version now; an empty text where something may."""
    if state.drifted:
        where = f" in record {state.drifted}" if state.drifted > 0 else ""
        return (
            f"version {state.version} was edited from outside, see DriftFound{where}: "
            "acknowledge it (`stageward acknowledge`), then ask again"
        )
    return ""


def unreviewed(lifecycle: Lifecycle, state: VersionState, now: datetime) -> str:
    """Say why a version must not be deployed unreviewed; an empty text where it may.

    The moment decides, whether it was recorded that the review has lapsed or not.
    """
    stage = lifecycle.stages.get(state.stage)
    review = stage.review if stage is not None else None
    due = state.review_due
    if review is None or due is None or review.when_unreviewed is not WhenUnreviewed.BLOCK:
        return ""
    if now < due + review.within:
        return ""
    return (
        f"its review was due on {minute(due)} and was not made until {minute(due + review.within)}"
    )
