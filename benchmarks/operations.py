"""What each kind of event costs at the services behind: counted, on Table Storage and Azure ML.

The store is the real client of Table Storage before Azurite, the registry the real adapter before
a local Azure ML. What is counted is the same each time, so `operations.json` is kept beside this
file, a test holds it against the code, and the cost model in `cost.py` is reckoned from it.

    python -m benchmarks.operations        counts again, and writes `operations.json`
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from msgspec.structs import replace

from benchmarks.rows import Row
from benchmarks.world import AZURE, World, context_over, version
from stage_functions.adapters.azureml import AzureMlRegistry
from stage_functions.adapters.azureml_cloud import cloud
from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.tables import TableRows, table_service
from stage_functions.application.answer import Answer
from stage_functions.application.ports.rows import (
    Change,
    Delete,
    Leftover,
    Rows,
    Upsert,
    Value,
)
from stage_functions.application.ports.rows import (
    Row as StoredRow,
)
from stage_functions.application.scan import Scanner, found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.observation import STAGE_REQUEST
from stage_functions.triggers import schedules
from tests.azureml import LocalAzureMl, running
from tests.azureml.place import Place
from tests.azurite import connection_string, running_azurite
from tests.fakes.sink import MemorySink
from tests.fakes.telemetry import CountingTelemetry

KEPT = Path(__file__).parent / "operations.json"
ASSETS, EACH = 30, 4
"""What a scan is counted over."""
_PAGE_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Cost:
    """What something costs at the services behind.

    Attributes:
        trips: requests to Table Storage, each waited for.
        billed: operations that it bills: every row of a batch is one, every page of a query.
        written: of the requests, those that write.
        reads: calls to the resource manager that change nothing.
        writes: calls to it that write.
        tracking: calls to the workspace's tracking server, which has limits of its own.
        events: records handed to the topic.
        kept: bytes that the ledger has more of, names of properties and keys included.
    """

    trips: float = 0
    billed: float = 0
    written: float = 0
    reads: float = 0
    writes: float = 0
    tracking: float = 0
    events: float = 0
    kept: float = 0

    def times(self, factor: float) -> Cost:
        """Return this cost, so many times."""
        return Cost(*(getattr(self, one.name) * factor for one in fields(self)))

    def plus(self, other: Cost) -> Cost:
        """Return both costs together."""
        return Cost(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


class CountingRows:
    """A store that counts what it is asked for.

    Attributes:
        trips: requests.
        billed: operations as Table Storage bills them.
        written: requests that write.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._sizes: dict[tuple[str, str, str], int] = {}
        self.trips = 0
        self.billed = 0
        self.written = 0

    @property
    def kept(self) -> int:
        """Bytes of all rows, names of properties and keys included."""
        return sum(self._sizes.values())

    def _keep(self, table: str, partition: str, changes: Sequence[Change]) -> None:
        for change in changes:
            place = (table, partition, change.key)
            if isinstance(change, Delete):
                self._sizes.pop(place, None)
            else:
                self._sizes[place] = _size(partition, change.key, change.values)

    def _count(self, billed: int, *, writes: bool = False) -> None:
        self.trips += 1
        self.billed += billed
        self.written += writes

    def get(self, table: str, partition: str, key: str) -> StoredRow | None:
        """Read a row; see `Rows`."""
        self._count(1)
        return self._rows.get(table, partition, key)

    def query(
        self,
        table: str,
        partition: str,
        *,
        start: str = "",
        end: str | None = None,
        limit: int = 1000,
    ) -> list[StoredRow]:
        """Read rows, page by page; see `Rows`."""
        found = self._rows.query(table, partition, start=start, end=end, limit=limit)
        for _ in range(max(1, -(-len(found) // _PAGE_ROWS))):
            self._count(1)
        return found

    def commit(
        self,
        table: str,
        partition: str,
        changes: Sequence[Change],
        *,
        durable: bool = True,
        leftovers: Sequence[Leftover] = (),
    ) -> tuple[str, ...]:
        """Commit a batch, which is one request, and bills each row; see `Rows`."""
        self._count(len(changes), writes=True)
        for _ in leftovers:
            self._count(1, writes=True)
        etags = self._rows.commit(table, partition, changes, durable=durable, leftovers=leftovers)
        self._keep(table, partition, changes)
        for one in leftovers:
            self._sizes.pop((one.table, one.partition, one.key), None)
        return etags

    def prepare(self, table: str, partition: str, changes: Sequence[Upsert]) -> None:
        """Write rows ahead; see `Rows`."""
        self._count(len(changes), writes=True)
        self._rows.prepare(table, partition, changes)
        self._keep(table, partition, changes)

    def close(self) -> None:
        """Close the store behind."""
        self._rows.close()


def _size(partition: str, key: str, values: Mapping[str, Value]) -> int:
    """Return what a row takes as Azure documents it: text is UTF-16, each property has a name."""
    size = 4 + 2 * (len(partition) + len(key))
    for name, value in values.items():
        size += 8 + 2 * len(name)
        match value:
            case bytes():
                size += len(value) + 4
            case str():
                size += 2 * len(value) + 4
            case _:
                size += 4
    return size


@dataclass(frozen=True, slots=True)
class _Counted:
    """Stageward over a store and a workspace that count."""

    world: World
    rows: CountingRows
    sink: MemorySink
    local: LocalAzureMl
    place: Place

    def cost(self, act: Callable[[], object]) -> Cost:
        """Return what an act costs."""
        trips, billed, kept = self.rows.trips, self.rows.billed, self.rows.kept
        written = self.rows.written
        before, taken = len(self.local.calls), len(self.sink.taken)
        act()
        made = [
            call
            for call in self.local.calls[before:]
            if self.place.id.casefold() in call.path.casefold()
        ]
        managed = [call for call in made if call.path.startswith("/subscriptions/")]
        reads = sum(call.method == "GET" for call in managed)
        return Cost(
            trips=self.rows.trips - trips,
            billed=self.rows.billed - billed,
            written=self.rows.written - written,
            reads=reads,
            writes=len(managed) - reads,
            tracking=len(made) - len(managed),
            events=len(self.sink.taken) - taken,
            # What a timer tidies up is nobody's gain; ids and times differ by some bytes.
            kept=max(0, round(self.rows.kept - kept, -2)),
        )

    def register(self, it: Version) -> None:
        """Let a finished job register a version."""
        job = self.local.job(self.place, metrics={"accuracy": 0.93}, params={"depth": "4"})
        self._put(it, {"jobName": job})

    def wish(self, it: Version, value: str) -> None:
        """Let somebody ask by tag, beside the tags that are there."""
        there = self.local.version(self.place, "models", it.asset.name, it.number) or {}
        properties = there["properties"]
        tags = {**properties.get("tags", {}), STAGE_REQUEST: value}
        self._put(it, {"jobName": properties.get("jobName"), "tags": tags})

    def _put(self, it: Version, more: Mapping[str, object]) -> None:
        path = f"{it.asset.name}/{it.number}"
        properties = {
            "modelUri": f"azureml://subscriptions/s/datastores/ds/paths/{path}",
            "modelType": "mlflow_model",
            "tags": {"team": "risk"},
            **more,
        }
        self.local.put_version(self.place, "models", it.asset.name, it.number, properties)

    def tell(self, it: Version) -> None:
        """Deliver a signal about a version."""
        follow(self.world.context, Signal(it))


def count() -> dict[str, Cost]:
    """Count what each kind of event costs; the keys say which."""
    with _counted() as it:
        return {**_events(it), **_decisions(it), **_timers(it)}


def _events(it: _Counted) -> dict[str, Cost]:
    """Count what signals cost: registered, nothing to do, asked by tag for nothing and for much."""
    one = version(AZURE, "iris")
    it.register(one)
    registered = it.cost(lambda: it.tell(one))
    no_op = it.cost(lambda: it.tell(one))
    it.wish(one, "Nowhere: because")
    refused = it.cost(lambda: it.tell(one))
    it.wish(one, "Staging: tested")
    granted = it.cost(lambda: it.tell(one))
    return {"registered": registered, "no-op": no_op, "refused": refused, "granted": granted}


def _decisions(it: _Counted) -> dict[str, Cost]:
    """Count what a request costs that waits for approval, and the vote that grants it."""
    first, second = (version(AZURE, "approved", number) for number in (1, 2))
    for each in (first, second):
        it.register(each)
        it.tell(each)
    it.world.approve(it.world.ask(first, "Production"))
    asked: list[Answer] = []
    opened = it.cost(lambda: asked.append(it.world.ask(second, "Production")))
    voted = it.cost(lambda: it.world.approve(asked[0]))
    return {"approval opens": opened, "vote grants, one displaced": voted}


def _timers(it: _Counted) -> dict[str, Cost]:
    """Count a sweep with nothing to do, and what a scan costs for each asset that it lists."""
    schedules.sweep(it.world.context)  # the first one announces the lifecycles
    idle = it.cost(lambda: schedules.sweep(it.world.context))
    scanner = Scanner(it.world.context)
    empty = it.cost(lambda: _scan(scanner))
    for name in range(ASSETS):
        for number in range(1, EACH + 1):
            each = version(AZURE, f"model-{name:03d}", number)
            it.register(each)
            it.tell(each)
    whole = it.cost(lambda: _scan(scanner))
    return {"idle sweep": idle, "scan, each asset": whole.plus(empty.times(-1)).times(1 / ASSETS)}


def _scan(scanner: Scanner) -> None:
    while not scanner.scan(AZURE).complete:
        pass


@contextmanager
def _counted() -> Iterator[_Counted]:
    with running_azurite() as port, running() as local, local.in_environment():
        place = local.workspace("counted")
        rows = CountingRows(_tables(port))
        with closing(rows), closing(_registry(local, place)) as registry:
            sink = MemorySink("topic")
            bare = context_over(rows, SystemClock(), {AZURE: registry}, [sink])
            context = replace(bare, telemetry=CountingTelemetry())  # with it, sweeps show figures
            found_empty(context, AZURE)
            yield _Counted(World(context, {}), rows, sink, local, place)


def _tables(port: int) -> TableRows:
    rows = TableRows(table_service(connection_string(port)))
    rows.create_tables()
    return rows


def _registry(local: LocalAzureMl, place: Place) -> AzureMlRegistry:
    return AzureMlRegistry(
        AZURE,
        place.id,
        local.credential("governor"),
        cloud=cloud(local.url, local.url),
        kinds=[Kind.MODELS],
    )


def kept() -> dict[str, Cost]:
    """Return what was counted last, from the file beside this one."""
    return {name: Cost(**one) for name, one in json.loads(KEPT.read_text("utf-8")).items()}


def measure() -> list[Row]:
    """Count, as figures for the table of all benchmarks."""
    rows: list[Row] = []
    for kind, cost in count().items():
        calls = f"{cost.reads:g} reads, {cost.writes:g} writes, {cost.tracking:g} to tracking"
        note = f"{cost.trips:g} requests; Azure ML: {calls}"
        rows.append(
            Row(f"in Azure, {kind}: table operations", cost.billed, "operations", None, note)
        )
    return rows


def main() -> None:
    """Count, and keep it."""
    counted = {name: asdict(one) for name, one in count().items()}
    KEPT.write_text(json.dumps(counted, indent=2) + "\n", "utf-8")
    sys.stdout.write(f"{json.dumps(counted, indent=2)}\n")


if __name__ == "__main__":
    main()
