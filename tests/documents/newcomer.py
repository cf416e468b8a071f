"""Who follows a block of a document in a folder in which nothing runs yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.azurite import free_port
from tests.documents.program import first, write
from tests.documents.reading import ROOT, Document
from tests.documents.tables import Setting
from tests.documents.world import World, environment_of, lay_out


def beginning(folder: Path, setting: Setting, own: Mapping[str, str] | None = None) -> World:
    """Return a terminal in a folder of the project.

    Args:
        folder: where.
        setting: what the document needs.
        own: variables of this terminal alone.
    """
    lay_out(folder, setting)
    url = f"http://127.0.0.1:{free_port()}"
    environment = {**environment_of(folder), "STAGEWARD_URL": url, **(own or {})}
    return World(folder, environment, "", free_port())


def follow(name: str, line: str, world: World, setting: Setting) -> str:
    """Run the block of a document that begins with a line; return what it printed."""
    document = Document(name, (ROOT / name).read_text("utf-8"))
    (found,) = [one for one in document.blocks() if first(one) == line]
    return world.run(write(world, document, setting, [found]))
