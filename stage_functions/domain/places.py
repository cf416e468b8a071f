"""Where people look at things: addresses that may become links, and texts that hold no secret.

What registries tell is anybody's text. Only an http or https address becomes a link; what could
let somebody in (a password before the host, a shared link's signature) is neither shown nor linked.
"""

from __future__ import annotations

import json
import re
from urllib.parse import quote, urlsplit, urlunsplit

from msgspec import Struct

MAX_LINK_CHARACTERS = 4000
_LOGIN = re.compile(r"(?<=://)[^/\s\"'<>\\]+@")
"""Up to the last `@`: a password may have one, unencoded, as it may have `?` and `#`."""
_SIGNATURE = re.compile(
    r"(?<=[?&])(sig|token|X-Amz-Signature|X-Goog-Signature)=[^&\s\"']+", re.IGNORECASE
)
_HIDDEN = "…"
_SCP = re.compile(r"git@([A-Za-z0-9.-]+):([^\s:]+)\Z")
_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}\Z")
_JSON_PLACES = ("url", "uri")


class Places(Struct, frozen=True):
    """Where people look at a version and what made it, in its registry's own pages.

    Attributes:
        version: the version's page, or "".
        job: the page of the job or run that made it, or "".
        experiment: the page of that job's experiment, or "".
        model: the page of the logged model behind it, or "".
    """

    version: str = ""
    job: str = ""
    experiment: str = ""
    model: str = ""


def public(text: str) -> str:
    """Return a text without what could let somebody in."""
    return _SIGNATURE.sub(rf"\1={_HIDDEN}", _LOGIN.sub("", text))


def link(text: str) -> str:
    """Return the address that a text is, or names as JSON does; "" where it is no http(s) one."""
    found = _named(text.strip()) if text.lstrip().startswith("{") else text.strip()
    if len(found) > MAX_LINK_CHARACTERS or public(found) != _LOGIN.sub("", found):
        return ""
    login = _LOGIN.search(found)
    if login is not None and {"?", "#"} & set(login[0]):
        return ""  # a login, or a query that has an `@`: nobody knows
    found = _LOGIN.sub("", found)
    try:
        parts = urlsplit(found)
        host = parts.hostname
    except ValueError:
        return ""
    plain = found.isprintable() and " " not in found and "\\" not in found
    return found if parts.scheme in ("http", "https") and host and plain else ""


def code_place(repository: str, commit: str) -> str:
    """Return where people look at a commit, or at its repository where the host is not known."""
    written = _SCP.match(repository.strip())
    place = link(f"https://{written[1]}/{written[2]}" if written else repository)
    if not place:
        return ""
    parts = urlsplit(place)
    path = parts.path.rstrip("/").removesuffix(".git")
    form = _commit_form(parts.hostname or "", path)
    if form and _COMMIT.match(commit):
        path += form + quote(commit)
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _commit_form(host: str, path: str) -> str:
    """Return what stands between a repository and a commit in its host's addresses, or ""."""
    if host == "github.com" or host.startswith("github."):
        return "/commit/"
    if host == "gitlab.com" or host.startswith("gitlab."):
        return "/-/commit/"
    if host == "bitbucket.org":
        return "/commits/"
    azure = host == "dev.azure.com" or host.endswith(".visualstudio.com")
    return "/commit/" if azure and "/_git/" in path else ""


def _named(text: str) -> str:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    found = [document.get(key) for key in _JSON_PLACES] if isinstance(document, dict) else []
    return next((one for one in found if isinstance(one, str)), "")
