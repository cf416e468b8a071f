"""Values that are kept, and what a later release has written beside them.

While an update rolls, two releases work on one ledger. The older one meets fields, and members of
enumerations, that it does not know. It carries them along through every change, and writes them
back: nothing that a later release wrote is lost by an older one. How they are read and written is
in `application/codec.py`; what a later release may add how, in `docs/rolling.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import UNSET, Struct, UnsetType, field

from stage_functions.domain.error import LaterReleaseError

BEYOND = "+"
"""What `Stored.beyond` is called where a value is written: no field of any release is."""


class Beyond(Struct, frozen=True):
    """What this release does not know of a value that it has read.

    Attributes:
        fields: of this value, as they were read.
        properties: of its row, beside the value.
        format: of its row, where a later release has raised it; else 0.
        doubt: why nothing may be decided on it here, in words; "" where what is not known is no
            matter for a decision.
    """

    fields: Mapping[str, object] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    format: int = 0
    doubt: str = ""


class Stored(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value that is kept in a row, or inside of one that is.

    Further fields of a later release can be left unread: whoever does not know them decides right.
    Where one of them bars something, the row is written with a higher format: see `bars`.

    Attributes:
        highest: the highest format in which this release writes a row of it.
        beyond: what a later release wrote of it; unset where that is nothing.
    """

    highest: ClassVar[int] = 1

    beyond: Beyond | UnsetType = field(default=UNSET, name=BEYOND)

    @property
    def bars(self) -> bool:
        """It says something that a release which knows only format 1 must not decide without."""
        return False

    @property
    def doubt(self) -> str:
        """Why nothing may be decided on it by this release; "" where it may."""
        return "" if self.beyond is UNSET else self.beyond.doubt


class Whole(Stored, frozen=True):
    """A value that permits something: who does not know all of it must not act on it.

    A further field of it may be a further condition. So an older release that meets one decides
    nothing, and says that it is to be updated.
    """


def demand_understood(*values: Stored) -> None:
    """Demand that this release may decide on all of these.

    Raises:
        LaterReleaseError: a later release wrote one of them, and means something by it that this
            one does not know.
    """
    for value in values:
        if value.beyond is not UNSET and value.beyond.doubt:
            raise LaterReleaseError(value.beyond.doubt)
