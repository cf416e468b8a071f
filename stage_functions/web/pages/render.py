"""How a page is made: its template, its headers, and what templates may call."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from fastapi import Response
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context as Shown
from markupsafe import Markup, escape

from stage_functions import __version__
from stage_functions.domain.authors import authors
from stage_functions.domain.demands import apart, span
from stage_functions.domain.foreseen import status
from stage_functions.domain.people import PERSON, STAGEWARD
from stage_functions.domain.places import link, public
from stage_functions.web.pages import addresses
from stage_functions.web.pages.visitor import Visitor, form_token

SECURITY_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every page: no script, no frame around it, nothing kept, nothing told to others."""
STYLE_SHEET = "stageward.css"
ICON = "icon.svg"
_PERSON = re.compile(rf"\b{PERSON}:([A-Za-z0-9][A-Za-z0-9._-]*)")
_MASKED = re.compile(r"[a-z]+:raw-[0-9a-f]{24}\Z")
_VIA = {
    "api": "over the API",
    "cli": "by the command line",
    "page": "on a page",
    "link": "by a personal link",
    "tag": "by a tag",
    "registry": "in the registry",
    "scan": "found by the scan",
    "import": "at the import",
}
_FRACTION = re.compile(r"-?[0-9]+\.[0-9]{7,}(?:e[+-]?[0-9]+)?\Z")
"""The text of a number that has more digits than people read."""
_HOUR, _DAY = 3600, 86400
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)
"""Controls, marks of direction, characters without width, halves of surrogate pairs."""
_WORD = re.compile(r"[a-z]+(?=[ ,;]|\Z)")
"""What a sentence may begin with; an id, a path or a setting stays as it is written."""
_PAGES = {
    "stageward approvals": ("/approvals", "the page of approvals"),
    "stageward status": ("/status", "the page of the status"),
}
"""What a browser has in the place of a command."""


def page(
    template: str, visitor: Visitor | None = None, *, status: int = 200, **values: object
) -> Response:
    """Return a page.

    Args:
        template: its name under `templates/`.
        visitor: who looks at it; None before anybody has signed in.
        status: the HTTP status.
        values: what the template shows; everything is escaped.
    """
    shown = {"here": "", "kept_names": {}, **values}
    body = _environment().get_template(template).render(visitor=visitor, **shown)
    return Response(body, status, dict(SECURITY_HEADERS), "text/html; charset=utf-8")


def redirect(to: str) -> Response:
    """Return a redirect that is followed by a GET (303)."""
    return Response(status_code=303, headers={**SECURITY_HEADERS, "Location": to})


def static(name: str) -> bytes:
    """Return a file of `static/`.

    Raises:
        FileNotFoundError: there is none.
    """
    return files("stage_functions.web").joinpath("static", name).read_bytes()


@cache
def version_of(name: str) -> str:
    """Return what changes with a file of `static/`, so that it may be kept for long."""
    return hashlib.sha256(static(name)).hexdigest()[:12]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("stage_functions.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "moment": moment,
        "day": day,
        "span": span,
        "apart": apart,
        "from_now": from_now,
        "who": who,
        "named": named,
        "digest": short_digest,
        "via": via,
        "number": number,
        "coded": coded,
        "sentence": sentence,
        "digits": digits,
    }
    environment.globals |= {
        "url_for_asset": addresses.url_for_asset,
        "url_for_version": addresses.url_for_version,
        "url_for_version_named": addresses.url_for_version_named,
        "url_for_approval": addresses.url_for_approval,
        "url_for_export": addresses.url_for_export,
        "url_for_lifecycle": addresses.url_for_lifecycle,
        "url_with": addresses.url_with,
        "icon": f"/static/{ICON}?v={version_of(ICON)}",
        "style_sheet": f"/static/{STYLE_SHEET}?v={version_of(STYLE_SHEET)}",
        "product_version": __version__,
        "form_token": form_token,
        "authors": authors,
        "status": status,
    }
    return environment


def moment(at: datetime | None, beside: datetime | None = None) -> Markup:
    """Return a moment for people and machines, in UTC, to the minute.

    Args:
        at: the moment.
        beside: another that it is shown beside: within one minute both are told to the second.
    """
    if at is None:
        return Markup("–")
    utc = at.astimezone(UTC)
    text = f"{utc:%Y-%m-%d %H:%M}"
    if beside is not None and text == f"{beside.astimezone(UTC):%Y-%m-%d %H:%M}":
        text = f"{utc:%Y-%m-%d %H:%M:%S}"
    return Markup('<time datetime="{}">{}</time>').format(
        utc.isoformat(timespec="seconds"), f"{text} UTC"
    )


def day(at: datetime | None) -> Markup:
    """Return a moment to the day, in UTC."""
    if at is None:
        return Markup("–")
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        utc.isoformat(timespec="seconds"), f"{utc:%Y-%m-%d}"
    )


