"""End a group of processes when whoever started it is gone: its end of the pipe is then closed."""

from __future__ import annotations

import contextlib
import os
import signal
import sys


def main() -> None:
    """Wait until standard input ends, then end the group that the argument names."""
    sys.stdin.buffer.read()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(int(sys.argv[1]), signal.SIGKILL)


if __name__ == "__main__":
    main()
