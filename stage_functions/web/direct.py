"""A route that calls its endpoint without the framework's machinery, where a request is right.

The framework solves parameters generically, which takes longer than many a decision. Here the parts
of the path and the body are validated by the same types; whatever is not plainly right goes the
framework's own way, so that what is said of it comes from one place.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError

_JSON = "application/json"
_REQUEST, _BODY = "request", "body"

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class DirectRoute(APIRoute):
    """For endpoints of `(request, <parts of the path>, body)`; any other is left as it is."""

    def get_route_handler(self) -> Handler:
        """Return what answers a request."""
        endpoint, framework = self.endpoint, super().get_route_handler()
        parameters = inspect.signature(endpoint, eval_str=True).parameters
        if set(parameters) != {_REQUEST, *self.param_convertors, _BODY}:
            return framework
        bodies: TypeAdapter[object] = TypeAdapter(parameters[_BODY].annotation)
        parts: dict[str, TypeAdapter[object]] = {
            name: TypeAdapter(parameters[name].annotation) for name in self.param_convertors
        }

        async def answer(request: Request) -> Response:
            """Answer directly, or let the framework do it."""
            if request.headers.get("Content-Type") != _JSON:
                return await framework(request)
            given = request.path_params
            try:
                body = bodies.validate_json(await request.body())
                path = {name: part.validate_python(given[name]) for name, part in parts.items()}
            except ValidationError:
                return await framework(request)
            found: Response = await run_in_threadpool(endpoint, request, **path, body=body)
            return found

        return answer
