"""`stageward migrate` works on the ledger that the environment names, and says what it did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.adapters.tables import table_service
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ports.rows import ANY_ETAG, LEDGER, Insert, Replace
from tests.azurite import connection_string, running_azurite
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


@pytest.mark.parametrize("command", [("migrate", "--dry-run"), ("migrate",), ("token", "list")])
def test_who_only_looks_makes_no_tables(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """Where there is no ledger in Table Storage yet, there is none afterwards."""
    with running_azurite() as port, closing(table_service(connection_string(port))) as service:
        monkeypatch.setenv("STAGEWARD_TABLES", connection_string(port))
        done = run(*command)

        assert [] == [table.name for table in service.list_tables()]
    assert ("is no token yet" in done.err) or "there is no ledger here yet" in done.err
    assert done.code == ("migrate" in command)


def test_tables_that_cannot_be_named_are_not_said_to_be_somewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The fault is the first that is said."""
    monkeypatch.setenv("STAGEWARD_TABLES", "garbage")
    done = run("migrate", "--dry-run")

    assert done.code == 1
    assert done.err.startswith("STAGEWARD_TABLES: the address of Table Storage cannot be used")


def test_who_cannot_sign_in_to_azure_is_told_in_one_line_what_to_do() -> None:
    """Not what each of a dozen ways has to say."""
    done = subprocess.run(
        [sys.executable, "-m", "stage_functions", "migrate", "--dry-run"],
        env={
            **os.environ,  # noqa: TID251  # the program's environment is ours, and more
            "STAGEWARD_TABLES_ENDPOINT": "https://x.table.core.windows.net",
            "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    _, said, *more = done.stderr.splitlines()

    assert (done.returncode, more) == (1, [])
    assert "Stageward cannot sign in to Azure" in said
    assert said.endswith("run `az login`")


def test_a_ledger_that_is_too_new_is_refused(ledger: Path) -> None:
    """With what to do."""
    with closing(SQLiteRows(ledger)) as rows:
        values = {"format": 1, "ledger": 9, "least": 9}
        rows.commit(LEDGER, "ledger", [Replace("format", values, ANY_ETAG)])
    done = run("migrate")

    assert done.code == 1
    assert "migrated by a later release of Stageward" in done.err
    assert "update this instance" in done.err
