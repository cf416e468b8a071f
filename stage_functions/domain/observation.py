"""What a version's tags ask for: a request is a change, not a difference.

A value asks only if it differs from `base` (what was last seen or verifiably written) and from the
granted stage, and was not answered before for this incarnation. So a tool that writes old tags back
moves nothing, withdraws nothing, and fills no history.

Where several ask at once, the first of `stage_request`, `stage`, the tags that stand for stages,
and MLflow's own stage is the request; one that names the same stage is part of it.

Of tags that stand for stages only those ask that came since `base`, and of those the furthest in
the order of the file; those that came with it are answered with it. Where they mirror the stage
too, they are Stageward's own: what asks is removed again, and what may not ask is put back, as an
edit of `stage` is. Where they only ask, they are other people's: nothing is put back, so a
transition that does not exist is refused in words. The same holds of MLflow's own stage.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from stage_functions.domain import aliases, presence
from stage_functions.domain.aliases import read_aliases
from stage_functions.domain.asset import Snapshot
from stage_functions.domain.configuration import (
    Mirror,
    RegistryConfiguration,
    RegistryType,
    Source,
    StageEdits,
)
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.presence import APPROVAL, PRESENCE
from stage_functions.domain.presence_reading import (
    came_since_base,
    read_approval,
    read_presence,
)
from stage_functions.domain.reading import Reading, Wish, drifted, is_new
from stage_functions.domain.record import MAX_TEXT_CHARACTERS
from stage_functions.domain.state import MAX_ASKED, VersionState

STAGE = "stage"
STAGE_REQUEST = "stage_request"
STAGE_STATUS = "stage_status"
STAGE_GOVERNOR = "stage_governor"
CONVERSATION = (STAGE, STAGE_REQUEST, STAGE_STATUS, STAGE_GOVERNOR)
"""The tags that carry the conversation; hints about others are acknowledged unread, unless a stage
of the asset's lifecycle is frozen."""
MLFLOW_STAGE = "mlflow_stage"
_SHOWN_BY_TAG = (STAGE, PRESENCE, APPROVAL)
MAX_TARGET_CHARACTERS = 200
"""Of a value that a record repeats though nobody has checked it."""
_WITHDRAW = "withdraw "


def observed(
    snapshot: Snapshot, registry: RegistryConfiguration, lifecycle: Lifecycle
) -> dict[str, str | None]:
    """Return the values that a registry's configuration listens to, by source."""
    values = {STAGE: snapshot.tags.get(STAGE)}
    if Source.TAG in registry.requests_from:
        values[STAGE_REQUEST] = snapshot.tags.get(STAGE_REQUEST)
    if Source.MLFLOW_STAGE in registry.requests_from or shows_mlflow(registry):
        values[MLFLOW_STAGE] = snapshot.native_stage
    if presence.asked(registry) or presence.mirrored(registry):
        values[PRESENCE] = presence.seen(snapshot.tags, registry, lifecycle)
    if presence.mirrored(registry):
        values[APPROVAL] = snapshot.tags.get(APPROVAL)
    return {**values, **aliases.seen(snapshot, registry, lifecycle)}


def own_sources(registry: RegistryConfiguration) -> tuple[str, ...]:
    """Return the sources whose values Stageward itself writes, and that may ask all the same."""
    return (*_SHOWN_BY_TAG, MLFLOW_STAGE) if shows_mlflow(registry) else _SHOWN_BY_TAG


def shows_mlflow(registry: RegistryConfiguration) -> bool:
    """Tell whether the stage is shown in the field that MLflow has for it."""
    return Mirror.MLFLOW_STAGE in registry.mirror_to and registry.type is RegistryType.MLFLOW


def fresh_edit(
    state: VersionState, values: Mapping[str, str | None], registry: RegistryConfiguration
) -> bool:
    """Tell whether somebody has edited what would be written over: it must be answered first."""
    if values.get(STAGE) not in (state.base.get(STAGE), state.stage):
        return True
    native = values.get(MLFLOW_STAGE)
    if shows_mlflow(registry) and state.base.get(MLFLOW_STAGE, native) != native != state.stage:
        return True
    came = came_since_base(state, values.get(PRESENCE)) if presence.mirrored(registry) else ()
    return any(stage not in state.held for stage in came)


