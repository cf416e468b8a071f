"""Which page stands where in the navigation: each page of `docs` is on one list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

GROUPS: Mapping[str, Sequence[str]] = {
    "Start": ("start", "concepts", "glossary", "notebook"),
    "How-to by role": ("ml-professional", "risk-officer", "auditor", "platform-engineer"),
    "Topics: connect": (
        "mlflow",
        "mlflow-server",
        "azure-ml",
        "tags",
        "copies",
        "pipelines",
        "workflows",
        "events",
    ),
    "Topics: govern": (
        "rules",
        "governed-rules",
        "azure-policy",
        "guards",
        "frozen-and-review",
        "way-back",
    ),
    "Topics: prove": ("verify", "evidence-pack", "as-of", "compliance", "retention"),
    "Topics: run": ("deploy", "operate", "telemetry", "backup", "rolling"),
    "Examples": ("project/examples/iris/index", "project/examples/workflows/index"),
    "Reference": (
        "reference",
        "reference/command-line",
        "reference/http-api",
        "reference/events",
        "reference/configuration",
        "reference/environment",
    ),
    "Decisions": ("adr/index",),
    "The project": ("project/index", "project/CHANGELOG", "project/CONTRIBUTING"),
}
"""By caption the pages below it. A name without a page is left out: the list may be ahead."""


def links(names: Sequence[str]) -> str:
    """Return a list of links to pages, each with its title."""
    return "\n".join(["", *(f"- {{doc}}`/{name}`" for name in names), ""])


def contents(there: Sequence[str]) -> str:
    """Return the lists of the navigation, as Markdown for the end of the first page.

    Args:
        there: the names of all pages.
    """
    present = {
        caption: [name for name in names if name in there] for caption, names in GROUPS.items()
    }
    return "\n".join(contents_of(names, caption) for caption, names in present.items() if names)


def contents_of(names: Sequence[str], caption: str = "") -> str:
    """Return one list of the navigation, which its page itself does not show."""
    head = [f":caption: {caption}"] if caption else []
    lines = [*head, ":hidden:", "", *(f"/{name}" for name in names)]
    return "\n".join(["", "```{toctree}", *lines, "```", ""])
