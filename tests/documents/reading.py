"""What documents say: their fenced blocks, and what stands as code within a line.

The documents are those that readers of the project get; decisions (`docs/adr`) are of their day,
and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
_MARKDOWN = MarkdownIt("commonmark").enable("table")
_PLACES = ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "infra/**/*.md", "examples/**/*.md")
_LEFT_OUT = ("docs/adr/", "docs/_")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        line: number of its first line of text in the document, from 1.
        language: what stands behind the fence, its first word.
        text: what is between the fences.
    """

    line: int
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """Code within a line.

    Attributes:
        line: number of the paragraph's or table row's first line, from 1.
        text: the code.
        before: other code of the same paragraph or cell that stands before it.
    """

    line: int
    text: str
    before: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A document.

    Attributes:
        name: its path in the project.
        text: what is in it.
    """

    name: str
    text: str

    def blocks(self) -> Iterator[Block]:
        """Return its blocks, those that are fenced and those that are set in by blanks."""
        for token in _MARKDOWN.parse(self.text):
            if token.type in {"fence", "code_block"} and token.map is not None:
                begins = token.map[0] + (2 if token.type == "fence" else 1)
                language = token.info.partition(" ")[0]
                yield Block(begins, language, token.content)

    def spans(self) -> Iterator[Span]:
        """Return what stands as code within its lines."""
        line = 1
        for token in _MARKDOWN.parse(self.text):
            line = token.map[0] + 1 if token.map is not None else line
            if token.type == "inline":
                yield from _spans(token, line)


def _spans(token: Token, line: int) -> Iterator[Span]:
    before: tuple[str, ...] = ()
    for child in token.children or ():
        if child.type == "code_inline":
            yield Span(line, child.content, before)
            before = (*before, child.content)


def documents() -> list[Document]:
    """Return all documents, in the order of their names."""
    found = {path for place in _PLACES for path in ROOT.glob(place)}
    names = sorted(path.relative_to(ROOT).as_posix() for path in found)
    return [
        Document(name, (ROOT / name).read_text("utf-8"))
        for name in names
        if not name.startswith(_LEFT_OUT) and "/." not in f"/{name}"
    ]
