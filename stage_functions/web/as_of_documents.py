"""How the API says what stood where at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from stage_functions.application.as_of import StandingPage
from stage_functions.domain.asset import Asset
from stage_functions.domain.history import Standing
from stage_functions.domain.standing_words import grounds
from stage_functions.wire import as_of_api as api


def as_of(owner: Asset, moment: datetime, standings: Mapping[str, Standing]) -> api.AsOf:
    """Return where the versions of an asset stood."""
    return api.AsOf(
        str(owner), moment, {number: _standing(one) for number, one in standings.items()}
    )


def estate(moment: datetime, page: StandingPage) -> api.EstatePage:
    """Return where versions of all assets stood."""
    stood = tuple(
        api.Stood(str(version.asset), version.number, _standing(one)) for version, one in page.found
    )
    return api.EstatePage(moment, stood, page.cursor or None)


def _standing(one: Standing) -> api.Standing:
    return api.Standing(
        stage=one.stage,
        since=one.since,
        record=one.number,
        why=one.why,
        approval=one.approval or None,
        approved_by=one.approved_by,
        lifecycle=one.lifecycle or None,
        valid_until=one.valid_until,
        origin=one.origin.version if one.origin is not None else None,
        grounds=grounds(one),
        owner=one.author or None,
        trainer=one.trainer or None,
        review_due=one.review_due,
    )
