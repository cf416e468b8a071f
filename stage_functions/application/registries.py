"""What the ledger knows of each registry: whether it was imported, and whether it was stopped.

A registry is governed only if its configuration says enforce, its present stages were imported (or
it was found empty), and nothing stopped it. Otherwise Stageward observes. The answer is read from
the ledger at most every `FRESH_SECONDS`, so a stop by another instance takes effect that late.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.codec import pack, unpack
from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.rows import LEDGER, Change, Insert, Replace, Rows
from stage_functions.domain.configuration import Configuration, Mode
from stage_functions.domain.error import ConflictError
from stage_functions.domain.stored import Stored, demand_understood

FRESH_SECONDS = 5
SUSPECTS_THAT_STOP = 3
STATE = "state"
"""Key of the row of a registry."""
_ATTEMPTS = 8


class RegistryState(Stored, frozen=True):
    """What the ledger knows of a registry.

    Attributes:
        imported: its present stages were taken as granted, or it was found empty.
        stopped: why nothing is written to it until `stageward resolve`, or "".
        suspects: assets whose tags name another ledger, or a number not reached.
        taken_over: ids of other ledgers whose tags an operator has decided to write over.
        cursor: where the scan goes on.
        pass_completed: when a pass last came to its end, or None.
        halted: why the scan does not mark versions as deleted, or "".
        unreadable: why the registry could not be read at the last attempt, or "".
        stopped_at: when it was stopped, where it is.
        halted_at: since when the scan marks nothing as deleted, where it does not.
        unreadable_at: since when it could not be read, where it cannot.
        restored: when the ledger was restored from a backup, where nobody has resolved the registry
            since; or None. It is stopped then; and the clock, events, and notices to people, wait
            too.
    """

    imported: bool = False
    stopped: str = ""
    suspects: tuple[str, ...] = ()
    taken_over: tuple[str, ...] = ()
    cursor: str = ""
    pass_completed: datetime | None = None
    halted: str = ""
    unreadable: str = ""
    stopped_at: datetime | None = None
    halted_at: datetime | None = None
    unreadable_at: datetime | None = None
    restored: datetime | None = None

    def dated(self, now: datetime) -> RegistryState:
        """Return it with the moments at which what is wrong began: now, if they are unknown."""
        return replace(
            self,
            stopped_at=(self.stopped_at or now) if self.stopped else None,
            halted_at=(self.halted_at or now) if self.halted else None,
            unreadable_at=(self.unreadable_at or now) if self.unreadable else None,
        )


class RegistryStates:
    """Reads and changes what the ledger knows of registries."""

    def __init__(self, rows: Rows, clock: Clock, configuration: Configuration) -> None:
        self._rows = rows
        self._clock = clock
        self._configuration = configuration
        self._cache: dict[str, tuple[datetime, RegistryState]] = {}

    def get(self, alias: str, *, fresh: bool = False) -> RegistryState:
        """Return the state of a registry, at most `FRESH_SECONDS` old."""
        now = self._clock.now()
        cached = self._cache.get(alias)
        if cached and not fresh and now - cached[0] < timedelta(seconds=FRESH_SECONDS):
            return cached[1]
        row = self._rows.get(LEDGER, keys.registry_partition(alias), STATE)
        state = RegistryState() if row is None else unpack(row, RegistryState)
        self._cache[alias] = (now, state)
        return state

    def update(self, alias: str, change: Callable[[RegistryState], RegistryState]) -> RegistryState:
        """Change the state of a registry under its own lock.

        Raises:
            ConflictError: others kept changing it.
            LaterReleaseError: a later release wrote it, and means more by it than is known here.
        """
        partition = keys.registry_partition(alias)
        for attempt in range(_ATTEMPTS):
            row = self._rows.get(LEDGER, partition, STATE)
            before = RegistryState() if row is None else unpack(row, RegistryState)
            demand_understood(before)
            after = change(before).dated(self._clock.now())
            if after == before:  # perhaps because another instance was first: believe it at once
                self._cache[alias] = (self._clock.now(), before)
                return before
            write: Change = (
                Insert(STATE, pack(after)) if row is None else Replace(STATE, pack(after), row.etag)
            )
            try:
                self._rows.commit(LEDGER, partition, [write])
            except ConflictError:
                self._clock.sleep(self._clock.fraction() * 0.05 * (attempt + 1))
                continue
            self._cache[alias] = (self._clock.now(), after)
            return after
        message = f"the state of registry {alias} keeps changing; try again"
        raise ConflictError(message)

    def ungoverned(self, alias: str) -> str:
        """Say why a registry is only observed; an empty text if it is governed.

        Raises:
            LaterReleaseError: as `update`.
        """
        registry = self._configuration.registry(alias)
        if registry.mode is Mode.OBSERVE:
            return f"registry {alias} is in mode observe"
        state = self.get(alias)
        demand_understood(state)
        if state.stopped:
            return f"registry {alias} is stopped: {state.stopped}; see `stageward resolve {alias}`"
        if not state.imported:
            return (
                f"registry {alias} is in mode enforce but was never imported: "
                f"run `stageward import {alias}`"
            )
        return ""

    def waits(self) -> bool:
        """Tell whether the ledger was restored, and a registry still waits to be resolved.

        Till then nothing is said of the ledger as a whole either.
        """
        return any(self.get(alias).restored is not None for alias in self._configuration.registries)

    def suspect(self, alias: str, asset: str, why: str, *, at_once: bool) -> None:
        """Note an asset whose tags contradict this ledger; stop the registry where it is too much.

        Args:
            alias: the registry.
            asset: the asset.
            why: what its tags say.
            at_once: one such asset is enough.
        """

        def change(state: RegistryState) -> RegistryState:
            suspects = state.suspects if asset in state.suspects else (*state.suspects, asset)
            many = at_once or len(suspects) >= SUSPECTS_THAT_STOP
            stopped = state.stopped or (why if many else "")
            return replace(state, suspects=suspects[:SUSPECTS_THAT_STOP], stopped=stopped)

        self.update(alias, change)
