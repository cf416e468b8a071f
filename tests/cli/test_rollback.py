"""The way back on the command line."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application.transition import request_transition
from stage_functions.domain.lifecycle import ApprovalPolicy
from tests.api_server import api_over
from tests.builders import IRIS, World
from tests.cli.console import Console
from tests.way_back_world import end, returning, stages, two, urgent

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
    assert "nothing leaves Archived, so register it as a new version" in again.err
    assert "transition" not in again.err
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
    assert "Nothing leaves Archived: version 2 does not return from there" in shown.out
    assert ("2", "1", True) == tuple(as_json.json[key] for key in ("out", "back", "allowed"))
    assert "not possible" in elsewhere.out
    assert {"1": "Archived", "2": "Production"} == stages(it)


def test_exit_codes_are_those_of_promote_and_check(it: World, at: Console) -> None:
    """1 where the registry is stopped, by a preview 4; 4 for an emergency of whoever may not."""
    barred = at.run("bob", "promote", f"{ASSET}:1", "Production", "--emergency", "I", "-m", "x")
    it.context.states.update("demo", lambda state: replace(state, stopped="tried out"))
    stopped = at.run("bob", "rollback", ASSET, "-m", "x")
    asked = at.run("bob", "promote", f"{ASSET}:2", "Archived")
    dry = at.run("bob", "rollback", ASSET, "--dry-run")
    checked = at.run("bob", "check", f"{ASSET}:2", "transition", "Archived")

    assert (4, 1, 1) == (barred.code, stopped.code, asked.code)
    assert (4, 4) == (dry.code, checked.code)
    assert "is stopped: tried out" in stopped.err


def test_whoever_may_not_roll_back_is_refused_tried_or_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """4, as `promote` answers whoever may not ask."""
    plain = returning()
    risk = ApprovalPolicy(2, {"risk": 2})
    ways = tuple(
        replace(one, approval=risk if one.target == "Production" else one.approval)
        for one in plain.transitions
    )
    with api_over(two(replace(plain, transitions=ways))) as running:
        at = Console(running, monkeypatch)
        done = [at.run("sam", "rollback", ASSET, *more) for more in (("-m", "x"), ("--dry-run",))]
    end()

    assert [4, 4] == [one.code for one in done]
    assert all("you are in none of these" in one.out + one.err for one in done)


def at_a_terminal(at: Console, who: str, answer: str, *arguments: str) -> tuple[int, str]:
    """Run a command at a terminal, with an answer; return its exit code and what was seen."""
    near, far = pty.openpty()
    at.patch.setenv("STAGEWARD_URL", at.api.address)
    at.patch.setenv("STAGEWARD_TOKEN", who)
    command = [sys.executable, "-c", COMMAND, *arguments]
    with subprocess.Popen(command, stdin=far, stdout=far, stderr=far) as process:
        os.write(near, answer.encode())
        done = process.wait()
    os.set_blocking(near, False)
    shown = os.read(near, 100_000).decode()
    os.close(near)
    os.close(far)
    return done, shown


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1)])
def test_who_takes_an_emergency_back_is_asked(
    it: World, at: Console, answer: str, code: int
) -> None:
    """Before what follows, and after what has followed."""
    version = it.register("3")
    request_transition(it.context, it.command(version, "Staging"))
    at.run("ada", "promote", f"{ASSET}:3", "Production", "--emergency", "INC-1", "-m", "all 0")
    (approval,) = it.context.ledger.load(IRIS).head.approvals
    done, shown = at_a_terminal(at, "ada", answer, "withdraw", approval)

    assert code == done, shown
    assert "The emergency is not ratified then" in shown
    assert ("version 3 is back at Staging" in shown) == (code == 0)
    assert ("Staging" if code == 0 else "Production") == stages(it)["3"]


def test_help_says_where_an_emergency_is_taken_back_unasked(at: Console) -> None:
    """Away from a terminal, and where the caller says so."""
    helped = " ".join(at.run("ada", "withdraw", "--help").out.replace("│", " ").split())

    assert "elsewhere, and with --yes or --json, it is done at once" in helped


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1)])
def test_a_person_is_shown_it_and_asked(it: World, at: Console, answer: str, code: int) -> None:
    """At a terminal; whoever says no changes nothing."""
    done, shown = at_a_terminal(at, "bob", answer, "rollback", ASSET, "--reason", "it fails")

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
