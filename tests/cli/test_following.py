"""`promote --wait`: what it shows meanwhile, and how it ends; on a terminal and in a pipe."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.cli.following import decided
from stage_functions.client import Client
from stage_functions.domain.lifecycle import ApprovalPolicy, Excluded
from stage_functions.wire import api
from tests.api_server import api_over
from tests.builders import World, timed, world
from tests.cli.console import Console

FIRST = "demo/models/iris:1"
ON_ITS_TERMINAL = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from stage_functions.cli import main
main()
"""
"""A command that is controlled by the terminal that it stands on, so that Ctrl-C reaches it."""
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def it() -> Iterator[World]:
    """A world with a clock, version 1 at Staging."""
    made = world(governed_by=timed())
    version = made.register("1")
    request_transition(made.context, made.command(version, "Staging"))
    yield made
    made.rows.close()


def pending(at: Console) -> str:
    """Ask for Production; return the approval's id."""
    done = at.run("sam", "promote", FIRST, "Production", "--json")
    return str(done.json["approval"])


def decide(at: Console, id_: str, who: str, decision: str = "approve") -> None:
    """Vote over the API."""
    client = at.api.client(who)
    brief = client.get(f"/api/v1/approvals/{id_}").json()
    body = {"decision": decision, "fingerprint": brief["fingerprint"], "comment": "as seen"}
    client.post(f"/api/v1/approvals/{id_}/votes", json=body)


@dataclass
class Terminal:
    """A process before a terminal of its own, that is read until it says something.

    Attributes:
        process: the command.
        leader: the other end of its terminal.
        seen: all that it has shown so far.
    """

    process: subprocess.Popen[Any]
    leader: int
    seen: str = field(default="")

    def until(self, text: str) -> None:
        """Read until the terminal has shown a text."""
        while text not in self.seen:
            self.seen += CONTROL.sub("", os.read(self.leader, 4096).decode())

    def end(self) -> int:
        """Read to the end; return the exit code."""
        try:
            while found := os.read(self.leader, 4096):
                self.seen += CONTROL.sub("", found.decode())
        except OSError:  # the other end is closed
            pass
        return self.process.wait(30)

    def press(self, key: str) -> None:
        """Press a key."""
        os.write(self.leader, key.encode())


@pytest.fixture
def terminal(at: Console) -> Iterator[Callable[..., Terminal]]:
    """What runs a command as somebody on a real terminal."""
    made: list[Terminal] = []

    def run(*arguments: str, who: str = "sam") -> Terminal:
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", ON_ITS_TERMINAL, *arguments],
            cwd=Path(__file__).parents[2],
            env={
                "STAGEWARD_URL": at.api.address,
                "STAGEWARD_TOKEN": who,
                "TERM": "xterm",
                "COLUMNS": "160",
            },
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
        )
        os.close(follower)
        made.append(Terminal(process, leader))
        return made[-1]

    yield run
    for one in made:
        one.process.kill()
        one.process.wait(10)
        os.close(one.leader)


def test_the_terminal_shows_what_is_waited_for_as_it_changes(
    at: Console, terminal: Callable[..., Terminal]
) -> None:
    """Until when, and who may not vote; and then the outcome, exit 0."""
    id_ = pending(at)
    shown = terminal("promote", FIRST, "Production", "--wait")
    shown.until(f"approval {id_} needs 1 of risk, 1 more of risk; excluded: the requester")
    shown.until("open until 2026-01-08 00:00:00 UTC")
    decide(at, id_, "bob")
    shown.until("needs 1 more of risk; excluded: the requester")
    decide(at, id_, "eve")
    code = shown.end()

    assert code == 0
    assert f"granted: {FIRST}: approved by person:bob and person:eve" in shown.seen


