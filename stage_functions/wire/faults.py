"""How faults of a file are told: each with its place, all of one stage of checking together.

What is a fault is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from stage_functions.domain.error import ConfigurationError

MAX_SHOWN = 50


class Place(Struct, frozen=True, order=True):
    """Where something begins; both count from 1.

    Attributes:
        line: of the file.
        column: in characters.
    """

    line: int
    column: int


class Fault(Struct, frozen=True, order=True):
    """What is wrong, and where.

    Attributes:
        place: where it begins.
        message: what is wrong and what to do.
    """

    place: Place
    message: str


def raise_any(faults: Iterable[Fault], path: str) -> None:
    """Raise if there are faults: their number, then each with file, line and column.

    Raises:
        ConfigurationError: there is at least one.
    """
    found = sorted(set(faults))
    if not found:
        return
    number = "1 fault" if len(found) == 1 else f"{len(found)} faults"
    lines = [f"{path}:{f.place.line}:{f.place.column}: {f.message}" for f in found[:MAX_SHOWN]]
    more = [f"and {len(found) - MAX_SHOWN} more"] if len(found) > MAX_SHOWN else []
    raise ConfigurationError("\n".join([f"{number} in {path}", *lines, *more]))
