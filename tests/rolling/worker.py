"""Stageward of one release in a process of its own, which does what it is told.

Run by its path with `-P`, in the tree of either release: so it uses nothing that only one of them
has. It reads a command a line and answers each by one line of JSON.

    python -P worker.py FOLDER TABLES SECONDS

FOLDER has the registry and what is published; the ledger is a file in it, or where TABLES is not
empty, the tables whose names begin so, at the address in STAGEWARD_TABLES. Its clock is SECONDS
ahead.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import stage_functions
from stage_functions.adapters.cel import CelRules
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.adapters.tables import TableRows, table_service
from stage_functions.application import query
from stage_functions.application.adoption import adopt
from stage_functions.application.context import Context
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ports.registry import Registry
from stage_functions.application.ports.rows import Rows
from stage_functions.application.ports.sink import Sink
from stage_functions.application.registries import RegistryStates
from stage_functions.application.scan import found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import (
    Configuration,
    Mode,
    RegistryConfiguration,
    RegistryType,
)
from stage_functions.domain.error import LedgerDamagedError, StagewardError
from stage_functions.domain.record import Record
from tests.builders import DIRECTORY, IRIS, actor, lifecycle
from tests.crash import Counted, Counter
from tests.fakes.clock import LaterClock
from tests.fakes.registry import FileRegistry


class Published:
    """A sink in a file, one line a record, with whose record it is."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    def publish(self, records: Sequence[Record], traceparent: str = "") -> None:
        """Take records; the previous release has no trace."""
        del traceparent
        with self._path.open("a") as file:
            file.writelines(f"{one.content['asset']} {one.number}\n" for one in records)

    def close(self) -> None:
        """Hold nothing open."""


class Worker:
    """One instance of Stageward."""

    def __init__(self, folder: Path, tables: str, ahead: float) -> None:
        self._counter = Counter(0, "")
        self._kept = FileRegistry(folder / "registry", "demo")
        self._kept.before = self._counter.before_tag
        self._kept.after = self._counter.after_tag
        rows = cast("Rows", Counted(_store(folder, tables), self._counter))
        registry = cast("Registry", Counted(self._kept, self._counter))
        sink = cast("Sink", Counted(Published(folder / "published"), self._counter))
        clock = LaterClock(ahead)
        one = RegistryConfiguration("demo", RegistryType.MLFLOW, "http://m", Mode.ENFORCE)
        configuration = Configuration({"demo": one}, DIRECTORY, (lifecycle(),))
        self.on = Context(
            configuration,
            open_ledger(rows, clock, ["file"]),
            {"demo": registry},
            RegistryStates(rows, clock, configuration),
            CelRules(),
            {"file": sink},
            clock,
        )

    def do(self, what: str, arguments: dict[str, Any]) -> object:
        """Do what is told."""
        found: object = getattr(self, what)(**arguments)
        return found

    def die(self, call: int, when: str) -> None:
        """Be killed at a call of a port that is so many calls away: before it, or after it."""
        self._counter._call = self._counter.count + call  # noqa: SLF001  # both releases' own
        self._counter._when = when  # noqa: SLF001  # likewise

    def begin(self) -> str:
        """Adopt the lifecycle, and find the registry empty; return whose code this is."""
        adopt(self.on)
        found_empty(self.on, "demo")
        return str(Path(stage_functions.__file__).parents[1])

    def register(self, number: str, trainer: str = "") -> None:
        """Register a version, as sam, with a tag that is nobody's business; of somebody's job."""
        version = Version(IRIS, number)
        tags, now = {"team": "risk ÄÖ"}, self.on.clock.now()
        job = self._kept.run(user=trainer) if trainer else None
        self._kept.register(version, now, tags=tags, author="mlflow:sam", job=job)

    def tag(self, number: str, stage: str) -> None:
        """Ask by a tag."""
        self._kept.set_tag(Version(IRIS, number), "stage_request", stage)

    def signal(self, number: str) -> bool:
        """Hear that something may have changed."""
        return follow(self.on, Signal(Version(IRIS, number)))

    def ask(self, number: str, stage: str) -> str:
        """Ask over the API; return the approval that waits."""
        operation = self.on.clock.operation_id()
        wish = TransitionRequest(Version(IRIS, number), stage, "why", actor("sam"), operation)
        return request_transition(self.on, wish).approval

    def vote(self, approval: str, person: str) -> str:
        """Approve; return what became of it."""
        seen = query.approval(self.on, approval).approval
        operation = self.on.clock.operation_id()
        who = actor(person)
        command = VoteCommand(approval, Decision.APPROVE, "", seen.fingerprint, who, operation)
        return str(vote(self.on, command).status)

    def open(self) -> list[str]:
        """Return the approvals that wait."""
        return [view.approval.id for view in query.approvals(self.on)]

    def sweep(self) -> list[str]:
        """Finish what a crash left; return what could not be done."""
        return list(sweep(self.on).failed)

    def busy(self, numbers: list[str], rounds: int, seed: int) -> int:
        """Do all of this again and again; return how often nothing stood in the way."""
        dice = random.Random(seed)
        done = 0
        for _ in range(rounds):
            number = dice.choice(numbers)
            try:
                match dice.choice(("signal", "ask", "ask", "vote", "sweep")):
                    case "signal":
                        self.signal(number)
                    case "ask":
                        self.ask(number, dice.choice(("Staging", "Production", "Production")))
                    case "vote":
                        for approval in self.open():
                            self.vote(approval, dice.choice(("bob", "eve")))
                    case _:
                        self.sweep()
                done += 1
            except StagewardError as exc:
                if isinstance(exc, LedgerDamagedError):
                    raise
        return done

    def see(self) -> dict[str, object]:
        """Return what this release sees of the whole."""
        loaded = self.on.ledger.load(IRIS)
        states = self.on.ledger.versions(IRIS)
        fault = query.check_history(self.on, IRIS)
        return {
            "fault": fault and fault.why,
            "owed": [*loaded.head.owed, *loaded.head.notices],
            "holders": {stage: list(held) for stage, held in loaded.head.holders.items()},
            "stages": {number: state.stage for number, state in states.items()},
            "base": {number: state.base.get("stage") for number, state in states.items()},
            "as_of": {n: one.stage for n, one in query.standings(self.on, IRIS, None).items()},
            "records": [
                [record.number, str(record.type), record.content.get("to"), record.hash]
                for record in query.all_records(self.on, IRIS)
            ],
            "approvals": {
                view.approval.id: str(view.approval.status)
                for view in query.approvals(self.on, None)
            },
        }


def _store(folder: Path, tables: str) -> Rows:
    if not tables:
        return SQLiteRows(folder / "ledger.db")
    rows = TableRows(table_service(os.environ["STAGEWARD_TABLES"]), prefix=tables)  # noqa: TID251
    rows.create_tables()
    return rows


def main(folder: Path, tables: str, ahead: float) -> None:
    """Do what is told, line by line."""
    worker = Worker(folder, tables, ahead)
    for line in sys.stdin:
        what, arguments = json.loads(line)
        try:
            answer: object = {"did": worker.do(what, arguments)}
        except StagewardError as exc:
            answer = {"refused": f"{type(exc).__name__}: {exc}"}
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()
    worker.on.ledger.rows.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
