"""What stands in a run as MLflow tells of it, wherever that is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from stage_functions.domain.record import timestamp
from stage_functions.wire.document import member, text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def numbers(rows: Iterable[object]) -> dict[str, float]:
    """Return metrics by name: numbers, and the names of what is none, such as "NaN"."""
    found = ((text(row, "key"), _number(member(row, "value"))) for row in rows)
    return {key: value for key, value in found if key and value is not None}


def moment(milliseconds: int | None) -> str:
    """Return a moment as records write it; "" where there is none, or none that a year can hold."""
    found = instant(milliseconds)
    return timestamp(found) if found else ""


def instant(milliseconds: int | None) -> datetime | None:
    """Return a moment, aware UTC; None where there is none, or none that a year can hold."""
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds) if milliseconds else None
    except OverflowError:
        return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
