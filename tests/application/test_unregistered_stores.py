"""Two instances note and register at once, on SQLite and on real Table Storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec.structs import replace

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.adapters.tables import TableRows, table_service
from stage_functions.application import query, unregistered_rows
from stage_functions.application.adoption import adopt
from stage_functions.application.context import Context
from stage_functions.application.following import follow_any
from stage_functions.application.ports.registry import Output
from stage_functions.application.ports.rows import Rows
from stage_functions.application.query import Filter
from stage_functions.application.scan import Scanner, found_empty
from stage_functions.application.signal import AnySignal, JobSignal, Signal
from stage_functions.application.sweep import sweep
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.lifecycle import UNREGISTERED
from tests.azurite import connection_string
from tests.builders import IRIS, context_over
from tests.fakes.clock import LaterClock
from tests.fakes.registry import MemoryRegistry

JOBS = 8


@pytest.fixture(params=["sqlite", "azurite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Rows]]:
    """How an instance opens a store of its own, the same for all and empty at first."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield lambda: stack.enter_context(closing(SQLiteRows(tmp_path / "ledger.db")))
            return
        address = connection_string(request.getfixturevalue("azurite"))
        prefix = f"t{uuid4().hex}"
        with closing(TableRows(table_service(address), prefix=prefix)) as first:
            first.create_tables()
        yield lambda: stack.enter_context(closing(TableRows(table_service(address), prefix=prefix)))


def test_whatever_two_instances_do_at_once_nothing_registered_stays_noted(
    store: Callable[[], Rows],
) -> None:
    """Half of the outputs are registered; the other half is listed, page by page."""
    registry = MemoryRegistry("demo")
    both = [context_over(store(), registry, LaterClock(0), Mode.ENFORCE) for _ in range(2)]
    adopt(both[0])
    found_empty(both[0], "demo")
    now = both[0].clock.now()
    signals: list[AnySignal] = []
    for number in range(JOBS):
        job, content = f"job {number}/a", f"azureml://{number}"
        registry.left.append(Output(job, "model", content, now))
        signals += [JobSignal("demo", job)]
        if number % 2:
            version = Version(IRIS, str(number))
            registry.register(version, now, content=content)
            signals += [Signal(version)]
    with ThreadPoolExecutor(4) as pool:
        turns = [(context, one) for one in signals for context in both]
        list(pool.map(lambda turn: follow_any(*turn), [*turns, *reversed(turns)]))
    later = context_over(store(), registry, LaterClock(60), Mode.ENFORCE)
    sweep(later)
    Scanner(later).scan("demo")

    left = [f"job {number}/a" for number in range(0, JOBS, 2)]
    notes = [note for _, note in unregistered_rows.notes(later.ledger.rows, "demo")]
    assert left == [note.job for note in notes]
    assert left == listed(later)
    assert registry.tags(Version(IRIS, "1"))["stage"] == "None"


def listed(context: Context) -> list[str]:
    """Return the jobs of what is listed as unregistered, three on a page."""
    found, cursor, wanted = list[str](), "", replace(Filter(), stage=UNREGISTERED)
    while True:
        page = query.assets(context, wanted, cursor=cursor, limit=3)
        found += [entry.job for entry in page.entries]
        cursor = page.cursor
        if not cursor:
            return found
