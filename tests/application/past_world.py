"""Instances over one ledger: of this release, of the one before, ones that die, ones that are late.

What the release before writes is said by what it leaves out: it keeps no past, its entries of the
catalog do not say up to where that is kept, and it carries along what a head says of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from enum import StrEnum

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import keys, query
from stage_functions.application.adoption import adopt
from stage_functions.application.attending import Attention, make_review
from stage_functions.application.codec import pack_bytes, unpack_bytes
from stage_functions.application.context import Context
from stage_functions.application.ports.rows import (
    CATALOG,
    LEDGER,
    Change,
    Delete,
    Leftover,
    Row,
    Rows,
    Upsert,
)
from stage_functions.application.rollback import RollbackCommand, request_rollback
from stage_functions.application.scan import Scanner, found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.domain.approval import Status
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import StagewardError, StoreUnavailableError
from stage_functions.domain.lifecycle import Emergency, Lifecycle, NotRatified, Review
from stage_functions.domain.state import MISSING_TWICE_SECONDS
from tests.builders import IRIS, actor, cast, context_over, timed
from tests.fakes.clock import FakeClock
from tests.fakes.registry import MemoryRegistry

ROSE = Asset("demo", IRIS.kind, "iris-rose")
"""Its name begins as the other's, and sorts behind it; its keys in the catalog sort before."""
OWN = ("past:", "earlier:")


def eventful() -> Lifecycle:
    """Return the lifecycle with a clock, a way back, an emergency, and reviews."""
    plain = timed()
    production = replace(
        plain.stages["Production"],
        rollback_within=timedelta(days=30),
        review=Review(timedelta(days=2), ("risk",), timedelta(days=1)),
    )
    return replace(
        plain,
        stages={**plain.stages, "Production": production},
        emergency=Emergency(("science",), timedelta(hours=20), NotRatified.REVERT),
        text={"name": "default", "shape": "eventful"},
    )


class Who(StrEnum):
    """Which instance does something."""

    PRESENT = "present"
    OLDER = "older"
    DYING = "dying"
    LATE = "late"


