"""The description of the API, made true: what the framework leaves out or guesses wrong."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from stage_functions.wire import (
    api,
    as_of_api,
    granted_api,
    lifecycles_api,
    replay_api,
    retention_api,
    rollback_api,
    standing_api,
    status_api,
    writes_api,
)

_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n        .*)*)", re.MULTILINE)
_TOKEN = MappingProxyType(
    {
        "type": "http",
        "scheme": "bearer",
        "description": "A token; with STAGEWARD_AUTH=dev a person's key.",
    }
)
_DOCUMENTS = (
    api,
    as_of_api,
    lifecycles_api,
    status_api,
    writes_api,
    retention_api,
    replay_api,
    granted_api,
    rollback_api,
    standing_api,
)
"""Modules that say what calls answer."""
_GUESSED = ("HTTPValidationError", "ValidationError")
Document = dict[str, Any]


def _documented(name: str) -> type | None:
    """Return the class that a schema is of, or None."""
    return next((found for one in _DOCUMENTS if (found := getattr(one, name, None))), None)


def describe(app: FastAPI) -> Callable[[], Document]:
    """Return what makes the OpenAPI document of an application, once."""

    def document() -> Document:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    return document


def _document(app: FastAPI) -> Document:
    found: Document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
    )
    schemas: Document = found["components"]["schemas"]
    for name in _GUESSED:
        schemas.pop(name, None)
    schemas |= _schemas()
    for name, schema in schemas.items():
        _explain(_documented(name), schema)
    found["components"]["securitySchemes"] = {"token": dict(_TOKEN)}
    for path, operations in found["paths"].items():
        for operation in operations.values():
            if path.startswith("/api/"):
                operation["security"] = [{"token": []}]
    return found


def _schemas() -> Document:
    """Return the schema of problems, which no call names as its own document."""
    schema = TypeAdapter(api.Problem).json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "Problem": schema}


def _explain(type_: type | None, schema: Document) -> None:
    """Take descriptions of a type and its fields from its docstring."""
    if type_ is None:
        return
    written = inspect.getdoc(type_) or ""
    summary, _, attributes = written.partition("\n\nAttributes:\n")
    schema["description"] = summary
    for name, said in _ATTRIBUTE.findall(attributes):
        field = schema.get("properties", {}).get(name)
        if field is not None:
            field["description"] = " ".join(said.split())
