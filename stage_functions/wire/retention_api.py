"""What the API says of what is kept, for how long, what for, and of people who are forgotten.

As in `api`, of which this is a part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class HoldBody:
    """A hold to be placed, or lifted.

    Attributes:
        case: what it is for: 1 to 100 printable characters, no person's name.
        reason: why, in your words.
    """

    case: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """That what is kept of an asset is to be kept until somebody lifts it.

    Attributes:
        asset: which.
        case: what it is for.
        since: when it was placed.
        by: id of who placed it.
        reason: why, in their words.
    """

    asset: str
    case: str
    since: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Holds:
    """A list of holds.

    Attributes:
        holds: asset by asset, the oldest first.
    """

    holds: tuple[Hold, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """An asset of which nothing is left but its history.

    Attributes:
        asset: which.
        versions: how many it had.
        records: how many it has.
        last: when the last one was made.
        until: until when the last of them is to be kept; null where nothing says.
        past: that is over.
        holds: cases that it is held for.
        removable: it is past its retention, and not held.
    """

    asset: str
    versions: int
    records: int
    last: datetime
    until: datetime | None
    past: bool
    holds: tuple[str, ...]
    removable: bool


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept of assets that are gone.

    Attributes:
        assets: every asset of which no version is left.
    """

    assets: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class ForgetBody:
    """Somebody whose names are to be deleted.

    Attributes:
        person: person:<key>, <provider>:<id>, or a masked id as records have it.
        reason: why, in your words, without the person's name.
        dry_run: only tell.
    """

    person: str
    reason: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of somebody's names.

    Attributes:
        person: whose, as records write it.
        ids: all of their ids of which something is or was kept.
        names: how many texts were deleted, or would be.
        done: they are deleted.
        configured: the configuration has the person still: from there the name goes on to be shown.
        mentions: records in which a text has one of the names, <history> <number>; the first few.
        mentioned: how many were found; no record is ever changed.
        searched: every record was looked through; else as many as there was time for.
        record: number of the record in the ledger's own history; 0 in a dry run.
    """

    person: str
    ids: tuple[str, ...]
    names: int
    done: bool
    configured: bool
    mentions: tuple[str, ...]
    mentioned: int
    searched: bool
    record: int
