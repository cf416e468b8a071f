"""What `az` answers, and how it is called where it is a batch file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from infra.hooks.commands import CommandError, answer, batch_line, run


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", None),
        (" \n", None),
        ('{"a": 1}', {"a": 1}),
        ("true\n", True),
        ('WARNING: old\n[notice] x\n{"a":\n1}\n', {"a": 1}),
        ("Bicep CLI is already installed.\r\n[1, 2]\r\n", [1, 2]),
    ],
)
def test_an_answer_is_the_json_in_what_was_printed(said: str, expected: object) -> None:
    """Lines before it are left out."""
    assert expected == answer(said, "az x")


@pytest.mark.parametrize("said", ["Unable to decode", "{", "[notice]"])
def test_no_answer_is_shown_as_it_is(said: str) -> None:
    """With the command that printed it."""
    with pytest.raises(CommandError, match="az x answers no JSON") as caught:
        answer(said, "az x")

    assert said in str(caught.value)


def test_a_batch_file_gets_each_argument_in_quotation_marks() -> None:
    """So parentheses, blanks and ampersands in names are no more than that."""
    whole = ["C:\\Program Files\\az.cmd", "group", "show", "--name", "ml (dev)&co"]

    assert '"C:\\Program Files\\az.cmd" "group" "show" "--name" "ml (dev)&co"' == batch_line(whole)


@pytest.mark.parametrize("argument", ['a"b', "%PATH%"])
def test_what_a_batch_file_would_read_all_the_same(argument: str) -> None:
    """It is refused: it would be another argument there."""
    with pytest.raises(CommandError, match="under Windows"):
        batch_line(["az.cmd", argument])


def _command(folder: Path, program: str) -> None:
    """Make a command `az` that runs a program, wherever Python is: its path may have a blank."""
    script = folder / "az"
    text = f"#!/bin/sh\nexec '{sys.executable}' -c '{program}'\n"
    script.write_text(text, encoding="utf-8")
    script.chmod(0o755)


def test_a_command_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up with its name, and asked for nothing meanwhile."""
    _command(tmp_path, "import time; time.sleep(60)")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CommandError, match=r"az group list does not answer for 0\.5 seconds"):
        run("az", "group", "list", "--subscription", "x", seconds=0.5)


def test_a_command_that_asks_gets_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody sees its question: so it comes to an end at once."""
    _command(tmp_path, "print(repr(input()))")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CommandError, match="EOF"):
        run("az")
