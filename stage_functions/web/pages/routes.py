"""Routes of pages: what they answer comes as a page, errors too.

A form is looked at before what it does: that the browser sent it from one of our pages, and that
it carries the token of the visitor who sends it. So no page has to remember to.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.routing import Route

from stage_functions.application.signatures import Purpose
from stage_functions.domain.error import (
    DeniedError,
    InvalidInputError,
    LinkEndedError,
    NotSignedInError,
    StagewardError,
)
from stage_functions.web.origin import foreign
from stage_functions.web.pages.render import page, redirect
from stage_functions.web.pages.visitor import (
    Visitor,
    form_parts,
    somebody,
    visitor,
    way_back,
    way_in,
)
from stage_functions.web.pages.voted import voted_page
from stage_functions.web.problems import said, status_of
from stage_functions.web.service import service

Endpoint = Callable[[Request], Response]
MAX_FIELDS = 50
FORM_TOKEN = "form_token"  # noqa: S105  # the name of a field
FORM_LASTS = timedelta(hours=24)
_ONWARD = (("All approvals", "/approvals"), ("All lifecycles", "/lifecycles"))
"""The list that leads on from a page below it which cannot be shown."""
_SIGN_IN_HELPS = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
_OPERATION = re.compile(r"[0-9A-Za-z-]{1,64}\Z")


def show(path: str, endpoint: Endpoint) -> Route:
    """Return the route of a page that is looked at; it changes nothing."""
    return Route(path, _answering(endpoint), methods=["GET", "HEAD"], include_in_schema=False)


def act(path: str, endpoint: Endpoint) -> Route:
    """Return the route that a form of somebody is sent to, where `posted` lets it pass."""

    def guarded(request: Request) -> Response:
        posted(request, visitor(request))
        return endpoint(request)

    return act_for_anyone(path, guarded)


def act_for_anyone(path: str, endpoint: Endpoint) -> Route:
    """Return the route that a form is sent to by whoever has not signed in yet."""
    return Route(path, _answering(endpoint), methods=["POST"], include_in_schema=False)


def posted(request: Request, sender: Visitor) -> dict[str, str]:
    """Return the fields of a form that this visitor sent from a page of ours.

    Raises:
        DeniedError: it is another site's, another visitor's, or too old.
        InvalidInputError: it is no form.
    """
    found = fields(request)
    check_form(request, found, form_parts(sender))
    return found


def check_form(request: Request, sent: Mapping[str, str], parts: tuple[str, str]) -> None:
    """Refuse a form that was not made here, for whoever sends it.

    Args:
        request: the request.
        sent: the form's fields.
        parts: what its token is bound to.

    Raises:
        DeniedError: it is another site's, another visitor's, or too old.
    """
    here = service(request)
    why = foreign(request, here.url, form=True)
    if not why:
        signed = here.signatures.read(Purpose.FORM, sent.get(FORM_TOKEN, ""))
        now = here.context.clock.now()
        if signed is None or signed.parts != parts or not signed.younger(FORM_LASTS, now):
            why = (
                "it was not made for you, or is older than a day; go back, reload it, send it anew"
            )
    if why:
        message = f"the form is refused and nothing was changed: {why}"
        raise DeniedError(message)


def fields(request: Request) -> dict[str, str]:
    """Return the fields of the form that was sent; of a repeated one the last.

    Raises:
        InvalidInputError: it is no form.
    """
    body: bytes = request.state.body
    try:
        read = parse_qsl(
            body.decode(),
            keep_blank_values=True,
            strict_parsing=bool(body),
            max_num_fields=MAX_FIELDS,
        )
    except ValueError as exc:
        message = "the form cannot be read; go back and send it again"
        raise InvalidInputError(message) from exc
    return dict(read)


def operation_of(sent: Mapping[str, str], sender: Visitor, asked: str) -> str:
    """Return the operation id of a form: who sends the same form twice has sent it once.

    Args:
        sent: the form's fields; `operation` was made when it was shown.
        sender: who sends it.
        asked: what is asked; the same form with another text is another operation.
    """
    given = sent.get("operation", "")
    if not _OPERATION.match(given):
        return sender.context.clock.operation_id()
    whole = f"{sender.actor.id}\n{given}\n{asked}"
    return f"page-{hashlib.sha256(whole.encode()).hexdigest()[:40]}"


def _answering(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        request.state.body = await request.body()
        return await run_in_threadpool(_answer, request, endpoint)

    return answer


def _answer(request: Request, endpoint: Endpoint) -> Response:
    try:
        return endpoint(request)
    except LinkEndedError as exc:
        to = way_in(request, f"/approvals/{exc.approval}")
        if exc.voter:
            status = status_of(exc) if request.method == "POST" else HTTPStatus.OK
            return voted_page(service(request).context, exc, status=status, sign_in=to)
        return page("link_ended.html", status=status_of(exc), detail=str(exc), sign_in=to)
    except NotSignedInError as exc:
        if request.method == "POST":
            to = way_in(request, way_back(request))
            return page("not_signed_in.html", status=status_of(exc), detail=str(exc), sign_in=to)
        return redirect(way_in(request))
    except StagewardError as exc:
        return error_page(request, exc)


def error_page(request: Request, error: StagewardError) -> Response:
    """Return an error as a page in the frame of whoever looks, with what to do."""
    # First what is told: that depends on whether whoever asks was known when it failed.
    detail = said(request, error)
    return fault_page(request, status_of(error), detail, somebody(request))


def fault_page(
    request: Request, status: int, detail: str, visiting: Visitor | None = None
) -> Response:
    """Return a page that says what went wrong, with the way on.

    Args:
        request: the request.
        status: the HTTP status.
        detail: what went wrong, in words.
        visiting: who looks at it, where somebody is known.
    """
    path = request.scope["path"]
    onward = next((one for one in _ONWARD if path.startswith(f"{one[1]}/")), None)
    return page(
        "error.html",
        visiting,
        status=status,
        title=HTTPStatus(status).phrase,
        detail=detail,
        onward=onward if visiting and not visiting.approval else None,
        # Whoever is refused by name, or while the store is away, would only come back here.
        sign_in=(
            way_in(request, way_back(request)) if not visiting and status in _SIGN_IN_HELPS else ""
        ),
    )
