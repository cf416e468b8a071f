"""What tags ask or say whose keys stand for stages. The rules are in `observation`."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from stage_functions.domain import presence
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.presence import APPROVAL, PRESENCE
from stage_functions.domain.reading import Reading, Wish, drifted, is_new
from stage_functions.domain.state import VersionState


def read_presence(
    state: VersionState,
    values: Mapping[str, str | None],
    lifecycle: Lifecycle,
    registry: RegistryConfiguration,
    reading: Reading,
    *,
    owed: bool,
) -> Reading:
    """Tell which of the keys that came ask for a stage, or are out of place."""
    text, known = values.get(PRESENCE), state.base.get(PRESENCE)
    mirrored = presence.mirrored(registry)
    right = mirrored and text == state.stage
    if text is None or text == known or (right and known is not None):
        return reading
    came = came_since_base(state, text)
    if known is None:
        came = ()  # never listened to before: what is there is old, and asks nothing
    elif mirrored and owed and _unverified(state) and set(came) <= set(state.held):
        return reading  # may be a write of Stageward's own, half done
    wish = reading.wish
    if came and wish is None and _asks(state, came[-1], lifecycle, registry):
        wish = Wish(came[-1], "", PRESENCE)
    if came and wish is not None and wish.target == came[-1]:
        return replace(reading, wish=wish, answers={**reading.answers, PRESENCE: text})
    if mirrored and not right:
        reading = replace(reading, answers={**reading.answers, PRESENCE: text})
        found = ", ".join(presence.key(registry, stage) for stage in came)
        return drifted(reading, PRESENCE, found or None)
    if came and wish is not None:
        return reading  # another request goes first; this one is still there afterwards
    return replace(reading, absorbed={**reading.absorbed, PRESENCE: text})


def read_approval(
    state: VersionState,
    values: Mapping[str, str | None],
    registry: RegistryConfiguration,
    reading: Reading,
    *,
    owed: bool,
) -> Reading:
    """Tell whether `approval` says something else than the ledger: it never asks or approves."""
    if APPROVAL not in values:
        return reading
    value, said = values[APPROVAL], None
    if state.approved_by:
        said = presence.approval(registry, state.stage)
    if value in (state.base.get(APPROVAL), said):
        return reading
    own = [presence.approval(registry, stage) for stage in state.held]
    if owed and _unverified(state) and (value is None or value in own):
        return reading
    reading = replace(reading, answers={**reading.answers, APPROVAL: value})
    return drifted(reading, APPROVAL, value)


def came_since_base(state: VersionState, text: str | None) -> tuple[str, ...]:
    """Return the stages, other than the granted one, whose keys came since base."""
    known = presence.stages(state.base.get(PRESENCE))
    return tuple(
        stage for stage in presence.stages(text) if stage not in known and stage != state.stage
    )


def _unverified(state: VersionState) -> bool:
    """Tell whether the tags that stand for stages may be written this moment."""
    return state.base.get(PRESENCE) != state.stage


def _asks(
    state: VersionState, stage: str, lifecycle: Lifecycle, registry: RegistryConfiguration
) -> bool:
    """Tell whether a tag asks for its stage; where it cannot be put back, it is answered."""
    lawful = lifecycle.transition(state.stage, stage) is not None
    return (
        presence.asked(registry)
        and (lawful or not presence.mirrored(registry))
        and is_new(state, PRESENCE, stage)
    )
