"""docs/telemetry.md lists what is sent: all of it, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from stage_functions.application.measures import MEASURES, STEPS
from stage_functions.settings import Settings, read_settings

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "telemetry.md").read_text("utf-8")


def rows(heading: str) -> list[tuple[str, ...]]:
    """Return the rows of the table whose first column has this heading."""
    lines = PAGE.split("\n")
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {heading} |")) + 2
    table = lines[start : lines.index("", start)]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table]


def in_code(*names: str) -> str:
    """Return names as a cell has them."""
    return ", ".join(f"`{name}`" for name in names)


def test_every_step_is_listed_as_the_code_has_it() -> None:
    """Name, what it is, attributes, in the order of the code."""
    expected = [(in_code(one.name), one.says, in_code(*one.attributes)) for one in STEPS]

    assert expected == rows("span")


def test_every_measure_is_listed_as_the_code_has_it() -> None:
    """Name, unit, attributes, what it is."""
    expected = [
        (in_code(one.name), in_code(one.unit), in_code(*one.attributes), one.says)
        for one in MEASURES
    ]

    assert expected == rows("metric")


def test_every_variable_of_the_page_is_read_and_is_in_the_readme() -> None:
    """And each of them changes something."""
    named = [re.findall(r"`([A-Z_]+)`", cells[0])[0] for cells in rows("variable")]
    readme = (ROOT / "README.md").read_text("utf-8")

    assert 4 == len(named)
    for name in named:
        read = read_settings({name: "said"})
        assert "said" in {read.insights, read.insights_sign_in, read.otlp, read.trace_share}
        assert f"`{name}`" in readme
    assert "" == Settings().insights == Settings().otlp
