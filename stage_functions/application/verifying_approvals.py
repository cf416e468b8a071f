"""Whether the rows of approvals, and of who approved what stood once, say what the records say."""

from __future__ import annotations

from collections.abc import Iterator

from stage_functions.application import keys
from stage_functions.application.codec import unpack, unpack_record
from stage_functions.application.histories import History
from stage_functions.application.past import Past
from stage_functions.application.ports.rows import CATALOG, LEDGER, Row, Rows
from stage_functions.application.replayed_approvals import ReplayedApprovals
from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Asset
from stage_functions.domain.error import InvalidInputError, LaterReleaseError, LedgerDamagedError

PAGE = 1000
UNREADABLE = (LedgerDamagedError, LaterReleaseError, RecursionError)
"""What is raised of a row that holds no such value."""


def pages(rows: Rows, partition: str, prefix: str, table: str = LEDGER) -> Iterator[Row]:
    """Yield the rows of a partition whose keys begin with a prefix, page by page."""
    start, end = prefix, keys.after(prefix) if prefix else None
    while True:
        page = rows.query(table, partition, start=start, end=end, limit=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        start = keys.behind(page[-1].key)


def of_approvals(rows: Rows, history: History, replayed: ReplayedApprovals) -> list[str]:
    """Return what rows say against the records of approvals, and of who approved once."""
    said: list[str] = []
    left = replayed.ids()
    for row in pages(rows, history.partition, keys.APPROVAL):
        try:
            approval = unpack(row, Approval)
        except UNREADABLE as exc:
            said.append(str(exc))
            left -= {one for one in left if keys.approval_key(one) == row.key}
            continue
        if keys.approval_key(approval.id) != row.key:
            said.append(f"approval {approval.id} stands in the row {row.key}")
            continue
        left.discard(approval.id)
        said += replayed.differences(approval)
    said += [f"approval {one} has records, but its row is gone" for one in sorted(left)]
    return [*said, *_of_past(rows, history, replayed)]


def further(rows: Rows, history: History, replayed: ReplayedApprovals, last: int) -> int:
    """Follow the records behind one, as they are; return the number of the last of them."""
    start, end = keys.record_key(last + 1), keys.after(keys.RECORD)
    for row in rows.query(LEDGER, history.partition, start=start, end=end):
        try:
            record = unpack_record(row)
        except UNREADABLE:  # the next verification tells of it
            break
        replayed.see(record)
        last = record.number
    return last


def _of_past(rows: Rows, history: History, replayed: ReplayedApprovals) -> Iterator[str]:
    """Yield who is said to have approved where a version stood once, and has not."""
    try:
        asset = Asset.parse(history.name)
    except InvalidInputError:
        return
    prefix = f"{keys.encode(asset.name)}:"
    for place in (keys.past_partition, keys.earlier_partition):
        partition = place(asset.registry, asset.kind)
        for row in pages(rows, partition, prefix, CATALOG):
            try:
                spans = unpack(row, Past).spans
            except UNREADABLE as exc:
                yield f"where a version stood once: {exc}"
                continue
            for span in spans:
                standing = span.standing
                if standing is None or not standing.approval:
                    continue
                others = replayed.of_others(standing.approval, standing.approved_by)
                if others:
                    yield (
                        f"where {row.key} stood since record {span.number}, {others} is said to "
                        f"have approved {standing.approval}, by the records that is not so"
                    )
