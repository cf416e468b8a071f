"""A promote-and-displace, a rollback or a revert, in a process of its own, killed at a given call.

Each tag that the registry writes counts as a call: it may be the last one.

Run as `python -m tests.crash FOLDER CALL before|after [rollback|reject]`; prints how many calls there were
when it came to its end.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from msgspec.structs import replace

from stage_functions.adapters.cel import CelRules
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.answer import Answer
from stage_functions.application.context import Context
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ports.registry import Registry
from stage_functions.application.ports.rows import Rows
from stage_functions.application.ports.sink import Sink
from stage_functions.application.ports.telemetry import SILENT, Telemetry
from stage_functions.application.query import approvals
from stage_functions.application.registries import RegistryStates
from stage_functions.application.rollback import RollbackCommand, request_rollback
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.domain.approval import Decision
from stage_functions.domain.configuration import (
    Configuration,
    Mode,
    RegistryConfiguration,
    RegistryType,
)
from tests.builders import DIRECTORY, IRIS, actor, lifecycle
from tests.fakes.clock import LaterClock
from tests.fakes.registry import FileRegistry
from tests.fakes.sink import FileSink
from tests.way_back_world import urgent

OPERATION = "the last vote"
GOVERNED_BY = replace(urgent(), text=lifecycle().text)
"""With a way back, and emergencies; its digest is that of other releases' tests, which have none."""


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

    def before_tag(self, call: str) -> None:
        """Count a tag that the registry is about to write, and die where told."""
        if call == "write_tag":
            self.count += 1
            self._die("before")

    def after_tag(self, call: str) -> None:
        """Die where told, once the tag is written."""
        if call == "write_tag":
            self._die("after")

    def _die(self, when: str) -> None:
        if self.count == self._call and self._when == when:
            os.kill(os.getpid(), signal.SIGKILL)


class Counted:
    """A port whose every call is counted."""

    def __init__(self, port: object, counter: Counter) -> None:
        self._port = port
        self._counter = counter

    def __getattr__(self, name: str) -> object:
        found = getattr(self._port, name)
        return self._counter.around(name, found) if callable(found) else found


def registry_of(folder: Path) -> FileRegistry:
    """Return the registry in a folder."""
    return FileRegistry(folder / "registry", "demo")


def sink_of(folder: Path) -> FileSink:
    """Return the sink in a folder."""
    return FileSink(folder / "published")


def context(
    folder: Path,
    *,
    counter: Counter | None = None,
    ahead: float = 0,
    telemetry: Telemetry = SILENT,
) -> Context:
    """Return Stageward over the files of a folder."""
    counting = counter or Counter(0, "")
    rows = cast("Rows", Counted(SQLiteRows(folder / "ledger.db"), counting))
    kept = registry_of(folder)
    kept.before, kept.after = counting.before_tag, counting.after_tag
    registry = cast("Registry", Counted(kept, counting))
    sink = cast("Sink", Counted(sink_of(folder), counting))
    clock = LaterClock(ahead)
    one = RegistryConfiguration("demo", RegistryType.MLFLOW, "http://m", Mode.ENFORCE)
    configuration = Configuration({"demo": one}, DIRECTORY, (GOVERNED_BY,))
    ledger = open_ledger(rows, clock, ["file"], telemetry=telemetry)
    states = RegistryStates(rows, clock, configuration)
    return Context(
        configuration,
        ledger,
        {"demo": registry},
        states,
        CelRules(),
        {"file": sink},
        clock,
        telemetry=telemetry,
    )


def last_vote(on: Context, approval: str, fingerprint: str) -> Answer:
    """Cast the vote that promotes one version and displaces another."""
    command = VoteCommand(approval, Decision.APPROVE, "", fingerprint, actor("eve"), OPERATION)
    return vote(on, command)


def rollback(on: Context) -> Answer:
    """Bring back what was displaced."""
    command = RollbackCommand(IRIS, actor("eve"), "the rollback", reason="it fails", mark=True)
    return request_rollback(on, command)


def reject(on: Context, approval: str, fingerprint: str) -> Answer:
    """Refuse to ratify an emergency, which is put back then."""
    command = VoteCommand(
        approval, Decision.REJECT, "it was sound", fingerprint, actor("eve"), OPERATION
    )
    return vote(on, command)


def main(folder: Path, call: int, when: str, what: str) -> None:
    """Cast the last vote, roll back or refuse to ratify, dying at a call."""
    quiet = context(folder)
    open_ = approvals(quiet)
    quiet.ledger.rows.close()
    counter = Counter(0, when)
    on = context(folder, counter=counter)
    counter.count = 0
    counter._call = call  # noqa: SLF001  # opening is not part of the act
    if what == "rollback":
        rollback(on)
    elif what == "reject":
        reject(on, open_[0].approval.id, open_[0].approval.fingerprint)
    else:
        last_vote(on, open_[0].approval.id, open_[0].approval.fingerprint)
    sys.stdout.write(f"{counter.count}\n")
    on.ledger.rows.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], *(sys.argv[4:] or [""]))
