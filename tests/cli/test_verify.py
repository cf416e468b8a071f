"""`stageward verify`: offline, on the ledger that the environment names and on files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stage_functions.adapters.anchors import FolderAnchors
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.adapters.tables import table_service
from stage_functions.application import keys
from stage_functions.application.anchor_rows import anchors
from stage_functions.application.anchoring import inclusion
from stage_functions.application.ports.rows import ANY_ETAG, BLOBS, LEDGER, Delete, Upsert
from stage_functions.bootstrap import open_rows
from stage_functions.settings import read_settings
from tests.application.test_anchoring import Anchoring, anchoring_of
from tests.application.test_verifying import HISTORIES, digests, partitions, told_world
from tests.azurite import connection_string, running_azurite
from tests.builders import IRIS, World
from tests.cli.console import Console, run

PARTITION = keys.asset_partition(IRIS)
LINKED = "Hash-linked, not anchored: whoever may write to the ledger could have linked all of it"


@pytest.fixture(scope="module")
def told() -> Iterator[Anchoring]:
    """A ledger that was anchored twice, which no test changes."""
    here = anchoring_of(told_world())
    here.later()
    here.it.register("20")
    here.later()
    yield here
    here.it.rows.close()


@pytest.fixture
def ledger(told: Anchoring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same in a file that the environment names, and nothing else is there."""
    path = tmp_path / "ledger.db"
    monkeypatch.setenv("STAGEWARD_LEDGER", str(path))
    monkeypatch.chdir(tmp_path)
    with closing(SQLiteRows(path)) as rows:
        for partition in (*partitions(), "anchors"):
            found = told.it.rows.query(LEDGER, partition)
            if found:
                rows.commit(LEDGER, partition, [Upsert(one.key, one.values) for one in found])
        kept = digests(told.it) | anchored_ends(told)
        for digest in kept:
            found = told.it.rows.query(BLOBS, digest)
            rows.commit(BLOBS, digest, [Upsert(one.key, one.values) for one in found])
    return path


def anchored_ends(told: Anchoring) -> set[str]:
    """Return the partitions of what is kept of the anchors."""
    return {keys.encode(one.ends) for one in anchors(told.it.rows) if one.ends}


@pytest.fixture
def folder(told: Anchoring, tmp_path: Path) -> Path:
    """Where the anchors are kept."""
    place = FolderAnchors(tmp_path / "anchors")
    for one in told.places[0].kept():
        place.publish(one)
    return tmp_path / "anchors"


def break_it(ledger: Path, key: str) -> None:
    """Drop a row of iris."""
    with closing(SQLiteRows(ledger)) as rows:
        rows.commit(LEDGER, PARTITION, [Delete(key, ANY_ETAG)])


def test_a_sound_history_is_whole_and_said_to_be_hash_linked_only(ledger: Path) -> None:
    """Without an anchor nobody is told more than the links prove."""
    done = run("verify", str(IRIS))

    assert 0 == done.code
    assert f"{IRIS}: " in done.out
    assert "every hash and link is right" in done.out
    assert LINKED in done.out
    assert f"The ledger is the file {ledger}.\n" == done.err
    assert "tamper" not in done.out


def test_all_histories_are_verified_one_line_each(ledger: Path) -> None:
    """And summed up."""
    done = run("verify", "--all")
    lines = done.out.splitlines()

    assert (0, True) == (done.code, ledger.exists())
    assert ["demo/models/iris", "demo/models/rose ä=1", "ledger", "lifecycle:default"] == sorted(
        line.partition(": ")[0] for line in lines[:4]
    )
    assert lines[4].startswith("4 histories of ledger 00000001, ")
    assert lines[4].endswith(" records: whole")


@pytest.mark.parametrize("arguments", [("--all",), (str(IRIS),)])
def test_the_first_bad_record_is_named_with_what_became_of_it(
    ledger: Path, arguments: tuple[str, ...]
) -> None:
    """The exit code says it too."""
    break_it(ledger, keys.record_key(3))
    done = run("verify", *arguments)

    assert 1 == done.code
    assert f"{IRIS}: record 3 was dropped: record 3 is not there" in done.out
    assert "1 not whole" in done.out


