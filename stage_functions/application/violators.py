"""An index of what violates at endpoints, beside the catalog: nominated, never believed.

One row for each version that was recorded as served by an endpoint where its stage did not allow
it, in a partition of that endpoint's registry, written no later than the decision that says so. A
row stays when that is put right, and does no harm: whoever asks looks at the version. All of them
are written again by one command.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stage_functions.application import keys
from stage_functions.application.codec import plain
from stage_functions.application.ports.rows import CATALOG, Rows, Upsert
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.state import VersionState

MAX_NOMINATED = 100
PAGE = 1000
_ENDPOINT, _VERSION = "endpoint", "version"


def prepare(rows: Rows, version: Version, state: VersionState, before: VersionState | None) -> None:
    """Write where a version violates since this decision, no later than its commit.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    known = _endpoints(before) if before is not None else ()
    for endpoint in _endpoints(state):
        if endpoint not in known:
            partition, row = _row(endpoint, version)
            rows.prepare(CATALOG, partition, [row])


def rebuild(rows: Rows, asset: Asset, states: Mapping[str, VersionState]) -> None:
    """Write again where the versions of an asset violate.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    for number, state in states.items():
        for endpoint in _endpoints(state):
            partition, row = _row(endpoint, Version(asset, number))
            rows.commit(CATALOG, partition, [row])


def nominated(rows: Rows, endpoint: str) -> Iterator[Version]:
    """Yield versions that violated at `registry/endpoint` once, at most so many.

    Raises:
        StoreUnavailableError: as the store says.
    """
    prefix = keys.violator_prefix(endpoint)
    found = rows.query(
        CATALOG,
        keys.violators_partition(endpoint),
        start=prefix,
        end=keys.after(prefix),
        limit=MAX_NOMINATED,
    )
    yield from (Version.parse(str(row.values[_VERSION])) for row in found)


def places(rows: Rows, registry: str) -> Iterator[tuple[str, Version]]:
    """Yield endpoints of a registry where a version violated once, each with that version.

    Raises:
        StoreUnavailableError: as the store says.
    """
    start = ""
    while True:
        page = rows.query(CATALOG, keys.violators_partition(registry), start=start, limit=PAGE)
        for row in page:
            yield str(row.values[_ENDPOINT]), Version.parse(str(row.values[_VERSION]))
        if len(page) < PAGE:
            return
        start = keys.behind(page[-1].key)


def _endpoints(state: VersionState) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.endpoint for one in state.violating if one.endpoint))


def _row(endpoint: str, version: Version) -> tuple[str, Upsert]:
    key = f"{keys.violator_prefix(endpoint)}{keys.hashed(str(version))}"
    return keys.violators_partition(endpoint), Upsert(
        key, plain({_ENDPOINT: endpoint, _VERSION: str(version)})
    )
