"""The way back on the command line."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator

import pytest

from stage_functions.application.transition import request_transition
from tests.api_server import api_over
from tests.builders import World
from tests.cli.console import Console
from tests.way_back_world import end, stages, two, urgent

ASSET = "demo/models/iris"
COMMAND = "from stage_functions.cli.main import main; main()"


@pytest.fixture
def it() -> Iterator[World]:
    """A world where version 2 has taken Production from version 1."""
    yield two(urgent())
    end()


@pytest.fixture
def at(it: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    """A terminal before a Stageward over that world."""
    with api_over(it) as running:
        yield Console(running, monkeypatch)


def test_rollback_brings_back_what_was_displaced(it: World, at: Console) -> None:
    """0 done, 4 not possible, and why; a reason is needed."""
    bare = at.run("bob", "rollback", ASSET)
    done = at.run("bob", "rollback", ASSET, "--reason", "it fails", "--mark")
    again = at.run("bob", "rollback", ASSET, "--reason", "it fails")

    assert (1, 0, 4) == (bare.code, done.code, again.code)
    assert "say why with --reason" in bare.err
    assert "granted: demo/models/iris:1: rolled back: it holds Production again" in done.out
    assert "displaced: 2" in done.out
    assert "came back to Production by record" in again.err
    assert {"1": "Production", "2": "Archived"} == stages(it)


def test_a_dry_run_only_shows_what_would_happen(it: World, at: Console) -> None:
    """Also as JSON; to whom it is not allowed with 4."""
    shown = at.run("bob", "rollback", ASSET, "--dry-run", "--mark")
    as_json = at.run("bob", "rollback", ASSET, "--dry-run", "--json")
    elsewhere = at.run("bob", "rollback", ASSET, "--dry-run", "--stage", "Staging")

    assert (0, 0, 4) == (shown.code, as_json.code, elsewhere.code)
    assert "version 1 would come back to Production" in shown.out
    assert (
        "Version 1 goes from Archived to Production, and version 2 from Production to Archived"
        in shown.out
    )
    assert "it must be reviewed before it may return" in shown.out
    assert "Possible until 2026-01-31" in shown.out
    assert ("2", "1", True) == tuple(as_json.json[key] for key in ("out", "back", "allowed"))
    assert "not possible" in elsewhere.out
    assert {"1": "Archived", "2": "Production"} == stages(it)


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1)])
def test_a_person_is_shown_it_and_asked(it: World, at: Console, answer: str, code: int) -> None:
    """At a terminal; whoever says no changes nothing."""
    near, far = pty.openpty()
    at.patch.setenv("STAGEWARD_URL", at.api.address)
    at.patch.setenv("STAGEWARD_TOKEN", "bob")
    command = [sys.executable, "-c", COMMAND, "rollback", ASSET, "--reason", "it fails"]
    with subprocess.Popen(command, stdin=far, stdout=far, stderr=far) as process:
        os.write(near, answer.encode())
        done = process.wait()
    os.set_blocking(near, False)
    shown = os.read(near, 100_000).decode()
    os.close(near)
    os.close(far)

    assert code == done, shown
    assert "version 1 would come back to Production" in shown
    assert "Roll back?" in shown
    assert ("Production" if code == 0 else "Archived") == stages(it)["1"]


def test_promote_in_an_emergency(it: World, at: Console) -> None:
    """Granted at once, with what is to ratify it."""
    version = it.register("3")
    request_transition(it.context, it.command(version, "Staging"))
    bare = at.run("ada", "promote", f"{ASSET}:3", "Production", "--emergency", "INC-1")
    empty = at.run("ada", "promote", f"{ASSET}:3", "Production", "--emergency", "", "-m", "all 0")
    done = at.run(
        "ada", "promote", f"{ASSET}:3", "Production", "--emergency", "INC-1", "--reason", "all 0"
    )
    listed = at.run("bob", "approvals")

    assert (1, 0) == (bare.code, done.code)
    assert "--emergency needs --reason" in bare.err
    assert "names no incident" in empty.err
    assert "at once, for INC-1; to be ratified before" in done.out
    assert "the emergency Staging → Production to be ratified" in listed.out
    history = at.run("ada", "history", ASSET)
    assert "EmergencyUsed" in history.out
