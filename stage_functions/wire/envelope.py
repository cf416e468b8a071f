"""Events as they are delivered: Event Grid's own schema and CloudEvents 1.0.

Both schemas, single and batch, and the binary mode of CloudEvents become one shape. What an event
means is not decided here; who sent it cannot be: an event is a hint.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import unquote

from msgspec import Struct

from stage_functions.domain.error import InvalidInputError
from stage_functions.wire.resource import Ignored, shown

_CLOUD_ATTRIBUTES = ("id", "source", "type", "subject", "specversion", "datacontenttype")
_BINARY_ATTRIBUTES = ("id", "source", "type", "subject", "specversion", "time")
_ORIGIN = re.compile(r"[A-Za-z0-9.-]{1,253}\Z")
_RATE = re.compile(r"[1-9][0-9]{0,8}\Z")


class Event(Struct, frozen=True):
    """An event of either schema.

    Attributes:
        type: such as `Microsoft.Resources.ResourceWriteSuccess`.
        source: the topic's resource id, or "".
        subject: what it is about, or "".
        at: when it happened, aware UTC, or None.
        data: what the type carries; empty where it is no object.
    """

    type: str
    source: str
    subject: str
    at: datetime | None
    data: Mapping[str, object]


def delivered(body: object, headers: Mapping[str, str] | None) -> tuple[Event | Ignored, ...]:
    """Read a delivery.

    Args:
        body: JSON as bytes or text, or what it parses to.
        headers: of the request, in any case; only the binary mode of CloudEvents needs them.

    Raises:
        InvalidInputError: not JSON, or neither an event nor a batch that holds one.
    """
    known = {key.lower(): value for key, value in (headers or {}).items()}
    content = _json(body) if isinstance(body, bytes | str) and not _binary(known) else body
    if _binary(known):
        content = _from_headers(known, body)
    items = content if isinstance(content, list) else [content]
    events = tuple(_event(item) for item in items)
    if items and all(event is None for event in events):
        message = (
            "the body is neither an event nor a batch of events; "
            "send Event Grid's schema or CloudEvents 1.0"
        )
        raise InvalidInputError(message)
    return tuple(Ignored("an entry of the batch is no event") if e is None else e for e in events)


def from_functions(event: object) -> dict[str, object]:
    """Return what an Azure Functions trigger delivers as the dictionary that was on the wire.

    Args:
        event: an `azure.functions.EventGridEvent` or `CloudEvent`, told apart by their attributes.

    Raises:
        InvalidInputError: it is neither.
    """
    get_json = getattr(event, "get_json", None)
    if callable(get_json) and hasattr(event, "specversion"):
        extensions = getattr(event, "extension_attrs", None)
        read: dict[str, object] = dict(extensions) if isinstance(extensions, dict) else {}
        read |= {name: getattr(event, name, None) for name in _CLOUD_ATTRIBUTES}
        read["time"] = _written(getattr(event, "time", None))
    elif callable(get_json) and hasattr(event, "event_type"):
        read = {name: getattr(event, name, None) for name in ("id", "topic", "subject")}
        read["eventType"] = getattr(event, "event_type", None)
        read["eventTime"] = _written(getattr(event, "event_time", None))
        read["dataVersion"] = getattr(event, "data_version", None)
    else:
        message = f"{type(event).__name__} is no event of the Event Grid trigger"
        raise InvalidInputError(message)
    read["data"] = get_json()
    return {name: value for name, value in read.items() if value is not None}


def webhook_options(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what answers the handshake of CloudEvents (OPTIONS); empty if it is none.

    Any sender is welcome and at its own rate: to agree is no authentication, and what it sends is
    a hint at most.
    """
    known = {key.lower(): value.strip() for key, value in headers.items()}
    origin = known.get("webhook-request-origin", "")
    if not _ORIGIN.match(origin):
        return {}
    rate = known.get("webhook-request-rate", "")
    return {
        "WebHook-Allowed-Origin": origin,
        "WebHook-Allowed-Rate": rate if _RATE.match(rate) else "*",
    }


def _json(text: bytes | str) -> object:
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError) as exc:
        message = f"the body is not JSON: {exc}"
        raise InvalidInputError(message) from exc
    return content


def _binary(headers: Mapping[str, str]) -> bool:
    structured = (
        headers.get("content-type", "").strip().lower().startswith("application/cloudevents")
    )
    return "ce-specversion" in headers and not structured


def _from_headers(headers: Mapping[str, str], body: object) -> dict[str, object]:
    read: dict[str, object] = {
        name: unquote(headers[f"ce-{name}"])
        for name in _BINARY_ATTRIBUTES
        if f"ce-{name}" in headers
    }
    if isinstance(body, bytes | str) and body and "json" in headers.get("content-type", "json"):
        body = _json(body)
    return {**read, "data": body}


def _event(item: object) -> Event | Ignored | None:
    if not isinstance(item, dict):
        return None
    cloud = "specversion" in item
    type_ = item.get("type" if cloud else "eventType")
    if not isinstance(type_, str) or not type_:
        return None
    if cloud and item["specversion"] != "1.0":
        return Ignored(f"CloudEvents {shown(_text(item['specversion']))} is not read, 1.0 is")
    data = _base64(item["data_base64"]) if cloud and "data_base64" in item else item.get("data")
    return Event(
        type_,
        _text(item.get("source" if cloud else "topic")),
        _text(item.get("subject")),
        _moment(item.get("time" if cloud else "eventTime")),
        data if isinstance(data, dict) else {},
    )


def _base64(text: object) -> object:
    try:
        return _json(base64.b64decode(_text(text), validate=True))
    except (ValueError, InvalidInputError):
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _moment(value: object) -> datetime | None:
    """Read a time; one without an offset is UTC, as Event Grid's are."""
    try:
        read = datetime.fromisoformat(_text(value))
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _written(moment: object) -> str | None:
    return moment.isoformat() if isinstance(moment, datetime) else None
