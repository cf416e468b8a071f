"""Whether what was approved still holds: from the version's state, else from its next records."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from stage_functions.application import keys
from stage_functions.application.brief_records import first_since
from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded
from stage_functions.domain.approval import Approval, Status
from stage_functions.domain.record import Record, RecordType, minute
from stage_functions.domain.state import VersionState

_PAGE = 200
_MOST = 1000
"""Records looked at behind the decision; beyond, only the version's state tells."""
_LEAVES = (RecordType.STAGE_CHANGED, RecordType.DELETED, RecordType.RENEWED)


class Standing(Struct, frozen=True):
    """What is left of an approval that was given.

    Attributes:
        tone: `good` while it holds, `wait` where it has ended, "" where it counts no more.
        text: in a sentence.
    """

    tone: str
    text: str


def standing(
    context: Context, loaded: Loaded, approval: Approval, now: datetime
) -> Standing | None:
    """Say whether an approval that was given still holds; None for another."""
    if approval.status is not Status.APPROVED:
        return None
    state = loaded.versions.get(approval.version)
    if state is not None and state.governed and state.approved_by == approval.id:
        return _by_it(state, now)
    left = _left(context, loaded, approval)
    return Standing("", f"{_how(approval, state, left)}{_had_ended(approval, left)}.")


def _by_it(state: VersionState, now: datetime) -> Standing:
    until = state.valid_until
    still = f"Version {state.version} still stands at {state.stage}"
    if until is None:
        return Standing("good", f"{still} by this approval, which has no end.")
    if now < until:
        return Standing("good", f"{still} by this approval, until {minute(until)}.")
    then = "; it is not to be deployed" if state.blocked_when_invalid else ""
    return Standing("wait", f"{still}, but this approval ended on {minute(until)}{then}.")


def _left(context: Context, loaded: Loaded, approval: Approval) -> Record | None:
    """Return the record by which the version left what was approved, where it is near enough."""
    if approval.closed is None:
        return None
    partition = keys.asset_partition(loaded.asset)
    after = first_since(context, partition, loaded.head.number, approval.closed) - 1
    for _ in range(_MOST // _PAGE):
        page = context.ledger.records(partition, after=after, limit=_PAGE)
        for one in page:
            own = one.version == approval.version and one.at >= approval.closed
            if own and one.type in _LEAVES and one.content.get("approval") != approval.id:
                return one
        if len(page) < _PAGE:
            return None
        after = page[-1].number
    return None


def _how(approval: Approval, state: VersionState | None, left: Record | None) -> str:
    number, stage = approval.version, approval.binding.target
    if left is None:
        where = f": it stands at {state.stage} since {minute(state.since)}" if state else ""
        return f"Version {number} no longer stands by this approval{where}"
    when, by = minute(left.at), left.content.get("displaced_by")
    if by:
        out = "rolls_back" in left.content
        how = "taken out by a rollback to" if out else "displaced by"
        return f"Version {number} was {how} version {by} on {when}"
    if left.type is RecordType.DELETED:
        return f"Version {number} was deleted on {when}"
    if left.type is RecordType.RENEWED:
        return f"Renewed on {when} by approval {left.content.get('approval', '')}"
    return f"Version {number} moved on from {stage} to {left.content.get('to', '')} on {when}"


def _had_ended(approval: Approval, left: Record | None) -> str:
    until = approval.valid_until
    if left is None or until is None or left.at < until:
        return ""
    return f"; this approval had ended on {minute(until)} before"
