"""The timers of `stageward serve`."""

from __future__ import annotations

import logging

import pytest
from msgspec.structs import replace

from stage_functions.application.context import Context
from stage_functions.application.pace import Pace
from stage_functions.application.process import Facts, Process
from stage_functions.application.scan import Scanned, Scanner
from stage_functions.bootstrap import Application
from stage_functions.cli.timers import SCAN_SECONDS, Timers, scan_seconds
from stage_functions.settings import Settings
from tests.builders import world
from tests.fakes.anchors import MemoryAnchors


class CountingScanner(Scanner):
    """A scanner that counts how often it scans."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.scans = 0

    def scan(self, alias: str, *, seconds: float = 240, parent: str = "") -> Scanned:
        """Scan, and count it."""
        self.scans += 1
        return super().scan(alias, seconds=seconds, parent=parent)


@pytest.mark.parametrize(("minutes", "scans"), [(0, 2), (1, 2), (60, 1)])
def test_a_registry_that_was_scanned_is_left_alone_for_as_long_as_it_is_set(
    minutes: int, scans: int
) -> None:
    """The timer rings each minute; a registry that was never scanned is scanned at once."""
    it = world()
    process = Process(Facts(pace=Pace.of(minutes, 0)))
    context = replace(it.context, process=process)
    scanner = CountingScanner(context)
    for _ in range(2):
        timers = Timers(Application(Settings(), context, scanner))
        timers.start()
        timers.stop()
        it.clock.sleep(SCAN_SECONDS)

    assert scans == scanner.scans
    assert max(SCAN_SECONDS, minutes * 60) == scan_seconds(context)
    it.rows.close()


def test_the_sweep_anchors_the_ledger() -> None:
    """Once an hour, however often it rings."""
    it, place = world(), MemoryAnchors()
    context = replace(it.context, places=(place,))
    for _ in range(2):
        timers = Timers(Application(Settings(), context, Scanner(context)))
        timers.start()
        timers.stop()

    assert 1 == len(place.taken)
    it.rows.close()


def test_a_registry_that_answers_again_is_said_to(caplog: pytest.LogCaptureFixture) -> None:
    """Once, where the line before said that it does not: at a start MLflow may come up later."""
    caplog.set_level(logging.INFO, "stageward.timers")
    it = world()
    timers = Timers(Application(Settings(), it.context, Scanner(it.context)))
    for away in (True, True, False, False):
        it.registry.away = away
        timers.scan()
        it.clock.sleep(SCAN_SECONDS)
    it.rows.close()

    said = [one for one in caplog.messages if one.startswith("registry demo")]
    assert 3 == len(said)
    assert "registry demo answers now" == said[-1]
