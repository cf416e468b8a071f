"""The program that runs a document's commands, written into the folder of its world."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.documents.reading import ROOT, Block, Document
from tests.documents.script import expected, runs, script
from tests.documents.tables import ELSEWHERE, EXITS, Setting
from tests.documents.world import World

_PROLOGUE = Path(__file__).with_name("prologue.sh").read_text("utf-8")
_STAND_INS = {
    "az": 'exec python -m tests.documents.stand_in az "$@"',
    "azd": 'exec python -m tests.documents.stand_in azd "$@"',
    # every target is run by .ci/run; what it would run is read here, and not run in a test
    "make": f'PATH=/usr/bin:/bin exec make --directory "{ROOT}" --dry-run "$@"',
}
"""What is not run as it is."""


_TOOLS = ("curl", "jq", "openssl", "sqlite3", "zcat")
"""What documents use beside this project; whatever else they use every system has."""


def skip_without_tools(document: Document) -> None:
    """Skip a test of a document that uses a program which this machine does not have."""
    words = {word for block in here(document) for word in block.text.split()}
    lacks = [one for one in _TOOLS if one in words and shutil.which(one) is None]
    if lacks:
        pytest.skip(f"it uses {', '.join(lacks)}, which this machine does not have")


def here(document: Document) -> list[Block]:
    """Return the blocks that are run in the document's world."""
    blocks = [block for block in document.blocks() if runs(block)]
    return [one for one in blocks if (document.name, first(one)) not in ELSEWHERE]


def first(block: Block) -> str:
    """Return the first line of a block."""
    return block.text.partition("\n")[0]


def write(
    world: World, document: Document, setting: Setting, blocks: list[Block] | None = None
) -> Path:
    """Write the program; return where it is.

    Args:
        world: where it will run.
        document: whose commands.
        setting: what it needs.
        blocks: those to run; if None, all that are run in the document's world.
    """
    tools = world.folder / "tools"
    tools.mkdir(exist_ok=True)
    for name, line in _STAND_INS.items():
        tool = tools / name
        tool.write_text(f"#!/bin/sh\n{line}\n", "utf-8")
        tool.chmod(0o755)
    for name, text in _given(document, setting).items():
        (world.folder / name).write_text(text, "utf-8")
    substitutes = {**world.substitutes(), **setting.substitutes}
    chosen = here(document) if blocks is None else blocks
    commands = world.folder / "commands.sh"
    commands.write_text(script(document, chosen, substitutes), "utf-8")
    program = world.folder / "program.sh"
    program.write_text(
        f"TOOLS='{tools}' PORT={world.port} DOCUMENT={document.name}\n"
        f"{expected(chosen, EXITS.get(document.name, {}))}{_PROLOGUE}"
        f"{setting.before}\n. '{commands}'\n{setting.after}\n",
        "utf-8",
    )
    return program


def _given(document: Document, setting: Setting) -> dict[str, str]:
    """Return the files that a document talks of, by name."""
    shown: dict[str, str] = {}
    for block in document.blocks():
        shown.setdefault(block.language, block.text)
    return {**setting.files, **{name: shown[one] for name, one in setting.copies.items()}}
