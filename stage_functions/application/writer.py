"""Who has written to a version: what a hint claims, checked against what the registry shows.

A hint may be wrong, late, or made up. It is confirmed where it came by a way that only the platform
can use, and the registry names the same writer, at about the same time. Then the id is the hint's,
which is stable and no name:

| the hint | attribution |
|---|---|
| confirmed | proven |
| not confirmed, or there is none | inferred: whom the registry names; none where it names nobody |

Everybody who was seen may have been it, and is a candidate; of whom that is known only later, see
`witnesses`. A hint that anybody can send shows nobody: it could keep an officer from voting, and
the true requester from being known as one. Stageward itself is nobody: neither by the id that its
registry has for it nor by the one that events have.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from stage_functions.application.context import Context
from stage_functions.application.signal import EndpointSignal, Signal
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.people import NOBODY, STAGEWARD, Actor, Attribution
from stage_functions.domain.state import VersionState

SAME_WRITE_SECONDS = 60
"""An event tells of a write when that has ended, and by another clock than the registry's; one that
is further away tells of another write."""


def writer(
    context: Context, signal: Signal, snapshot: Snapshot, state: VersionState
) -> tuple[Actor, tuple[str, ...]]:
    """Return who seems to have written, and everyone who may have."""
    hinted = hinted_id(context, signal) if signal.authenticated else ""
    if hinted and confirmed(signal, snapshot):
        return Actor(hinted, Attribution.PROVEN, "tag"), _candidates(*state.writers, hinted)
    modified = _identified(context, signal.version, snapshot.modified_by or "")
    candidates = _candidates(*state.writers, hinted, modified)
    if not modified:
        return NOBODY, candidates
    return Actor(modified, Attribution.INFERRED, "tag"), candidates


def hinted_id(context: Context, signal: Signal) -> str:
    """Return whom a hint names, as records write it; "" for nobody, and for Stageward itself."""
    return _identified(context, signal.version, signal.actor)


def _identified(context: Context, version: Version, id_: str) -> str:
    own = {one.casefold() for one in context.registry(version.asset.registry).identities()}
    if not id_ or id_ == STAGEWARD or id_.casefold() in own:
        return ""
    return context.identify(id_)


def confirmed(signal: Signal, snapshot: Snapshot) -> bool:
    """Tell whether the registry shows the write that a hint tells of as the last one."""
    return tells_of(signal, snapshot.modified_by, snapshot.modified_at, SAME_WRITE_SECONDS)


def tells_of(
    signal: Signal | EndpointSignal, shown: str | None, at: datetime | None, within: int
) -> bool:
    """Tell whether a hint tells of the write that a registry shows: by the same, then.

    Args:
        signal: the hint.
        shown: `<provider>:<id>` of who wrote, as the registry has it.
        at: when.
        within: seconds that the two may be apart.
    """
    if shown in {None, "", STAGEWARD} or at is None or signal.at is None:
        return False
    _, _, text = (shown or "").partition(":")
    named = {name.casefold() for name in (signal.actor.partition(":")[2], *signal.names)}
    near = abs(signal.at - at) <= timedelta(seconds=within)
    return near and text.casefold() in named - {""}


def _candidates(*ids: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(id_ for id_ in ids if id_))
