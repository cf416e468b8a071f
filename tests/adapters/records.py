"""Records to publish."""

from __future__ import annotations

from datetime import UTC, datetime

from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import Draft, Record, RecordType, empty_tail, seal

_ACTOR = Actor("person:officer-1", Attribution.PROVEN, "api")
_NOW = datetime(2026, 11, 23, 22, 31, 9, 104233, UTC)


def history(*reasons: str, asset: str = "demo/models/iris") -> tuple[Record, ...]:
    """Return a history with one record for each reason."""
    drafts = [
        Draft(RecordType.REGISTERED, "3", "1/x", _ACTOR, {"reason": reason}) for reason in reasons
    ]
    return seal(empty_tail("k7m2p9qd", asset), drafts, commit=1, now=_NOW, operation="01K")
