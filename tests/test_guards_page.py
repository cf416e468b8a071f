"""The configuration that `docs/guards.md` shows is one that loads."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tests.wire.configuration_file import DEFAULT, faults, loaded

PAGE = Path(__file__).parents[1] / "docs" / "guards.md"


def test_the_example_is_taken_over_as_it_stands() -> None:
    """Into the default file, in the place of what it replaces."""
    (shown,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    document = yaml.safe_load(DEFAULT)
    (example,) = yaml.safe_load(shown)["lifecycles"]
    (lifecycle,) = document["lifecycles"]
    text = yaml.safe_dump({**document, "lifecycles": [{**lifecycle, **example}]})

    assert [] == faults(text)
    (found,) = loaded(text).lifecycles
    assert found.on_violation == example["on_violation"]
    assert found.stages["Production"].retire_within is not None
