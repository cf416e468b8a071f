"""`stageward resolve`: what it would write over is shown, and a terminal is asked."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stage_functions.application.scan import Scanner
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import Mode
from tests.api_server import api_over
from tests.builders import World, world
from tests.cli.console import Console

VERSIONS = [Version(Asset("demo", Kind.MODELS, f"m{number}"), "1") for number in range(4)]
PLAN = """\
demo: would be written over: 4 versions, 4 of which show another stage
  demo/models/m0:1: Production → None
  demo/models/m1:1: Production → None
  demo/models/m2:1: Production → None
  demo/models/m3:1: Production → None
"""


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry has tags of a later moment than its ledger."""
    made = world()
    tags = {"stage": "Production", "stage_governor": f"{made.context.ledger.id}/9"}
    for version in VERSIONS:
        made.registry.register(version, made.clock.now(), tags=tags)
    Scanner(made.context).scan("demo")
    yield made
    made.rows.close()


def shown(it: World) -> set[str]:
    """Return the stages that the registry shows."""
    return {it.registry.tags(version)["stage"] for version in VERSIONS}


def answered(at: Console, key: str, *options: str) -> tuple[int, str]:
    """Run it on a terminal, answer what it asks, and return its exit code and what it said."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "stage_functions", "resolve", "demo", *options],
        cwd=Path(__file__).parents[2],
        env={"STAGEWARD_URL": at.api.address, "STAGEWARD_TOKEN": "eve", "TERM": "dumb"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    os.write(leader, key.encode())
    said = b""
    try:
        while found := os.read(leader, 4096):
            said += found
    except OSError:  # the other end is closed
        pass
    os.close(leader)
    return process.wait(30), said.decode().replace("\r\n", "\n")


def test_a_trial_names_each_version_and_what_it_loses(it: World, at: Console) -> None:
    """And changes nothing."""
    told = at.run("eve", "resolve", "demo", "--dry-run")

    assert (0, PLAN) == (told.code, told.out)
    assert {"Production"} == shown(it)
    assert "stopped" in it.context.states.ungoverned("demo")


def test_a_terminal_is_asked_and_no_is_no(it: World, at: Console) -> None:
    """What would be lost stands above the question."""
    code, said = answered(at, "n\n")

    assert PLAN in said
    assert "Is this ledger right? That cannot be undone [y/N]" in said
    assert (1, {"Production"}) == (code, shown(it))


def test_who_says_yes_is_told_what_was_done(it: World, at: Console) -> None:
    """Once more in numbers, not in names."""
    code, said = answered(at, "y\n")

    assert said.endswith("demo: written over: 4 versions, 4 of which showed another stage\n")
    assert (0, {"None"}) == (code, shown(it))


def test_a_terminal_with_yes_is_not_asked(it: World, at: Console) -> None:
    """As a script that has looked before."""
    code, said = answered(at, "", "--yes")

    assert "[y/N]" not in said
    assert (0, {"None"}) == (code, shown(it))


def test_programs_get_it_as_json_and_are_not_asked(it: World, at: Console) -> None:
    """The versions too."""
    told = at.run("eve", "resolve", "demo", "--dry-run", "--json").json
    done = at.run("eve", "resolve", "demo", "--json").json

    assert (False, True) == (told["done"], done["done"])
    assert {"version": "demo/models/m0:1", "shows": "Production", "granted": "None"} == (
        told["losses"][0]
    )
    assert {"None"} == shown(it)


def test_a_registry_that_is_only_observed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the decision, and of an import after it: nothing is written before `mode: enforce`."""
    it = world(Mode.OBSERVE)
    tags = {"stage": "Staging", "stage_governor": "another0/9"}
    it.registry.register(VERSIONS[0], it.clock.now(), tags=tags)
    with api_over(it) as api:
        at = Console(api, monkeypatch)
        refused = at.run("eve", "import", "demo")
        resolved = at.run("eve", "resolve", "demo")
        imported = at.run("eve", "import", "demo")
    it.rows.close()

    assert "run `stageward resolve demo` first" in refused.err
    assert (
        "demo: written over: no versions\n"
        "  of no account from now on: tags that name ledger another0\n"
        "  nothing is written to it yet: it is in mode observe\n"
    ) == resolved.out
    assert "imported 1 at Staging" in imported.out
    assert "nothing is written to it yet: registry demo is in mode observe" in imported.out