def test_ctrl_c_ends_the_waiting_and_not_the_request(
    at: Console, terminal: Callable[..., Terminal]
) -> None:
    """Exit 3, as of a request that waits; with what to do."""
    id_ = pending(at)
    shown = terminal("promote", FIRST, "Production", "--wait")
    shown.until("open until")
    shown.press("\x03")
    code = shown.end()

    assert code == 3
    assert f"no longer waiting; approval {id_} is still open" in shown.seen
    assert f"`stageward withdraw {id_}` takes it back" in shown.seen
    assert at.run("sam", "approvals", id_, "--json").json["status"] == "open"


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_who_may_not_vote_is_told_so_and_not_asked(
    at: Console, terminal: Callable[..., Terminal], command: str
) -> None:
    """The brief is shown, and why; neither a comment nor a yes of theirs is wanted."""
    id_ = pending(at)
    shown = terminal(command, id_)
    code = shown.end()

    assert code == 1
    assert "nobody approves their own work" in shown.seen or "only risk may vote" in shown.seen
    assert "Why, for whoever asked" not in shown.seen
    assert "[y/N]" not in shown.seen


def test_a_reject_asks_for_its_comment_on_a_terminal(
    at: Console, terminal: Callable[..., Terminal]
) -> None:
    """Once the brief is shown; what is said there closes it."""
    id_ = pending(at)
    shown = terminal("reject", id_, who="bob")
    shown.until("Why, for whoever asked")
    shown.press("it drifts\n")
    shown.until("Reject this?")
    shown.press("y\n")
    code = shown.end()

    assert code == 0
    assert "it drifts" in at.run("sam", "approvals", id_, "--json").json["why"]


@pytest.mark.parametrize("arguments", [(), ("--yes",), ("--json",), ("-m", " ")])
def test_a_reject_without_a_comment_says_what_is_needed(
    at: Console, arguments: tuple[str, ...]
) -> None:
    """Where nobody can be asked; nothing is sent."""
    id_ = pending(at)
    done = at.run("bob", "reject", id_, *arguments)

    assert done.code == 1
    assert done.err == "a comment is needed: say why with -m, for whoever asked\n"
    assert at.run("bob", "approvals", id_, "--json").json["status"] == "open"


def test_into_a_pipe_goes_a_line_whenever_it_changes(it: World, at: Console) -> None:
    """On standard error, so that the outcome stands alone; the clock is followed too."""
    id_ = pending(at)

    def go_on() -> None:
        it.clock.sleep(2.5 * 86_400)
        sweep(it.context)
        threading.Timer(1.5, lambda: decide(at, id_, "bob", "reject")).start()

    later = threading.Timer(0.5, go_on)
    later.start()
    done = at.run("sam", "promote", FIRST, "Production", "--wait")
    later.join()
    lines = done.err.splitlines()

    assert done.code == 5
    assert lines[0].startswith(
        f"approval {id_} needs 1 of risk, 1 more of risk; excluded: the requester; open until"
    )
    assert "1 more of risk or science" in lines[1]
    assert len(lines) == 2
    assert done.out == f"closed: {FIRST}: rejected by person:bob: as seen\n"


def test_what_lapses_while_it_is_waited_for_exits_5(it: World, at: Console) -> None:
    """It never approves."""
    pending(at)
    later = threading.Timer(0.5, lambda: it.clock.sleep(8 * 86_400))
    later.start()
    done = at.run("sam", "promote", FIRST, "Production", "--wait", "--json")
    later.join()

    assert (done.code, done.json["status"]) == (5, "expired")
    assert "no decision before 2026-01-08" in done.json["detail"]


def test_a_renewal_is_asked_for_followed_and_shown(at: Console) -> None:
    """Nothing moves, so nothing is called changed."""
    id_ = pending(at)
    for who in ("bob", "eve"):
        decide(at, id_, who)
    asked = at.run("ada", "promote", FIRST, "Production")
    (open_,) = at.run("bob", "approvals", "--json").json
    listed, shown = at.run("bob", "approvals"), at.run("bob", "approvals", open_["id"])
    for who in ("bob", "eve"):
        decide(at, open_["id"], who)
    again = at.run("ada", "approvals", open_["id"])
    version = at.run("ada", "show", FIRST)
    stood = at.run("ada", "as-of", "demo/models/iris")

    assert asked.code == 3
    assert "the renewal of Production waits for approval" in asked.out
    assert "needs 1 of risk, 1 more of risk; excluded: the requester" in asked.out
    assert open_["renews"] is True
    assert "the renewal of Production" in listed.out
    assert "person:bob, person:eve" in shown.out
    assert "person:bob of risk approve at 2026-01-01 00:00:00 UTC: as seen" in again.out
    assert f"{at.api.address}/approvals/{open_['id']}" in shown.out
    assert f"{at.api.address}/approvals/{open_['id']}" in asked.out
    assert "valid until" in again.out
    assert open_["id"] in version.out
    assert "2026-01-31" in version.out
    assert "2026-01-31" in stood.out


