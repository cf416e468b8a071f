"""The page for operators holds what it says: each command runs, each section is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import query
from stage_functions.application.adoption import adopt
from stage_functions.application.resolving import resolve
from stage_functions.application.scan import Scanner, found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.status import registries
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.application.troubles import Section
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.people import Actor, Attribution
from stage_functions.settings import NAMES
from tests.api_server import api_over
from tests.builders import IRIS, actor, context_over, world
from tests.cli.console import Console
from tests.fakes.clock import FakeClock
from tests.fakes.registry import MemoryRegistry

PAGE = (Path(__file__).parent.parent / "docs" / "operate.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]
ENDS_WELL = {
    "stageward status": 0,
    "stageward resolve demo --dry-run": 0,
    "stageward resolve demo": 0,
    "stageward outbox": 0,
    "stageward outbox --retry ID": 1,
    "stageward dead-letters": 1,
    "stageward dead-letters --replay": 1,
}
"""Where nothing is owed under that id, and no container of dead letters is configured: 1."""


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    """A terminal before a Stageward that was scanned a moment ago."""
    it = world()
    it.register("1")
    Scanner(it.context).scan("demo")
    with api_over(it) as api:
        yield Console(api, monkeypatch)
    it.rows.close()


def test_every_section_that_a_trouble_names_is_there() -> None:
    """By its heading."""
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    sections = [value for name, value in vars(Section).items() if name.isupper()]

    assert [] == [one for one in sections if one not in headings]
    assert "Load and cost" in headings


def test_every_link_inside_the_page_leads_somewhere() -> None:
    """As GitHub makes anchors of headings."""
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}

    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= anchors


def test_every_variable_that_it_names_is_one() -> None:
    """But for those with an alias in them."""
    named = set(re.findall(r"STAGEWARD_([A-Z_]+)", PAGE)) - {"REGISTRY_"}

    assert named <= set(NAMES)


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.startswith("stageward")])
def test_every_command_runs_and_ends_as_it_should(at: Console, command: str) -> None:
    """No option is misspelt; what is wrong is a sentence."""
    done = at.run("eve", *shlex.split(command)[1:])

    assert ENDS_WELL[command] == done.code, done.err
    assert "Usage:" not in done.err


@pytest.mark.parametrize(
    "command",
    [
        "stageward import demo --dry-run",
        "stageward scan demo",
        "stageward history demo/models/iris --verify",
    ],
)
def test_commands_in_sentences_run_too(at: Console, command: str) -> None:
    """They stand there as they are typed."""
    assert f"`{command}`" in PAGE
    assert 0 == at.run("eve", *shlex.split(command)[1:]).code


def test_the_catalog_is_rebuilt_as_the_page_says(at: Console) -> None:
    """By its address and method."""
    (command,) = [one for one in COMMANDS if one.startswith("curl")]
    method, path = re.findall(r"-X (\w+).*\$STAGEWARD_URL(/[\w/-]+)", command)[0]

    assert {"versions": 1} == at.api.client("eve").request(method, path).json()


def request(version: Version, target: str, clock: FakeClock) -> TransitionRequest:
    """Return what sam asks for."""
    return TransitionRequest(version, target, "because", actor("sam"), clock.operation_id())


def copied(command: str, folder: Path) -> None:
    """Run the command of the page that copies a ledger, without the program `sqlite3`."""
    words = shlex.split(command)
    assert "python" == words[0]
    subprocess.run([sys.executable, *words[1:]], cwd=folder, check=True)


def test_a_ledger_is_copied_while_it_is_open_and_an_older_one_writes_nothing(
    tmp_path: Path,
) -> None:
    """Restored, it stops at the registry that knows better, until an operator resolves it."""
    (command,) = re.findall(r"`(python -c \"import sqlite3.*?)`\. To restore", PAGE)
    folder = tmp_path / ".stageward"
    folder.mkdir()
    clock, registry = FakeClock(), MemoryRegistry()
    rows = SQLiteRows(str(folder / "ledger.db"))
    context = context_over(rows, registry, clock, Mode.ENFORCE)
    adopt(context)
    found_empty(context, "demo")
    versions = [Version(Asset("demo", Kind.MODELS, f"m{number}"), "1") for number in range(4)]
    for version in versions:
        registry.register(version, clock.now())
        follow(context, Signal(version))
    copied(command, tmp_path)
    for version in versions:
        request_transition(context, request(version, "Staging", clock))
    rows.close()

    restored = SQLiteRows(str(tmp_path / "ledger-backup.db"))
    older = context_over(restored, registry, clock, Mode.ENFORCE)
    adopt(older)
    before = [dict(registry.tags(version)) for version in versions]
    Scanner(older).scan("demo")
    (known,) = registries(older)
    untouched = [dict(registry.tags(version)) for version in versions] == before
    resolve(older, "demo", Actor("person:eve", Attribution.PROVEN, "cli"))
    clock.sleep(61)
    sweep(older)

    assert ("stopped", True) == (known.code, untouched)
    assert ["Staging"] * 4 == [tags["stage"] for tags in before]
    assert ["None"] * 4 == [registry.tags(version)["stage"] for version in versions]
    assert query.check_history(older, versions[0].asset) is None
    restored.close()


def test_an_empty_ledger_writes_nothing_where_another_has_governed() -> None:
    """It stops at the first version whose tags name one."""
    clock, first = FakeClock(), world()
    first.registry.register(Version(IRIS, "1"), clock.now())
    follow(first.context, Signal(Version(IRIS, "1")))
    registry = first.registry
    rows = SQLiteRows(":memory:")
    empty = context_over(rows, registry, clock, Mode.ENFORCE)
    adopt(empty)
    found_empty(empty, "demo")
    before = dict(registry.tags(Version(IRIS, "1")))
    Scanner(empty).scan("demo")
    (known,) = registries(empty)

    assert not known.governed
    assert before == registry.tags(Version(IRIS, "1"))
    rows.close()
    first.rows.close()
