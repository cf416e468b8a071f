"""What calls answer, said once: how a document is sent, and which statuses are documented."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Response

from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.record import MAX_TEXT_CHARACTERS
from stage_functions.web.direct import DirectRoute
from stage_functions.web.problems import MEDIA_TYPE

PREFIX = "/api/v1"
"""Of every call but those that registries and machines make."""
Responses = dict[int | str, dict[str, Any]]
PROBLEM = {"$ref": "#/components/schemas/Problem"}
_WORDS = {
    400: "the body is not JSON",
    401: "nobody is signed in",
    403: "this person may not",
    404: "there is no such thing",
    409: "not in the present state",
    412: "decided on something that has changed since",
    413: "the body is too large",
    422: "a value cannot be taken",
    500: "a fault of Stageward",
    502: "a registry refuses for good",
    503: "a registry or the ledger cannot be reached now; see Retry-After",
}
_RETRY_AFTER = {"description": "seconds to wait", "schema": {"type": "integer"}}

Alias = Annotated[str, Path(description="The registry's alias.")]
KindName = Annotated[str, Path(description="models, data, environments or components.")]
Name = Annotated[str, Path(description="The asset's name, percent-encoded once.")]
Number = Annotated[str, Path(description="The version's number.")]
IDEMPOTENT: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The same key gets the same answer; for every request a new one.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
        }
    ]
}
"""Of a command; read where it is needed, since the framework takes its time over parameters."""


def calls(tag: str, *, prefix: str = PREFIX) -> APIRouter:
    """Return a router for calls, each of which is called as its function is."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=DirectRoute,
        generate_unique_id_function=lambda route: route.name,
    )


def reply(document: object, status: int = 200) -> Response:
    """Return a document as a response."""
    return Response(msgspec.json.encode(document), status, media_type="application/json")


def _problem(status: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": _WORDS[status],
        "content": {MEDIA_TYPE: {"schema": PROBLEM}},
    }
    return {**found, "headers": {"Retry-After": _RETRY_AFTER}} if status == 503 else found  # noqa: PLR2004  # as in the table


def problems(*statuses: int) -> Responses:
    """Document statuses that come as problems; 413 and 500 can come of anything."""
    return {status: _problem(status) for status in sorted({*statuses, 413, 500})}


READS = problems(401, 403, 404, 422, 503)
"""Of every call that reads the ledger."""
COMMANDS = problems(400, 401, 403, 404, 409, 422, 502, 503)
"""Of every call that changes something."""


def the_asset(registry: str, kind: str, name: str) -> Asset:
    """Return the asset that a path names.

    Raises:
        InvalidInputError: it cannot name one.
    """
    return Asset.parse(f"{registry}/{kind}/{name}")


def the_version(registry: str, kind: str, name: str, number: str) -> Version:
    """Return the version that a path names.

    Raises:
        InvalidInputError: it cannot name one.
    """
    return Version.parse(f"{the_asset(registry, kind, name)}:{number}")


def text(where: str, value: str, longest: int = MAX_TEXT_CHARACTERS) -> str:
    """Return a text that records can keep.

    Raises:
        InvalidInputError: too long, or not Unicode text.
    """
    if len(value) > longest:
        message = f"{where}: {len(value)} characters, at most {longest} are kept"
        raise InvalidInputError(message)
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        message = f"{where}: half of a surrogate pair at {exc.start} is no text"
        raise InvalidInputError(message) from exc
    return value
