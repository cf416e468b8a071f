"""What the pages say that scans take and cost is what the cost model reckons."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from benchmarks.cost import EACH, Assumptions, Load, reckon
from benchmarks.operations import kept
from stage_functions.application.pace import LATE_SCAN, Pace
from stage_functions.triggers.schedules import SCAN_MINUTES
from tests.deploy.azure_world import ROOT

DEPLOY = (ROOT / "docs" / "deploy.md").read_text("utf-8")
OPERATE = (ROOT / "docs" / "operate.md").read_text("utf-8")
OFTEN = OPERATE.partition("## How often to scan")[2].partition("\n## ")[0]
QUIET = 1e-9
"""So few events that nothing comes of them."""


@dataclass(frozen=True)
class Scanning:
    """What scanning so many assets comes to.

    Attributes:
        minutes: that a pass takes, with the pauses of the timer.
        total: dollars a month of all of Stageward at rest.
        functions: dollars of it that are the scan's instances.
    """

    minutes: float
    total: float
    functions: float


def scanning(assets: int, pause: int = SCAN_MINUTES) -> Scanning:
    """Return what scanning so many assets comes to by the model, with a pause of minutes."""
    given = Assumptions(scan_minutes=pause)
    found = reckon(Load(QUIET, max(QUIET, assets * EACH)), kept(), given)
    none = reckon(Load(QUIET, QUIET), kept(), given)
    functions = found.money["Functions"] - none.money["Functions"]
    return Scanning(found.pass_hours * 60, sum(found.money.values()), functions)


def rows(text: str) -> list[list[str]]:
    """Return the cells of a table whose first column is a number of assets."""
    lines = re.findall(r"^\| (?:[\d,]+|none)(?: and more)? \|.*\|$", text, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def number(cell: str) -> int:
    """Return the number in a cell."""
    digits = re.sub(r"\D", "", cell)
    return int(digits) if digits else 0


def test_the_cost_at_rest_is_the_models() -> None:
    """By number of assets, in dollars a month; from where on it stays the same."""
    table = rows(DEPLOY.partition("**Cost.**")[2])

    assert 5 == len(table)
    for assets, dollars in table:
        assert number(dollars) == pytest.approx(scanning(number(assets)).total, abs=0.6)
    assert scanning(100_000).total == pytest.approx(scanning(1400).total, abs=2)


def test_how_long_a_pass_takes_and_what_it_costs() -> None:
    """As the model reckons, without a pause and with one."""
    table = rows(OFTEN)

    assert 6 == len(table)
    for assets, takes, _, dollars, hourly, three in table:
        it = scanning(number(assets))
        minutes = number(takes) * {"s": 1 / 60, "min": 1, "h": 60}[takes.split()[1]]
        assert it.minutes == pytest.approx(minutes, rel=0.03)
        assert it.functions == pytest.approx(number(dollars), abs=0.6)
        assert scanning(number(assets), 60).functions == pytest.approx(number(hourly), abs=0.6)
        assert scanning(number(assets), 180).functions == pytest.approx(number(three), abs=0.6)


def test_a_scan_is_late_after_twice_what_it_takes() -> None:
    """The value for each size is no less, nor below what counts where nothing is set."""
    for assets, _, seconds, *_ in rows(OFTEN):
        twice = 2 * 60 * scanning(number(assets)).minutes
        assert max(twice, LATE_SCAN.total_seconds()) <= number(seconds) <= 2 * max(twice, 3600)
    assert Pace.of(60, 0).late.total_seconds() >= 2 * 60 * (scanning(5000).minutes + 60)
