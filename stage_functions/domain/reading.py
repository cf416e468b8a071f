"""What an observation means: a wish, something out of place, or nothing."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.domain.state import MAX_ASKED, VersionState


class Wish(Struct, frozen=True):
    """What a changed value asks for.

    Attributes:
        target: the stage, in the words of whoever asked.
        reason: theirs too, or "".
        source: `stage`, `stage_request`, `presence` or `mlflow_stage`.
    """

    target: str
    reason: str
    source: str


class Reading(Struct, frozen=True):
    """What an observation means.

    Attributes:
        wish: the transition it asks for, or None.
        withdraw: id of the approval it withdraws, or "".
        drift: what is shown and must be put back, or None.
        drift_in: the source that shows it: `stage`, `presence`, `approval`, `native_stage`,
            `mlflow_stage` or `alias:<name>`.
        missing: what Stageward shows is not there, or is a late write of its own: write it.
        misplaced: sources whose values are to be put back or written.
        answers: the values that answering it judges, by source.
        absorbed: values that ask for nothing, by source: no record, no reply.
    """

    wish: Wish | None = None
    withdraw: str = ""
    drift: str | None = None
    drift_in: str = ""
    missing: bool = False
    misplaced: tuple[str, ...] = ()
    answers: Mapping[str, str | None] = field(default_factory=dict)
    absorbed: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        """Nobody asked, and nothing is out of place."""
        return not (
            self.wish or self.withdraw or self.drift is not None or self.missing or self.absorbed
        )


def drifted(reading: Reading, source: str, value: str | None) -> Reading:
    """Note what is to be put back; None where something is only not there."""
    reading = replace(reading, misplaced=(*reading.misplaced, source))
    if value is None:
        return replace(reading, missing=True)
    return reading if reading.drift is not None else replace(reading, drift=value, drift_in=source)


def is_new(state: VersionState, source: str, stage: str) -> bool:
    """Tell whether this incarnation never held a stage, and was never asked into it so."""
    return (
        stage not in state.held
        and not state.was_asked(source, stage)
        and len(state.asked) < MAX_ASKED
    )
