"""Which copies are expected where: what makes a version, when it arrives, known as a copy.

One row for each version that a copy is to become, written before anything is copied. It says of
what it is a copy and where it begins. When the copy is registered, its incarnation is noted in the
row, no later than that commit: so no other thing of that name and number ever begins by it.
"""

from __future__ import annotations

from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.codec import pack, unpack
from stage_functions.application.ports.rows import (
    LEDGER,
    Change,
    Insert,
    Replace,
    Rows,
    Upsert,
)
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.people import STAGEWARD
from stage_functions.domain.state import Origin, VersionState
from stage_functions.domain.stored import Whole, demand_understood


class Expected(Whole, frozen=True):
    """A copy that is to come.

    Attributes:
        origin: what it is a copy of.
        stage: the stage that was granted, where the copy begins.
        lifecycle: name of the lifecycle that it was granted under.
        requester: id of who asked for that, or "".
        asked: what the tag `stage_request` of the original said: it comes along, and was answered.
        incarnation: of the copy that has been registered by this, or "".
    """

    origin: Origin
    stage: str
    lifecycle: str = ""
    requester: str = ""
    asked: str = ""
    incarnation: str = ""


def expected(rows: Rows, version: Version) -> tuple[Expected | None, str]:
    """Return what is expected to become a version, and the ETag of that; None and "" for nothing.

    Raises:
        StoreUnavailableError: as the store says.
        LaterReleaseError: a later release expects it under conditions that are not known here.
    """
    row = rows.get(LEDGER, keys.COPIES_PARTITION, keys.encode(str(version)))
    if row is None:
        return None, ""
    found = unpack(row, Expected)
    demand_understood(found)
    return found, row.etag


def expect(rows: Rows, version: Version, copy: Expected) -> None:
    """Expect a copy; where the same one is expected already, and has not come, nothing is done.

    Raises:
        ConflictError: somebody else expects or receives one at this moment.
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    known, etag = expected(rows, version)
    if known == copy:
        return
    key = keys.encode(str(version))
    copy = replace(copy, beyond=known.beyond) if known is not None else copy
    change: Change = Replace(key, pack(copy), etag) if etag else Insert(key, pack(copy))
    rows.commit(LEDGER, keys.COPIES_PARTITION, [change])


def received(rows: Rows, version: Version, state: VersionState) -> None:
    """Note which incarnation has begun as a copy, no later than the commit that says so.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    known, _ = expected(rows, version)
    if known is not None and known.origin == state.origin:
        row = pack(replace(known, incarnation=state.incarnation))
        rows.prepare(LEDGER, keys.COPIES_PARTITION, [Upsert(keys.encode(str(version)), row)])


def awaited(rows: Rows, snapshot: Snapshot, own: frozenset[str]) -> Expected | None:
    """Return by what a version of a registry is known as a copy; None where it is none.

    Only what Stageward itself has made can be one.

    Args:
        rows: the store.
        snapshot: the version.
        own: ids by which its registry names Stageward.
    """
    if snapshot.author is None or snapshot.author not in own | {STAGEWARD}:
        return None
    known, _ = expected(rows, snapshot.version)
    if known is None or known.incarnation not in ("", snapshot.incarnation):
        return None
    return known
