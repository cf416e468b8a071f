"""The port of places for anchors: outside of what the ledger's writers can change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from stage_functions.domain.anchor import Anchor


class AnchorPlace(Protocol):
    """A place that takes anchors and never lets go of one. Safe to share between threads."""

    @property
    def name(self) -> str:
        """A short stable name, part of rows: made of the address, and without a secret."""
        ...

    @property
    def where(self) -> str:
        """The address, as people may read it."""
        ...

    def publish(self, anchor: Anchor) -> None:
        """Put an anchor there; return only when it is kept. The same one may be put twice.

        Raises:
            SinkUnavailableError: it cannot be reached, or answers 429 or 5xx: try again later.
            SinkRefusedError: it refuses; or it has another anchor under that name.
        """
        ...

    def kept(self) -> Iterator[Anchor]:
        """Yield the anchors that are kept there, oldest first; none where it only takes them.

        Raises:
            SinkUnavailableError, SinkRefusedError: as `publish`.
            InvalidInputError: something that is kept there is no anchor; the message names it.
        """
        ...

    def close(self) -> None:
        """Give back what the adapter holds open."""
        ...
