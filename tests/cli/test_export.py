"""`stageward export`: a whole pack in a file, never over another one unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from stage_functions.application.transition import request_transition
from tests.builders import World, cast
from tests.cli.console import Console
from tests.packs import check, manifest_of

VERSION = "demo/models/iris:1"


@pytest.fixture(autouse=True)
def approval(it: World) -> str:
    """A version that was approved for Production."""
    version = it.register("1")
    request_transition(it.context, it.command(version, "Staging"))
    asked = request_transition(it.context, it.command(version, "Production")).approval
    for person in ("bob", "eve"):
        cast(it.context, asked, person, comment="fine")
    return asked


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the command is run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_pack_of_a_version_is_written_under_the_servers_name(at: Console, here: Path) -> None:
    """It says what is in it and how to check it; nothing else is left behind."""
    done = at.run("bob", "export", VERSION)

    assert 0 == done.code
    assert ["stageward-demo-iris-1.zip"] == [one.name for one in here.iterdir()]
    assert f"evidence of {VERSION}" in done.out
    assert "demo/models/iris: 7 records" in done.out
    assert "no anchor covers it" in done.out
    assert "python -I verify.py" in done.out
    assert 0 == check(here / "stageward-demo-iris-1.zip").code


def test_an_approval_is_exported_by_its_id(at: Console, here: Path, approval: str) -> None:
    """To the file that is named; `--json` is for programs."""
    done = at.run("bob", "export", approval, "--out", "pack.zip", "--json")

    assert 0 == done.code
    assert approval == done.json["subject"]["approval"]
    assert "pack.zip" == done.json["file"]
    assert done.json["files"] == manifest_of((here / "pack.zip").read_bytes())["files"]


@pytest.mark.parametrize("arguments", [(), ("--out", "stageward-demo-iris-1.zip")])
def test_a_file_that_is_there_stays_unless_forced(
    at: Console, here: Path, arguments: tuple[str, ...]
) -> None:
    """Whichever way it got its name."""
    kept = here / "stageward-demo-iris-1.zip"
    kept.write_text("mine")
    refused = at.run("bob", "export", VERSION, *arguments)

    assert 1 == refused.code
    assert "is there already; --force writes over it" in refused.err
    assert "mine" == kept.read_text()
    assert [kept] == [*here.iterdir()]
    assert 0 == at.run("bob", "export", VERSION, "--force", *arguments).code
    assert 0 == check(kept).code


def test_what_is_not_there_is_told_and_leaves_no_file(at: Console, here: Path) -> None:
    """No empty zip, no half of one."""
    unknown = at.run("bob", "export", "demo/models/iris:9")
    nowhere = at.run("bob", "export", VERSION, "--out", "no/such/folder/pack.zip")
    folder = at.run("bob", "export", VERSION, "--out", ".")

    assert "the ledger knows no demo/models/iris:9" in unknown.err
    assert "no/such/folder: no such file or directory" in nowhere.err
    assert "is a folder" in folder.err
    assert [1, 1, 1] == [one.code for one in (unknown, nowhere, folder)]
    assert [] == [*here.iterdir()]
