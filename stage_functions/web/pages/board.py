"""The board: every asset, and which of its versions stands where."""

from __future__ import annotations

from fastapi import Request, Response
from msgspec import Struct
from starlette.routing import Route

from stage_functions.application import board as views
from stage_functions.application import query, unregistered_lists
from stage_functions.application.board import Wanted
from stage_functions.application.context import Context
from stage_functions.domain.asset import Kind
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.lifecycle import UNREGISTERED
from stage_functions.web.pages.addresses import url_with
from stage_functions.web.pages.render import page
from stage_functions.web.pages.routes import show
from stage_functions.web.pages.visitor import visitor

HOME = "/"


class Notice(Struct, frozen=True):
    """Something about a registry that must be known.

    Attributes:
        tone: `bad` or `wait`.
        text: what is so.
        do: what to do about it.
        command: to be typed, or "".
    """

    tone: str
    text: str
    do: str
    command: str = ""


def routes() -> list[Route]:
    """Return the board's route."""
    return [show(HOME, _board)]


def notices(context: Context, alias: str = "", *, told_unreadable: bool = False) -> list[Notice]:
    """Return what must be known of registries, or of one.

    Args:
        context: the context.
        alias: of the one; "" for all.
        told_unreadable: the page itself says that it cannot be read, as it has just tried.
    """
    found = [view for view in query.registries(context) if alias in ("", view.alias)]
    return [notice for view in found for notice in _of_registry(view, told=told_unreadable)]


def _of_registry(view: query.RegistryView, *, told: bool) -> list[Notice]:
    found: list[Notice] = []
    if view.unreadable and not told:
        text = f"Registry {view.alias} could not be read at the last scan: {view.unreadable}."
        do = "What is shown here is what the ledger knows. Check its address and credentials."
        found.append(Notice("bad", text, do))
    if view.halted:
        do = "Nothing is marked as deleted until the next scan finds the registry whole."
        found.append(Notice("bad", f"The scan of {view.alias} has halted: {view.halted}.", do))
    if view.governed:
        return found
    if view.mode is Mode.OBSERVE:
        text = f"Registry {view.alias} is only observed: no stage moves, and nothing is written."
        if view.imported:
            do = "To govern it, set mode: enforce in the configuration, and restart."
            return [*found, Notice("wait", text, do)]
        do = (
            "To govern it, set mode: enforce in the configuration, and restart; then an operator "
            "takes over the stages that it has that day. What is to be decided for it is told by"
        )
        return [*found, Notice("wait", text, do, f"stageward import {view.alias} --dry-run")]
    if not view.imported:
        text = f"Registry {view.alias} is to be governed, but its stages were never taken over."
        do = "An operator takes over the stages that it has today."
        return [*found, Notice("bad", text, do, f"stageward import {view.alias}")]
    text = f"{view.why.partition(';')[0]}.".capitalize()
    do = "Nothing is written to it until an operator decides that this ledger is right."
    return [*found, Notice("bad", text, do, f"stageward resolve {view.alias}")]


def _board(request: Request) -> Response:
    visiting = visitor(request)
    wanted, cursor = _wanted(request), request.query_params.get("cursor", "")
    context = visiting.context
    nameless = wanted.stage == UNREGISTERED
    if nameless:  # no asset's versions: these are listed one by one
        noted = unregistered_lists.page(context, wanted, cursor)
        found = views.Board((), noted.cursor, cut=False, left_out=0, known=True)
    else:
        noted = unregistered_lists.NotePage((), "")
        found = views.board(context, wanted, cursor)
    counted = unregistered_lists.count(context)
    fields = {
        "registry": wanted.registry,
        "kind": wanted.kind,
        "name": wanted.name,
        "stage": wanted.stage,
        "waiting": wanted.waiting,
        "violating": wanted.violating,
        "due": wanted.due,
    }
    return page(
        "board.html",
        visiting,
        here="board",
        board=found,
        wanted=wanted,
        notices=notices(context),
        registries=list(context.configuration.registries),
        kinds=list(Kind),
        stages=[*views.stages(context), *([UNREGISTERED] if counted or nameless else ())],
        noted=noted.notes,
        nameless=nameless,
        counted=counted,
        max_counted=unregistered_lists.MAX_COUNTED,
        with_unregistered=url_with(HOME, stage=UNREGISTERED),
        first=url_with(HOME, **fields, hidden=wanted.hidden) if cursor else "",
        following=(
            url_with(HOME, **fields, hidden=wanted.hidden, cursor=found.cursor)
            if found.cursor
            else ""
        ),
        with_hidden=url_with(HOME, **fields, hidden=True),
    )


def _wanted(request: Request) -> Wanted:
    given = request.query_params
    kind = given.get("kind", "")
    if kind and kind not in list(Kind):
        message = f"no kind is '{kind}'; the kinds are {', '.join(Kind)}"
        raise InvalidInputError(message)
    return Wanted(
        registry=given.get("registry", ""),
        kind=Kind(kind) if kind else None,
        name=given.get("name", "").strip(),
        stage=given.get("stage", ""),
        waiting=bool(given.get("waiting")),
        hidden=bool(given.get("hidden")),
        violating=bool(given.get("violating")),
        due=bool(given.get("due")),
    )
