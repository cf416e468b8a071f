"""The alerts of `infra/` and the figures of the code are the same figures, with the same limits."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from stage_functions.application.clocks import TOO_FAR_SECONDS
from stage_functions.application.pace import LATE_SCAN, Pace
from stage_functions.application.process import Ending, Facts, Process
from stage_functions.application.status import LATE_WORK, NEAR, figures, status
from stage_functions.domain.figure import Figure
from stage_functions.triggers.schedules import SCAN_MINUTES
from tests.builders import world
from tests.fakes.dead_letters import MemoryDeadLetters

PROJECT = Path(__file__).parent.parent
ALERTS = (PROJECT / "infra" / "modules" / "alerts.bicep").read_text("utf-8")
PAGE = (PROJECT / "docs" / "operate.md").read_text("utf-8")
ONE = re.compile(
    r"name: '(?P<name>[\w-]+)'\n\s+figure: '(?P<figure>[\w.]+)'\n\s+of: '(?P<of>\w*)'\n"
    r"\s+smallest: (?P<smallest>true|false)\n\s+limit: (?P<limit>\w+)\n"
)
NOT_ALARMED = {"stageward.approvals.open", "stageward.outbox.waiting"}
"""What people have still to decide, and what goes on by itself, is no trouble."""


def every_figure() -> tuple[Figure, ...]:
    """Return the figures of a world of which everything is known."""
    it = world()
    now, letters = it.clock.time, MemoryDeadLetters()
    facts = Facts(endings=(Ending("STAGEWARD_TABLES", now + timedelta(days=1)),), started=now)
    process = Process(facts, dead_letters=letters)
    process.clocks.listener("ledger", it.clock)({"Date": format_datetime(now, usegmt=True)})
    found = figures(status(replace(it.context, process=process)))
    it.rows.close()
    return found


def alerts() -> dict[str, re.Match[str]]:
    """Return the alerts on figures, by figure."""
    return {one["figure"]: one for one in ONE.finditer(ALERTS)}


def test_every_figure_has_its_alert_and_every_alert_its_figure() -> None:
    """A figure that was renamed would never ring."""
    assert {one.name for one in every_figure()} - NOT_ALARMED == set(alerts())
    assert {"stageward.outbox.waiting"} == set(re.findall(r'name == "([\w.]+)"', ALERTS))


def test_an_alert_tells_figures_apart_by_the_attribute_that_they_have() -> None:
    """Else one registry that is well would hide another that is not."""
    attributes = {one.name: "".join(one.attributes) for one in every_figure()}

    assert {name: attributes[name] for name in alerts()} == {
        name: one["of"] for name, one in alerts().items()
    }


@pytest.mark.parametrize(
    ("figure", "limit"),
    [
        ("stageward.registry.stopped", 0),
        ("stageward.outbox.parked", 0),
        ("stageward.dead_letters", 0),
        ("stageward.outbox.oldest.age", LATE_WORK.total_seconds()),
        ("stageward.clock.skew", TOO_FAR_SECONDS),
        ("stageward.key.expiry", NEAR.total_seconds()),
    ],
)
def test_an_alert_rings_where_the_status_says_that_something_is_wrong(
    figure: str, limit: float
) -> None:
    """So whoever is woken finds why."""
    assert limit == float(alerts()[figure]["limit"])


def test_a_scan_is_late_from_the_same_age_everywhere() -> None:
    """One parameter is the limit of the alert and a setting of the app; unset, it is the same."""
    read = json.loads((PROJECT / "infra" / "main.parameters.json").read_text("utf-8"))
    app = (PROJECT / "infra" / "modules" / "app.bicep").read_text("utf-8")
    default = {
        name: re.fullmatch(r"\$\{\w+=(\d+)\}", read["parameters"][name]["value"])
        for name in ("scanMinutes", "scanAgeSeconds")
    }
    minutes, seconds = (int(one[1]) if one else -1 for one in default.values())

    assert "scanAgeSeconds" == alerts()["stageward.registry.scan.age"]["limit"]
    assert "STAGEWARD_SCAN_AGE_SECONDS: string(scanAgeSeconds)\n" in app
    assert "STAGEWARD_SCAN_MINUTES: string(scanMinutes)\n" in app
    assert (SCAN_MINUTES, LATE_SCAN.total_seconds()) == (minutes, seconds)
    assert Pace.of(0, 0).late == Pace.of(minutes, seconds).late


def test_the_page_for_operators_says_of_each_alert_what_to_do() -> None:
    """By the name under which it rings."""
    names = [one["name"] for one in alerts().values()]
    events = (PROJECT / "infra" / "modules" / "alerts-events.bicep").read_text("utf-8")
    names += re.findall(r"name: '([\w-]+)'\n\s+metric:", events)

    assert 10 == len(names)
    assert [] == [name for name in (*names, "silent", "failing") if f"`{name}`" not in PAGE]
