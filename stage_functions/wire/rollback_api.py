"""What the API says of the way back: what a rollback would do, and how one is asked for.

As in `api`, of which this is a part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

_CLOSED: dict[str, Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class RollbackBody:
    """What is to be rolled back.

    Attributes:
        reason: why, in at most 2,000 characters.
        stage: the exclusive stage; may be left out where one stage alone has `rollback_within`.
        mark: true demands that the version taken out is reviewed before it may return.
        expected_holder: answer 412 unless this version holds the stage now.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _CLOSED

    reason: str = ""
    stage: str | None = None
    mark: bool = False
    expected_holder: str | None = None


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a rollback would do now.

    Attributes:
        asset: `registry/kind/name`.
        allowed: whoever asks could make it now.
        detail: why not, and what to do instead; an empty text where it is allowed.
        stage: the exclusive stage, where that is clear.
        out: the version that would leave it.
        goes_to: the stage that it would move to.
        back: the version that would come back.
        record: number of the record that let `out` in.
        approval: the approval that carried that, where there was one.
        until: when it is too late.
        restores: the approval by which `back` would stand again, where there was one.
        valid_until: until when that is valid; null for ever.
        effects: what will happen and what will not, a sentence each.
        comes_from: the stage that `back` would come back from.
    """

    asset: str
    allowed: bool
    detail: str = ""
    stage: str | None = None
    out: str | None = None
    goes_to: str | None = None
    back: str | None = None
    record: int | None = None
    approval: str | None = None
    until: datetime | None = None
    restores: str | None = None
    valid_until: datetime | None = None
    effects: tuple[str, ...] = ()
    comes_from: str | None = None
