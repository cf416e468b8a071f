"""The row by which a ledger says which releases may work on it.

A ledger without it is of the first release, and every release since works on such a one. It is
written with a new ledger, and when a ledger was migrated; a release that is too old for what it
says does not start, and where it runs already its sweep finds out.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from stage_functions.application import keys
from stage_functions.application.codec import UPDATE, plain
from stage_functions.application.ports.rows import (
    LEDGER,
    Change,
    Insert,
    Replace,
    Row,
    Rows,
    Value,
)
from stage_functions.domain.error import BeingRestoredError, LaterReleaseError
from stage_functions.domain.record import timestamp

LEDGER_FORMAT = 2
"""What this release brings a ledger to. It is one more than that of the release before only where a
ledger that was migrated by this one differs from what that one left behind."""
LEAST = 1
"""What a release must know at the least to work on a ledger that this one has migrated."""
KNOWN = 3
"""What this release knows: that texts of lifecycles are in force whatever a file says, and that a
ledger which was restored waits. One that knows neither is barred where either counts: see `bar`."""
FIRST = 1
"""Of a ledger that does not say."""
KEY = "format"
RESTORING = "restoring"
"""A property of the row while a ledger is being restored: nothing works on what is half there."""
_LEDGER, _LEAST, _SINCE = "ledger", "least", "since"
_NOBODY = 2**31 - 1
"""A `least` that no release knows: it bars those too that do not know `restoring`."""


class LedgerFormat(Struct, frozen=True):
    """What a ledger says of itself.

    Attributes:
        ledger: to which format all of it was migrated.
        least: what a release must know at the least to work on it.
        etag: of the row; "" where there is none.
    """

    ledger: int = FIRST
    least: int = FIRST
    etag: str = ""


def ledger_format(rows: Rows) -> LedgerFormat:
    """Return what a ledger says of itself.

    Raises:
        LaterReleaseError: it says that this release is too old for it.
        BeingRestoredError: it is being restored, or that was broken off.
        StoreUnavailableError: as the store says.
    """
    row = rows.get(LEDGER, keys.LEDGER_PARTITION, KEY)
    if row is None:
        return LedgerFormat()
    if RESTORING in row.values:
        message = (
            f"this ledger is being restored from a backup, since {row.values.get(_SINCE)!s}, or "
            "that was broken off: nothing works on it until `stageward restore` has come to its end"
        )
        raise BeingRestoredError(message)
    return demand_known(row)


def demand_known(row: Row) -> LedgerFormat:
    """Return what the row of a ledger says, and demand that this release may work on it.

    Raises:
        LaterReleaseError: it is too old for it.
    """
    found = LedgerFormat(_number(row, _LEDGER), _number(row, _LEAST), row.etag)
    if found.least > KNOWN:
        message = (
            f"this ledger was migrated by a later release of Stageward, and needs one that knows "
            f"format {found.least}; this one knows {KNOWN}; {UPDATE}"
        )
        raise LaterReleaseError(message)
    return found


def say_format(rows: Rows) -> LedgerFormat:
    """Let a ledger say that it has the format of this release, unless it has a later one.

    Raises:
        ConflictError: somebody else does the same.
        LaterReleaseError, UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    return _say(rows, LEDGER_FORMAT, LEAST)


def bar(rows: Rows) -> None:
    """Let a ledger say that no release works on it which knows less than this one.

    There is no way back from it: what is protected from a change of a file would be no more if an
    older release could be started with that file.

    Raises:
        ConflictError, LaterReleaseError, UnknownOutcomeError, StoreUnavailableError: as the store
            says.
    """
    _say(rows, FIRST, KNOWN)


def _say(rows: Rows, ledger: int, least: int) -> LedgerFormat:
    row = rows.get(LEDGER, keys.LEDGER_PARTITION, KEY)
    known = ledger_format(rows)
    ledger, least = max(known.ledger, ledger), max(known.least, least)
    if row is not None and (known.ledger, known.least) == (ledger, least):
        return known
    values = plain({_LEDGER: ledger, _LEAST: least}, row)
    change: Change = Insert(KEY, values) if row is None else Replace(KEY, values, row.etag)
    (etag,) = rows.commit(LEDGER, keys.LEDGER_PARTITION, [change])
    return LedgerFormat(ledger, least, etag)


def barring(row: Row | None) -> dict[str, Value]:
    """Return the row of a ledger that was restored, from what the backup has of it, or None."""
    own = row if row is not None else Row(KEY, "", {})
    least = max(_number(own, _LEAST), KNOWN)
    return plain({_LEDGER: _number(own, _LEDGER), _LEAST: least}, own)


def restoring(backup: str, now: datetime) -> dict[str, Value]:
    """Return the row of a ledger that is being restored: no release works on it.

    Args:
        backup: SHA-256 of the backup's content.
        now: aware UTC.
    """
    at = timestamp(now)
    return plain({_LEDGER: FIRST, _LEAST: _NOBODY, RESTORING: backup, _SINCE: at})


def _number(row: Row, name: str) -> int:
    found = row.values.get(name, FIRST)
    return found if isinstance(found, int) else FIRST
