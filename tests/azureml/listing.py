"""Lists: what is in them, in which order, and how a long one is turned over page by page.

A page ends at a moment, not at a number, so that what is written meanwhile repeats nothing.
`$top` bounds the whole list; that is assumed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from tests.azureml.calls import Answer, Request
from tests.azureml.errors import refused
from tests.azureml.place import Document

_CREATED = "createdAt"
_ORDERS = {
    "createdtime desc": (_CREATED, True),
    "createdtime": (_CREATED, False),
    "createdtime asc": (_CREATED, False),
    "updatedtime desc": ("lastModifiedAt", True),
    "updatedtime": ("lastModifiedAt", False),
    "updatedtime asc": ("lastModifiedAt", False),
}
_NEWEST_FIRST = "createdtime desc"
Shown = Callable[[Document], Document | None]


def page(
    request: Request,
    documents: Iterable[Document],
    page_size: int,
    shown: Shown = lambda document: document,
) -> Answer:
    """Answer with a page.

    Args:
        request: says the order, and where the page begins.
        documents: oldest first, by their creation.
        page_size: how many at most.
        shown: what is answered for one; None to leave it out.
    """
    text = request.query.get("$orderby", _NEWEST_FIRST).lower()
    if text not in _ORDERS:
        message = f"'{text}' is no order."
        raise refused(message)
    field, is_descending = _ORDERS[text]
    wanted = _whole(request, "$top")
    rest = _after(documents, request.query.get("$skip", ""), field, is_descending=is_descending)
    size = min(page_size, wanted) if wanted is not None else page_size
    found = list(islice((s for s in map(shown, rest) if s is not None), size + 1))
    content: dict[str, Any] = {"value": found[:size]}
    if len(found) > size and (wanted is None or wanted > size):
        left = {} if wanted is None else {"$top": str(wanted - size)}
        content["nextLink"] = _next(request, str(found[size - 1]["systemData"][field]), left)
    return Answer(content)


def _after(
    documents: Iterable[Document], after: str, field: str, *, is_descending: bool
) -> Iterator[Document]:
    """Return what follows a moment; it is looked up, for some lists have thousands of pages."""

    def moment(document: Document) -> str:
        at: str = document["systemData"][field]
        return at

    ordered = list(documents)
    if field != _CREATED:
        ordered.sort(key=moment)
    if is_descending:
        end = bisect_left(ordered, after, key=moment) if after else len(ordered)
        return map(ordered.__getitem__, range(end - 1, -1, -1))
    return map(ordered.__getitem__, range(bisect_right(ordered, after, key=moment), len(ordered)))


def _next(request: Request, skip: str, left: Mapping[str, str]) -> str:
    query = {**request.query, **left, "$skip": skip}
    path = request.target.partition("?")[0]
    return f"{request.base}{path}?{urlencode(query)}"


def _whole(request: Request, key: str) -> int | None:
    text = request.query.get(key)
    if text is None:
        return None
    if not text.isdecimal():
        message = f"{key} must be a whole number."
        raise refused(message)
    return int(text)


def wanted(request: Request, kind: str, *, is_registry: bool) -> Shown:
    """Return what shows the versions, or containers, that the request asks for.

    A registry heeds no view type, as was reported; so what is sent there is not even read. Where
    the query says none, active ones are meant.
    """
    checks: list[Callable[[Mapping[str, Any]], bool]]
    checks = [] if is_registry else [_viewed(request)]
    if kind == "models" and "stage" in request.query:
        stage = request.query["stage"]
        checks.append(lambda properties: properties.get("stage") == stage)
    key = {"models": "tags", "data": "$tags"}.get(kind, "")
    if key in request.query:
        checks.append(_tagged(request.query[key]))

    def shown(document: Document) -> Document | None:
        return document if all(check(document["properties"]) for check in checks) else None

    return shown


def _viewed(request: Request) -> Callable[[Mapping[str, Any]], bool]:
    view = request.query.get("listviewtype", "ActiveOnly")
    match view.lower():
        case "all":
            return lambda _: True
        case "archivedonly":
            return lambda properties: bool(properties.get("isArchived"))
        case "activeonly":
            return lambda properties: (
                not (properties.get("isArchived") or properties.get("isAnonymous"))
            )
        case _:
            message = f"'{view}' is no listViewType."
            raise refused(message)


def _tagged(text: str) -> Callable[[Mapping[str, Any]], bool]:
    """Read `tag1,tag2=value2`."""
    asked = [part.partition("=") for part in text.split(",") if part]

    def holds(properties: Mapping[str, Any]) -> bool:
        tags = properties.get("tags") or {}
        return all(key in tags and (not eq or tags[key] == value) for key, eq, value in asked)

    return holds
