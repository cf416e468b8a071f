"""What the page of an asset shows of a day: where its versions stood as it closed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time

from msgspec import Struct, field

from stage_functions.application.as_of import of_asset
from stage_functions.application.context import Context
from stage_functions.domain.asset import Asset
from stage_functions.domain.history import Standing
from stage_functions.domain.standing_words import grounds


class StoodOn(Struct, frozen=True):
    """Where the versions of an asset stood on a day.

    Attributes:
        day: as it was asked for, ISO 8601; "" where nobody asked.
        wrong: what was asked for is no day.
        moment: the end of that day, or now where it is not over; None where nobody asked.
        standings: by version.
        grounds: in words, by version.
    """

    day: str = ""
    wrong: bool = False
    moment: datetime | None = None
    standings: Mapping[str, Standing] = field(default_factory=dict)
    grounds: Mapping[str, str] = field(default_factory=dict)


def stood_on(context: Context, wanted: Asset, day: str) -> StoodOn:
    """Return where the versions of an asset stood as a day closed, or stand now.

    Raises:
        NotFoundError: the ledger does not know the asset.
    """
    if not day:
        return StoodOn()
    try:
        end = datetime.combine(date.fromisoformat(day), time.max, UTC)
    except ValueError:
        return StoodOn(day[:40], wrong=True)
    moment = min(end, context.clock.now())
    standings = of_asset(context, wanted, moment)
    words = {number: grounds(one) for number, one in standings.items()}
    return StoodOn(day, moment=moment, standings=standings, grounds=words)
