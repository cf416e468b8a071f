"""A lifecycle's own history, as people read it: what was adopted and proposed, by whom."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from stage_functions.application import histories
from stage_functions.application.brief_people import named
from stage_functions.application.context import Context
from stage_functions.domain.people import STAGEWARD
from stage_functions.domain.record import Json, Record, RecordType

MAX_TOLD = 50
"""The newest; all are in the API."""


class Told(Struct, frozen=True):
    """A record of a lifecycle, for people.

    Attributes:
        number: of the record.
        at: when.
        what: in a sentence.
        digest: of the text that it is about.
        comment: of whoever consented, or "".
        loosens: what was loosened, in words.
        changes: the difference to the text before.
    """

    number: int
    at: datetime
    what: str
    digest: str
    comment: str
    loosens: tuple[str, ...]
    changes: tuple[str, ...]


def told(context: Context, name: str) -> tuple[Told, ...]:
    """Return a lifecycle's records, the newest first.

    Raises:
        StoreUnavailableError: as the store says.
    """
    history = histories.of_lifecycle(name)
    last = histories.tail(context.ledger, history).number
    found = context.ledger.records(history.partition, after=max(0, last - MAX_TOLD))
    return tuple(_told(context, one) for one in reversed(found))


def _told(context: Context, record: Record) -> Told:
    content = record.content
    lifecycle = content.get("lifecycle")
    return Told(
        record.number,
        record.at,
        _what(context, record),
        str(lifecycle["digest"]) if isinstance(lifecycle, dict) else "",
        str(content.get("comment", "")),
        _texts(content.get("loosens")),
        _texts(content.get("changes")),
    )


def _what(context: Context, record: Record) -> str:
    actor = record.content["actor"]
    who = str(actor["id"]) if isinstance(actor, dict) else ""
    if record.type == RecordType.LIFECYCLE_PROPOSED:
        return f"Proposed, and waits for {', '.join(_texts(record.content['needs']))}"
    if record.type == RecordType.LIFECYCLE_ADOPTED:
        again = "Adopted" if "from" in record.content else "Adopted for the first time"
        return again if who == STAGEWARD else f"Adopted with the consent of {named(context, who)}"
    return str(record.type)


def _texts(value: Json | None) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()
