"""An instance of Stageward of either release, as a test drives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

WORKER = Path(__file__).parent / "worker.py"


class KilledError(Exception):
    """The instance was killed while it did what it was told."""


class RefusedError(Exception):
    """The instance has refused what it was told; the message has its error."""


class Instance:
    """A process that does what it is told."""

    def __init__(
        self, tree: Path, folder: Path, *, tables: str = "", address: str = "", ahead: float = 0
    ) -> None:
        """Start it.

        Args:
            tree: the release's.
            folder: of registry, ledger and what is published.
            tables: how the names of the ledger's tables begin; "" for a file in the folder.
            address: of Table Storage.
            ahead: seconds that its clock is ahead.
        """
        environment = {"PYTHONPATH": str(tree), "STAGEWARD_TABLES": address}
        self._log = folder / f"{tree.name}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(WORKER), str(folder), tables, str(ahead)],
                cwd=tree,
                env={**os.environ, **environment},  # noqa: TID251  # the worker's, and more
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def do(self, what: str, **arguments: object) -> Any:  # noqa: ANN401  # as JSON is
        """Tell it to do something; return its answer.

        Raises:
            KilledError: it was killed, as it was told before.
            RefusedError: it has refused.
        """
        self.tell(what, **arguments)
        return self.answer()

    def tell(self, what: str, **arguments: object) -> None:
        """Tell it to do something, and do not wait for it."""
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(f"{json.dumps([what, arguments])}\n")
        stdin.flush()

    def answer(self) -> Any:  # noqa: ANN401  # as JSON is
        """Return its answer to what it was told; raises as `do`."""
        stdout = self._process.stdout
        assert stdout is not None
        line = stdout.readline()
        if not line:
            code = self._process.wait(timeout=30)
            self._close()
            assert code == -signal.SIGKILL, self._log.read_text()
            raise KilledError
        answer = json.loads(line)
        if "refused" in answer:
            raise RefusedError(answer["refused"])
        return answer["did"]

    def kill(self) -> None:
        """Kill it, wherever it is."""
        self._process.kill()
        self._process.wait(timeout=30)
        self._close()

    def _close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
