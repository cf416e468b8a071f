"""Every variable of the environment, of the one module that reads it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence

from scripts.site.reference.markdown import blocks, code, sentence, table
from stage_functions.settings import NAMES, Settings

_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n        .*)*)", re.MULTILINE)
_VARIABLE = re.compile(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+(?:<[A-Z]+>)?)`")
_NAMED = re.compile(r"\((`[A-Z][A-Z0-9]*_[^)]*)\)")
_BESIDE = (
    (re.compile(r" ?\(`[A-Z0-9_]+(?:<[A-Z]+>)?`(?:, `[A-Z0-9_]+`)*\)"), ""),
    (re.compile(r"\(`[A-Z0-9_]+`[,:] "), "("),
    (re.compile(r", by the names of their variables|, not parsed"), ""),
    (re.compile(r"(, or|;) \"\" for"), "; without it"),
)
_PREFIX = "STAGEWARD_"


class UntoldError(Exception):
    """A variable that is read is told nowhere."""


def page() -> str:
    """Return the page of the environment.

    Raises:
        UntoldError: the docstring of the settings leaves out a variable that they read.
    """
    demand_told(NAMES)
    credential = inspect.getdoc(Settings.credential) or ""
    said = credential.partition("\n\nArgs:")[0].partition("\n\n")[2]
    return blocks(
        "# Environment",
        "Made of `stage_functions/settings.py`, the one module that reads it. It is read once, "
        "when a process starts. Secrets are only here. What which is for: "
        "[Configure](../platform-engineer.md#configure).",
        table(
            ("variable", "default", "means"),
            [(" ".join(map(code, names)), default, means) for names, default, means in _rows()],
        ),
        "## Credentials of MLflow servers",
        sentence(said),
    )


def demand_told(read: Sequence[str]) -> None:
    """Check that each variable that is read is told.

    Args:
        read: what stands behind `STAGEWARD_` in their names.

    Raises:
        UntoldError: the docstring of the settings leaves one out.
    """
    told = {name for names, *_ in _rows() for name in names}
    untold = sorted({f"{_PREFIX}{name}" for name in read} - told)
    if untold:
        msg = f"{', '.join(untold)}: the docstring of Settings does not tell of it"
        raise UntoldError(msg)


def _rows() -> Iterator[tuple[list[str], str, str]]:
    default = Settings()
    for name, said in _ATTRIBUTE.findall(inspect.getdoc(Settings) or ""):
        named = _NAMED.search(said)
        names = _VARIABLE.findall(named[1]) if named else []
        if names:
            value = getattr(default, name)
            shown = code(value) if isinstance(value, str) and value else ""
            yield names, shown, sentence(_meaning(said))


def _meaning(said: str) -> str:
    """Return what is said of a variable without its name, which stands beside it."""
    line = " ".join(said.split()).removesuffix(', or "".')
    for pattern, instead in _BESIDE:
        line = pattern.sub(instead, line)
    return f"{line[:1].upper()}{line[1:]}"
