"""Who follows a block of a document in a folder in which nothing runs yet."""

from __future__ import annotations

from tests.documents.program import first, write
from tests.documents.reading import ROOT, Document
from tests.documents.tables import Setting
from tests.documents.world import World


def follow(name: str, line: str, world: World, setting: Setting) -> str:
    """Run the block of a document that begins with a line; return what it printed."""
    document = Document(name, (ROOT / name).read_text("utf-8"))
    (found,) = [one for one in document.blocks() if first(one) == line]
    return world.run(write(world, document, setting, [found]))
