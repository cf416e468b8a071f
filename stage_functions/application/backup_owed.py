"""What lets the sweep find owed work and due moments, where it vanishes during a backup.

An asset's rows are read at one moment, and `work` later. What was done in between has left the one
and stands in the other: restored like that, nobody would ever come back to it. A marker, or a row
of the clock, says only where to look; one too many does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import itemgetter

from stage_functions.application import keys
from stage_functions.application.codec import plain, unpack
from stage_functions.application.ledger import Head
from stage_functions.application.ports.rows import WORK, Row, Rows
from stage_functions.domain.asset import Asset
from stage_functions.domain.error import StagewardError

PAGE = 1000
AHEAD = timedelta(days=1)
"""So much later than a backup is begun a moment may come before that backup has read it."""


class Owing:
    """Remembers what `work` has to have, by partition and key.

    Args:
        rows: the store.
        now: when the backup is begun.
    """

    def __init__(self, rows: Rows, now: datetime) -> None:
        self._now = now
        self._wanted: dict[tuple[str, str], Row] = {}
        for shard in range(keys.SHARDS):
            self._soon(rows, f"deadlines-{shard:02d}", (now + AHEAD).isoformat())

    def note(self, name: str, head: Row | None) -> None:
        """Note the markers of an asset's owed work, by its head."""
        try:
            asset = Asset.parse(name)
            owing = unpack(head, Head).owing if head is not None else frozenset()
        except StagewardError:  # no asset, or one that nothing can be told of
            return
        partition = keys.asset_partition(asset)
        for commit in owing:
            key = keys.marker_key(partition, commit)
            at = self._now.isoformat()
            marker = plain({"asset": str(asset), "commit": commit, "at": at})
            self._wanted[keys.outbox_shard(partition), key] = Row(key, "", marker)

    def found(self, partition: str, key: str) -> None:
        """Note that a row is there."""
        self._wanted.pop((partition, key), None)

    def missing(self) -> Iterator[tuple[str, Row]]:
        """Yield what is not there any more, each with its partition."""
        for (partition, _), row in sorted(self._wanted.items(), key=itemgetter(0)):
            yield partition, row

    def _soon(self, rows: Rows, partition: str, end: str) -> None:
        start = ""
        while True:
            page = rows.query(WORK, partition, start=start, end=end, limit=PAGE)
            self._wanted.update({(partition, row.key): row for row in page})
            if len(page) < PAGE:
                return
            start = keys.behind(page[-1].key)
