"""SQLite as a store of rows, in memory and in a file, used by threads and by processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stage_functions.adapters.sqlite import MEMORY, SQLiteRows, Synchronous
from stage_functions.adapters.sqlite_connections import Connections
from stage_functions.application.ports.rows import LEDGER, WORK, Delete, Insert, Rows, Upsert
from stage_functions.domain.error import (
    ConfigurationError,
    ConflictError,
    StoreUnavailableError,
)
from tests.adapters.sqlite_worker import INCREMENTS
from tests.contracts.rows import RowStoreContract
from tests.contracts.rows_races import PARTITION, number_of, together

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a store may be, in a directory whose name is awkward."""
    directory = tmp_path / "with space?, #hash & 100%"
    directory.mkdir()
    return directory / "ledger.db"


class TestSQLiteInMemory(RowStoreContract):
    """The test store honours the contract."""

    @pytest.fixture
    def store(self) -> Iterator[Rows]:
        """Return an empty store in memory."""
        with closing(SQLiteRows(MEMORY)) as store:
            yield store


class TestSQLiteFile(RowStoreContract):
    """The embedded store honours the contract."""

    @pytest.fixture
    def store(self, path: Path) -> Iterator[Rows]:
        """Return an empty store in a file."""
        with closing(SQLiteRows(path)) as store:
            yield store


