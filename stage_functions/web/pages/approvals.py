"""The lists of approvals: waiting for whoever looks, by them, open, decided."""

from __future__ import annotations

from enum import StrEnum

from fastapi import Request, Response
from starlette.routing import Route

from stage_functions.application import approval_lists
from stage_functions.application.approval_lists import OpenLine
from stage_functions.application.decided import DecidedPage
from stage_functions.web.pages.addresses import url_with
from stage_functions.web.pages.render import page
from stage_functions.web.pages.routes import show
from stage_functions.web.pages.visitor import visitor

APPROVALS = "/approvals"
_NONE = DecidedPage((), "")


class Tab(StrEnum):
    """Which list is shown."""

    WAITING = "waiting"
    MINE = "mine"
    OPEN = "open"
    DECIDED = "decided"


_NAMES = {
    Tab.WAITING: "Waiting for me",
    Tab.MINE: "By me",
    Tab.OPEN: "Open",
    Tab.DECIDED: "Decided",
}


def routes() -> list[Route]:
    """Return the lists' route."""
    return [show(APPROVALS, _lists)]


def _lists(request: Request) -> Response:
    visiting = visitor(request)
    context, viewer = visiting.context, visiting.actor.id
    tab, cursor = _tab(request), request.query_params.get("cursor", "")
    every = [] if cursor or tab is Tab.DECIDED else approval_lists.open_lines(context, viewer)
    closed = _NONE
    if tab is Tab.DECIDED:
        closed = approval_lists.decided_page(context, cursor)
    elif tab is Tab.MINE:
        closed = approval_lists.decided_of(context, viewer, cursor)
    following = url_with(APPROVALS, show=tab, cursor=closed.cursor) if closed.cursor else ""
    return page(
        "approvals.html",
        visiting,
        here="approvals",
        now=context.clock.now(),
        tab=tab,
        tabs=[(name, url_with(APPROVALS, show=one), one is tab) for one, name in _NAMES.items()],
        name=_NAMES[tab],
        lines=[line for line in every if _belongs(line, tab)],
        others=len(every),
        closed=closed.found,
        first=url_with(APPROVALS, show=tab) if cursor else "",
        following=following,
    )


def _tab(request: Request) -> Tab:
    given = request.query_params.get("show", Tab.WAITING)
    return Tab(given) if given in list(Tab) else Tab.WAITING


def _belongs(line: OpenLine, tab: Tab) -> bool:
    if tab is Tab.WAITING:
        return line.waits_for_me
    return tab is Tab.OPEN or line.mine or line.voted
