"""Errors as problems (RFC 9457): one map from the error tree to statuses, and no other."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from stage_functions.domain.error import (
    ConfigurationError,
    DeniedError,
    InvalidInputError,
    LaterReleaseError,
    LinkEndedError,
    NotAllowedNowError,
    NotFoundError,
    NotSignedInError,
    RegistryRefusedError,
    RegistryUnavailableError,
    RetryableError,
    RowTooLargeError,
    SinkRefusedError,
    StagewardError,
    StaleError,
    StoreUnavailableError,
    TerminalError,
)
from stage_functions.wire.api import Decision, Fault, Import, Problem

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
UNSAID = "it cannot be done now; the log of Stageward says why, /healthz says what is not well"
_STATUSES: tuple[tuple[type[StagewardError], int, str], ...] = (
    (RegistryUnavailableError, 503, "registry-unavailable"),
    (StoreUnavailableError, 503, "ledger-unavailable"),
    (LaterReleaseError, 503, "later-release"),
    (RetryableError, 503, "try-again"),
    (LinkEndedError, 410, "link-ended"),
    (NotSignedInError, 401, "not-signed-in"),
    (DeniedError, 403, "denied"),
    (NotFoundError, 404, "not-found"),
    (NotAllowedNowError, 409, "conflict"),
    (StaleError, 412, "stale"),
    (InvalidInputError, 422, "invalid"),
    (RowTooLargeError, 422, "too-large"),
    (RegistryRefusedError, 502, "registry-refused"),
    (SinkRefusedError, 502, "sink-refused"),
    (ConfigurationError, 500, "configuration"),
    (TerminalError, 500, "fault"),
)
"""The first that fits; every error of the tree fits one."""
_MALFORMED = "json_invalid"
log = logging.getLogger("stageward.web")


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[Fault] = (),
    decision: Decision | None = None,
    unclear: Import | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return a problem as a response; members without a value are left out."""
    found = Problem(
        f"urn:stageward:problem:{code}",
        HTTPStatus(status).phrase,
        status,
        detail,
        tuple(errors) or None,
        decision,
        unclear,
    )
    document = {name: value for name, value in _members(found).items() if value is not None}
    return Response(msgspec.json.encode(document), status, headers, MEDIA_TYPE)


def of_error(error: StagewardError, detail: str = "") -> Response:
    """Return an error of ours as a response, with other words than its own if need be."""
    status, code = _kind(error)
    headers: dict[str, str] = {}
    if isinstance(error, NotAllowedNowError):
        code = error.code
    if isinstance(error, RetryableError):
        headers["Retry-After"] = str(error.retry_after_seconds or RETRY_AFTER_SECONDS)
    if isinstance(error, NotSignedInError):
        headers["WWW-Authenticate"] = 'Bearer realm="stageward"'
    return problem(status, code, detail or str(error), headers=headers)


def said(request: Request, error: StagewardError) -> str:
    """Return what whoever asks is told of an error, with advice where they are denied something.

    What a registry or a store has answered, with names of accounts and people in it, is for the log
    and for those whom Stageward knows: `known` in the state of their request.
    """
    status, code = _kind(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("%s: %s", code, error)
        if not getattr(request.state, "known", False):
            return UNSAID
    advice = getattr(request.state, "advice", "")
    return f"{error}. {advice}" if advice and isinstance(error, DeniedError) else str(error)


def status_of(error: StagewardError) -> int:
    """Return the HTTP status of an error."""
    return _kind(error)[0]


def _kind(error: StagewardError) -> tuple[int, str]:
    return next((status, code) for type_, status, code in _STATUSES if isinstance(error, type_))


def install(app: FastAPI) -> None:
    """Make every error of an application a problem."""
    app.add_exception_handler(StagewardError, _ours)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Exception, of_fault)


async def _ours(request: Request, error: Exception) -> Response:
    if not isinstance(error, StagewardError):
        raise error
    return of_error(error, said(request, error))


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return _invalid(error)


async def of_http(request: Request, error: Exception) -> Response:
    """Return what the framework refuses as a problem."""
    if not isinstance(error, HTTPException):
        raise error
    return _framework(request, error)


async def of_fault(request: Request, error: Exception) -> Response:
    """Log an unforeseen fault, and return it as a problem that tells nothing of the inside."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "fault", "an unforeseen fault; the log of Stageward has it")


def _members(found: Problem) -> dict[str, object]:
    return {name: getattr(found, name) for name in Problem.__slots__}


def _framework(request: Request, error: HTTPException) -> Response:
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"nothing is at {request.url.path}; /api/v1/openapi.json describes what is"
        return problem(404, "no-such-address", detail)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = headers.get("Allow", "another method")
        detail = f"{request.url.path} does not take {request.method}; it takes {allowed}"
        return problem(405, "method-not-allowed", detail, headers=headers)
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return problem(400, "malformed", "the body cannot be read: is it JSON in UTF-8?")
    return problem(error.status_code, "http", str(error.detail), headers=headers)


def _invalid(error: RequestValidationError) -> Response:
    found = error.errors()
    if any(one["type"] == _MALFORMED for one in found):
        return problem(400, "malformed", f"the body is not JSON: {found[0]['ctx']['error']}")
    faults = [Fault(".".join(str(part) for part in one["loc"]), _why(one)) for one in found]
    detail = "; ".join(f"{fault.at}: {fault.why}" for fault in faults)
    return problem(422, "invalid", detail, errors=faults)


def _why(one: dict[str, object]) -> str:
    said = str(one["msg"])
    given = one.get("input")
    plain = isinstance(given, str | int | bool) or (
        isinstance(given, float) and math.isfinite(given)
    )
    shown = f", not {given!r}"[:80] if plain else ""
    return f"{said[:1].lower()}{said[1:]}{shown}"
