"""The built site, read as a browser would: every place that it names is there, none is elsewhere.

Sphinx checks what it knows of. This finds the rest: what HTML in a document names, anchors of pages
that are made of code, and whatever a page would fetch from another host.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_FETCHED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}
_IDENTITY = frozenset({"canonical", "license"})


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page names.

    Attributes:
        ids: its places.
        links: where it leads.
        fetched: what a browser asks for to show it.
    """

    ids: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    fetched: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name in ("id", "name"):
            if given.get(name):
                self.seen.ids.add(given[name])
        if tag == "a" and "href" in given:
            self.seen.links.add(given["href"])
        elif tag in _FETCHED and _FETCHED[tag] in given and given.get("rel") not in _IDENTITY:
            self.seen.fetched.add(given[_FETCHED[tag]])


def faults(out: Path) -> list[str]:
    """Return what is wrong with a built site, a line each."""
    pages = {one: _read(one) for one in sorted(out.rglob("*.html"))}
    return [
        f"{page.relative_to(out).as_posix()}: {fault}"
        for page, seen in pages.items()
        for fault in _of_page(page, seen, pages)
    ]


def _read(page: Path) -> Seen:
    reader = _Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader.seen


def _of_page(page: Path, seen: Seen, pages: dict[Path, Seen]) -> Iterator[str]:
    for address in sorted(seen.fetched):
        if urlsplit(address).netloc:
            yield f"{address}: would be fetched from another host"
    for address in sorted(seen.links | seen.fetched):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        there = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        place = unquote(parts.fragment)
        if not there.exists():
            yield f"{address}: there is no such page"
        elif place and there in pages and place not in pages[there].ids:
            yield f"{address}: there is no such place on that page"
