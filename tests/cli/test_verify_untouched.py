"""`stageward verify` touches nothing: the ledger may be evidence, or somebody else's."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import keys
from stage_functions.application.ports.rows import ANY_ETAG, LEDGER, Delete, Insert, Upsert
from stage_functions.domain.error import StoreUnavailableError
from tests.application.aged import contents
from tests.application.test_verifying import told_world
from tests.builders import IRIS
from tests.cli.console import run


def files_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return every file of a folder: when it was written, and what is in it."""
    return {one.name: (one.stat().st_mtime_ns, one.read_bytes()) for one in folder.iterdir()}


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger that nobody has open."""
    path = tmp_path / "at rest" / "ledger.db"
    path.parent.mkdir()
    with closing(told_world().rows) as told, closing(SQLiteRows(path)) as rows:
        store = told._rows  # noqa: SLF001  # a store that can be scanned
        for (table, partition, key), values in contents(store).items():  # type: ignore[arg-type]
            rows.commit(table, partition, [Insert(key, values)])
    monkeypatch.setenv("STAGEWARD_LEDGER", str(path))
    return path


def test_a_ledger_at_rest_is_read_and_nothing_else(ledger: Path) -> None:
    """No byte of it, no time of it, and no file beside it."""
    before = files_of(ledger.parent)
    every, one = run("verify", "--all"), run("verify", str(IRIS))

    assert (0, 0) == (every.code, one.code)
    assert before == files_of(ledger.parent)


@pytest.mark.parametrize("content", [b"", b"no database at all, but a file of somebody" * 100])
def test_a_file_that_is_no_ledger_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """An empty one is not made a ledger."""
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "ledger.db").write_bytes(content)
    monkeypatch.setenv("STAGEWARD_LEDGER", str(folder / "ledger.db"))
    before = files_of(folder)
    done = run("verify", "--all")

    assert before == files_of(folder)
    assert 0 != done.code
    assert "Traceback" not in done.err


def test_what_only_stands_in_the_log_of_a_running_instance_is_read(ledger: Path) -> None:
    """And of a copy that was taken with its log, after a crash."""
    with closing(SQLiteRows(ledger)) as rows:
        rows.commit(LEDGER, keys.asset_partition(IRIS), [Delete(keys.HEAD, ANY_ETAG)])
        running = run("verify", str(IRIS))
        crashed = ledger.parent.with_name("crashed")
        crashed.mkdir()
        for one in (ledger, ledger.with_name("ledger.db-wal")):
            shutil.copy(one, crashed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STAGEWARD_LEDGER", str(crashed / "ledger.db"))
        copied = run("verify", str(IRIS))

    assert (1, 1) == (running.code, copied.code)
    assert f"{IRIS}: its head is gone" in running.out
    assert f"{IRIS}: its head is gone" in copied.out


def test_a_ledger_that_somebody_begins_to_write_to_is_not_read_half(ledger: Path) -> None:
    """What was read before and what is read then need not belong together."""
    with closing(SQLiteRows(ledger, read_only=True)) as reading:
        assert reading.get(LEDGER, keys.asset_partition(IRIS), keys.HEAD)
        with closing(SQLiteRows(ledger)) as rows:
            rows.commit(LEDGER, "other", [Upsert("a", {"b": 1})])
            with pytest.raises(StoreUnavailableError, match="began to write"):
                reading.get(LEDGER, keys.asset_partition(IRIS), keys.HEAD)


def test_nothing_can_be_written_through_it(ledger: Path) -> None:
    """Whoever tries is told."""
    with (
        closing(SQLiteRows(ledger, read_only=True)) as reading,
        pytest.raises(StoreUnavailableError, match="readonly"),
    ):
        reading.commit(LEDGER, "other", [Upsert("a", {"b": 1})])
    with closing(sqlite3.connect(ledger)) as plain:
        assert [(0,)] == plain.execute(
            "SELECT count(*) FROM ledger WHERE partition = 'other'"
        ).fetchall()
