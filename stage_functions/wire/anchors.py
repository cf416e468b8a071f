"""Anchors and proofs as documents: how they are read back from where they were published.

What has a field that this release does not know, or writes one otherwise, is refused: its digest is
over all of it, so it could not be told whether the next one links to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from stage_functions.domain.anchor import Anchor, End, Inclusion
from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.record import canonical, timestamp

EVENT = "Stageward.Anchored"


def body_of(anchor: Anchor) -> bytes:
    """Return an anchor as it is published: the canonical bytes that its digest is over."""
    return canonical(anchor.document())


def name_of(anchor: Anchor) -> str:
    """Return the name of an anchor where each has one of its own, in the order of their times."""
    moment = timestamp(anchor.at).replace(":", "-")
    return f"{quote(anchor.ledger, safe='')}/{moment}-{anchor.digest[:16]}.json"


def cloud_event(anchor: Anchor) -> dict[str, object]:
    """Return the CloudEvent that announces an anchor; it is the same each time."""
    return {
        "specversion": "1.0",
        "id": f"{anchor.ledger}/anchors/{anchor.digest}",
        "source": "/stageward/ledger",
        "type": EVENT,
        "subject": "ledger",
        "time": timestamp(anchor.at),
        "datacontenttype": "application/json",
        "dataschema": "urn:stageward:Anchored:1",
        "data": anchor.document(),
    }


def anchor_of(document: object) -> Anchor:
    """Read an anchor, or the event that announces one.

    Raises:
        InvalidInputError: it is none.
    """
    if isinstance(document, Mapping) and document.get("type") == EVENT:
        document = document.get("data")
    if not isinstance(document, Mapping):
        message = "that is no anchor: it is no object"
        raise InvalidInputError(message)
    try:
        anchor = Anchor(
            ledger=_text(document["ledger"]),
            at=datetime.fromisoformat(_text(document["at"])),
            size=_count(document["size"]),
            root=_text(document["root"]),
            before=_text(document.get("before", "")),
        )
    except (KeyError, TypeError, ValueError) as exc:
        message = f"that is no anchor: {exc}"
        raise InvalidInputError(message) from exc
    if anchor.at.tzinfo is None or anchor.document() != document:
        message = "that is no anchor as this release writes them"
        raise InvalidInputError(message)
    return anchor


def inclusions_of(document: object) -> dict[str, Inclusion]:
    """Read proofs by the names of histories: a document that is one, or that of a pack's proofs.

    Raises:
        InvalidInputError: it is neither.
    """
    several = isinstance(document, Mapping) and document and "anchor" not in document
    each = document.values() if isinstance(document, Mapping) and several else [document]
    found = [inclusion_of(one) for one in each]
    return {one.end.name: one for one in found}


def inclusion_of(document: object) -> Inclusion:
    """Read a proof that the end of a history is under an anchor.

    Raises:
        InvalidInputError: it is none.
    """
    try:
        if not isinstance(document, Mapping):
            message = "it is no object"
            raise TypeError(message)  # noqa: TRY301  # said below
        name, number, hash_ = document["history"]
        path = tuple(_text(one) for one in document["path"])
        for one in path:
            bytes.fromhex(one)
        return Inclusion(
            anchor_of(document["anchor"]),
            End(_text(name), _count(number), _text(hash_)),
            _count(document["index"]),
            path,
        )
    except (KeyError, TypeError, ValueError) as exc:
        message = f"that is no proof: {exc}"
        raise InvalidInputError(message) from exc


def _text(value: object) -> str:
    if not isinstance(value, str):
        message = f"{value!r} is no text"
        raise TypeError(message)
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        message = f"{value!r} is no number"
        raise TypeError(message)
    return value
