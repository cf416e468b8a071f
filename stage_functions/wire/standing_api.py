"""What the API says of versions where they stand: reviews, and edits that nobody acknowledged.

As in `api`, of which this is a part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

_CLOSED: dict[str, Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class AttentionBody:
    """What somebody says of a version: a review, or that they took note of an edit from outside.

    Attributes:
        comment: in their words, at most 2,000 characters; acknowledging needs one.
        record: number of the last record of the version that they saw; 412 if there are further
            ones by now. Null for whichever it is.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _CLOSED

    comment: str = ""
    record: int | None = None


@dataclass(frozen=True, slots=True)
class Attended:
    """What came of it.

    Attributes:
        version: `registry/kind/name:version`.
        stage: where it stands, as before.
        detail: what was noted, in words.
        record: number of the record that says so.
    """

    version: str
    stage: str
    detail: str
    record: int
