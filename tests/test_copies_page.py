"""The configuration of `docs/copies.md`: it is loaded as it stands on the page."""

from __future__ import annotations

import re
from pathlib import Path

from stage_functions.adapters.cel import CelRules
from stage_functions.wire.configuration import load

PAGE = (Path(__file__).parents[1] / "docs" / "copies.md").read_text("utf-8")
_HUB = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.MachineLearningServices"
ENVIRONMENT = {
    "DEV_WORKSPACE": f"{_HUB}/workspaces/dev",
    "TEST_WORKSPACE": f"{_HUB}/workspaces/test",
    "SHARED_REGISTRY": f"{_HUB}/registries/shared",
}


def test_the_configuration_on_the_page_loads() -> None:
    """And copies over two hops."""
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    found = load(block, path="page", environment=ENVIRONMENT, check_rule=CelRules().check)

    assert ["test", "shared"] == [
        way.copy_to for one in found.lifecycles for way in one.transitions if way.copy_to
    ]
    assert found.registries["shared"].copies_only
