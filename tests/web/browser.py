"""A browser, as far as signing in and sending forms goes; and pages to try both on.

The real pages come and go; these show who looks at them, and change one thing: a counter.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from types import TracebackType
from typing import Self

import httpx
import msgspec
from fastapi import FastAPI, Request, Response

from stage_functions.application.scan import Scanner
from stage_functions.settings import SignIn
from stage_functions.web.app import create_app
from stage_functions.web.pages.render import page, redirect
from stage_functions.web.pages.routes import act, fields, show
from stage_functions.web.pages.visitor import form_token, visitor
from stage_functions.web.service import Service
from tests.api_server import SECRET, serving
from tests.builders import World, world

HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
FORM = {**HTML, "Origin": "null", "Sec-Fetch-Site": "same-origin"}
"""What Chromium sends with a form of a page that says `Referrer-Policy: no-referrer`."""
_TOKEN = re.compile(r'name="form_token" value="([^"]*)"')
_FOREVER = ExitStack()


@dataclass(slots=True)
class Site:
    """A server with the test pages.

    Attributes:
        address: its URL.
        app: the application.
        sent: fields of the forms that were let through.
    """

    address: str
    app: FastAPI
    sent: list[dict[str, str]] = field(default_factory=list)


class Browser:
    """Keeps cookies, and follows nothing by itself."""

    def __init__(self, site: Site, **headers: str) -> None:
        self.site = site
        self.http = httpx.Client(base_url=site.address, headers=headers, timeout=30)

    def __enter__(self) -> Self:
        """Open it."""
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.http.close()

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Look at a page."""
        return self.http.get(path, headers={**HTML, **headers})

    def post(
        self, path: str, sent: Mapping[str, str], headers: Mapping[str, str] = FORM
    ) -> httpx.Response:
        """Send a form."""
        return self.http.post(path, data=dict(sent), headers=dict(headers))

    def form(self, path: str) -> dict[str, str]:
        """Return the hidden field of the form of a page."""
        found = _TOKEN.search(self.get(path).text)
        assert found, f"{path} has no form"
        return {"form_token": html.unescape(found[1])}

    def sign_in(self, *, to: str = "/", **fields: str) -> httpx.Response:
        """Sign in by the form."""
        form = self.form("/sign-in")
        return self.post("/sign-in", {**form, "next": to, **fields})

    def who(self, path: str = "/test") -> dict[str, object]:
        """Return whom a page takes this for."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return dict(msgspec.json.decode(answer.content))


@contextmanager
def site_over(behind: World, sign_in: SignIn, url: str = "") -> Iterator[Site]:
    """Serve Stageward with the test pages over a world inside the block."""
    running, scanner = _running(), Scanner(behind.context)
    running.sent.clear()
    running.app.state.service = Service.over(behind.context, scanner, sign_in, SECRET, url)
    yield running


@cache
def _running() -> Site:
    made = world()
    app = create_app(made.context, Scanner(made.context), sign_in=SignIn.DEV)
    made.rows.close()
    site = Site("", app)
    numbers = count()

    def look(request: Request) -> Response:
        """Show who looks."""
        found = visitor(request)
        directory = found.context.configuration.directory
        shown = {
            "id": found.actor.id,
            "attribution": found.actor.attribution,
            "via": found.actor.via,
            "name": found.name,
            "assurance": found.assurance,
            "approval": found.approval,
            "groups": directory.groups_of(found.actor.id),
            "form": form_token(found),
        }
        return Response(msgspec.json.encode(shown), 200, media_type="application/json")

    def header(request: Request) -> Response:
        """Show the layout to whoever looks."""
        return page(
            "error.html", visitor(request), title="Test", detail="", onward=None, sign_in=""
        )

    def take(request: Request) -> Response:
        """Take a form."""
        site.sent.append({**fields(request), "number": str(next(numbers))})
        return redirect("/test")

    def fail(request: Request) -> Response:
        """Fail, once somebody has signed in."""
        visitor(request)
        message = "secret detail"
        raise ZeroDivisionError(message)

    app.routes[:0] = [
        show("/test", look),
        show("/test/header", header),
        show("/test/fault", fail),
        act("/test", take),
        show("/approvals/{approval}/test", look),
        show("/approvals/{approval}/test/header", header),
        act("/approvals/{approval}/test", take),
    ]
    site.address = _FOREVER.enter_context(serving(app))
    return site


def stop_serving() -> None:
    """Stop the server of the test run."""
    _FOREVER.close()
