"""`az` and `azd`, called as commands; what they answer is JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

TIMEOUT_SECONDS = 1800
_SHOWN_CHARACTERS = 4000


class CommandError(Exception):
    """A command is not there, or says no; the message is what it said."""


def az(*arguments: str) -> Any:  # noqa: ANN401  # whatever the command answers
    """Call the Azure CLI, and return what it answers, or None.

    Raises:
        CommandError: it is not installed, or fails.
    """
    said = _run("az", *arguments, "--only-show-errors", "--output", "json")
    try:
        return json.loads(said) if said.strip() else None
    except ValueError as exc:
        message = f"az {arguments[0]} answers no JSON: {said[:_SHOWN_CHARACTERS]}"
        raise CommandError(message) from exc


def remember(name: str, value: str) -> None:
    """Keep a value in azd's environment.

    Raises:
        CommandError: azd is not there, or fails.
    """
    _run("azd", "env", "set", name, value)


def is_there(command: str) -> bool:
    """Tell whether a command can be called."""
    return shutil.which(command) is not None


def _run(command: str, *arguments: str) -> str:
    path = shutil.which(command)  # on Windows it is az.cmd, which is not found by its name
    if path is None:
        message = f"{command} is not on the PATH"
        raise CommandError(message)
    done = subprocess.run(
        [path, *arguments], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().removeprefix("ERROR: ")
        raise CommandError(said[:_SHOWN_CHARACTERS] or f"{command} ended with {done.returncode}")
    return done.stdout
