"""The HTTP API, of the description that Stageward serves itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, cast

from scripts.site.reference import problems
from scripts.site.reference.markdown import blocks, code, paragraphs, prose, sentence, table
from scripts.site.reference.schemas import fields, kind
from stage_functions.bootstrap import open_application, web_application
from stage_functions.settings import Settings

Document = dict[str, Any]
_NOBODY = "http://127.0.0.1:1"
"""Where no registry answers: none is asked."""


class _Described(Protocol):
    def openapi(self) -> Document:
        """Return the description of the API."""


def description(root: Path) -> Document:
    """Return the OpenAPI document of an application over a ledger that is only in memory."""
    settings = Settings(
        configuration=str(root / "stageward.yaml"),
        ledger=":memory:",
        environment={"MLFLOW_TRACKING_URI": _NOBODY},
    )
    application = open_application(settings)
    try:
        return cast("_Described", web_application(application)).openapi()
    finally:
        application.close()


def page(root: Path) -> str:
    """Return the page of the API."""
    document = description(root)
    calls: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, one in operations.items():
            calls.setdefault(one["tags"][0], []).append(_call(path, method.upper(), one))
    schemas = document["components"]["schemas"]
    return blocks(
        "# HTTP API",
        "Made of the description that a running Stageward serves at `/api/v1/openapi.json`. What "
        "it publishes is in [Events](events.md); commands are in "
        "[Command line](command-line.md).",
        paragraphs(str(document["info"]["description"])),
        f"Calls below `/api` are signed in: {_bearer(document)}",
        problems.section(),
        *(part for tag, parts in calls.items() for part in (f"## {_title(tag)}", *parts)),
        "## Documents",
        "What is sent and answered, by name.",
        *(_document(name, one) for name, one in sorted(schemas.items())),
    )


def _bearer(document: Document) -> str:
    scheme = document["components"]["securitySchemes"]["token"]
    return f"`Authorization: Bearer …`. {sentence(str(scheme['description']))}"


def _title(tag: str) -> str:
    return f"{tag[:1].upper()}{tag[1:]}"


def _named(name: str) -> str:
    return f"[{name}](#document-{name})"


def _call(path: str, method: str, one: Document) -> str:
    signed = "" if one.get("security") else "Nobody signs in here."
    return blocks(
        f"### {method} {code(path)}",
        paragraphs(str(one.get("description") or one["summary"])),
        signed,
        _parameters(one),
        _body(one),
        table(("answer", "means", "document"), _answers(one)),
    ).strip()


def _parameters(one: Document) -> str:
    rows = [
        (
            code(given["name"]),
            given["in"],
            kind(given["schema"], _named),
            "yes" if given.get("required") else _default(given["schema"]),
            prose(str(given.get("description", ""))),
        )
        for given in one.get("parameters", ())
    ]
    return table(("parameter", "in", "is", "required, or default", "means"), rows)


def _default(schema: Document) -> str:
    value = schema.get("default")
    return "" if value is None or value == "" or value is False else code(value)


def _body(one: Document) -> str:
    sent = one.get("requestBody", {})
    said = [
        f"{kind(given.get('schema', {}), _named)} ({code(media)})"
        for media, given in sent.get("content", {}).items()
    ]
    left = "" if sent.get("required") else " It may be left out."
    return f"Body: {', or '.join(said)}.{left}" if said else ""


def _answers(one: Document) -> Iterator[tuple[str, str, str]]:
    for status, answer in sorted(one["responses"].items()):
        documents = [
            kind(given.get("schema", {}), _named) for given in answer.get("content", {}).values()
        ]
        means = str(answer["description"]).replace("Successful Response", "done")
        yield code(status), prose(means), ", ".join(dict.fromkeys(documents))


def _document(name: str, schema: Document) -> str:
    return blocks(
        f"(document-{name})=\n### {name}",
        paragraphs(str(schema.get("description", ""))),
        fields(schema, _named),
    ).strip()