def start(job: str, path: Path) -> subprocess.Popen[str]:
    """Start another process on a store."""
    command = [sys.executable, "-W", "error", "-m", "tests.adapters.sqlite_worker", job, str(path)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def run(job: str, path: Path) -> str:
    """Run another process on a store to its end, and return what it said."""
    process = start(job, path)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return said


def open_files() -> int:
    """Return how many files this process has open."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


def keys(store: Rows, table: str = LEDGER) -> list[str]:
    """Return the keys of all rows."""
    return [row.key for row in store.query(table, PARTITION, limit=10**6)]


def test_rows_and_etags_outlive_the_store(path: Path) -> None:
    """A file opened again has its rows, and goes on counting its ETags."""
    with closing(SQLiteRows(path)) as store:
        (first,) = store.commit(LEDGER, PARTITION, [Insert("head", {"number": 1})])
        store.commit(LEDGER, PARTITION, [Delete("head", first)])

    with closing(SQLiteRows(str(path))) as store:
        (second,) = store.commit(LEDGER, PARTITION, [Insert("head", {"number": 1})])
        row = store.get(LEDGER, PARTITION, "head")

    assert row is not None
    assert row.etag == second
    assert int(second) > int(first)


@pytest.mark.parametrize(
    ("synchronous", "level"),
    [(Synchronous.FULL, 2), (Synchronous.NORMAL, 1), (Synchronous.OFF, 0)],
)
def test_every_connection_waits_for_the_disk_as_told(
    path: Path, synchronous: Synchronous, level: int
) -> None:
    """What is asked for holds on every connection that is opened."""
    with closing(
        Connections(path, busy_timeout_seconds=1, synchronous=synchronous, schema_version=1)
    ) as connections:

        def level_here() -> int:
            read = connections.read(lambda c: c.execute("PRAGMA synchronous").fetchone())
            return int(read[0])

        assert [level] * 3 == together(*[level_here] * 3)


def test_prepared_rows_wait_for_the_commit(path: Path) -> None:
    """What is prepared is seen by no one, and written with the next commit of the thread."""
    with closing(SQLiteRows(path)) as store:
        store.prepare(WORK, PARTITION, [Upsert("marker", {})])
        before = keys(store, WORK)
        together(lambda: store.commit(LEDGER, PARTITION, [Insert("of another thread", {})]))
        between = keys(store, WORK)
        store.commit(LEDGER, PARTITION, [Insert("head", {})])

        assert (before, between, keys(store, WORK)) == ([], [], ["marker"])


@pytest.mark.parametrize("refused", [(Insert("head", {}),), ()], ids=["conflict", "empty"])
def test_a_failed_commit_drops_what_was_prepared(refused: tuple[Insert, ...]) -> None:
    """Neither that commit nor the next one writes it."""
    with closing(SQLiteRows(MEMORY)) as store:
        store.commit(LEDGER, PARTITION, [Insert("head", {})])
        store.prepare(WORK, PARTITION, [Upsert("marker", {})])
        with pytest.raises((ConflictError, ValueError)):
            store.commit(LEDGER, PARTITION, refused)
        store.commit(LEDGER, PARTITION, [Insert("next", {})])

        assert keys(store, WORK) == []


def test_a_reader_does_not_wait_for_a_writer(path: Path) -> None:
    """While another process holds the file for writing, rows are read; writing gives up."""
    with closing(SQLiteRows(path, busy_timeout_seconds=0.05)) as store:
        store.commit(LEDGER, PARTITION, [Insert("head", {})])
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")

            assert keys(store) == ["head"]
            with pytest.raises(StoreUnavailableError, match="locked"):
                store.commit(LEDGER, PARTITION, [Insert("late", {})])

            other.execute("ROLLBACK")
        store.commit(LEDGER, PARTITION, [Insert("later", {})])

        assert keys(store) == ["head", "later"]


def test_writers_of_one_process_give_up_too(path: Path) -> None:
    """Threads that queue behind a writer who cannot write are told so, each of them."""
    with closing(SQLiteRows(path, busy_timeout_seconds=0.05)) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")

            def write() -> None:
                with pytest.raises(StoreUnavailableError):
                    store.commit(LEDGER, PARTITION, [Insert("late", {})])

            together(*[write] * 4)

        assert keys(store) == []


def test_the_connections_of_all_threads_are_closed_with_the_store(path: Path) -> None:
    """The write-ahead log goes with the last connection: after `close` there is none."""
    store = SQLiteRows(path)
    used, closed = threading.Barrier(4), threading.Event()

    def use() -> None:
        store.get(LEDGER, PARTITION, "head")
        used.wait()
        closed.wait()
        with pytest.raises(StoreUnavailableError, match="closed"):
            store.get(LEDGER, PARTITION, "head")

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    used.wait()
    log = Path(f"{path}-wal")
    was_there = log.exists()
    store.close()
    closed.set()
    for thread in threads:
        thread.join()

    assert was_there
    assert not log.exists()


def test_threads_that_ended_leave_no_connection(path: Path) -> None:
    """However many threads come and go, few files stay open."""
    with closing(SQLiteRows(path)) as store:
        before = open_files()
        for _ in range(30):
            together(lambda: store.get(LEDGER, PARTITION, "head"))

        assert open_files() - before < 10


def test_a_closed_store_says_so(path: Path) -> None:
    """It may be closed twice; whoever uses it then gets a retryable error."""
    for store in (SQLiteRows(path), SQLiteRows(MEMORY)):
        store.close()
        store.close()

        with pytest.raises(StoreUnavailableError, match="closed"):
            store.get(LEDGER, PARTITION, "head")
        with pytest.raises(StoreUnavailableError, match="closed"):
            store.commit(LEDGER, PARTITION, [Insert("head", {})])


def test_a_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    """The message says which file cannot be opened."""
    with pytest.raises(StoreUnavailableError, match=r"nowhere/ledger\.db.*unable to open"):
        SQLiteRows(tmp_path / "nowhere" / "ledger.db")


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    """It is left as it was."""
    path.write_text("this is a text of some length, and no database\n" * 9)

    with pytest.raises(StoreUnavailableError, match="not a database"):
        SQLiteRows(path)

    assert path.read_text().startswith("this is a text")


@pytest.mark.parametrize("statement", ["CREATE TABLE theirs (x)", "PRAGMA user_version = 99"])
def test_the_database_of_another_program_is_refused(path: Path, statement: str) -> None:
    """Not a byte is changed in a database that is not a ledger of this version."""
    with closing(sqlite3.connect(path)) as other:
        other.execute(statement)
        other.commit()
    before = path.read_bytes()

    with pytest.raises(ConfigurationError, match="not a ledger"):
        SQLiteRows(path)

    assert before == path.read_bytes()


def test_no_update_of_several_processes_is_lost(path: Path) -> None:
    """Compare-and-sets of three processes all count."""
    with closing(SQLiteRows(path)) as store:
        store.commit(LEDGER, PARTITION, [Insert("counter", {"number": 0})])
        workers = [start("increments", path) for _ in range(3)]
        for worker in workers:
            worker.communicate(timeout=60)

        assert [worker.returncode for worker in workers] == [0, 0, 0]
        assert number_of(store, "counter")[0] == 3 * INCREMENTS


def test_what_was_committed_survives_a_kill(path: Path) -> None:
    """After kill -9 every acknowledged batch is there, and every batch is there whole."""
    worker = start("append", path)
    assert worker.stdout is not None
    acknowledged = [int(worker.stdout.readline()) for _ in range(40)]
    worker.kill()
    acknowledged += [int(line) for line in worker.stdout if line.endswith("\n")]
    worker.stdout.close()
    worker.wait()

    with closing(SQLiteRows(path)) as store:
        found = keys(store)

    numbers = [int(key[1:]) for key in found if key.startswith("a")]
    assert numbers == [int(key[1:]) for key in found if key.startswith("b")]
    assert numbers[: len(acknowledged)] == acknowledged


def test_a_store_is_usable_on_both_sides_of_a_fork(path: Path) -> None:
    """Parent and child each open connections of their own, and lose no update."""
    assert run("fork", path) == f"0 {2 * INCREMENTS}\n"


def test_a_child_inherits_no_connection(path: Path) -> None:
    """It opens its own; a store in memory stays with the parent, and is closed in the child."""
    assert run("fork-connections", path) == "0 True\n"


def test_a_disk_that_fails_in_a_commit_leaves_the_outcome_unknown(path: Path) -> None:
    """The error says that the batch may have been applied; the store goes on when it can."""
    assert run("full-disk", path) == "UnknownOutcomeError\nafter before\n"
