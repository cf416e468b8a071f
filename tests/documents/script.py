"""The commands of a document as one program of bash, line by line where they stand in the document.

Blocks follow each other in one shell, so what one exports the next has, as for a reader who stays in
a terminal. What bash says of a line is of that line of the document.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping

from tests.documents.reading import Block, Document

SHELL, PYTHON = "sh", "python"
_PLACEHOLDER = re.compile(r"<[a-z][^<>\n]*>")
_STARTED = re.compile(
    r"^((?:stageward serve|mlflow server)\b[^&\n]*?)[ ]*&[ ]*(#.*)?$", re.MULTILINE
)
"""A server that is started in the background: the prologue does so anyway, and waits for it."""
_EXITS = re.compile(r"# exits ([1-9])(?=:|$)")
"""How a document says that a command ends otherwise, as one that waits or is refused."""
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
        text = _STARTED.sub(r"\1", text)
        text = re.sub(r" …(?=\s|$)", "", text, flags=re.MULTILINE)
    for number, line in enumerate(text.splitlines(), start=first):
        lines[number] = line


def expected(blocks: Iterable[Block], exits: Mapping[str, int]) -> str:
    """Return the function of bash that says with which code a command is to end.

    Args:
        blocks: some lines of which say so themselves.
        exits: codes by command, its words with a blank between; `*` is as in names of files.
    """
    told = "".join(f"  {line}) echo {code}; return;;\n" for line, code in _told(blocks))
    cases = "".join(f"  {_pattern(command)}) echo {code};;\n" for command, code in exits.items())
    return (
        f'expected() {{\n  case "$2" in\n{told}  esac\n'
        f'  case "$1" in\n{cases}  *) echo 0;;\n  esac\n}}\n'
    )


def _told(blocks: Iterable[Block]) -> Iterator[tuple[int, str]]:
    for block in blocks:
        for number, line in enumerate(block.text.splitlines(), start=block.line):
            found = _EXITS.search(line)
            if found is not None:
                yield number, found[1]


def _pattern(command: str) -> str:
    return "*".join(shlex.quote(part) for part in command.split("*"))
