"""`stageward backup` and `restore`: files that are there whole or not at all."""

from __future__ import annotations

import gzip
import os
import pty
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import keys
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ledger_format import KEY
from stage_functions.application.ports.rows import ANY_ETAG, CATALOG, LEDGER, Delete, Insert
from stage_functions.domain.error import BeingRestoredError
from tests.application.aged import contents
from tests.builders import IRIS, World, world
from tests.cli.console import run

ROWS = 30_000
"""So many take long enough for a process to be killed in the middle."""


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger with a history in it, and the environment that names it."""
    path = tmp_path / "ledger.db"
    made: World = world()
    made.register("1")
    with closing(SQLiteRows(path)) as rows:
        store = made.rows._rows  # noqa: SLF001  # a store that can be scanned
        for (table, partition, key), values in contents(store).items():  # type: ignore[arg-type]
            rows.commit(table, partition, [Insert(key, values)])
    made.rows.close()
    monkeypatch.setenv("STAGEWARD_LEDGER", str(path))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the backup is to be."""
    return tmp_path / "it.backup"


def held(path: Path) -> dict[tuple[str, str, str], object]:
    """Return what a ledger holds, but for what a restore adds."""
    with closing(SQLiteRows(path)) as rows:
        return {
            place: {name: one for name, one in values.items() if (place[2], name) != (KEY, "least")}
            for place, values in contents(rows).items()
            if place[1] not in ("registry:demo", keys.JOURNAL_PARTITION, keys.WHOLE_PARTITION)
            and place[2] != keys.RESTORED
        }


