"""Which records say by what each version stands: noted with the commit that makes them.

So what a rollback has to know costs the same however long the history is; see `promotions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from stage_functions.domain.record import Record, RecordType
from stage_functions.domain.rollback import PLACED, RENAMED
from stage_functions.domain.state import UNNUMBERED, Footing, VersionState

CONFIRMS = (RecordType.RENEWED, RecordType.RATIFIED)
"""Types of the records by which a version stands from then on where it stood already."""
_BEGINS = (RecordType.REGISTERED, RecordType.IMPORTED)


def placed(record: Record) -> bool:
    """Tell whether a record moved a version; that its stage is called otherwise moved nothing."""
    return record.type in PLACED and record.content.get("why") != RENAMED


def noted(
    after: Mapping[str, VersionState],
    before: Mapping[str, VersionState],
    records: Sequence[Record],
) -> dict[str, VersionState]:
    """Return the versions of a commit, each with the records that say by what it stands.

    Args:
        after: the versions as the commit leaves them, by number.
        before: the versions as they were loaded.
        records: those of the commit, in order.
    """
    return {number: _noted(state, before.get(number), records) for number, state in after.items()}


def _noted(
    state: VersionState, before: VersionState | None, records: Sequence[Record]
) -> VersionState:
    known = before.stands if before is not None else None
    changed = False
    for record in records:
        if record.version != state.version:
            continue
        if placed(record):
            last = known.by if known is not None else UNNUMBERED
            last = 0 if record.type in _BEGINS else last
            known = Footing(record.number, record.number, last, state.since)
            changed = True
        elif record.type in CONFIRMS and known is not None:
            known, changed = replace(known, by=record.number), True
    if not changed or known is None:
        return state
    footing = replace(known, since=state.since, approved_by=state.approved_by)
    return replace(state, footing=footing)
