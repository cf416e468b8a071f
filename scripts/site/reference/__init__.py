"""The reference: pages that are made of the code, so that they say what it does. None is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from scripts.site.reference import command_line, configuration, environment, events, http_api


def pages(root: Path) -> Mapping[str, str]:
    """Return the Markdown of every page of the reference, by its name.

    Args:
        root: the project's top: the API is described as it is with its `stageward.yaml`.
    """
    return {
        "reference/command-line": command_line.page(),
        "reference/http-api": http_api.page(root),
        "reference/events": events.page(),
        "reference/configuration": configuration.page(),
        "reference/environment": environment.page(),
    }
