"""An index of who uses a version, beside the catalog: it nominates, and is never believed.

One row for each version that uses another, in a partition of the asset that is used, written no
later than the decision that it is about. A row stays when its user is gone or uses something else
by then, and does no harm: see `relations`. All of them are written again by one command.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stage_functions.application import keys
from stage_functions.application.codec import plain
from stage_functions.application.ports.rows import CATALOG, MAX_BATCH_ROWS, Rows, Upsert
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.state import VersionState


def prepare(rows: Rows, user: Version, of: tuple[str, ...]) -> None:
    """Write that a version uses others, no later than the commit that follows.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    for partition, batch in _batches(user, of):
        rows.prepare(CATALOG, partition, batch)


def rebuild(rows: Rows, asset: Asset, states: Mapping[str, VersionState]) -> None:
    """Write again what the versions of an asset use.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    for number, state in states.items():
        for partition, batch in _batches(Version(asset, number), state.uses):
            rows.commit(CATALOG, partition, batch)


def _batches(user: Version, of: tuple[str, ...]) -> Iterator[tuple[str, list[Upsert]]]:
    by_partition: dict[str, list[Upsert]] = {}
    for text in of:
        one = Version.parse(text)
        row = Upsert(keys.user_key(one, user), plain({"user": str(user)}))
        by_partition.setdefault(keys.users_partition(one.asset), []).append(row)
    for partition, batch in by_partition.items():
        for start in range(0, len(batch), MAX_BATCH_ROWS):
            yield partition, batch[start : start + MAX_BATCH_ROWS]


def nominated(rows: Rows, of: Version, limit: int) -> list[Version]:
    """Return versions that used this one once, at most so many.

    Raises:
        StoreUnavailableError: as the store says.
    """
    start = keys.users_prefix(of)
    found = rows.query(
        CATALOG,
        keys.users_partition(of.asset),
        start=start,
        end=keys.after(start),
        limit=limit,
    )
    return [Version.parse(str(row.values["user"])) for row in found]
