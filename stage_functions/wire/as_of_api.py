"""The documents of the HTTP API about what stood where at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a version stood, and on what grounds, as it was known then.

    Attributes:
        stage: the granted stage.
        since: when it was granted.
        record: number of the record that put it there.
        why: registered, copied, imported, approved, allowed, displaced, rolled_back, emergency,
            or reverted; or a word of a later release.
        approval: id of the version's own approval, or of the one that renewed or ratified it last.
        approved_by: ids of those whose approval counted; of a copy, for its original.
        lifecycle: digest of the lifecycle in force when it was granted.
        valid_until: until when that approval is valid; null for ever.
        origin: what it was copied from, where that put it there.
        grounds: on what grounds it stood there, in words.
        owner: id of who registered the version, or the original of a copy; null where not known.
        trainer: id of whose job made it, where that is another.
        review_due: when its next review was due; null for never.
    """

    stage: str
    since: datetime
    record: int
    why: str
    approval: str | None
    approved_by: tuple[str, ...]
    lifecycle: str | None
    valid_until: datetime | None = None
    origin: str | None = None
    grounds: str = ""
    owner: str | None = None
    trainer: str | None = None
    review_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class AsOf:
    """Where the versions of an asset stood at a moment.

    Attributes:
        asset: `registry/kind/name`.
        time: the moment; now where a later one was asked for, of which nothing is known.
        versions: by number.
    """

    asset: str
    time: datetime
    versions: Mapping[str, Standing]


@dataclass(frozen=True, slots=True)
class Stood:
    """A version, and where it stood.

    Attributes:
        asset: `registry/kind/name`.
        version: its number.
        standing: where, and on what grounds.
    """

    asset: str
    version: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class EstatePage:
    """Some versions, and where they stood at a moment.

    Attributes:
        time: the moment; now where a later one was asked for, of which nothing is known. Ask for it
            with the cursor, so that all pages are of one moment.
        stood: in the order of registry, kind and name.
        cursor: to go on behind; null when these were the last.
    """

    time: datetime
    stood: tuple[Stood, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Estate:
    """All pages together.

    Attributes:
        time: the moment; now where a later one was asked for.
        stood: in the order of registry, kind and name.
    """

    time: datetime
    stood: tuple[Stood, ...]
