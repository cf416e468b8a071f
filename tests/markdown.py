"""What a reader of an Adaptive Card sees: its texts, rendered as the Markdown that cards show."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from markdown_it import MarkdownIt

_PARAGRAPH = re.compile(r"\A<p>(.*)</p>\n\Z", re.DOTALL)


def plain(markdown: str) -> str:
    """Return what is seen of a text, which must be nothing but text."""
    found = _PARAGRAPH.match(MarkdownIt("commonmark").enable("strikethrough").render(markdown))
    assert found is not None, markdown
    assert "<" not in found[1], markdown
    return unescape(found[1])


def shown(card: dict[str, Any]) -> str:
    """Return all that is seen of a card, and where its button leads."""
    lines: list[str] = []
    for element in card["body"]:
        if element["type"] == "TextBlock":
            lines.append(plain(element["text"]))
        else:
            lines += [f"{plain(f['title'])}: {plain(f['value'])}" for f in element["facts"]]
    lines += [str(action["url"]) for action in card.get("actions", ())]
    return "\n".join(lines)
