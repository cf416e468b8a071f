"""The kinds of rows that there are, where each lies, and how an older one becomes a present one.

A row's `format` is the layout of its kind; a reader that knows less does not decide on it. Rows of
the first release that hold no value in JSON have none: they count as format 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from stage_functions.application import anchor_rows, keys
from stage_functions.application.catalog import CatalogEntry
from stage_functions.application.codec import (
    FORMAT,
    foreign,
    format_of,
    plain,
    unpack,
    unpack_record,
)
from stage_functions.application.copies import Expected
from stage_functions.application.decided import Decided
from stage_functions.application.holds import Hold
from stage_functions.application.laws import LAW, Law
from stage_functions.application.ledger import Head, Owed
from stage_functions.application.ledger_format import KEY
from stage_functions.application.link_keys import PREFIX as LINK_KEY
from stage_functions.application.names import Names
from stage_functions.application.past import Past
from stage_functions.application.ports.rows import BLOBS, CATALOG, LEDGER, WORK, Row, Value
from stage_functions.application.registries import RegistryState
from stage_functions.application.tokens import PARTITION as TOKENS
from stage_functions.application.tokens import Token
from stage_functions.application.unregistered_rows import Note
from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Kind
from stage_functions.domain.error import StagewardError
from stage_functions.domain.state import VersionState
from stage_functions.domain.stored import Stored

Values = Mapping[str, Value]
Step = Callable[[Values], Values]
"""Makes of a row's properties in one format those in the next."""


class RowKind(Struct, frozen=True):
    """A kind of row.

    Attributes:
        name: as reports call it.
        holds: the value that it holds in JSON, or None.
        needs: the properties that it has otherwise.
        format: the one that this release writes.
        steps: by format, how a row of it becomes one of the next.
    """

    name: str
    holds: type[Stored] | None = None
    needs: tuple[str, ...] = ()
    format: int = FORMAT
    steps: Mapping[int, Step] = field(default_factory=lambda: {0: plain})

    def fault(self, row: Row) -> str:
        """Say why this release cannot read a row; an empty text where it can."""
        try:
            if self is RECORD:
                unpack_record(row)
            elif self.holds is not None:
                return unpack(row, self.holds, known=self.format).doubt
        except StagewardError as exc:
            return str(exc)
        return foreign(row, *self.needs)

    def migrated(self, row: Row) -> Values | None:
        """Return the properties of a row in the present format; None where it has that already."""
        values, at = row.values, format_of(row)
        if at >= self.format:
            return None
        for number in range(at, self.format):
            values = self.steps[number](values)
        return {**values, "format": self.format}


HEAD = RowKind("head", Head)
RECORD = RowKind("record")
_ONE_EACH: Mapping[str, RowKind] = {
    keys.ASSETS_PARTITION: RowKind("asset", needs=("asset",)),
    keys.APPROVALS_PARTITION: RowKind("approval's asset", needs=("asset",)),
    keys.NAMES_PARTITION: RowKind("name", needs=("id",)),
    keys.PEOPLE_PARTITION: RowKind("person's names", Names),
    keys.HOLDS_PARTITION: RowKind("held asset", needs=("asset",)),
    keys.LIFECYCLES_PARTITION: RowKind("lifecycle's name", needs=("name",)),
    keys.COPIES_PARTITION: RowKind("expected copy", Expected),
    TOKENS: RowKind("token", Token),
}
"""By partition of the ledger, where all of its rows are of one kind."""
_OF_ASSETS: Mapping[str, RowKind] = {
    keys.HEAD: HEAD,
    keys.VERSION: RowKind("version", VersionState),
    keys.APPROVAL: RowKind("approval", Approval),
    keys.RECORD: RECORD,
    keys.OPERATION: RowKind("answer", needs=("at",)),
    keys.OUTBOX: RowKind("owed work", Owed),
    keys.HOLD: RowKind("hold", Hold),
}
"""By how their keys begin."""
_OF_LIFECYCLES: Mapping[str, RowKind] = {
    keys.HEAD: HEAD,
    keys.RECORD: RECORD,
    LAW: RowKind("lifecycle in force", Law),
    "adopted": RowKind("adopted lifecycle", needs=("digest",)),
    "sink:": RowKind("published adoptions", needs=("number",)),
}
_POINTER = RowKind("unregistered, found by", needs=("key",))
_LEDGERS_OWN: Mapping[str, RowKind] = {
    "id": RowKind("ledger's id", needs=("id",)),
    "secret": RowKind("ledger's secret", needs=("secret",)),
    keys.RESTORED: RowKind("ledger's restores", needs=("count",)),
    KEY: RowKind("ledger's format", needs=("ledger", "least")),
    LINK_KEY: RowKind("key of links", needs=("secret", "created")),
}
_PARTITIONS: Mapping[tuple[str, str], Mapping[str, RowKind]] = {
    (LEDGER, keys.LEDGER_PARTITION): _LEDGERS_OWN,
    (LEDGER, "asset:"): _OF_ASSETS,
    (LEDGER, "lifecycle:"): _OF_LIFECYCLES,
    (LEDGER, keys.JOURNAL_PARTITION): _OF_LIFECYCLES,
    (LEDGER, anchor_rows.PARTITION): {
        anchor_rows.LATEST: RowKind("latest anchor", anchor_rows.KeptAnchor),
        anchor_rows.ANCHOR: RowKind("anchor", anchor_rows.KeptAnchor),
        anchor_rows.PLACE: RowKind("place of anchors", anchor_rows.Published),
    },
    (LEDGER, "registry:"): {"state": RowKind("registry", RegistryState)},
    (LEDGER, "unregistered:"): {
        keys.NOTE: RowKind("unregistered", Note),
        "content:": _POINTER,
        "job:": _POINTER,
    },
    (WORK, "outbox-"): {"": RowKind("marker", needs=("asset", "commit", "at"))},
    (WORK, "deadlines-"): {"": RowKind("moment", needs=("asset",))},
    (CATALOG, "contents:"): {"": RowKind("content", needs=("version",))},
    (CATALOG, "violators:"): {"": RowKind("violator", needs=("endpoint", "version"))},
    (CATALOG, "past:"): {"": RowKind("past", Past)},
    (CATALOG, "earlier:"): {"": RowKind("earlier past", Past)},
    (CATALOG, "uses:"): {"": RowKind("user", needs=("user",))},
    (CATALOG, keys.WHOLE_PARTITION): {"": RowKind("whole catalog", needs=("ledger",))},
    (CATALOG, keys.DECIDED_PARTITION): {"": RowKind("decided approval", Decided)},
    (BLOBS, ""): {"": RowKind("document", needs=("body0",))},
    **{(LEDGER, name): {"": kind} for name, kind in _ONE_EACH.items()},
}
"""By table and how the partition begins, then by how the key begins."""
_ENTRY = RowKind("catalog entry", CatalogEntry)


def kind_of(table: str, partition: str, key: str) -> RowKind | None:
    """Return the kind of the row at a place; None where this release has no rows."""
    if table == CATALOG and partition.partition(":")[2] in list(Kind):
        return _ENTRY
    for (where, begins), kinds in _PARTITIONS.items():
        whole = not begins.endswith((":", "-")) and begins
        there = partition == begins if whole else partition.startswith(begins)
        if where == table and there:
            return next((kind for start, kind in kinds.items() if key.startswith(start)), None)
    return None
