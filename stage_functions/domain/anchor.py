"""Anchors: what a ledger said of all of its histories, kept where its writers cannot change it.

An anchor is the root of a hash tree over the end of every history, see `merkle`. Whoever holds one
finds out whether a history was rewritten or cut since: by themselves it only is hash-linked, and
whoever may write to the ledger could link all of it anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from stage_functions.domain import merkle
from stage_functions.domain.record import Json, canonical, timestamp


class End(Struct, frozen=True, order=True):
    """The end of a history: a leaf.

    Attributes:
        name: the asset, `lifecycle:<name>` or `ledger`, as its records have it.
        number: of the last record.
        hash: of the last record, 64 hex digits.
    """

    name: str
    number: int
    hash: str

    @property
    def entry(self) -> bytes:
        """What is hashed of it: the canonical bytes of a list of the three."""
        return canonical([self.name, self.number, self.hash])


class Anchor(Struct, frozen=True):
    """What a ledger said of all of its histories at a moment.

    Attributes:
        ledger: the ledger's id.
        at: when, aware UTC.
        size: how many histories there were.
        root: 64 hex digits: over the ends of all, in the order of their names.
        before: SHA-256 of the canonical bytes of the anchor before, 64 hex digits, or "".
    """

    ledger: str
    at: datetime
    size: int
    root: str
    before: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of its canonical bytes, 64 hex digits: what the next one has as `before`."""
        return hashlib.sha256(canonical(self.document())).hexdigest()

    def document(self) -> dict[str, Json]:
        """Return it as it is published and hashed."""
        return {
            "schema": 1,
            "ledger": self.ledger,
            "at": timestamp(self.at),
            "size": self.size,
            "root": self.root,
            **({"before": self.before} if self.before else {}),
        }


class Inclusion(Struct, frozen=True):
    """A proof that the end of a history is under an anchor.

    Attributes:
        anchor: the anchor.
        end: the end of the history as it was then.
        index: its place among the ends, from 0.
        path: the siblings from the leaf up, 64 hex digits each.
    """

    anchor: Anchor
    end: End
    index: int
    path: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """The proof leads to the anchor's root."""
        path = [bytes.fromhex(one) for one in self.path]
        found = merkle.root_by(self.end.entry, self.index, self.anchor.size, path)
        return found is not None and found.hex() == self.anchor.root

    def document(self) -> dict[str, Json]:
        """Return it as packs carry it."""
        return {
            "anchor": self.anchor.document(),
            "history": [self.end.name, self.end.number, self.end.hash],
            "index": self.index,
            "path": list(self.path),
        }


def root_of(ends: Sequence[End]) -> str:
    """Return the root over the ends of histories, whatever their order, 64 hex digits."""
    return merkle.root([one.entry for one in sorted(ends)]).hex()


def proof_of(anchor: Anchor, ends: Sequence[End], name: str) -> Inclusion | None:
    """Return the proof that a history's end is under an anchor made of these; None if it is not."""
    ordered = sorted(ends)
    index = next((n for n, one in enumerate(ordered) if one.name == name), None)
    if index is None:
        return None
    path = merkle.inclusion([one.entry for one in ordered], index)
    return Inclusion(anchor, ordered[index], index, tuple(one.hex() for one in path))
