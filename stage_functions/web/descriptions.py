"""What is published, described for whoever will receive it: AsyncAPI, and a JSON Schema a type.

Open to everybody, as the description of the API is: it is the same for each deployment of a release
but for its own address, and says nothing of who receives anything.
"""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus

from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route

from stage_functions.web.contract import PREFIX
from stage_functions.web.service import service
from stage_functions.wire.asyncapi import SCHEMAS, document, schema_text

_EVENTS = f"{PREFIX}/events"
_SUFFIX = ".schema.json"
_HEADERS = {"X-Content-Type-Options": "nosniff"}


def routes() -> list[BaseRoute]:
    """Return the routes; they do not describe themselves."""
    return [
        Route(f"{PREFIX}/asyncapi.json", asyncapi, include_in_schema=False),
        Route(f"{_EVENTS}/{{schema}}", event_schema, include_in_schema=False),
    ]


async def asyncapi(request: Request) -> Response:
    """Show what is published, as AsyncAPI."""
    url = service(request).url
    return Response(_written(f"{url}{_EVENTS}" if url else ""), 200, _HEADERS, "application/json")


async def event_schema(request: Request) -> Response:
    """Show the JSON Schema of a type of event: `<type>.schema.json`."""
    type_ = request.path_params["schema"].removesuffix(_SUFFIX)
    if f"{type_}{_SUFFIX}" != request.path_params["schema"] or type_ not in SCHEMAS:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return Response(schema_text(type_), 200, _HEADERS, "application/schema+json")


@cache
def _written(schemas_at: str) -> str:
    return json.dumps(document(schemas_at), ensure_ascii=False)