def test_a_quorum_that_cannot_be_reached_is_said_when_it_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the command that asks, and in the list."""
    from msgspec.structs import replace

    policy = ApprovalPolicy(3, {"risk": 3}, (Excluded.REQUESTER,), timedelta(days=7))
    course = timed()
    ways = tuple(replace(one, approval=policy) for one in course.transitions)
    it = world(governed_by=replace(course, transitions=ways, text={"name": "default"}))
    it.register("1")
    with api_over(it) as running:
        at = Console(running, monkeypatch)
        done = at.run("ada", "promote", FIRST, "Staging")
        listed = at.run("bob", "approvals", "--json").json
    it.rows.close()

    assert done.code == 3
    assert "it cannot be reached: person:bob and person:eve of risk can still vote" in done.out
    assert "withdraw it" in listed[0]["impossible"]
    assert listed[0]["voters"] == ["person:bob", "person:eve"]


def test_a_stageward_that_is_away_for_a_while_ends_no_waiting(
    at: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said, and asked again: whoever waits for days outlives a restart."""
    id_ = pending(at)
    brief = at.api.client("bob").get(f"/api/v1/approvals/{id_}").json()
    closed = {**brief, "status": "rejected", "why": "rejected by person:bob: no"}
    pauses: list[float] = []

    def answer(_request: httpx.Request) -> httpx.Response:
        if len(pauses) < 2:
            message = "nobody is there"
            raise httpx.ConnectError(message)
        return httpx.Response(200, json=closed)

    away = Client("http://away", transport=httpx.MockTransport(answer), sleep=lambda _: None)
    waits = api.Decision(
        "pending", changed=False, version=FIRST, stage="Staging", detail="", approval=id_
    )
    with away:
        ended = decided(away, waits, pause=pauses.append)

    assert (ended.outcome, ended.status) == ("closed", "rejected")
    assert "still waiting" in capsys.readouterr().err


def test_a_terminal_is_told_at_once_what_is_waited_for(
    it: World, terminal: Callable[..., Terminal]
) -> None:
    """A registry that is away is tried for a while; a pipe gets only how it ended."""
    it.register("1")
    it.registry.away = True
    shown = terminal("promote", FIRST, "Staging")
    shown.until("not yet: registry demo: the registry is away; trying again in 5 s")

    assert shown.process.poll() is None


def test_a_vote_whose_answer_is_piped_asks_nothing(at: Console) -> None:
    """Nobody would see the question: as in `x=$(stageward approve ID)` on a terminal."""
    id_ = pending(at)
    leader, follower = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "stage_functions", "approve", id_],
        cwd=Path(__file__).parents[2],
        env={"STAGEWARD_URL": at.api.address, "STAGEWARD_TOKEN": "bob"},
        stdin=follower,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(follower)
    os.close(leader)

    assert (done.returncode, done.stderr) == (0, "")
    assert f"approval {id_} is open" in done.stdout


def test_what_has_run_out_is_shown_as_ended(it: World, at: Console) -> None:
    """Of a version, of an approval and of a moment in the past."""
    id_ = pending(at)
    for who in ("bob", "eve"):
        decide(at, id_, who)
    before = at.run("ada", "as-of", "demo/models/iris", "2026-01-09")
    it.clock.sleep(31 * 86_400)
    version = at.run("ada", "show", FIRST)
    approval = at.run("ada", "approvals", id_)
    since = at.run("ada", "as-of", "demo/models/iris")

    assert all("ended 2026-01-31" in one.out for one in (version, approval, since))
    assert "2026-01-31" in before.out
    assert "ended" not in before.out
