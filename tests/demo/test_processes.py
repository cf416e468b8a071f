"""What the demonstration starts is stopped on every way out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stage_functions.demo.processes import DemoError, Processes, free_port

_DEMO = """
import sys
from pathlib import Path
from stage_functions.demo.processes import Processes

processes = Processes(Path(sys.argv[1]))
arguments = ["http.server", "--bind", "127.0.0.1", sys.argv[2]]
processes.start("server", arguments, {})
processes.wait_for("server", f"http://127.0.0.1:{sys.argv[2]}/")
print(processes._running[0].process.pid, flush=True)
sys.stdin.read()
"""


def gone(pid: int) -> bool:
    """Wait until a process is gone; tell whether it is."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists():
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "Z":
                return True
        time.sleep(0.05)
    return False


def test_a_server_is_stopped_with_what_it_started(tmp_path: Path) -> None:
    """By its group."""
    port = free_port()
    processes = Processes(tmp_path)
    processes.start("server", ["http.server", "--bind", "127.0.0.1", str(port)], {})
    processes.wait_for("server", f"http://127.0.0.1:{port}/")
    pid = processes._running[0].process.pid  # noqa: SLF001  # nobody else knows it

    processes.stop()

    assert gone(pid)


def test_a_server_does_not_outlive_a_killed_demonstration(tmp_path: Path) -> None:
    """Not even by `kill -9`, which nothing can catch."""
    demo = subprocess.Popen(
        [sys.executable, "-c", _DEMO, str(tmp_path), str(free_port())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    pid = int(demo.stdout.readline())

    demo.send_signal(signal.SIGKILL)
    demo.communicate()

    assert gone(pid)


def test_a_server_that_does_not_start_is_told_with_what_it_said(tmp_path: Path) -> None:
    """Not waited for until the end of time."""
    processes = Processes(tmp_path)
    processes.start("server", ["no_such_module"], {})

    with pytest.raises(DemoError, match="No module named no_such_module"):
        processes.wait_for("server", "http://127.0.0.1:1/")

    processes.stop()
