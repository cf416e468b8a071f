"""What was measured: rows, how a goal is judged, and how they are shown and kept."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

_WIDTH = 170
_MARKS: Mapping[bool | None, str] = {None: "", True: "[green]yes", False: "[red]no"}
_JUDGES: Mapping[str, Callable[[float, float], bool]] = {
    "≥": lambda value, limit: value >= limit,
    "≤": lambda value, limit: value <= limit,
    "=": lambda value, limit: value == limit,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        name: what was measured.
        value: the figure; None where it could not be had, which holds no goal.
        unit: of the figure.
        goal: such as `≥ 4`; None where there is none.
        note: for whoever reads the table: how far rounds lay apart, what was counted.
    """

    name: str
    value: float | None
    unit: str
    goal: str | None = None
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the goal holds; None where there is none."""
        if self.goal is None:
            return None
        sign, _, limit = self.goal.partition(" ")
        return self.value is not None and _JUDGES[sign](self.value, float(limit))


@dataclass(frozen=True, slots=True)
class Rounds:
    """The same figure of several rounds."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        """The one in the middle."""
        return median(self.values)

    @property
    def spread(self) -> str:
        """The lowest and the highest."""
        return f"{_plain(min(self.values))} to {_plain(max(self.values))}"

    def over(self, other: Rounds) -> Rounds:
        """Return the ratios to another figure, round by round."""
        pairs = zip(self.values, other.values, strict=True)
        return Rounds([mine / theirs for mine, theirs in pairs])


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def show(rows: Sequence[Row], console: Console, circumstances: str) -> None:
    """Print a table, wide enough for one line a row."""
    table = Table(
        title="Stageward, measured",
        caption=circumstances,
        title_justify="left",
        caption_justify="left",
        width=max(console.width, _WIDTH),
    )
    table.add_column("what", overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit")
    table.add_column("goal", justify="right", no_wrap=True)
    table.add_column("holds")
    table.add_column("note", overflow="fold")
    for row in rows:
        value = "–" if row.value is None else _plain(row.value)
        table.add_row(row.name, value, row.unit, row.goal or "", _MARKS[row.holds], row.note)
    console.print(table, width=max(console.width, _WIDTH), crop=False, no_wrap=False)


def keep(rows: Sequence[Row], path: Path) -> None:
    """Write the rows to a file, without their notes."""
    documents = [
        {
            "name": row.name,
            "value": None if row.value is None else float(f"{row.value:.4g}"),
            "unit": row.unit,
            "goal": row.goal,
            "holds": row.holds,
        }
        for row in rows
    ]
    text = json.dumps(documents, indent=2, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")


def _plain(value: float) -> str:
    if value == int(value):
        return str(int(value))
    for limit, digits in ((100, 0), (10, 1)):
        if abs(value) >= limit:
            return f"{value:.{digits}f}"
    return f"{value:.2f}"
