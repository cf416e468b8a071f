"""Runs a command as somebody sees it: on a terminal, where its tables are as wide as that is."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

_CHUNK_BYTES = 65536


def shown(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a command on a terminal of its own; return its exit code and what that shows.

    Args:
        command: program and arguments, the story's own.
        environment: of the program; its `COLUMNS` says how wide the terminal is.
    """
    leader, follower = pty.openpty()
    with subprocess.Popen(
        command,
        env={**environment, "TERM": "dumb"},  # no colours
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    ) as process:
        os.close(follower)
        said = b""
        with suppress(OSError):  # on Linux, that nobody writes there any more is an error
            while chunk := os.read(leader, _CHUNK_BYTES):
                said += chunk
    os.close(leader)
    return process.returncode, said.decode(errors="replace").replace("\r\n", "\n").strip()
