"""`az` and `azd`, called as commands; what they answer is JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 1800
_SHOWN_CHARACTERS = 4000


class CommandError(Exception):
    """A command is not there, or says no; the message is what it said."""


def az(*arguments: str) -> Any:  # noqa: ANN401  # whatever the command answers
    """Call the Azure CLI, and return what it answers, or None.

    Raises:
        CommandError: it is not installed, fails, or does not answer.
    """
    said = run("az", *arguments, "--only-show-errors", "--output", "json")
    return answer(said, f"az {' '.join(arguments).partition(' --')[0]}")


def rest(method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
    """Call Azure or Microsoft Graph; a url that begins with `/` is of the resource manager.

    A body goes by a file: no shell on the way then reads its quotation marks, or cuts it short.

    Raises:
        CommandError: the call fails.
    """
    call = ("rest", "--method", method, "--url", url)
    if body is None:
        return az(*call)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "body.json"
        file.write_text(json.dumps(body), encoding="utf-8")
        return az(*call, "--headers", "Content-Type=application/json", "--body", f"@{file}")


def remember(name: str, value: str) -> None:
    """Keep a value in azd's environment.

    Raises:
        CommandError: azd is not there, or fails.
    """
    run("azd", "env", "set", name, value)


def is_there(command: str) -> bool:
    """Tell whether a command can be called."""
    return shutil.which(command) is not None


def answer(said: str, command: str) -> Any:  # noqa: ANN401  # JSON
    """Return the JSON in what a command printed; lines before it are what az says of Bicep.

    Raises:
        CommandError: there is something, and no JSON in it.
    """
    lines = said.strip().splitlines()
    begins = [at for at, line in enumerate(lines) if at == 0 or line.startswith(("[", "{"))]
    for at in begins:
        try:
            return json.loads("\n".join(lines[at:]))
        except ValueError:
            continue
    if not lines:
        return None
    message = f"{command} answers no JSON: {said[:_SHOWN_CHARACTERS]}"
    raise CommandError(message)


def run(command: str, *arguments: str, seconds: float = TIMEOUT_SECONDS) -> str:
    """Call a command, and return what it prints; it is asked nothing, and can ask nobody.

    Raises:
        CommandError: it is not there, fails, or takes too long.
    """
    path = shutil.which(command)  # on Windows it is az.cmd, which is not found by its name
    if path is None:
        message = f"{command} is not on the PATH"
        raise CommandError(message)
    whole = [path, *arguments]
    try:
        done = subprocess.run(
            batch_line(whole) if path.lower().endswith((".cmd", ".bat")) else whole,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        words = " ".join(arguments).partition(" --")[0]
        message = f"{command} {words} does not answer for {seconds:g} seconds"
        raise CommandError(message) from exc
    if done.returncode:
        said = (done.stderr or done.stdout).strip().removeprefix("ERROR: ")
        raise CommandError(said[:_SHOWN_CHARACTERS] or f"{command} ended with {done.returncode}")
    return done.stdout


def batch_line(whole: Sequence[str]) -> str:
    """Return a command line for a batch file of Windows, such as az.cmd.

    Its interpreter reads `&`, `|`, `^` and parentheses that stand outside of quotation marks: a
    resource group may be called `ml(dev)`, and its parenthesis would end a block of az.cmd.

    Raises:
        CommandError: an argument has what it reads inside of quotation marks too.
    """
    for one in whole:
        if '"' in one or "%" in one:
            message = f'{one} has a " or %, which cannot be passed on under Windows'
            raise CommandError(message)
    return " ".join(f'"{one}"' for one in whole)
