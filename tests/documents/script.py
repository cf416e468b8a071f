"""The commands of a document as one program of bash, line by line where they stand in the document.

Blocks follow each other in one shell, so what one exports the next has, as for a reader who stays in
a terminal. What bash says of a line is of that line of the document.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

from tests.documents.reading import Block, Document

SHELL, PYTHON = "sh", "python"
_PLACEHOLDER = re.compile(r"<[a-z][^<>\n]*>")
_ENDING = "END OF THE BLOCK"


def runs(block: Block) -> bool:
    """Tell whether a block is one of commands."""
    return block.language in {SHELL, PYTHON}


def script(document: Document, blocks: Iterable[Block], substitutes: Mapping[str, str]) -> str:
    """Return the program.

    Args:
        document: whose.
        blocks: those of its blocks that it runs.
        substitutes: what is written there, and what stands for it here.
    """
    lines = [""] * (document.text.count("\n") + 2)
    for block in blocks:
        _put(lines, block, substitutes)
    return "\n".join(lines)


def _put(lines: list[str], block: Block, substitutes: Mapping[str, str]) -> None:
    text = block.text
    for written, here in substitutes.items():
        text = text.replace(written, here)
    first = block.line - 1
    if block.language == PYTHON:
        lines[first - 1] = f"python - <<'{_ENDING}'"
        lines[first + text.count("\n")] = _ENDING
    else:
        text = _PLACEHOLDER.sub("placeholder", text)
        text = re.sub(r" …(?=\s|$)", "", text, flags=re.MULTILINE)
    for number, line in enumerate(text.splitlines(), start=first):
        lines[number] = line


def expected(exits: Mapping[str, int]) -> str:
    """Return the function of bash that says with which code a command is to end.

    Args:
        exits: codes by command, its words with a blank between; `*` is as in names of files.
    """
    cases = "".join(f"  {_pattern(command)}) echo {code};;\n" for command, code in exits.items())
    return f'expected() {{\n  case "$1" in\n{cases}  *) echo 0;;\n  esac\n}}\n'


def _pattern(command: str) -> str:
    return "*".join(shlex.quote(part) for part in command.split("*"))
