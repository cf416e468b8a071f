"""`stageward migrate` works on the ledger that the environment names, and says what it did."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ports.rows import ANY_ETAG, LEDGER, Insert, Replace
from tests.cli.console import run


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger with a row of the first release in it."""
    path = tmp_path / "ledger.db"
    monkeypatch.setenv("STAGEWARD_LEDGER", str(path))
    with closing(SQLiteRows(path)) as rows:
        open_ledger(rows, SystemClock())
        rows.commit(LEDGER, "assets", [Insert("asset:a:models:b", {"asset": "a/models/b"})])
    return path


def asset(ledger: Path) -> dict[str, object]:
    """Return the row of the first release."""
    with closing(SQLiteRows(ledger)) as rows:
        row = rows.get(LEDGER, "assets", "asset:a:models:b")
    assert row is not None
    return dict(row.values)


def test_a_dry_run_counts_and_changes_nothing(ledger: Path) -> None:
    """By kind and format."""
    done = run("migrate", "--dry-run")

    assert (done.code, "format" in asset(ledger)) == (0, False)
    assert ["ledger", "asset", "–", "1", "older"] in [row.split() for row in done.out.splitlines()]
    assert done.out.endswith(
        "1 rows would be brought to the present format\nthe ledger would have format 2\n"
    )
    assert done.err == f"The ledger is the file {ledger}.\n"


def test_a_run_brings_rows_to_the_present_format_and_a_second_one_none(ledger: Path) -> None:
    """The report is for programs too."""
    done, again = run("migrate"), run("migrate", "--json").json

    assert asset(ledger) == {"format": 1, "asset": "a/models/b"}
    assert (done.code, "1 rows were brought" in done.out) == (0, True)
    assert (again["rewritten"], again["complete"], again["ledger"]) == (0, True, 2)
    assert {"table": "ledger", "kind": "asset", "format": 1, "rows": 1, "older": False} in again[
        "found"
    ]


def test_what_is_left_is_named_and_told_by_the_exit_code(ledger: Path) -> None:
    """So that a script stops there."""
    with closing(SQLiteRows(ledger)) as rows:
        rows.commit(LEDGER, "tokens", [Insert("x", {"format": 1, "body0": b"[]"})])
    done = run("migrate")
    as_json = run("migrate", "--json")

    assert (done.code, as_json.code) == (1, 1)
    assert "left as it is: ledger tokens x: row x holds no Token" in done.out
    assert "1 rows are left as they are, so the ledger keeps format 2; see above" in done.err
    assert json.loads(as_json.out)["left"][0]["key"] == "x"


def test_where_there_is_no_ledger_none_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting is named that says where it should be."""
    path = tmp_path / "elsewhere" / "ledger.db"
    monkeypatch.setenv("STAGEWARD_LEDGER", str(path))
    done = run("migrate", "--dry-run")

    assert (done.code, path.parent.exists()) == (1, False)
    assert done.err == f"There is no ledger at the file {path}; STAGEWARD_LEDGER names it.\n"


def test_a_ledger_that_is_too_new_is_refused(ledger: Path) -> None:
    """With what to do."""
    with closing(SQLiteRows(ledger)) as rows:
        values = {"format": 1, "ledger": 9, "least": 9}
        rows.commit(LEDGER, "ledger", [Replace("format", values, ANY_ETAG)])
    done = run("migrate")

    assert done.code == 1
    assert "migrated by a later release of Stageward" in done.err
    assert "update this instance" in done.err