def test_programs_get_the_same(ledger: Path, folder: Path) -> None:
    """As JSON."""
    break_it(ledger, keys.record_key(3))
    done = run("verify", "--all", "--anchors", str(folder), "--json")

    assert (1, False, 4, "00000001") == (
        done.code,
        done.json["whole"],
        done.json["histories"],
        done.json["ledger"],
    )
    faults = {one["name"]: one["fault"] for one in done.json["results"] if one["fault"]}
    assert [str(IRIS)] == list(faults)
    assert (3, "dropped") == (faults[str(IRIS)]["number"], faults[str(IRIS)]["broken"])
    assert 2 == done.json["anchored"]["anchors"]


def test_documents_are_looked_for_unless_they_are_left_out(ledger: Path, told: Anchoring) -> None:
    """What was not looked at is said."""
    with closing(SQLiteRows(ledger)) as rows:
        for partition in digests(told.it):
            for row in rows.query(BLOBS, partition):
                rows.commit(BLOBS, partition, [Delete(row.key, ANY_ETAG)])
    done, without = run("verify", "--all"), run("verify", "--all", "--no-documents")

    assert (1, 0) == (done.code, without.code)
    assert ", which is not kept" in done.out
    assert "not checked: whether documents are kept was not looked at" in without.out


@pytest.mark.parametrize("name", [str(IRIS), "ledger", "lifecycle:default"])
def test_with_anchors_it_says_up_to_when(ledger: Path, folder: Path, name: str) -> None:
    """What is newer is hash-linked only."""
    done = run("verify", name, "--anchors", str(folder))

    assert (0, True) == (done.code, ledger.exists())
    assert "; as anchored up to record " in done.out
    assert "Compared with 2 anchors, the latest of 2026-01-01" in done.out
    assert "what is newer is hash-linked only" in done.out
    assert LINKED not in done.out


