"""Words of the code as Markdown: what they say is text, and never markup by accident."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_CODE = re.compile(r"(`+)(.+?)\1")
_BAR = re.compile(r"(?<!\\)\|")
_IN_CELL = r"\\|"
_SPECIAL = re.compile(r"([\\*_\[\]<>#{}$~^|&])")


def prose(text: str) -> str:
    """Return a text on one line; what stands between backticks is code."""
    line = " ".join(text.split())
    said, end = [], 0
    for found in _CODE.finditer(line):
        said += [_SPECIAL.sub(r"\\\1", line[end : found.start()]), code(found[2])]
        end = found.end()
    return "".join([*said, _SPECIAL.sub(r"\\\1", line[end:])])


def code(text: object) -> str:
    """Return a text as code."""
    said = str(text)
    return f"`` {said} ``" if "`" in said else f"`{said}`"


def paragraphs(text: str) -> str:
    """Return a text of several paragraphs."""
    return "\n\n".join(prose(one) for one in re.split(r"\n\s*\n", text.strip()))


def sentence(text: str) -> str:
    """Return a text that begins with a capital letter and ends with a full stop, or ""."""
    said = prose(text)
    return said if not said or said.endswith((".", ":")) else f"{said}."


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, or "" where it has no row."""
    lines = [f"| {' | '.join(_BAR.sub(_IN_CELL, cell) for cell in row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines])


def blocks(*parts: str) -> str:
    """Return parts below each other, without empty ones."""
    return "\n\n".join(part for part in parts if part) + "\n"
