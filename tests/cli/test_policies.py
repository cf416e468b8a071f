"""Definitions of Azure Policy on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.asset import Version
from tests.api_server import api_over
from tests.brief_world import empty_world
from tests.builders import IRIS
from tests.cli.console import Console
from tests.cli.test_lifecycle import run
from tests.policies_as_rules import FILE, FILES, OWNER

TRIED = ("check", "demo/models/iris:1", "transition", "Staging", "--config")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a configuration in a folder, with its definition."""
    (tmp_path / "policies").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    found = tmp_path / "stageward.yaml"
    found.write_text(FILE, "utf-8")
    return found


def test_a_file_with_definitions_is_sound(file: Path) -> None:
    """They are read from its folder, wherever the command is given."""
    done = run("lifecycle", "validate", str(file))

    assert (0, "") == (done.returncode, done.stderr)
    assert "default (sha256:" in done.stdout


def test_another_definition_is_another_digest(file: Path) -> None:
    """Though the configuration file is the same."""
    before = run("lifecycle", "validate", str(file)).stdout
    text = FILES["policies/owner.json"].replace('"notContainsKey"', '"containsKey"')
    (file.parent / "policies" / "owner.json").write_text(text, "utf-8")
    after = run("lifecycle", "validate", str(file)).stdout

    assert before != after


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "stageward.yaml:18:23: rule owned: policies/owner.json: there is no such file"),
        ("{", "rule owned: policies/owner.json: it is not JSON"),
        ('{"if": {"field": "type", "is": 1}, "then": {"effect": "deny"}}', "owner.json: /if"),
    ],
)
def test_faults_of_a_definition_are_told(file: Path, text: str | None, said: str) -> None:
    """With the place that names it, and its own."""
    definition = file.parent / "policies" / "owner.json"
    definition.unlink()
    if text is not None:
        definition.write_text(text, "utf-8")
    plain = file.read_text("utf-8").replace("        parameters: {effect: deny}\n", "")
    file.write_text(plain, "utf-8")
    done = run("lifecycle", "validate", str(file))

    assert 1 == done.returncode
    assert said in done.stderr


def test_rules_are_shown_with_name_file_and_effect(file: Path) -> None:
    """Expressions as they are written."""
    shown = run("lifecycle", "show", "default", STAGEWARD_CONFIG=str(file)).stdout
    whole = run("lifecycle", "show", "default", "--json", STAGEWARD_CONFIG=str(file)).stdout
    said = " ".join(shown.split())

    assert "owned" in shown
    assert "it names its owner" in said
    assert "Azure Policy 'Models in protected stages name an owner' of policies/owner.json" in said
    assert "now >= in_stage_since" in said
    assert OWNER == json.loads(whole)["text"]["rules"]["owned"]["azure_policy"]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    """A terminal before a Stageward whose version 1 names no owner, and where none is demanded."""
    plain = FILE.replace("azure_policy: policies/owner.json", 'cel: "true"')
    made = empty_world(plain.replace("        parameters: {effect: deny}\n", ""))
    made.registry.register(Version(IRIS, "1"), made.clock.now(), author="mlflow:ada")
    follow(made.context, Signal(Version(IRIS, "1")))
    with api_over(made) as running:
        yield Console(running, monkeypatch)
    made.rows.close()


def test_a_draft_is_tried_with_the_definitions_that_it_names(at: Console, file: Path) -> None:
    """They are sent with it; the server has none of these files."""
    found = at.run("ada", *TRIED, str(file))

    assert 4 == found.code, found.err
    assert f"not allowed, under {file}" in found.out
    assert "effect = deny" in " ".join(found.out.split())


def test_a_definition_that_cannot_be_sent_is_told_here(at: Console, file: Path) -> None:
    """And no file from outside of the draft's folder is sent anywhere."""
    text = file.read_text("utf-8")
    (file.parent / "policies" / "owner.json").unlink()
    missing = at.run("ada", *TRIED, str(file))
    file.write_text(text.replace("policies/owner.json", "../../etc/passwd"), "utf-8")
    outside = at.run("ada", *TRIED, str(file))

    assert (1, 1) == (missing.code, outside.code)
    assert "names policies/owner.json: there is no such file" in " ".join(missing.err.split())
    assert "is in the folder of the configuration file or below it" in " ".join(outside.err.split())


def test_faults_of_a_draft_name_the_draft(at: Console, file: Path) -> None:
    """Also where they are in a definition that it names."""
    (file.parent / "policies" / "owner.json").write_text("[]", "utf-8")
    found = at.run("ada", *TRIED, str(file))

    assert 1 == found.code
    assert f"{file}:18:23: rule owned: policies/owner.json" in "".join(found.err.split("\n"))


def test_a_refusal_says_once_what_a_definition_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """And in short words."""
    made = empty_world(files=FILES, file=FILE)
    made.registry.register(Version(IRIS, "1"), made.clock.now(), author="mlflow:ada")
    follow(made.context, Signal(Version(IRIS, "1")))
    with api_over(made) as running:
        found = Console(running, monkeypatch).run("ada", "promote", "demo/models/iris:1", "Staging")
    made.rows.close()

    assert 4 == found.code
    assert 1 == found.out.count("owned failed (it names its owner): effect = deny")
    assert "  soaked passed" in found.out
    assert "Microsoft.MachineLearningServices" not in found.out
