"""What the API says of a replay: past requests, judged by a draft of the configuration.

As in `api`, of which this is a part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class DraftReplayBody:
    """A draft, and which requests are judged by it.

    Attributes:
        configuration: text of the draft, at most 200,000 characters.
        since: an ISO 8601 time with an offset: what was decided from then on.
        assets: glob over `registry/kind/name`.
        behind: only assets behind this one, as an answer has said.
        definitions: texts of the definitions of Azure Policy that the draft names, by their paths.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    configuration: str
    since: str
    assets: str = "*"
    behind: str = ""
    definitions: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ReplayCase:
    """A request that the draft decides otherwise, or of which that cannot be known.

    Attributes:
        version: `registry/kind/name:version`.
        number: of the record that says what came of it.
        at: when.
        source: the stage that the version had.
        target: what was asked for.
        requester: id of who asked, or an empty text.
        came: what came of it: granted, refused, approved, rejected, withdrawn, expired, voided or
            open.
        would: what it would have come to: granted, refused, approved, rejected, voided, expired,
            waits, or unknown.
        why: in words.
    """

    version: str
    number: int
    at: datetime
    source: str
    target: str
    requester: str
    came: str
    would: str
    why: str


@dataclass(frozen=True, slots=True)
class DraftReplay:
    """What a replay came to, as far as it has got.

    Attributes:
        same: requests that are decided as they were.
        differs: those that are not.
        unknown: those of which that cannot be known.
        cases: of the latter two.
        behind: where to go on, in the next body; null at the end.
    """

    same: int
    differs: int
    unknown: int
    cases: tuple[ReplayCase, ...]
    behind: str | None
