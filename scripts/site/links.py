"""Where a link of a document leads, read as GitHub reads it; no file is opened here."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", re.IGNORECASE)
_MAIL = re.compile(r"mailto:[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE)
_READER = MarkdownIt("commonmark").enable("table")


class LinkError(Exception):
    """A link leads nowhere; the message says why, and of which link."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link into the project.

    Attributes:
        path: from the project's top, with `/`; "." for the top itself.
        fragment: the place on that page, or "".
    """

    path: str
    fragment: str = ""


def addresses(text: str) -> Iterator[str]:
    """Return what a document in Markdown links to or shows, in order."""
    for block in _READER.parse(text):
        for token in block.children or ():
            found = token.attrGet("href") or token.attrGet("src")
            if found:
                yield str(found)


def read(source: str, address: str, root: Path) -> Link | None:
    """Return where a link leads; None where it stays on its page or leaves the project.

    Args:
        source: the document that it stands in, from the project's top.
        address: as it is written there.
        root: the project's top.

    Raises:
        LinkError: it leads nowhere, or has not the form of an address.
    """
    if address.startswith("#"):
        return None
    if _SCHEME.match(address):
        _demand_form(address)
        return None
    written, _, fragment = address.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), unquote(written)))
    if written.startswith("/") or path.startswith(".."):
        msg = f"{address}: a link in the project begins at its document, and stays in the project"
        raise LinkError(msg)
    if not (root / path).exists():
        msg = f"{address}: there is no {path}"
        raise LinkError(msg)
    return Link(path, fragment)


def _demand_form(address: str) -> None:
    """Check the form of an address outside the project: nobody is asked whether it is there."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme == "mailto":
        sound = bool(_MAIL.fullmatch(address))
    elif parts.scheme == "http":
        sound = _here(host)
    else:
        sound = parts.scheme == "https" and bool(_HOST.fullmatch(host)) and not parts.username
    if not sound or re.search(r"[\s<>\"…]|[.,;:]$", unquote(address)):
        msg = f"{address}: not an address: https://host/path, or http for this machine"
        raise LinkError(msg)


def _here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
