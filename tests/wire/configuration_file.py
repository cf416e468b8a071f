"""The default configuration file, edits of it, and what loading says of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stage_functions.adapters.rules import Rules
from stage_functions.domain.configuration import Configuration
from stage_functions.domain.error import ConfigurationError
from stage_functions.wire.configuration import load
from tests.policies_as_rules import files

ROOT = Path(__file__).parents[2]
DEFAULT = (ROOT / "stageward.yaml").read_text("utf-8")
ENVIRONMENT = {"MLFLOW_TRACKING_URI": "http://localhost:5000"}
RULES = Rules()


def loaded(text: str, definitions: Mapping[str, str] | None = None) -> Configuration:
    """Load a file, and the definitions that it names, with the real rule engine."""
    return load(
        text,
        path="stageward.yaml",
        environment=ENVIRONMENT,
        check_rule=RULES.check,
        read_file=files(definitions or {}),
    )


def edited(old: str, new: str) -> str:
    """Return the default file with the first `old` replaced; it must be there."""
    assert old in DEFAULT

    return DEFAULT.replace(old, new, 1)


def faults(text: str) -> list[str]:
    """Return the faults of a file, each as `line:column: message`; none if it loads."""
    try:
        loaded(text)
    except ConfigurationError as exc:
        return [line.removeprefix("stageward.yaml:") for line in str(exc).split("\n")[1:]]
    return []
