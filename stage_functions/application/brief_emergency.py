"""Of a ratification: the emergency that it is about, and what follows if nobody ratifies it."""

from __future__ import annotations

from msgspec import Struct

from stage_functions.application import keys
from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded
from stage_functions.domain.approval import Approval
from stage_functions.domain.lifecycle import NotRatified


class Used(Struct, frozen=True):
    """An emergency, as its record and the lifecycle tell of it.

    Attributes:
        incident: as whoever used it named it.
        number: of its record.
        waived: rules that did not pass then, and need not have.
        reverts: if it is not ratified it is put back, where that is possible.
        further: the group that may ratify as well when it was not ratified, or "".
        escalated: it was not ratified when that was asked before.
        stands: the stage that the version has now, or "".
    """

    incident: str
    number: int
    waived: tuple[str, ...]
    reverts: bool
    further: str
    escalated: bool
    stands: str = ""


def used(context: Context, loaded: Loaded, approval: Approval) -> Used | None:
    """Return the emergency that an approval ratifies; None for any other approval."""
    if not approval.ratifies:
        return None
    number, partition = approval.ratifies, keys.asset_partition(loaded.asset)
    found = context.ledger.records(partition, after=number - 1, last=number)
    content = found[0].content if found else {}
    waived = content.get("waived", ())
    state = loaded.versions.get(approval.version)
    now = state.unratified if state is not None else None
    lifecycle = context.governing(loaded.asset)
    terms = lifecycle.emergency if lifecycle is not None else None
    return Used(
        str(content.get("incident", "")),
        number,
        tuple(map(str, waived)) if isinstance(waived, list | tuple) else (),
        terms is not None and terms.not_ratified is NotRatified.REVERT,
        terms.escalate_to if terms is not None else "",
        now is not None and now.escalated,
        state.stage if state is not None and not state.gone else "",
    )
