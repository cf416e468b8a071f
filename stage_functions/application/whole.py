"""Whether the catalog has all that the histories say, or was lost, or came back older than they.

A row of the catalog itself says that it has been kept since the ledger began, or since it was last
rebuilt. Whoever wipes the catalog wipes that with it; a restore leaves it out, since a backup that
was made while instances ran has lists that are older than its histories. While it is not there
nobody believes what the catalog says of the past, and `status` tells it.
"""

from __future__ import annotations

from contextlib import suppress

from stage_functions.application import keys
from stage_functions.application.codec import plain
from stage_functions.application.ports.rows import ANY_ETAG, CATALOG, Delete, Insert, Rows, Upsert
from stage_functions.domain.error import ConflictError

_KEY = "ledger"


def is_whole(rows: Rows, ledger: str) -> bool:
    """Tell whether the catalog is one of this ledger, and has all that it says.

    Raises:
        StoreUnavailableError: as the store says.
    """
    row = rows.get(CATALOG, keys.WHOLE_PARTITION, _KEY)
    return row is not None and row.values.get(_KEY) == ledger


def begin(rows: Rows, ledger: str) -> None:
    """Say that the catalog of a new ledger has all; not of one that was kept for another ledger.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    with suppress(ConflictError):
        rows.commit(CATALOG, keys.WHOLE_PARTITION, [Insert(_KEY, plain({_KEY: ledger}))])


def say(rows: Rows, ledger: str) -> None:
    """Say that the catalog has all, once it was rebuilt.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    rows.commit(CATALOG, keys.WHOLE_PARTITION, [Upsert(_KEY, plain({_KEY: ledger}))])


def unsay(rows: Rows) -> None:
    """Let the catalog be rebuilt: say no more that it has all.

    Raises:
        UnknownOutcomeError, StoreUnavailableError: as the store says.
    """
    with suppress(ConflictError):  # it does not say so
        rows.commit(CATALOG, keys.WHOLE_PARTITION, [Delete(_KEY, ANY_ETAG)])