def test_the_configured_places_are_compared_by_a_word(
    ledger: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are any."""
    none = run("verify", "--all", "--anchors", "configured")
    monkeypatch.setenv("STAGEWARD_ANCHORS", str(folder))
    done = run("verify", "--all", "--anchors", "configured")

    assert (1, 0) == (none.code, done.code)
    assert "STAGEWARD_ANCHORS names no place" in none.err
    assert "Compared with 2 anchors" in done.out
    assert ledger.exists()


def test_a_history_that_was_cut_with_its_head_is_found_by_the_anchors(
    ledger: Path, folder: Path
) -> None:
    """Nothing else would find it."""
    journal = HISTORIES["ledger"]
    with closing(SQLiteRows(ledger)) as rows:
        for row in rows.query(LEDGER, journal.partition):
            rows.commit(LEDGER, journal.partition, [Delete(row.key, ANY_ETAG)])
    alone, done = run("verify", "--all"), run("verify", "--all", "--anchors", str(folder))

    assert (0, 1) == (alone.code, done.code)
    assert "ledger: record 1 was cut off: record 3, anchored 2026-01-01" in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--all", "ledger"),
        ("nothing",),
        ("demo/models/unknown",),
        ("lifecycle:unknown",),
        ("--all", "--proof", "proof.json"),
        ("--nothing",),
    ],
    ids=str,
)
def test_wrong_arguments_are_told_apart_from_a_bad_history(
    ledger: Path, arguments: tuple[str, ...]
) -> None:
    """By the exit code 2."""
    assert (2, True) == (run("verify", *arguments).code, ledger.exists())


def test_where_there_is_no_ledger_none_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it is not whole."""
    monkeypatch.setenv("STAGEWARD_LEDGER", str(tmp_path / "none.db"))
    missing = run("verify", "--all")
    made = (tmp_path / "none.db").exists()
    open_rows(read_settings()).close()
    empty = run("verify", "--all")

    assert (2, False, 2) == (missing.code, made, empty.code)
    assert "there is no ledger here yet" in empty.err


def test_what_history_prints_is_verified_from_a_file(
    at: Console, it: World, tmp_path: Path
) -> None:
    """By whoever gets it, without the ledger; what could not be looked at is said."""
    it.register("1")
    it.register("2")
    printed = at.run("sam", "history", str(IRIS), "--json")
    path = tmp_path / "history.json"
    path.write_text(printed.out, encoding="utf-8")
    done = run("verify", str(path))
    altered = json.loads(printed.out)
    altered[1]["version"] = "9"
    path.write_text(json.dumps(altered), encoding="utf-8")
    bad = run("verify", str(path))

    assert (0, 1) == (done.code, bad.code)
    assert f"{IRIS}: 2 records, every hash and link is right" in done.out
    assert "not checked: whether the tail was cut" in done.out
    assert LINKED in done.out
    assert f"{IRIS}: record 2 was altered: its hash is not that of its bytes" in bad.out


def test_a_file_and_a_proof_are_compared_with_anchors(
    told: Anchoring, folder: Path, tmp_path: Path
) -> None:
    """So a cut tail is found as well."""
    proof = inclusion(told.context, str(IRIS))
    assert proof is not None
    records = [one.document() for one in told.context.ledger.records(PARTITION)]
    (tmp_path / "proof.json").write_text(json.dumps(proof.document()), encoding="utf-8")
    path = tmp_path / "history.json"
    path.write_text(json.dumps(records), encoding="utf-8")
    options = ("--proof", str(tmp_path / "proof.json"), "--anchors", str(folder))
    done = run("verify", str(path), *options)
    without = run("verify", str(path), "--anchors", str(folder))
    path.write_text(json.dumps(records[:-1]), encoding="utf-8")
    cut = run("verify", str(path), *options)

    assert (0, 0, 1) == (done.code, without.code, cut.code)
    assert f"as anchored 2026-01-01 02:00 UTC up to record {len(records)}" in done.out
    assert "the tail was cut" not in done.out
    assert "a file needs a proof (--proof) to be compared with them" in without.out
    assert f"record {len(records)} was cut off" in cut.out
    assert (False, False) == (LINKED in done.out, LINKED in cut.out)
    assert LINKED in without.out


def test_a_proof_of_another_history_is_no_help(told: Anchoring, tmp_path: Path) -> None:
    """It is not passed over."""
    proof = inclusion(told.context, "ledger")
    assert proof is not None
    (tmp_path / "proof.json").write_text(json.dumps(proof.document()), encoding="utf-8")
    records = [one.document() for one in told.context.ledger.records(PARTITION)]
    (tmp_path / "history.json").write_text(json.dumps(records), encoding="utf-8")
    done = run("verify", str(tmp_path / "history.json"), "--proof", str(tmp_path / "proof.json"))

    assert 2 == done.code
    assert "The proof is of ledger, which is not in" in done.err


def test_a_file_without_a_record_is_no_whole_history(tmp_path: Path) -> None:
    """Nor is one that cannot be opened."""
    (tmp_path / "empty.json").write_text("[]", encoding="utf-8")
    (tmp_path / "no.zip").write_text("nothing", encoding="utf-8")

    assert 2 == run("verify", str(tmp_path / "empty.json")).code
    assert 2 == run("verify", str(tmp_path / "no.zip")).code


def test_a_ledger_in_table_storage_is_verified_as_well(
    told: Anchoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where none is, no table is made."""
    with running_azurite() as port, closing(table_service(connection_string(port))) as service:
        monkeypatch.setenv("STAGEWARD_TABLES", connection_string(port))
        empty = run("verify", "--all")
        made = [table.name for table in service.list_tables()]
        with closing(open_rows(read_settings())) as rows:
            for partition in partitions():
                found = told.it.rows.query(LEDGER, partition)
                if found:
                    rows.commit(LEDGER, partition, [Upsert(one.key, one.values) for one in found])
            sound = run("verify", "--all", "--no-documents")
            rows.commit(LEDGER, PARTITION, [Delete(keys.record_key(3), ANY_ETAG)])
            broken = run("verify", "--all", "--no-documents")

    assert (2, []) == (empty.code, made)
    assert (0, 1) == (sound.code, broken.code)
    assert f"{IRIS}: record 3 was dropped" in broken.out


DAMAGES = {
    "garbage": "body = x'c1ff'",
    "no map": "body = x'01'",
    "text": "body = 'text'",
    "a torn lock": "etag = CAST(x'ff31' AS TEXT)",
}


def damage(ledger: Path, what: str, where: str, *parameters: str) -> None:
    """Write over a row in the file itself, as no program of ours would."""
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute(f"UPDATE ledger SET {what} WHERE {where}", parameters)


@pytest.mark.parametrize("what", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize(
    ("key", "words"),
    [
        (keys.HEAD, "its head cannot be read: row head holds no Head"),
        (keys.record_key(3), "record 3 was altered: it cannot be read"),
        (keys.version_key("3"), "row version:3 holds no VersionState"),
        ("approval", "holds no Approval"),
    ],
)
def test_a_row_that_cannot_be_read_is_a_fault_and_the_rest_is_verified(
    ledger: Path, what: str, key: str, words: str
) -> None:
    """Whatever is in it, and in whichever column."""
    where = "partition = ? AND key >= ? AND key < ?"
    damage(ledger, what, where, PARTITION, key, keys.after(key) if key == "approval" else f"{key}!")
    done = run("verify", "--all")

    assert (1, True) == (done.code, words in done.out)
    assert "4 histories of ledger 00000001, " in done.out
    assert "1 not whole" in done.out
    assert words in run("verify", str(IRIS)).out


@pytest.mark.parametrize("column", ["key", "partition"])
def test_a_name_of_a_row_that_is_no_text_stops_nothing(ledger: Path, column: str) -> None:
    """It may even be the last one of a page."""
    damage(
        ledger,
        f"{column} = CAST({column} || x'ff' AS TEXT)",
        "partition = ? AND key = ?",
        PARTITION,
        keys.record_key(3),
    )
    done = run("verify", "--all")

    assert 1 == done.code
    assert f"{IRIS}: record 3 was " in done.out
    assert " histories of ledger 00000001, " in done.out


def test_a_ledger_whose_id_cannot_be_read_is_said_to_be_damaged(ledger: Path) -> None:
    """Nothing can be said of its histories then."""
    damage(ledger, "body = x'c1'", "partition = 'ledger' AND key = 'id'")
    done = run("verify", "--all")

    assert 1 == done.code
    assert "the row 'id' in 'ledger' does not say which ledger this is" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("what", DAMAGES.values(), ids=DAMAGES)
def test_no_backup_is_made_of_a_row_that_cannot_be_read_and_it_is_named(
    ledger: Path, what: str, tmp_path: Path
) -> None:
    """In one line."""
    damage(ledger, what, "partition = ? AND key = 'version:3'", PARTITION)
    done = run("backup", str(tmp_path / "it.backup"))

    assert 1 == done.code
    assert f"the row 'version:3' in '{PARTITION}' of the table ledger is damaged: " in done.err
    assert "No backup was made" in done.err
    assert not (tmp_path / "it.backup").exists()


def test_a_value_that_cannot_be_read_is_kept_in_a_backup_as_it_is(
    ledger: Path, tmp_path: Path
) -> None:
    """Its bytes are there, so nothing is lost; a head is told of."""
    deep, torn = b"[" * 60_000, b"\xff{"
    bodies = {keys.HEAD: deep, keys.version_key("3"): torn, keys.record_key(3): torn}
    with closing(SQLiteRows(ledger)) as rows:
        changes = [Upsert(key, {"format": 1, "body0": body}) for key, body in bodies.items()]
        rows.commit(LEDGER, PARTITION, changes)
    done = run("backup", str(tmp_path / "it.backup"))

    assert 1 == done.code
    assert f"broken: {IRIS} at record 3: record:0000000003 is no record" in done.err
    assert (tmp_path / "it.backup").exists()
    assert 1 == run("verify", "--all").code
