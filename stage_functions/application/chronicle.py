"""One line of the log for each decision that was committed: what came of it, and for what.

Whoever decided, and why, is in the history and never in a log. What somebody asked for is shown
only where it is a stage: else it may be any text.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from stage_functions.domain.asset import Asset
from stage_functions.domain.record import Record, RecordType

log = logging.getLogger("stageward.decisions")
_OUTCOMES: Mapping[RecordType, str] = {
    RecordType.STAGE_CHANGED: "granted",
    RecordType.TRANSITION_REFUSED: "refused",
    RecordType.APPROVAL_REQUESTED: "pending",
    RecordType.APPROVAL_CLOSED: "closed",
    RecordType.RENEWED: "renewed",
    RecordType.VOTED: "voted",
    RecordType.SPONSORED: "sponsored",
    RecordType.REMINDED: "reminded",
    RecordType.ESCALATED: "escalated",
    RecordType.VALIDITY_ENDED: "no longer valid",
    RecordType.DELETED: "deleted",
    RecordType.VIOLATED: "violated",
    RecordType.DRIFT_FOUND: "drift",
    RecordType.HOLD_PLACED: "held",
    RecordType.HOLD_LIFTED: "hold lifted",
}
"""Of what is worth a line to operators; the rest, of which there is one for each version that is
found, is for whoever looks closer."""


def chronicle(asset: Asset, records: Sequence[Record], operation: str) -> None:
    """Log the records of a commit.

    Args:
        asset: whose.
        records: the new ones.
        operation: id of the operation.
    """
    if not log.isEnabledFor(logging.INFO):
        return
    for record in records:
        level = logging.INFO if record.type in _OUTCOMES else logging.DEBUG
        if log.isEnabledFor(level):
            _log(level, asset, record, operation)


def _log(level: int, asset: Asset, record: Record, operation: str) -> None:
    outcome, course = _outcome(record), _course(record)
    approval = str(record.content.get("approval", ""))
    ids = {
        "asset": str(asset),
        "version": record.version,
        "record": str(record.number),
        "type": str(record.type),
        "outcome": outcome,
        **({"approval": approval} if approval else {}),
        "operation": operation,
    }
    about = f", approval {approval}" if approval else ""
    log.log(
        level,
        "%s: %s%s%s, record %d",
        outcome,
        f"{asset}:{record.version}" if record.version else asset,
        course,
        about,
        record.number,
        extra={"stageward": ids},
    )


def _outcome(record: Record) -> str:
    content = record.content
    if record.type is RecordType.APPROVAL_CLOSED:
        return str(content.get("status", "closed"))
    if record.type is RecordType.STAGE_CHANGED and content.get("why") == "displaced":
        return "displaced"
    return _OUTCOMES.get(record.type, str(record.type).lower())


def _course(record: Record) -> str:
    """Return between which stages, where both are stages of a lifecycle."""
    content = record.content
    source, target = str(content.get("from", "")), str(content.get("to", ""))
    if record.type is RecordType.TRANSITION_REFUSED:
        allowed = content.get("allowed", ())
        known = allowed if isinstance(allowed, list | tuple) else ()
        return f" {source} → {target}" if target in known else f" at {source}" if source else ""
    return f" {source} → {target}" if source and target else f" {target}" if target else ""
