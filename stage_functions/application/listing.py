"""Where approvals are found without a look at every asset."""

from __future__ import annotations

from collections.abc import Iterator

from stage_functions.application import keys
from stage_functions.application.context import Context
from stage_functions.application.ledger import VALIDITY, VERSION, Loaded
from stage_functions.application.ports.rows import LEDGER, WORK, Row
from stage_functions.domain.asset import Asset

PAGE = 1000


def open_ones(context: Context) -> Iterator[tuple[Loaded, tuple[str, ...]]]:
    """Yield assets with the open approvals that their heads list.

    An open approval has a row of the clock, its deadline, until that has fired; the rows of one
    that was closed stay till their moments. So rows only say which assets to look at.
    """
    seen: set[str] = set()
    for shard in range(keys.SHARDS):
        for row in _rows(context, WORK, f"deadlines-{shard:02d}"):
            name = str(row.values.get("asset", ""))
            if not name or name in seen or row.values.get(VALIDITY) or VERSION in row.values:
                continue
            seen.add(name)
            loaded = context.ledger.load(Asset.parse(name))
            yield loaded, loaded.head.approvals


def every_one(context: Context) -> Iterator[tuple[Loaded, tuple[str, ...]]]:
    """Yield assets with all approvals that they ever had, and ids that none came to have."""
    grouped: dict[str, list[str]] = {}
    for row in _rows(context, LEDGER, keys.APPROVALS_PARTITION):
        grouped.setdefault(str(row.values["asset"]), []).append(row.key)
    for name, ids in grouped.items():
        yield context.ledger.load(Asset.parse(name)), tuple(ids)


def _rows(context: Context, table: str, partition: str) -> Iterator[Row]:
    start = ""
    while True:
        rows = context.ledger.rows.query(table, partition, start=start, limit=PAGE)
        yield from rows
        if len(rows) < PAGE:
            return
        start = keys.behind(rows[-1].key)
