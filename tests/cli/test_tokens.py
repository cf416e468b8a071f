"""Tokens are made, listed and revoked where the ledger is."""

from __future__ import annotations

from pathlib import Path

import pytest

from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.tokens import holder
from stage_functions.bootstrap import ledger_is_missing, ledger_place
from stage_functions.settings import Settings
from tests.cli.console import run

PROJECT = Path(__file__).parent.parent.parent


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the ledger is."""
    path = tmp_path / "here" / "ledger.db"
    monkeypatch.setenv("STAGEWARD_LEDGER", str(path))
    monkeypatch.setenv("STAGEWARD_CONFIG", str(PROJECT / "stageward.yaml"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # a token is of people alone
    return path


def test_a_token_is_printed_once_and_kept_as_a_hash(ledger: Path) -> None:
    """Whoever reads the ledger cannot sign in with what it says."""
    made = run("token", "create", "officer-1", "--note", "laptop")
    listed = run("token", "list", "--json").json

    assert made.out.startswith("stw_")
    assert made.out.strip().encode() not in ledger.read_bytes()
    assert [(one["person"], one["note"]) for one in listed] == [("officer-1", "laptop")]
    rows = SQLiteRows(str(ledger))
    assert holder(rows, made.out.strip(), SystemClock().now()) == "officer-1"
    rows.close()


def test_a_revoked_token_is_gone(ledger: Path) -> None:
    """Named by how its id begins."""
    run("token", "create", "officer-1")
    id_ = run("token", "list", "--json").json[0]["id"]

    done = run("token", "revoke", id_[:8])

    assert (done.code, ledger.exists()) == (0, True)
    assert "there is no token yet" in run("token", "list").err


def test_a_token_is_for_a_person_of_the_configuration(ledger: Path) -> None:
    """Else it would sign in nobody."""
    done = run("token", "create", "zoe")

    assert (done.code, ledger.exists()) == (1, False)
    assert "it has scientist-1" in done.err


@pytest.mark.parametrize(("id_", "said"), [("abc", "too short"), ("0" * 8, "no token has an id")])
def test_a_token_that_is_not_there_is_not_revoked(ledger: Path, id_: str, said: str) -> None:
    """Exit 1 with the next step."""
    run("token", "create", "officer-1")
    done = run("token", "revoke", id_)

    assert (done.code, ledger.exists()) == (1, True)
    assert said in done.err


def test_every_command_names_the_ledger_that_it_worked_on(ledger: Path) -> None:
    """Beside the answer: a token made in another ledger signs in nobody here."""
    said = f"The ledger is the file {ledger}.\n"

    made = run("token", "create", "officer-1")
    listed = run("token", "list", "--json")
    revoked = run("token", "revoke", listed.json[0]["id"])

    assert made.err.startswith(said)
    assert (listed.err, revoked.err) == (said, said)


def test_who_only_looks_makes_no_ledger(ledger: Path) -> None:
    """A wrong STAGEWARD_LEDGER is said, and leaves no file behind."""
    listed = run("token", "list", "--json")
    revoked = run("token", "revoke", "0" * 8)

    assert (listed.code, listed.json, revoked.code) == (0, [], 1)
    assert f"There is no ledger yet at the file {ledger}" in listed.err
    assert "STAGEWARD_LEDGER names it" in revoked.err
    assert not ledger.parent.exists()


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        (
            Settings(tables="AccountName=us;AccountKey=c2VjcmV0;TableEndpoint=https://us.example"),
            "the tables of https://us.example",
        ),
        (Settings(tables="AccountName=us;AccountKey=c2VjcmV0"), "the tables of us"),
        (Settings(tables="UseDevelopmentStorage=true"), "the tables of development storage"),
        (Settings(tables="secret"), "the tables that STAGEWARD_TABLES names"),
        (Settings(tables_endpoint="https://us.example"), "the tables of https://us.example"),
    ],
)
def test_the_place_of_a_ledger_in_tables_is_said_without_its_key(
    settings: Settings, place: str
) -> None:
    """It is printed, so a secret must not be in it."""
    assert ledger_place(settings) == place
    assert not ledger_is_missing(settings)
