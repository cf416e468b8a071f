"""Words of others, as they may be shown: in a line, without addresses, secrets and markup."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

HIDDEN = "…"
_READ_CHARACTERS = 2000
_READ_TIMES = 10
"""Of what is to be cut, so much is looked at: the rest may be blanks, and endless."""
_LEAST_CHARACTERS = 4
"""Of a part of an address that is taken for a secret; shorter ones are words."""
_ADDRESSES = re.compile(
    r"[a-z][a-z0-9+.-]*://\S+|<?[^\s<>'\"(),;:]+@[^\s<>'\"(),;:]+>?", re.IGNORECASE
)
_PATHS = re.compile(r"(url: |path )\S+")
_MARKUP = re.compile(r"([\\`*_\[\]<>~#|&{}!])")
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What terminals obey, what turns text round, and halves of characters, which no store takes."""
_LINE_MARKUP = re.compile(r"^(\s*)([-+=]|[0-9]+(?=[.)]))")


def in_a_line(text: str, most: int) -> str:
    """Return what was said on one line that any store and any terminal takes, cut."""
    return " ".join(_UNFIT.sub(" ", text[: _READ_TIMES * most]).split())[:most]


def without_secrets(text: str, address: str, *, host_too: bool = True) -> str:
    """Return what was said without addresses of any kind, and without the parts of one address.

    Args:
        text: what was said.
        address: a URL whose parts are secrets.
        host_too: its host may be one: some services keep a token there.
    """
    for part in sorted(_parts(address, host_too=host_too), key=len, reverse=True):
        text = re.sub(re.escape(part), HIDDEN, text, flags=re.IGNORECASE)
    text = _PATHS.sub(rf"\1{HIDDEN}", _ADDRESSES.sub(HIDDEN, text[:_READ_CHARACTERS]))
    return in_a_line(text, _READ_CHARACTERS)


def _parts(address: str, *, host_too: bool) -> set[str]:
    """Return the parts of a URL that may be secrets, as written and as meant."""
    try:
        url = urlsplit(address)
    except ValueError:
        return {address}
    account, _, host = url.netloc.rpartition("@")
    written = {
        *account.split(":"),
        *url.path.split("/"),
        *(value for _, value in parse_qsl(url.query)),
        *(piece.partition("=")[2] for piece in url.query.split("&")),
        *((host, host.partition(":")[0]) if host_too else ()),
    }
    parts = written | {unquote(part) for part in written}
    return {part for part in parts if len(part) >= _LEAST_CHARACTERS}


def escaped(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    text = _MARKUP.sub(r"\\\1", text)
    return _LINE_MARKUP.sub(_escaped_beginning, text)


def _escaped_beginning(found: re.Match[str]) -> str:
    mark = found[2]
    # Of a list's number it is the dot behind it that makes the list.
    return f"{found[1]}{mark}\\" if mark[0].isdigit() else f"{found[1]}\\{mark}"
