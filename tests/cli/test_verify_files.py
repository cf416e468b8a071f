"""`stageward verify FILE`: backups and evidence packs, as the commands that make them write them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import keys
from stage_functions.application.ports.rows import ANY_ETAG, LEDGER, Delete, Insert, Upsert
from stage_functions.domain.asset import Version
from tests.application.aged import contents
from tests.application.test_anchoring import Anchoring, anchoring_of
from tests.application.test_verifying import told_world
from tests.builders import IRIS
from tests.cli.console import run
from tests.packs import RECORDS, bodies, edited, linked_anew, pack_of, unzipped, zipped

PARTITION = keys.asset_partition(IRIS)
SUBJECT = Version(IRIS, "1")


@pytest.fixture(scope="module")
def told() -> Iterator[Anchoring]:
    """A ledger that was anchored, which no test changes."""
    here = anchoring_of(told_world())
    here.later()
    yield here
    here.it.rows.close()


@pytest.fixture
def ledger(told: Anchoring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same in a file that the environment names."""
    path = tmp_path / "ledger.db"
    monkeypatch.setenv("STAGEWARD_LEDGER", str(path))
    store = told.it.rows._rows  # noqa: SLF001  # a store that can be scanned
    with closing(SQLiteRows(path)) as rows:
        for (table, partition, key), values in contents(store).items():  # type: ignore[arg-type]
            rows.commit(table, partition, [Insert(key, values)])
    return path


@pytest.fixture
def backup(ledger: Path, tmp_path: Path) -> Path:
    """A backup of it."""
    assert 0 == run("backup", str(tmp_path / "it.backup")).code
    assert ledger.exists()
    return tmp_path / "it.backup"


@pytest.fixture
def pack(told: Anchoring, tmp_path: Path) -> Path:
    """The pack of a version of it, under another name than the command gives it."""
    (tmp_path / "it.pack").write_bytes(pack_of(told.context, SUBJECT))
    return tmp_path / "it.pack"


def test_a_backup_is_verified_history_by_history(backup: Path) -> None:
    """Heads and all: a cut tail is not among what was not checked."""
    done = run("verify", str(backup))

    assert 0 == done.code
    assert ["demo/models/iris", "demo/models/rose ä=1", "ledger", "lifecycle:default"] == sorted(
        line.partition(": ")[0] for line in done.out.splitlines()[:4]
    )
    assert "4 histories of ledger 00000001, " in done.out
    assert "the tail was cut" not in done.out
    assert "Hash-linked, not anchored" in done.out


@pytest.mark.parametrize(
    ("key", "became"),
    [(3, "record 3 was dropped"), (0, "record {last} was cut off"), (-1, "its head is gone")],
    ids=["a record", "the last record", "the head"],
)
def test_the_first_bad_record_of_a_history_in_a_backup_is_named(
    ledger: Path, tmp_path: Path, key: int, became: str
) -> None:
    """The others are whole."""
    with closing(SQLiteRows(ledger)) as rows:
        last = rows.query(LEDGER, PARTITION, start=keys.RECORD, end=keys.after(keys.RECORD))[-1]
        number = int(last.key.removeprefix(keys.RECORD))
        name = keys.HEAD if key < 0 else keys.record_key(key or number)
        rows.commit(LEDGER, PARTITION, [Delete(name, ANY_ETAG)])
    run("backup", str(tmp_path / "it.backup"))
    done = run("verify", str(tmp_path / "it.backup"))

    assert 1 == done.code
    assert f"{IRIS}: {became.format(last=number)}" in done.out
    assert "1 not whole" in done.out


def test_a_backup_of_a_ledger_that_was_altered_names_the_record(
    ledger: Path, tmp_path: Path
) -> None:
    """As the ledger itself would."""
    with closing(SQLiteRows(ledger)) as rows:
        row = rows.get(LEDGER, PARTITION, keys.record_key(2))
        assert row is not None
        rows.commit(LEDGER, PARTITION, [Upsert(row.key, {**row.values, "hash": "0" * 64})])
    run("backup", str(tmp_path / "it.backup"))
    done, itself = run("verify", str(tmp_path / "it.backup")), run("verify", str(IRIS))

    assert (1, 1) == (done.code, itself.code)
    assert next(line for line in itself.out.splitlines() if "record 2 was altered" in line) in (
        done.out.splitlines()
    )


def test_a_backup_that_was_cut_or_altered_is_not_whole(backup: Path, tmp_path: Path) -> None:
    """What was read before is told, and where it ended."""
    lines = gzip.decompress(backup.read_bytes()).splitlines(keepends=True)
    (tmp_path / "cut").write_bytes(gzip.compress(b"".join(lines[:-5])))
    (tmp_path / "torn").write_bytes(backup.read_bytes()[:-40])
    cut, torn = (
        run("verify", str(tmp_path / "cut")),
        run("verify", str(tmp_path / "torn"), "--json"),
    )

    assert (1, 1) == (cut.code, torn.code)
    assert "the file is damaged, and what stands behind was not read: " in cut.out
    assert "its last line is missing" in cut.out
    assert torn.json["results"]
    assert (False, True) == (torn.json["whole"], "is cut off behind line" in torn.json["damaged"])


def test_a_pack_is_verified_with_its_lifecycles_and_its_proofs(pack: Path, told: Anchoring) -> None:
    """Whatever it is called."""
    kept = pack.with_name("anchors.jsonl")
    kept.write_text(
        "".join(f"{json.dumps(one.document())}\n" for one in told.places[0].kept()), "utf-8"
    )
    alone, done = run("verify", str(pack)), run("verify", str(pack), "--anchors", str(kept))

    assert (0, 0) == (alone.code, done.code)
    assert f"{IRIS}: " in alone.out
    assert "lifecycle:default: " in alone.out
    assert f"{IRIS}: as its proof says (no anchors were given)" in alone.out
    assert f"{IRIS}: as anchored 2026-01-01" in done.out
    assert "lifecycle:default: as anchored 2026-01-01" in done.out


def test_the_first_bad_record_of_a_pack_is_named(pack: Path) -> None:
    """By its own program; and one that was linked anew by the proof beside it."""
    files = unzipped(pack.read_bytes())
    lines = files[RECORDS].splitlines(keepends=True)
    path = pack.with_name("other.zip")
    zipped({**files, RECORDS: b"".join([*lines[:1], *lines[2:]])}, path)
    dropped = run("verify", str(path))
    first, *rest = bodies(files[RECORDS])
    zipped(linked_anew(files, [edited(first, reason="another"), *rest]), path)
    forged = run("verify", str(path))

    assert (1, 1) == (dropped.code, forged.code)
    assert f"{IRIS}: record 2 was dropped" in dropped.out
    assert "is another one: the history was rewritten" in forged.out


def test_a_file_that_is_neither_is_told_what_can_be_read(tmp_path: Path) -> None:
    """And is no bad history."""
    (tmp_path / "other.json").write_text('{"version": 1}', encoding="utf-8")
    done = run("verify", str(tmp_path / "other.json"))

    assert 2 == done.code
    for command in ("history", "export", "backup"):
        assert f"stageward {command}" in done.err