def from_now(at: datetime | None, now: datetime) -> Markup:
    """Return how far away a moment is: `in 3 days`, `2 hours ago`."""
    if at is None:
        return Markup("–")
    ahead = (at - now).total_seconds()
    text = f"in {span(ahead)}" if ahead >= 0 else f"{span(ahead)} ago"
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        utc.isoformat(timespec="seconds"), f"{utc:%Y-%m-%d %H:%M} UTC", text
    )


def short_digest(digest: str) -> Markup:
    """Return the beginning of a digest, the whole of it where one points at it."""
    short = digest.partition(":")[2][:12] or digest
    return Markup('<code title="{}">{}</code>').format(digest, short)


def coded(text: str) -> Markup:
    """Return a sentence of Stageward's with what stands between backticks as commands."""
    parts = str(escape(text)).split("`")
    if len(parts) % 2 == 0:  # one of them is no mark
        return escape(text)
    marked = (_command(part) if n % 2 else part for n, part in enumerate(parts))
    return Markup("".join(marked))  # noqa: S704  # escaped right here


def _command(text: str) -> str:
    if text in _PAGES:
        return '<a href="{}">{}</a>'.format(*_PAGES[text])
    return f'<code class="command">{text}</code>'


def sentence(text: str) -> str:
    """Return words of Stageward's as a sentence: with a capital letter, where a word begins it."""
    if _WORD.match(text):
        text = text[0].upper() + text[1:]
    return text if not text or text[-1] in ".!?" else f"{text}."


def via(way: str) -> str:
    """Return how something arrived, in words."""
    return _VIA.get(way, way)


def number(value: object) -> Markup:
    """Return a recorded value: a fraction to six digits, an address as a link, no secret in it."""
    if isinstance(value, float):
        return Markup('<span title="{}">{}</span>').format(repr(value), f"{value:.6g}")
    text = str(value)
    address = link(text)
    if not address:
        return escape(public(text))
    outward = Markup('<a href="{}" rel="noreferrer noopener">{}</a>')
    return outward.format(address, public(text))


def digits(text: object, *others: object, within: str = "") -> object:
    """Return the text of a long fraction in six digits, whole where one points at it.

    It stays whole where six would mislead: another comes to the same six, or the rule that it was
    judged by names those, so that it seems to be just what it falls short of.

    Args:
        text: the text.
        others: what it is shown beside.
        within: the rule.
    """
    short = _six(str(text))
    alike = any(str(one) != str(text) and _six(str(one)) == short for one in others)
    if short == str(text) or alike or short in within:
        return text
    return Markup('<span title="{}">{}</span>').format(text, short)


def _six(text: str) -> str:
    return f"{float(text):.6g}" if _FRACTION.match(text) else text


@pass_context
def who(shown: Shown, id_: str, at: datetime | None = None) -> Markup:
    """Return whoever an id means: by name, with the id.

    Args:
        shown: what the page shows.
        id_: as records write it.
        at: as of when somebody is named who is in the configuration no more.
    """
    if not id_:
        return Markup("nobody known")
    if id_ == STAGEWARD:
        return Markup("Stageward itself")
    name = _name(shown, id_, at)
    if not name:
        return Markup('<span class="id">{}</span>').format(id_)
    return Markup('{} <span class="id">({})</span>').format(name, id_)


@pass_context
def named(shown: Shown, text: str) -> Markup:
    """Return a sentence of Stageward's with the names of the people whose ids are in it."""

    def name(found: re.Match[str]) -> str:
        id_ = found[0].rstrip(".")
        known = _name(shown, id_)
        return str(escape(f"{known} ({id_}){found[0][len(id_) :]}" if known else found[0]))

    # An id has no character that is escaped, so the order does not matter.
    return Markup(_PERSON.sub(name, str(escape(text))))  # noqa: S704  # escaped right here


def _name(shown: Shown, id_: str, at: datetime | None = None) -> str:
    """Return the name of whoever an id means: as the file has it, else as it was kept."""
    visitor: Visitor | None = shown["visitor"]
    if visitor is None:
        return ""
    person = visitor.context.configuration.directory.person(id_)
    if person is not None:
        return person.name
    kept: dict[tuple[str, datetime | None], str] = shown["kept_names"]
    if (id_, at) not in kept:
        kept[id_, at] = visitor.context.ledger.names.at(id_, at)
    return kept[id_, at] or ("somebody whose name was not kept" if _MASKED.match(id_) else "")


def plain_sight(value: object) -> object:
    """Return a value with what cannot be seen in it written out: `‹U+202E›`.

    A text that turns its direction, or has characters without width, looks like another one. In a
    document that is to be evidence it must not. Line ends and tabs stay.
    """
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return _UNSEEN.sub(lambda found: f"‹U+{ord(found[0]):04X}›", value)


@cache
def for_evidence() -> Environment:
    """Return the templates as documents of evidence are made of them: see `plain_sight`."""
    return _environment().overlay(finalize=plain_sight)
