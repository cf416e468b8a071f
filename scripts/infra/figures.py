"""The figures that alerts ask for, held against those that the code counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from scripts.infra import find
from scripts.infra.check import Deployment
from scripts.infra.faults import Fault
from scripts.infra.values import texts
from scripts.infra.world import near

_FIGURE = re.compile(r"\bstageward(?:\.[a-z_]+)+")


def check(deployments: list[Deployment], root: Path) -> Iterator[Fault]:
    """Yield alerts on figures that nothing counts."""
    asked = [
        (name, one)
        for deployment in deployments
        for one in find.of(
            deployment, "Microsoft.Insights/scheduledQueryRules", "Microsoft.Insights/metricAlerts"
        )
        for text in texts(find.value(one.body, "properties.criteria"))
        for name in _FIGURE.findall(text)
    ]
    if not asked:
        return
    code = (path.read_text(encoding="utf-8") for path in (root / "stage_functions").rglob("*.py"))
    known = {name for text in code for name in _FIGURE.findall(text)}
    for name, one in asked:
        if name not in known:
            message = f"nothing counts '{name}'{near(name, known) or '; name a figure that is'}"
            yield Fault(find.place(one, "properties.criteria"), "figure", message)
