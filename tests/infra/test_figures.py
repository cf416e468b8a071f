"""Alerts ask for figures that the code counts."""

from __future__ import annotations

from pathlib import Path

from scripts.infra import check, figures
from scripts.infra.ambient import example_group
from scripts.infra.examples import Case
from scripts.infra.faults import Place
from scripts.infra.parser import parse
from scripts.infra.unit import Unit
from scripts.infra.values import Record
from scripts.infra.world import World

ALERT = """
resource alert 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: 'alert'
  location: 'westeurope'
  properties: {
    criteria: {
      allOf: [
        {
          query: 'customMetrics | where name == "stageward.outbox.parked"'
        }
      ]
    }
  }
}
"""


def alerts(root: Path, counted: str) -> list[str]:
    """Return what is said of an alert, where the code counts a figure."""
    (root / "stage_functions").mkdir()
    (root / "stage_functions" / "status.py").write_text(f'NAME = "{counted}"\n', encoding="utf-8")
    file = parse("alerts.bicep", ALERT)
    world = World(root, files={"alerts.bicep": file})
    Unit(world, "alerts", file, example_group(), Record(place=Place("alerts.bicep"))).run()
    deployment = check.Deployment(file, Case("one", {}), tuple(world.resources))
    return [fault.message for fault in figures.check([deployment], root)]


def test_an_alert_on_a_figure_that_is_counted_is_right(tmp_path: Path) -> None:
    """The name is the same to the letter."""
    assert [] == alerts(tmp_path, "stageward.outbox.parked")


def test_an_alert_on_a_figure_that_nothing_counts_is_a_fault(tmp_path: Path) -> None:
    """It would never fire; the nearest figure is named."""
    assert [
        "nothing counts 'stageward.outbox.parked'; did you mean 'stageward.outbox.park'?"
    ] == alerts(tmp_path, "stageward.outbox.park")
