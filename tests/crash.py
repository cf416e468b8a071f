"""One promote-and-displace in a process of its own, killed at a given call of a port.

Run as `python -m tests.crash FOLDER CALL before|after`; prints how many calls there were when it
came to its end.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from stage_functions.adapters.cel import CelRules
from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.answer import Answer
from stage_functions.application.context import Context
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ports.registry import Registry
from stage_functions.application.ports.rows import Rows
from stage_functions.application.ports.sink import Sink
from stage_functions.application.query import approvals
from stage_functions.application.registries import RegistryStates
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.domain.approval import Decision
from stage_functions.domain.configuration import (
    Configuration,
    Mode,
    RegistryConfiguration,
    RegistryType,
)
from tests.builders import DIRECTORY, actor, lifecycle
from tests.fakes.files import FileRegistry, FileSink

OPERATION = "the last vote"


class LaterClock(SystemClock):
    """The machine's clock, so many seconds ahead."""

    def __init__(self, seconds: float) -> None:
        self._ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        """Return the time, ahead."""
        return super().now() + self._ahead


class Counter:
    """Counts calls of ports, and kills the process at one of them."""

    def __init__(self, call: int, when: str) -> None:
        self.count = 0
        self._call = call
        self._when = when

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that counts itself, and dies where told."""

        def counted(*args: object, **options: object) -> object:
            self.count += 1
            mine = self.count == self._call
            if mine and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*args, **options)
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        counted.__name__ = name
        return counted


class Counted:
    """A port whose every call is counted."""

    def __init__(self, port: object, counter: Counter) -> None:
        self._port = port
        self._counter = counter

    def __getattr__(self, name: str) -> object:
        found = getattr(self._port, name)
        return self._counter.around(name, found) if callable(found) else found


def context(folder: Path, *, counter: Counter | None = None, ahead: float = 0) -> Context:
    """Return Stageward over the files of a folder."""
    counting = counter or Counter(0, "")
    rows = cast("Rows", Counted(SQLiteRows(folder / "ledger.db"), counting))
    registry = cast("Registry", Counted(FileRegistry(folder), counting))
    sink = cast("Sink", Counted(FileSink(folder), counting))
    clock = LaterClock(ahead)
    one = RegistryConfiguration("demo", RegistryType.MLFLOW, "http://m", Mode.ENFORCE)
    configuration = Configuration({"demo": one}, DIRECTORY, (lifecycle(),))
    ledger = open_ledger(rows, clock, ["file"])
    states = RegistryStates(rows, clock, configuration)
    return Context(
        configuration, ledger, {"demo": registry}, states, CelRules(), {"file": sink}, clock
    )


def last_vote(on: Context, approval: str, fingerprint: str) -> Answer:
    """Cast the vote that promotes one version and displaces another."""
    command = VoteCommand(approval, Decision.APPROVE, "", fingerprint, actor("eve"), OPERATION)
    return vote(on, command)


def main(folder: Path, call: int, when: str) -> None:
    """Cast the last vote, dying at a call."""
    quiet = context(folder)
    view = approvals(quiet)[0].approval
    quiet.ledger.rows.close()
    counter = Counter(0, when)
    on = context(folder, counter=counter)
    counter.count = 0
    counter._call = call  # noqa: SLF001  # opening is not part of the act
    last_vote(on, view.id, view.fingerprint)
    sys.stdout.write(f"{counter.count}\n")
    on.ledger.rows.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
