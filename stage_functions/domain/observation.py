"""What a version's tags ask for: a request is a change, not a difference.

A value asks only if it differs from `base` (what was last seen or verifiably written) and from the
granted stage, and was not answered before for this incarnation. So a tool that writes old tags back
moves nothing, withdraws nothing, and fills no history.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.domain.asset import Snapshot
from stage_functions.domain.configuration import RegistryConfiguration, Source, StageEdits
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.record import MAX_TEXT_CHARACTERS
from stage_functions.domain.state import MAX_ASKED, VersionState

STAGE = "stage"
STAGE_REQUEST = "stage_request"
STAGE_STATUS = "stage_status"
STAGE_GOVERNOR = "stage_governor"
CONVERSATION = (STAGE, STAGE_REQUEST, STAGE_STATUS, STAGE_GOVERNOR)
"""The tags that carry the conversation; hints about others are acknowledged unread."""
MLFLOW_STAGE = "mlflow_stage"
MAX_TARGET_CHARACTERS = 200
"""Of a value that a record repeats though nobody has checked it."""
_WITHDRAW = "withdraw "


class Wish(Struct, frozen=True):
    """What a changed value asks for.

    Attributes:
        target: the stage, in the words of whoever asked.
        reason: theirs too, or "".
        source: `stage`, `stage_request` or `mlflow_stage`.
    """

    target: str
    reason: str
    source: str


class Reading(Struct, frozen=True):
    """What an observation means.

    Attributes:
        wish: the transition it asks for, or None.
        withdraw: id of the approval it withdraws, or "".
        drift: the value of `stage` that must be put back, or None.
        missing: the `stage` tag is not there, or is a late write of Stageward's own: write it.
        answers: the values that answering it judges, by source.
        absorbed: values that name the granted stage already, by source: no record, no reply.
    """

    wish: Wish | None = None
    withdraw: str = ""
    drift: str | None = None
    missing: bool = False
    answers: Mapping[str, str | None] = field(default_factory=dict)
    absorbed: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        """Nobody asked, and nothing is out of place."""
        return not (
            self.wish or self.withdraw or self.drift is not None or self.missing or self.absorbed
        )


def observed(snapshot: Snapshot, registry: RegistryConfiguration) -> dict[str, str | None]:
    """Return the values that a registry's configuration listens to, by source."""
    values = {STAGE: snapshot.tags.get(STAGE)}
    if Source.TAG in registry.requests_from:
        values[STAGE_REQUEST] = snapshot.tags.get(STAGE_REQUEST)
    if Source.MLFLOW_STAGE in registry.requests_from:
        values[MLFLOW_STAGE] = snapshot.native_stage
    return values


def read(
    state: VersionState,
    values: Mapping[str, str | None],
    lifecycle: Lifecycle,
    registry: RegistryConfiguration,
    *,
    owed: bool = False,
) -> Reading:
    """Tell what the values of a governed version mean, given what the ledger remembers.

    Args:
        state: what the ledger remembers of the version.
        values: what its registry shows, from `observed`.
        lifecycle: the one that governs it.
        registry: how its registry is listened to.
        owed: tags of the asset are still to be written, so that a stage this version has held may
            be a late write of Stageward's own: it is put right without calling it drift.
    """
    reading = _read_request(state, values, lifecycle)
    if reading.wish is None:
        reading = _read_native(state, values, reading)
    late = values.get(STAGE)
    if owed and late in state.held and late not in (state.base.get(STAGE), state.stage):
        return replace(reading, missing=True)
    return _read_stage(state, values, lifecycle, registry, reading)


def parse_request(value: str, lifecycle: Lifecycle) -> tuple[str, str]:
    """Split `Production: AUC 0.94 on the Q3 data` into stage and reason.

    The part before the first colon is the stage, unless the whole names one.
    """
    text = value.strip()
    if text in lifecycle.stages:
        return text, ""
    stage, _, reason = text.partition(":")
    return stage.strip()[:MAX_TARGET_CHARACTERS], reason.strip()[:MAX_TEXT_CHARACTERS]


def _read_request(
    state: VersionState, values: Mapping[str, str | None], lifecycle: Lifecycle
) -> Reading:
    value = values.get(STAGE_REQUEST)
    if not value or not value.strip() or value == state.base.get(STAGE_REQUEST):
        return Reading()
    if state.was_asked(STAGE_REQUEST, value) or len(state.asked) >= MAX_ASKED:
        return Reading()
    answers: dict[str, str | None] = {STAGE_REQUEST: value}
    if value.strip().lower().startswith(_WITHDRAW):
        return Reading(withdraw=value.strip()[len(_WITHDRAW) :].strip(), answers=answers)
    target, reason = parse_request(value, lifecycle)
    if target == state.stage:
        return Reading(absorbed=answers)
    return Reading(wish=Wish(target, reason, STAGE_REQUEST), answers=answers)


def _read_native(
    state: VersionState, values: Mapping[str, str | None], reading: Reading
) -> Reading:
    value = values.get(MLFLOW_STAGE)
    if value is None or value == state.base.get(MLFLOW_STAGE):
        return reading
    if value == state.stage:
        return replace(reading, absorbed={**reading.absorbed, MLFLOW_STAGE: value})
    answers = {**reading.answers, MLFLOW_STAGE: value}
    return replace(reading, wish=Wish(value, "", MLFLOW_STAGE), answers=answers)


def _read_stage(
    state: VersionState,
    values: Mapping[str, str | None],
    lifecycle: Lifecycle,
    registry: RegistryConfiguration,
    reading: Reading,
) -> Reading:
    value = values.get(STAGE)
    if value in (state.base.get(STAGE), state.stage):
        return reading
    if value is None:
        return replace(reading, missing=True)
    if reading.wish is not None and reading.wish.target == value:
        return replace(reading, answers={**reading.answers, STAGE: value})
    if reading.wish is None and _asks(state, value, lifecycle, registry):
        answers = {**reading.answers, STAGE: value}
        return replace(reading, wish=Wish(value, "", STAGE), answers=answers)
    return replace(reading, drift=value, answers={**reading.answers, STAGE: value})


def _asks(
    state: VersionState, value: str, lifecycle: Lifecycle, registry: RegistryConfiguration
) -> bool:
    return (
        registry.stage_edits is StageEdits.FORWARD
        and Source.TAG in registry.requests_from
        and lifecycle.transition(state.stage, value) is not None
        and value not in state.held
        and not state.was_asked(STAGE, value)
        and len(state.asked) < MAX_ASKED
    )