def read(
    state: VersionState,
    values: Mapping[str, str | None],
    lifecycle: Lifecycle,
    registry: RegistryConfiguration,
    *,
    owed: bool = False,
    holders: aliases.Holders | None = None,
) -> Reading:
    """Tell what the values of a governed version mean, given what the ledger remembers.

    Args:
        state: what the ledger remembers of the version.
        values: what its registry shows, from `observed`.
        lifecycle: the one that governs it.
        registry: how its registry is listened to.
        owed: tags of the asset are still to be written, so that a stage this version has held may
            be a late write of Stageward's own: it is put right without calling it drift.
        holders: of the exclusive stages of the asset, where they are known.
    """
    reading = _read_request(state, values, lifecycle)
    reading = _read_stage(state, values, lifecycle, registry, reading, owed=owed)
    reading = read_presence(state, values, lifecycle, registry, reading, owed=owed)
    reading = read_approval(state, values, registry, reading, owed=owed)
    if shows_mlflow(registry):
        reading = _read_shown(state, values, lifecycle, registry, reading, owed=owed)
    else:
        reading = _read_native(state, values, reading)
    return read_aliases(state, values, lifecycle, registry, reading, holders, owed=owed)


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
    if reading.wish is not None and reading.wish.target != value:
        return reading
    if value == state.stage:
        return replace(reading, absorbed={**reading.absorbed, MLFLOW_STAGE: value})
    answers = {**reading.answers, MLFLOW_STAGE: value}
    wish = reading.wish or Wish(value, "", MLFLOW_STAGE)
    return replace(reading, wish=wish, answers=answers)


def _read_shown(
    state: VersionState,
    values: Mapping[str, str | None],
    lifecycle: Lifecycle,
    registry: RegistryConfiguration,
    reading: Reading,
    *,
    owed: bool,
) -> Reading:
    """Tell what MLflow's own stage means where Stageward writes it too: as an edit of `stage`."""
    value = values.get(MLFLOW_STAGE)
    if value == state.base.get(MLFLOW_STAGE) or MLFLOW_STAGE not in state.base:
        return reading  # what was there before it was shown asks nothing, and is written over
    if value is None or value == state.stage:
        absorbed = {} if owed else {MLFLOW_STAGE: value}
        return replace(reading, absorbed={**reading.absorbed, **absorbed})
    reading = replace(reading, answers={**reading.answers, MLFLOW_STAGE: value})
    if owed and value in state.held:
        return drifted(reading, MLFLOW_STAGE, None)
    if reading.wish is not None and reading.wish.target == value:
        return reading
    asks = (
        Source.MLFLOW_STAGE in registry.requests_from
        and lifecycle.transition(state.stage, value) is not None
        and is_new(state, MLFLOW_STAGE, value)
    )
    if reading.wish is None and asks:
        return replace(reading, wish=Wish(value, "", MLFLOW_STAGE))
    return drifted(reading, MLFLOW_STAGE, value)


def _read_stage(
    state: VersionState,
    values: Mapping[str, str | None],
    lifecycle: Lifecycle,
    registry: RegistryConfiguration,
    reading: Reading,
    *,
    owed: bool,
) -> Reading:
    value = values.get(STAGE)
    if value in (state.base.get(STAGE), state.stage):
        return reading
    if value is None or (owed and value in state.held):
        return replace(reading, missing=True, misplaced=(STAGE,))
    reading = replace(reading, answers={**reading.answers, STAGE: value})
    if reading.wish is not None and reading.wish.target == value:
        return reading
    if reading.wish is None and _asks(state, value, lifecycle, registry):
        return replace(reading, wish=Wish(value, "", STAGE))
    return drifted(reading, STAGE, value)


def _asks(
    state: VersionState, value: str, lifecycle: Lifecycle, registry: RegistryConfiguration
) -> bool:
    return (
        registry.stage_edits is StageEdits.FORWARD
        and Source.TAG in registry.requests_from
        and lifecycle.transition(state.stage, value) is not None
        and is_new(state, STAGE, value)
    )