def test_a_ledger_goes_to_a_file_and_comes_back_elsewhere(
    ledger: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done is said; the file is its owner's alone."""
    made = run("backup", str(file))
    elsewhere = tmp_path / "new" / "ledger.db"
    monkeypatch.setenv("STAGEWARD_LEDGER", str(elsewhere))
    tried, there = run("restore", str(file), "--dry-run"), elsewhere.exists()
    done = run("restore", str(file))

    assert (0, 0, 0, False) == (made.code, tried.code, done.code, there)
    assert "2 of 2 histories verified" in made.out
    assert f"It goes to the file {elsewhere}." in tried.err
    assert done.out.startswith("restored: ledger ")
    assert done.out.endswith("nothing is written to demo until `stageward resolve demo`\n")
    assert held(ledger) == held(elsewhere)
    assert 0o600 == file.stat().st_mode & 0o777
    assert [file] == list(tmp_path.glob("*backup*"))


@pytest.mark.usefixtures("ledger")
def test_both_print_json_for_programs(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same SHA-256."""
    made = run("backup", str(file), "--json").json
    monkeypatch.setenv("STAGEWARD_LEDGER", str(tmp_path / "new.db"))
    tried = run("restore", str(file), "--dry-run", "--json").json
    done = run("restore", str(file), "--json").json

    assert made["sha256"] == tried["sha256"] == done["contents"]["sha256"]
    assert (["demo"], 0) == (done["contents"]["registries"], done["removed"])


@pytest.mark.usefixtures("ledger")
def test_a_file_that_is_there_is_not_written_over_unless_told_so(file: Path) -> None:
    """It may be the only good one."""
    file.write_text("mine")
    refused, kept = run("backup", str(file)), file.read_text()
    done = run("backup", str(file), "--force")

    assert (1, f"{file} is there already; --force replaces it\n") == (refused.code, refused.err)
    assert ("mine", 0) == (kept, done.code)
    assert gzip.decompress(file.read_bytes()).startswith(b'{"stageward_backup":1,')


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("backup", "."), 1, "is a folder; name a file"),
        (("backup", "nowhere/it.backup"), 1, "cannot write nowhere/it.backup: no such file"),
        (("backup",), 2, "Missing argument"),
        (("restore", "absent.backup"), 1, "cannot read absent.backup: no such file or directory"),
        (("restore", "ledger.db"), 1, "ledger.db is no backup of Stageward: no gzip at line 1"),
        (("restore", "."), 1, "cannot read .: is a directory"),
    ],
    ids=lambda one: one if isinstance(one, str) else None,
)
def test_wrong_files_are_refused_in_words(
    ledger: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    """With the name that was given."""
    monkeypatch.chdir(ledger.parent)
    done = run(*arguments)

    assert code == done.code
    assert said in done.err


@pytest.mark.parametrize("kept", [20, 200, -9, -1])
@pytest.mark.usefixtures("ledger")
def test_a_file_that_was_cut_off_is_refused(file: Path, kept: int) -> None:
    """Wherever that was."""
    run("backup", str(file))
    file.write_bytes(file.read_bytes()[:kept])
    done = run("restore", str(file), "--dry-run")

    assert 1 == done.code
    assert f"{file} is cut off behind line " in done.err


@pytest.mark.usefixtures("ledger")
def test_a_file_that_was_altered_is_refused(file: Path) -> None:
    """By any byte of what is compressed."""
    run("backup", str(file))
    whole = file.read_bytes()
    for place in range(10, len(whole), max(1, len(whole) // 40)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        done = run("restore", str(file), "--dry-run")

        assert (1, True) == (done.code, done.err.startswith(str(file)))


@pytest.mark.usefixtures("ledger")
def test_two_files_in_one_are_refused(file: Path) -> None:
    """A backup ends where it says so."""
    run("backup", str(file))
    file.write_bytes(file.read_bytes() * 2)
    done = run("restore", str(file), "--dry-run")

    assert "the file goes on behind the end of the backup" in done.err


def test_a_broken_history_is_told_and_restored_only_when_told_so(
    ledger: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the exit code too; the backup was made."""
    with closing(SQLiteRows(ledger)) as rows:
        rows.commit(LEDGER, keys.asset_partition(IRIS), [Delete(keys.record_key(1), ANY_ETAG)])
    made = run("backup", str(file))
    elsewhere = tmp_path / "new.db"
    monkeypatch.setenv("STAGEWARD_LEDGER", str(elsewhere))
    refused, none = run("restore", str(file)), not elsewhere.exists()
    done = run("restore", str(file), "--damaged")

    assert (1, 1, 0) == (made.code, refused.code, done.code)
    assert f"broken: {keys.asset_partition(IRIS)} at record 1" in made.err
    assert "--damaged restores them as they are" in refused.err
    assert none
    assert held(ledger) == held(elsewhere)


def test_a_restore_onto_a_ledger_is_refused(ledger: Path, file: Path) -> None:
    """Nothing of it is touched."""
    run("backup", str(file))
    before = held(ledger)
    done, tried = run("restore", str(file)), run("restore", str(file), "--dry-run")

    assert (1, 1, before) == (done.code, tried.code, held(ledger))
    assert "a backup is restored where there is nothing" in done.err


def test_where_there_is_no_ledger_no_file_is_made(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting is named that says where it should be."""
    monkeypatch.setenv("STAGEWARD_LEDGER", str(tmp_path / "none.db"))
    done = run("backup", str(file))

    assert (1, []) == (done.code, list(tmp_path.iterdir()))
    assert "STAGEWARD_LEDGER names it." in done.err


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(("key", "code"), [("n\n", 1), ("y\n", 0)])
def test_a_terminal_is_asked(file: Path, tmp_path: Path, key: str, code: int) -> None:
    """No is no."""
    run("backup", str(file))
    elsewhere = tmp_path / "new.db"
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "stage_functions", "restore", str(file)],
        cwd=Path(__file__).parents[2],
        env={"STAGEWARD_LEDGER": str(elsewhere), "TERM": "dumb"},
        stdin=follower,
        stdout=follower,
        stderr=subprocess.DEVNULL,
    )
    os.close(follower)
    os.write(leader, key.encode())
    found = process.wait(60)
    os.close(leader)
    with closing(SQLiteRows(elsewhere)) as rows:
        there = bool(contents(rows))

    assert (code, code == 0) == (found, there)


def killed(arguments: list[str], path: Path, until: str) -> None:
    """Run a command in a process of its own, and kill it as soon as it has said something."""
    process = subprocess.Popen(
        [sys.executable, "-m", "stage_functions", *arguments],
        cwd=Path(__file__).parents[2],
        env={"STAGEWARD_LEDGER": str(path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for said in process.stderr:
        if until in said:
            process.send_signal(signal.SIGKILL)
            break
    process.stderr.close()
    assert -signal.SIGKILL == process.wait(30)


@pytest.fixture
def large(ledger: Path) -> Path:
    """A ledger with many rows."""
    with closing(SQLiteRows(ledger)) as rows:
        for start in range(0, ROWS, 100):
            batch = [Insert(f"{start + one:06d}", {"n": start + one}) for one in range(100)]
            rows.commit(CATALOG, "a:models", batch, durable=False)
    return ledger


def test_a_backup_that_is_killed_leaves_no_file_that_looks_whole(large: Path, file: Path) -> None:
    """What it left has another name, and is no backup; the next one is not in its way."""
    killed(["backup", str(file)], large, "rows written")
    (part,) = [one for one in file.parent.iterdir() if one.name.endswith(".part")]
    refused = run("restore", str(part), "--dry-run")
    again = run("backup", str(file))

    assert (1, 0) == (refused.code, again.code)
    assert refused.err.startswith(str(part))


def test_a_restore_that_is_killed_is_recognised_and_begun_anew(
    large: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing opens what is half there."""
    run("backup", str(file))
    elsewhere = tmp_path / "new.db"
    killed(["restore", str(file)], elsewhere, "rows restored")
    with closing(SQLiteRows(elsewhere)) as rows, pytest.raises(BeingRestoredError):
        open_ledger(rows, SystemClock())
    monkeypatch.setenv("STAGEWARD_LEDGER", str(elsewhere))
    migrate, again = run("migrate"), run("restore", str(file))

    assert (1, True) == (migrate.code, "stageward restore" in migrate.err)
    assert 0 == again.code
    assert "rows of a restore that was broken off were removed" in again.out
    assert held(large) == held(elsewhere)
