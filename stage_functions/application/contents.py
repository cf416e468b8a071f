"""An index of which versions have a content, or come from a job: nominated, never believed.

Two rows at most for each version, beside the catalog, written no later than the decision that made
it known. A row stays when its version is gone or means another thing by then, and does no harm:
whoever asks looks at the version. All of them are written again by one command.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stage_functions.application import keys
from stage_functions.application.codec import plain
from stage_functions.application.ports.rows import CATALOG, MAX_BATCH_ROWS, Rows, Upsert
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.state import VersionState

MAX_NOMINATED = 100
_VERSION = "version"


def prepare(rows: Rows, asset: Asset, states: Mapping[str, VersionState]) -> None:
    """Write what identifies versions of an asset, no later than the commit that follows.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    for batch in _batches(asset, states):
        rows.prepare(CATALOG, keys.contents_partition(asset.registry), batch)


def rebuild(rows: Rows, asset: Asset, states: Mapping[str, VersionState]) -> None:
    """Write again what identifies the versions of an asset.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    for batch in _batches(asset, states):
        rows.commit(CATALOG, keys.contents_partition(asset.registry), batch)


def with_content(rows: Rows, registry: str, kind: str, content: str) -> Iterator[Version]:
    """Yield versions that had this content once, at most so many."""
    yield from _nominated(rows, registry, keys.content_prefix(kind, content))


def of_job(rows: Rows, registry: str, kind: str, job: str) -> Iterator[Version]:
    """Yield versions that a job had made once, at most so many."""
    yield from _nominated(rows, registry, keys.job_prefix(kind, job))


def _nominated(rows: Rows, registry: str, prefix: str) -> Iterator[Version]:
    found = rows.query(
        CATALOG,
        keys.contents_partition(registry),
        start=prefix,
        end=keys.after(prefix),
        limit=MAX_NOMINATED,
    )
    yield from (Version.parse(str(row.values[_VERSION])) for row in found)


def _batches(asset: Asset, states: Mapping[str, VersionState]) -> Iterator[list[Upsert]]:
    changes = [
        Upsert(f"{prefix}{keys.hashed(version)}", plain({_VERSION: version}))
        for version, state in ((f"{asset}:{number}", one) for number, one in states.items())
        for prefix in _prefixes(asset, state)
    ]
    for start in range(0, len(changes), MAX_BATCH_ROWS):
        yield changes[start : start + MAX_BATCH_ROWS]


def _prefixes(asset: Asset, state: VersionState) -> Iterator[str]:
    yield keys.content_prefix(asset.kind, state.content)
    if state.job:
        yield keys.job_prefix(asset.kind, state.job)
