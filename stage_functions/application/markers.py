"""Markers in `work`: that a commit of an asset may owe something. The ledger writes them."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from stage_functions.application.ports.rows import Row
from stage_functions.domain.asset import Asset
from stage_functions.domain.error import InvalidInputError, LedgerDamagedError


class Marker(Struct, frozen=True):
    """A marker.

    Attributes:
        asset: whose commit.
        commit: its number.
        at: when it was to be made, aware.
    """

    asset: Asset
    commit: int
    at: datetime


def marker_of(row: Row) -> Marker:
    """Return the marker of a row.

    Raises:
        LedgerDamagedError: the row holds none.
    """
    values = row.values
    try:
        at = datetime.fromisoformat(str(values["at"]))
        marker = Marker(
            Asset.parse(str(values["asset"])),
            int(values["commit"]),
            at if at.tzinfo is not None else at.replace(tzinfo=UTC),
        )
    except (KeyError, ValueError, InvalidInputError) as exc:
        message = f"row {row.key} holds no marker: {type(exc).__name__} {exc}"
        raise LedgerDamagedError(message) from exc
    return marker
