"""Commands that stand within lines and tables of documents are ones that there are."""

from __future__ import annotations

import re
import tomllib
from importlib.util import find_spec

import pytest

from tests.cli.console import run
from tests.documents import stand_in
from tests.documents.reading import ROOT
from tests.documents.spans import Command, of, written


@pytest.mark.parametrize("command", of("stageward"), ids=written)
def test_a_command_of_stageward_is_one_with_these_options(command: Command) -> None:
    """An option that was renamed, or never was, is a fault of usage."""
    arguments = [one for one in command.words[1:] if one != "--install-completion"]
    lacks = bool(arguments) and arguments[-1].startswith("-")

    done = run(*arguments, *(["value"] if lacks else []), "--help")

    assert 0 == done.code, f"{command.where}: {done.err}"
    assert all(one in run("--help").out for one in set(command.words[1:]) - set(arguments))


@pytest.mark.parametrize("command", of("make"), ids=written)
def test_a_command_of_make_has_a_target(command: Command) -> None:
    """And variables that the Makefile reads."""
    text = (ROOT / "Makefile").read_text("utf-8")
    for word in command.words[1:]:
        name, equals, _ = word.partition("=")
        known = f"$({name})" in text or f",{name})" in text if equals else f"\n{name}: ##" in text
        assert known, command.where


@pytest.mark.parametrize("command", of("python"), ids=written)
def test_a_command_of_python_names_a_module(command: Command) -> None:
    """Which is there."""
    if "-m" in command.words:
        assert find_spec(command.words[command.words.index("-m") + 1]), command.where


@pytest.mark.parametrize("command", of("pip"), ids=written)
def test_a_command_of_pip_names_an_extra(command: Command) -> None:
    """Of this project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for extra in re.findall(r"\[([\w-]+)\]", command.written):
        assert extra in project["optional-dependencies"], command.where


@pytest.mark.parametrize("command", [*of("az"), *of("azd")], ids=written)
def test_a_command_of_azure_names_what_there_is(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings, outputs, hooks, roles, policies and files are the project's."""
    monkeypatch.chdir(ROOT)
    if command.whole and len(command.words) > 1:
        stand_in.main(command.words[0], list(command.words[1:]))