class InstanceRows:
    """The store as one instance meets it.

    Attributes:
        older: it writes as the release before does.
        dies: after its next decision nothing of it reaches the store.
        late: done before its next write to the catalog, by somebody else.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.older = False
        self.dies = False
        self.dead = False
        self.late: Callable[[], object] | None = None

    def get(self, table: str, partition: str, key: str) -> Row | None:
        """Return the row, or None."""
        return self._rows.get(table, partition, key)

    def query(
        self,
        table: str,
        partition: str,
        *,
        start: str = "",
        end: str | None = None,
        limit: int = 1000,
    ) -> list[Row]:
        """Return rows of a range."""
        return self._rows.query(table, partition, start=start, end=end, limit=limit)

    def commit(
        self,
        table: str,
        partition: str,
        changes: Sequence[Change],
        *,
        durable: bool = True,
        leftovers: Sequence[Leftover] = (),
    ) -> tuple[str, ...]:
        """Commit what this instance writes."""
        self._meet(table)
        if self.older and table == CATALOG and partition.startswith(OWN):
            return tuple("" for _ in changes)
        written = [self._written(table, partition, one) for one in changes]
        etags = self._rows.commit(table, partition, written, durable=durable, leftovers=leftovers)
        decided = any(one.key.startswith(keys.RECORD) for one in changes)
        self.dead = self.dead or (self.dies and decided and partition.startswith("asset:"))
        return etags

    def prepare(self, table: str, partition: str, changes: Sequence[Upsert]) -> None:
        """Prepare what this instance writes."""
        self._meet(table)
        written = [self._written(table, partition, one) for one in changes]
        self._rows.prepare(table, partition, [one for one in written if isinstance(one, Upsert)])

    def close(self) -> None:
        """Close the store behind."""
        self._rows.close()

    def _meet(self, table: str) -> None:
        if self.dead:
            message = "this instance is dead"
            raise StoreUnavailableError(message)
        if table == CATALOG and self.late is not None:
            meanwhile, self.late = self.late, None
            meanwhile()

    def _written(self, table: str, partition: str, change: Change) -> Change:
        if not self.older or isinstance(change, Delete) or "body0" not in change.values:
            return change
        is_head = table == LEDGER and change.key == keys.HEAD
        if not is_head and table != CATALOG:
            return change
        row = Row(change.key, "", change.values)
        content = msgspec.json.decode(unpack_bytes(row), type=dict[str, object])
        content.pop("followed", None)
        if is_head:
            content["past"] = self._past(partition)
        return msgspec.structs.replace(change, values=pack_bytes(msgspec.json.encode(content)))

    def _past(self, partition: str) -> object:
        before = self._rows.get(LEDGER, partition, keys.HEAD)
        known = msgspec.json.decode(unpack_bytes(before)) if before is not None else {}
        return known.get("past", 0)


class Estate(Struct, frozen=True):
    """Two assets in a registry, and the instances that govern them.

    Attributes:
        rows: the store behind all.
        present: the instance that is asked.
    """

    rows: SQLiteRows
    registry: MemoryRegistry
    clock: FakeClock
    present: Context
    governed_by: Lifecycle

    def instance(self, who: Who) -> tuple[Context, InstanceRows]:
        """Return a fresh instance."""
        rows = InstanceRows(self.rows)
        rows.older, rows.dies = who is Who.OLDER, who is Who.DYING
        context = context_over(
            rows, self.registry, self.clock, Mode.ENFORCE, governed_by=self.governed_by
        )
        return context, rows

    def act(self, who: Who, what: str, version: Version, stage: str) -> None:
        """Let people do something, and an instance answer."""
        context, rows = self.instance(who)
        if who is Who.LATE:
            other = Version(version.asset, "2" if version.number == "1" else "1")
            rows.late = lambda: self._do(self.instance(Who.PRESENT)[0], "ask", other, stage)
        with suppress(StagewardError):
            self._do(context, what, version, stage)
        self.clock.sleep(7)

    def _do(self, context: Context, what: str, version: Version, stage: str) -> None:
        if what == "register":
            self.registry.register(version, self.clock.now(), author="mlflow:sam")
            follow(context, Signal(version))
        elif what == "lose":
            self.registry.remove(version)
            for _ in range(2):
                Scanner(context).scan("demo")
                self.clock.sleep(MISSING_TWICE_SECONDS)
        elif what == "approve":
            for view in query.approvals(context, Status.OPEN):
                for person in ("bob", "eve"):
                    cast(context, view.approval.id, person)
        elif what == "sweep":
            self.clock.sleep(timedelta(days=1).total_seconds())
            sweep(context)
        elif what in ("roll back", "review", "urgent"):
            self._come_back(context, what, version, stage)
        elif self.registry.read(version) is not None:
            operation = context.clock.operation_id()
            request_transition(
                context, TransitionRequest(version, stage, "because", actor("sam"), operation)
            )

    def _come_back(self, context: Context, what: str, version: Version, stage: str) -> None:
        eve, operation = actor("eve"), context.clock.operation_id()
        if what == "roll back":
            request_rollback(context, RollbackCommand(version.asset, eve, operation))
        elif what == "review":
            make_review(context, Attention(version, "as it was", eve, operation))
        elif self.registry.read(version) is not None:
            urgent = TransitionRequest(version, stage, "it burns", actor("ada"), operation)
            request_transition(context, replace(urgent, emergency="INC-1"))


@contextmanager
def estate(governed_by: Lifecycle | None = None) -> Iterator[Estate]:
    """Return an estate of which nothing is known yet."""
    clock, registry, rows = FakeClock(), MemoryRegistry(), SQLiteRows(":memory:")
    ruled = governed_by or timed()
    present = context_over(rows, registry, clock, Mode.ENFORCE, governed_by=ruled)
    adopt(present)
    found_empty(present, "demo")
    with closing(rows):
        yield Estate(rows, registry, clock, present, ruled)
