"""What this process knows of itself, and what it has heard: nothing of it is in the ledger."""

from __future__ import annotations

import threading
from datetime import datetime

from msgspec import Struct, field

from stage_functions.application.clocks import Clocks
from stage_functions.application.pace import Pace
from stage_functions.application.ports.dead_letters import Counted, DeadLetters


class Ending(Struct, frozen=True):
    """Something of the environment that ends on a day that it says itself.

    Attributes:
        name: the variable that it stands in, or what else it is called; never its value.
        ends: when.
    """

    name: str
    ends: datetime


class Facts(Struct, frozen=True):
    """How this process was started.

    Attributes:
        version: of the program.
        ledger: where the ledger is, without a secret.
        sign_in: how callers sign in.
        endings: keys and signatures of the environment that say when they end.
        started: when the process was started, or None.
        pace: how often it scans, and from when on that is late.
    """

    version: str = ""
    ledger: str = ""
    sign_in: str = ""
    endings: tuple[Ending, ...] = ()
    started: datetime | None = None
    pace: Pace = field(default_factory=Pace)


class Refused(Struct, frozen=True):
    """Deliveries whose signature did not fit, since the process was started.

    Attributes:
        count: how many.
        last: when the last one came, or None.
    """

    count: int = 0
    last: datetime | None = None


class Unwritten(Struct, frozen=True):
    """Attempts to write to the ledger that all failed, one after the other.

    Attributes:
        since: when the first one did.
        last: when the last one did.
        why: it did.
    """

    since: datetime
    last: datetime
    why: str


class Process:
    """This process. Safe to share between threads.

    Attributes:
        facts: how it was started.
        clocks: what time it was elsewhere.
        dead_letters: where events are kept that could not be delivered; None where none are.
        counted: how many those were, and when that was seen last; None where it was not.
        unwritten: attempts to write to the ledger that failed, since the last one that did not.
    """

    def __init__(
        self,
        facts: Facts | None = None,
        clocks: Clocks | None = None,
        dead_letters: DeadLetters | None = None,
    ) -> None:
        self.facts = facts or Facts()
        self.clocks = clocks or Clocks()
        self.dead_letters = dead_letters
        self.counted: tuple[datetime, Counted] | None = None
        self.unwritten: Unwritten | None = None
        self._lock = threading.Lock()
        self._refused = Refused()

    @property
    def refused(self) -> Refused:
        """Deliveries of MLflow whose signature did not fit."""
        return self._refused

    def refuse(self, now: datetime) -> None:
        """Count a delivery whose signature did not fit."""
        with self._lock:
            self._refused = Refused(self._refused.count + 1, now)

    def not_written(self, now: datetime, why: str) -> None:
        """Remember that something could not be written to the ledger."""
        with self._lock:
            before = self.unwritten
            self.unwritten = Unwritten(before.since if before else now, now, why)

    def written(self) -> None:
        """Remember that something was."""
        if self.unwritten is not None:
            self.unwritten = None
