"""A place for anchors in memory, behind the same port as the real ones."""

from __future__ import annotations

from collections.abc import Iterator

from stage_functions.domain.anchor import Anchor
from stage_functions.domain.error import SinkRefusedError, StagewardError


class MemoryAnchors:
    """A place in memory.

    Attributes:
        name: stable, part of rows.
        where: as people read it.
        taken: what was published, each time.
        fault: raised instead of taking anything, if set.
    """

    def __init__(self, name: str = "memory-1") -> None:
        self.name = name
        self.where = f"the place {name}"
        self.taken: list[Anchor] = []
        self.fault: StagewardError | None = None
        self._kept: dict[str, Anchor] = {}

    def publish(self, anchor: Anchor) -> None:
        """Take an anchor, once under its time."""
        if self.fault is not None:
            raise self.fault
        self.taken.append(anchor)
        if self._kept.setdefault(anchor.at.isoformat(), anchor) != anchor:
            message = "another one is there"
            raise SinkRefusedError(message)

    def kept(self) -> Iterator[Anchor]:
        """Yield what was taken, oldest first."""
        yield from sorted(self._kept.values(), key=lambda one: one.at)

    def close(self) -> None:
        """Hold nothing open."""
