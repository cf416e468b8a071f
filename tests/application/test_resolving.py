"""Deciding that this ledger is right: all that is written over is told before, and nothing more."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from msgspec import Struct

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.adoption import adopt
from stage_functions.application.context import Context
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.keys import asset_partition
from stage_functions.application.registries import RegistryState
from stage_functions.application.resolving import MAX_LOSSES, Loss, resolve
from stage_functions.application.scan import Scanner, found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import NotAllowedNowError, RegistryUnavailableError
from stage_functions.domain.record import Record, RecordType
from tests.builders import actor, context_over, unguarded
from tests.fakes.clock import FakeClock
from tests.fakes.registry import MemoryRegistry

EVE = actor("eve")


def copy(folder: Path) -> None:
    """Copy the ledger as it is."""
    with closing(sqlite3.connect(folder / "ledger.db")) as ledger:
        ledger.execute("VACUUM INTO ?", (str(folder / "older.db"),))


def first(number: int) -> Version:
    """Return a version of one of many models."""
    return Version(Asset("demo", Kind.MODELS, f"m{number:03d}"), "1")


class TakenBack(Struct, frozen=True):
    """A ledger of yesterday before a registry of today.

    Attributes:
        context: of that ledger.
        registry: the registry.
        clock: the clock.
    """

    context: Context
    registry: MemoryRegistry
    clock: FakeClock

    def stages(self, number: int) -> list[str]:
        """Return what the first so many models show."""
        return [self.registry.tags(first(one))["stage"] for one in range(number)]

    def later(self) -> None:
        """Let some minutes pass, with sweeps and scans."""
        for _ in range(5):
            self.clock.sleep(90)
            sweep(self.context)
            Scanner(self.context).scan("demo")

    def drifts(self) -> list[Record]:
        """Return what was recorded of versions that are written over."""
        return [
            record
            for asset in self.context.ledger.assets()
            for record in self.context.ledger.records(asset_partition(asset))
            if record.type is RecordType.DRIFT_FOUND
            and str(record.content.get("why")).startswith("resolved")
        ]


Make = Callable[..., TakenBack]


@pytest.fixture
def taken_back(tmp_path: Path) -> Iterator[Make]:
    """Makes a registry in which models went on after the ledger was copied, and takes it back."""
    with ExitStack() as stack:

        def made(
            models: int, *, new: int = 0, mode: Mode = Mode.ENFORCE, empty: bool = False
        ) -> TakenBack:
            clock, registry = FakeClock(), MemoryRegistry()
            rows = SQLiteRows(str(tmp_path / "ledger.db"))
            lifecycle = unguarded()
            context = context_over(rows, registry, clock, Mode.ENFORCE, governed_by=lifecycle)
            adopt(context)
            found_empty(context, "demo")
            if empty:
                copy(tmp_path)
            for number in range(models):
                registry.register(first(number), clock.now())
                follow(context, Signal(first(number)))
            if not empty:
                copy(tmp_path)
            for number in range(models, models + new):
                registry.register(first(number), clock.now())
                follow(context, Signal(first(number)))
            for number in range(models + new):
                for target in ("Staging", "Production"):
                    asked = TransitionRequest(
                        first(number), target, "because", actor("sam"), clock.operation_id()
                    )
                    request_transition(context, asked)
            rows.close()
            older = SQLiteRows(str(tmp_path / "older.db"))
            stack.callback(older.close)
            context = context_over(older, registry, clock, mode, governed_by=lifecycle)
            adopt(context)
            return TakenBack(context, registry, clock)

        yield made


def test_all_that_is_lost_is_told_before_and_nothing_more_is_lost_later(taken_back: Make) -> None:
    """Those too that the scan had only observed when the third of them stopped it."""
    it = taken_back(14)
    Scanner(it.context).scan("demo")
    before = it.stages(14)
    told = resolve(it.context, "demo", EVE, dry_run=True)
    untouched = (it.stages(14), bool(it.context.states.get("demo", fresh=True).stopped))
    done = resolve(it.context, "demo", EVE)
    written, edits = it.stages(14), it.registry.calls.count("edit")
    it.later()

    assert tuple(Loss(str(first(n)), "Production", "None") for n in range(14)) == told.losses
    assert (14, 14, False) == (told.resumed, told.lost, told.done)
    assert (before, True) == untouched
    assert (14, 0, True, told.losses) == (done.resumed, done.waiting, done.done, done.losses)
    assert ["None"] * 14 == written
    assert edits == it.registry.calls.count("edit")
    assert "" == it.context.states.ungoverned("demo")
    assert 14 == len(it.drifts())


def test_before_any_scan_has_come_there_it_is_the_same(taken_back: Make) -> None:
    """The tags of each contradict the ledger, whoever has looked."""
    it = taken_back(5)
    done = resolve(it.context, "demo", EVE)
    it.later()

    assert (5, 5) == (done.resumed, done.lost)
    assert ["None"] * 5 == it.stages(5)
    assert "" == it.context.states.ungoverned("demo")


def test_what_was_registered_since_the_backup_is_lost_too(taken_back: Make) -> None:
    """This ledger knows nothing of it, so it begins again."""
    it = taken_back(3, new=4)
    Scanner(it.context).scan("demo")
    told = resolve(it.context, "demo", EVE, dry_run=True)
    resolve(it.context, "demo", EVE)
    it.later()

    assert 7 == told.lost
    assert Loss(str(first(6)), "Production", "None") in told.losses
    assert ["None"] * 7 == it.stages(7)
    assert "" == it.context.states.ungoverned("demo")


def test_what_cannot_be_written_at_once_is_said_to_wait(taken_back: Make) -> None:
    """The sweep does it, as the answer says."""
    it = taken_back(4)
    Scanner(it.context).scan("demo")

    def away(call: str) -> None:
        if call == "write_tag":
            message = "it is away"
            raise RegistryUnavailableError(message)

    it.registry.before = away
    done = resolve(it.context, "demo", EVE)
    held = it.stages(4)
    it.registry.before = lambda _: None
    it.later()

    assert (4, 4) == (done.resumed, done.waiting)
    assert ["Production"] * 4 == held
    assert ["None"] * 4 == it.stages(4)


def test_interrupted_it_stays_stopped_and_is_done_with_by_another_call(taken_back: Make) -> None:
    """Nothing is written before all is decided, and nothing is recorded twice."""
    it = taken_back(6)
    Scanner(it.context).scan("demo")
    it.registry.fail_after(4)
    with pytest.raises(RegistryUnavailableError):
        resolve(it.context, "demo", EVE)
    it.registry.fail_after(-1)
    it.registry.away = False
    stopped, shown = it.context.states.ungoverned("demo"), it.stages(6)
    done = resolve(it.context, "demo", EVE)
    it.later()

    assert "is stopped" in stopped
    assert ["Production"] * 6 == shown
    assert 6 == done.resumed
    assert ["None"] * 6 == it.stages(6)
    assert 6 == len(it.drifts())


def test_where_nothing_contradicts_nothing_is_written_over(taken_back: Make) -> None:
    """Nor is what a person asks by a tag at that moment."""
    it = taken_back(2)
    resolve(it.context, "demo", EVE)
    it.registry.set_tags(first(0), {"stage_request": "Staging"})
    again = resolve(it.context, "demo", EVE)
    it.later()

    assert (0, 0, ()) == (again.resumed, again.lost, again.others)
    assert ["Staging", "None"] == it.stages(2)


def test_names_are_bounded_and_numbers_are_not(taken_back: Make) -> None:
    """Of a large registry the answer stays small."""
    it = taken_back(MAX_LOSSES + 3)
    told = resolve(it.context, "demo", EVE, dry_run=True)

    assert (MAX_LOSSES, MAX_LOSSES + 3) == (len(told.losses), told.lost)


def test_a_ledger_that_forgot_all_may_import_once_that_is_decided(taken_back: Make) -> None:
    """In mode observe too, though nothing is written there; the tags name this very ledger."""
    it = taken_back(2, mode=Mode.OBSERVE, empty=True)
    command = ImportCommand("demo", {}, (), "as it was", EVE)
    with pytest.raises(NotAllowedNowError, match="stageward resolve demo"):
        import_registry(it.context, command)
    done = resolve(it.context, "demo", EVE)
    imported = import_registry(it.context, command)

    assert (0, "it is in mode observe") == (done.resumed, done.idle)
    assert {"Production": 2} == imported.stages
    assert imported.done


def test_what_was_imported_after_it_is_written_to(taken_back: Make) -> None:
    """And does not stop the registry by the numbers of its old tags."""
    it = taken_back(4, empty=True)
    it.context.states.update("demo", lambda _: RegistryState())
    done = resolve(it.context, "demo", EVE)
    import_registry(it.context, ImportCommand("demo", {}, (), "as it was", EVE))
    it.later()

    assert (0, "it was never imported") == (done.resumed, done.idle)
    assert ["Production"] * 4 == it.stages(4)
    assert "" == it.context.states.ungoverned("demo")
    assert f"{it.context.ledger.id}/1" == it.registry.tags(first(0))["stage_governor"]


def test_a_trial_of_an_import_stops_nothing(taken_back: Make) -> None:
    """It only tells."""
    it = taken_back(1, mode=Mode.OBSERVE, empty=True)
    with pytest.raises(NotAllowedNowError):
        import_registry(it.context, ImportCommand("demo", {}, (), "", EVE, dry_run=True))

    assert "" == it.context.states.get("demo", fresh=True).stopped


def test_why_it_stopped_names_the_version(taken_back: Make) -> None:
    """Numbers are counted by asset, so one without its asset tells nothing."""
    it = taken_back(3)
    Scanner(it.context).scan("demo")

    assert (
        "the tags of demo/models/m002:1 are at record 3 of its asset, this ledger is at 1: "
        "was it restored or emptied?"
    ) == it.context.states.get("demo", fresh=True).stopped
