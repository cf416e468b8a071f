"""A page as a test reads it: its text, its links, and what makes it accessible."""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import pairwise

VOID = ("meta", "link", "input", "br", "img", "path", "rect", "polygon", "circle")
HEADINGS = ("h1", "h2", "h3", "h4")


class Parsed(HTMLParser):
    """A page.

    Attributes:
        elements: tag and attributes, in order.
        links: href by text; of several with one text the last.
        quotes: texts of the elements that quote somebody.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.links: dict[str, str] = {}
        self.quotes: list[str] = []
        self._open: list[str] = []
        self._texts: list[str] = []
        self._link: tuple[str, list[str]] | None = None
        self.feed(html)
        self.close()
        assert self._open == [], f"left open: {self._open}"

    @property
    def text(self) -> str:
        """What a reader sees, with single spaces."""
        return " ".join(" ".join(self._texts).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every element with this tag."""
        return [attributes for name, attributes in self.elements if name == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag."""
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "a":
            self._link = (attributes["href"], [])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag that closes itself."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Take the end of a tag; it must be that of the last one opened."""
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> closes another"
        if tag == "a" and self._link is not None:
            self.links[" ".join(" ".join(self._link[1]).split())] = self._link[0]
            self._link = None

    def handle_data(self, data: str) -> None:
        """Take text."""
        self._texts.append(data)
        if self._open and self._open[-1] == "blockquote":
            self.quotes.append(data)
        if self._link is not None:
            self._link[1].append(data)


def check(page: Parsed) -> None:
    """Check what every page owes to those who do not see it, and to its own policy."""
    assert page.all("html")[0]["lang"] == "en"
    levels = [int(tag[1]) for tag, _ in page.elements if tag in HEADINGS]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids)), "an id comes twice"
    for _, attributes in page.elements:
        for name in ("aria-labelledby", "for"):
            assert set(attributes.get(name, "").split()) <= set(ids)
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    assert not page.all("script")
    assert not page.all("style")
    assert len(page.all("table")) == len(page.all("caption"))
    assert all("scope" in attributes for attributes in page.all("th"))
    assert all("alt" in attributes for attributes in page.all("img"))
    for svg in page.all("svg"):
        assert svg["role"] == "img"
        assert svg["aria-labelledby"]
    landmarks = [
        (tag, attributes.get("aria-label") or attributes.get("aria-labelledby"))
        for tag, attributes in page.elements
        if tag in ("nav", "section") or attributes.get("role") == "region"
    ]
    assert len(landmarks) == len({name for _, name in landmarks}), "two landmarks share a name"
    for region in page.all("div"):
        if "scroll" in region.get("class", "").split():
            assert region["tabindex"] == "0"
            assert region.get("aria-label") or region.get("aria-labelledby")
