"""Records as packs carry them: one a line, with the very bytes that were hashed, damaged ones too.

A line is JSON, and laid out so that the bytes are found without reading it: the hashed bytes of a
record are all between `"record":` and the last brace. Nothing need be written canonically anew.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from stage_functions.application import keys
from stage_functions.application.codec import unpack_bytes, unpack_record
from stage_functions.application.ledger import Ledger
from stage_functions.application.ports.rows import LEDGER, Row
from stage_functions.domain.chain import Fault, verify
from stage_functions.domain.error import LaterReleaseError, LedgerDamagedError
from stage_functions.domain.record import Record, Tail

PAGE = 1000
_HASH = re.compile(r"[0-9a-f]{64}\Z")
UNREADABLE = "it cannot even be read"


class Line(Struct, frozen=True):
    """A record as its row has it, whether that can be read or not.

    Attributes:
        key: of its row.
        body: the bytes that were hashed.
        prev: what the row says of the hash before.
        hash: what the row says of its own hash.
        record: the record, or None where the row holds none.
    """

    key: str
    body: bytes
    prev: str
    hash: str
    record: Record | None

    def written(self) -> bytes:
        """Return the line; one that holds no record keeps its bytes in base64."""
        plain = _HASH.match(self.prev) and _HASH.match(self.hash)
        if plain and self.record is not None and b"\n" not in self.body:
            ends = f'{{"prev":"{self.prev}","hash":"{self.hash}","record":'
            return ends.encode() + self.body + b"}\n"
        told = {
            "prev": self.prev,
            "hash": self.hash,
            "row": self.key,
            "damaged": base64.b64encode(self.body).decode(),
        }
        return json.dumps(told).encode() + b"\n"


def lines(ledger: Ledger, partition: str, last: int, *, after: int = 0) -> Iterator[Line]:
    """Yield the records of a history behind a number and up to another, as they are kept.

    Raises:
        StoreUnavailableError: the ledger cannot be read now.
    """
    start, end = keys.record_key(after + 1), keys.record_key(last + 1)
    while True:
        rows = ledger.rows.query(LEDGER, partition, start=start, end=end, limit=PAGE)
        for row in rows:
            yield _line(row)
        if len(rows) < PAGE:
            return
        start = keys.behind(rows[-1].key)


def look_over(found: Iterator[Line], head: Tail, see: Callable[[Record], None]) -> Fault | None:
    """Look at every record of a history that can be read, and find the first that is bad.

    Args:
        found: the lines, in order; all of them are read.
        head: where the history ends.
        see: is shown each record, good or bad, in order.
    """
    unread: list[Fault] = []

    def readable() -> Iterator[Record]:
        for line in found:
            if line.record is None:
                number = int(line.key.removeprefix(keys.RECORD))
                unread.append(Fault(number, UNREADABLE))
                return
            see(line.record)
            yield line.record

    fault = verify(head.ledger, head.asset, readable(), head=head)
    for line in found:
        if line.record is not None:
            see(line.record)
    return unread[0] if unread else fault


def _line(row: Row) -> Line:
    prev, hash_ = str(row.values.get("prev", "")), str(row.values.get("hash", ""))
    try:
        return Line(row.key, unpack_bytes(row), prev, hash_, unpack_record(row))
    except (LedgerDamagedError, LaterReleaseError):
        return Line(row.key, unpack_bytes(row), prev, hash_, None)
