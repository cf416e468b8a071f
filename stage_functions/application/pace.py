"""How often registries are scanned, and from when on a scan is late."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from stage_functions.application.registries import RegistryState

LATE_SCAN = timedelta(hours=1)
"""Twice as long as a pass over some 30,000 versions takes in Azure (`docs/operate.md`)."""
CYCLES = 3
"""So many times as long as from one scan to the next a scan may be old at the least."""


class Pace(Struct, frozen=True):
    """How often registries are scanned, and from when on a scan is late.

    Attributes:
        every: from the end of a pass to the next one; nothing for whenever the timer rings.
        late: so old the last pass that came to its end may be.
    """

    every: timedelta = timedelta(0)
    late: timedelta = LATE_SCAN

    @classmethod
    def of(cls, minutes: int, late_seconds: int) -> Pace:
        """Return it as it is set; 0 for what is not set."""
        every = timedelta(minutes=minutes)
        late = timedelta(seconds=late_seconds)
        return cls(every, late or max(LATE_SCAN, CYCLES * every))

    def due(self, state: RegistryState, now: datetime, ring: timedelta) -> bool:
        """Tell whether a registry is to be scanned now.

        A pass that has begun goes on, and what could not be read is tried again, whenever the timer
        rings. So is one that ended later than now: some clock is wrong, and waiting for it to come
        right could take for ever.

        Args:
            state: what the ledger knows of the registry.
            now: the time.
            ring: from one ring of the timer to the next; by up to so much a pass may come early,
                else each would come late by it.
        """
        if state.cursor or state.unreadable or state.pass_completed is None:
            return True
        passed = now - state.pass_completed
        return passed < timedelta(0) or passed >= self.every - ring
