"""Routes of pages: what they answer comes as a page, errors too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.routing import Route

from stage_functions.domain.error import InvalidInputError, StagewardError
from stage_functions.web.pages.render import page
from stage_functions.web.problems import status_of

Endpoint = Callable[[Request], Response]
MAX_FIELDS = 50


def show(path: str, endpoint: Endpoint) -> Route:
    """Return the route of a page that is looked at; it changes nothing."""
    return Route(path, _answering(endpoint), methods=["GET", "HEAD"], include_in_schema=False)


def act(path: str, endpoint: Endpoint) -> Route:
    """Return the route that a form is sent to."""
    return Route(path, _answering(endpoint), methods=["POST"], include_in_schema=False)


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


def _answering(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        request.state.body = await request.body()
        try:
            return await run_in_threadpool(endpoint, request)
        except StagewardError as exc:
            return error_page(exc)

    return answer


def error_page(error: StagewardError) -> Response:
    """Return an error as a page, with what to do."""
    status = status_of(error)
    title = HTTPStatus(status).phrase
    return page("error.html", status=status, title=title, detail=str(error), here="")
