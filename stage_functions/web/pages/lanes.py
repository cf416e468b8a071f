"""Who held each exclusive stage when, as bars on a line of time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from stage_functions.application.holding import Holding

LANES = 12
ROW = 44
"""Height of a bar with the text above it."""
_LEAST = 0.6


class Bar(Struct, frozen=True):
    """A version's time at a stage, in percent of the picture's width.

    Attributes:
        holding: who held what.
        x: where it begins.
        width: how long it is.
        y: where its row begins.
    """

    holding: Holding
    x: float
    width: float
    y: int


class Lanes(Struct, frozen=True):
    """All bars, the latest on top.

    Attributes:
        bars: at most `LANES`.
        height: of all of them.
        since: the moment at its left edge.
        until: the moment at its right edge.
        left_out: how many earlier ones are only in the table.
    """

    bars: tuple[Bar, ...]
    height: int
    since: datetime
    until: datetime
    left_out: int


def lanes(holdings: Sequence[Holding], now: datetime) -> Lanes | None:
    """Return the picture of these, the latest first; None where there is nothing to draw."""
    shown = holdings[:LANES]
    known = [at for one in shown for at in (one.since, one.until) if at is not None]
    if not known:
        return None
    since, until = min(known), max(now, *known)
    whole = (until - since).total_seconds() or 1.0

    def place(at: datetime) -> float:
        return round((at - since).total_seconds() / whole * 100, 3)

    bars: list[Bar] = []
    for n, one in enumerate(shown):
        begin = place(one.since) if one.since else 0.0
        width = max(_LEAST, (place(one.until) if one.until else 100.0) - begin)
        bars.append(Bar(one, min(begin, 100 - width), width, n * ROW))
    return Lanes(tuple(bars), len(bars) * ROW, since, until, len(holdings) - len(shown))
