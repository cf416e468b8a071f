"""What a copy does that is made when a transition is granted: where it begins, whom it displaces.

As that registry stands now, since that is what a copy meets: nothing there is bound to an approval.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application.context import Context
from stage_functions.application.copying import copy_of
from stage_functions.domain.approval import Approval, Status
from stage_functions.domain.asset import Version


class Copying(Struct, frozen=True):
    """A copy that is made when an approval is given.

    Attributes:
        version: what the copy is called.
        stage: where it begins.
        exclusive: only one version stands at that stage there.
        displaces: versions that leave that stage there for it; empty once nothing is open.
        displaced_to: the stage that they leave it for.
        hinders: why nothing is copied as things are, or "".
    """

    version: Version
    stage: str
    exclusive: bool = False
    displaces: tuple[Version, ...] = ()
    displaced_to: str = ""
    hinders: str = ""


def copying(context: Context, version: Version, approval: Approval) -> Copying | None:
    """Return what is copied when an approval is given, or None where nothing is.

    Raises:
        StoreUnavailableError: as the store says.
    """
    lifecycle, bound = context.governing(version.asset), approval.binding
    way = lifecycle.transition(bound.source, bound.target) if lifecycle is not None else None
    if way is None or not way.copy_to:
        return None
    copy = copy_of(version, way.copy_to)
    there = context.governing(copy.asset)
    stage = there.stages.get(bound.target) if there is not None else None
    if stage is None:
        why = f"no lifecycle that governs {copy.asset} has the stage {bound.target}"
        return Copying(copy, bound.target, hinders=why)
    found = Copying(copy, bound.target, stage.exclusive, displaced_to=stage.displaced_to)
    if approval.status is not Status.OPEN:
        return found
    loaded = context.ledger.load(copy.asset, [copy.number])
    known = loaded.versions.get(copy.number)
    if known is not None and known.governed:
        why = f"{copy} is there already, at {known.stage}"
        return replace(found, hinders=why)
    held = loaded.head.holders.get(bound.target, ()) if stage.exclusive else ()
    return replace(found, displaces=tuple(Version(copy.asset, one) for one in sorted(held)))
