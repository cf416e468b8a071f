"""What Stageward publishes, described: as AsyncAPI 3.0, made of the schemas of the events.

The schemas are files beside the code, one a type, each complete in itself, for whoever wants one
type alone. Here they stand in one document with what they share, as generators and catalogs of
events read it. It says what a release publishes, not where: addresses of receivers may be secrets.

AsyncAPI reads JSON Schema as draft 07 has it. The files use draft 2020-12, of it only what means
the same there, but for two things, which are written otherwise: where shared parts stand, and what
stands beside a reference, which the draft ignores.

Generators of code call classes by titles, and some make one type of what all events share where
that is a schema of its own, with the first `type` for all. So each event is written out, and each
object and each list of values has a title.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files

from stage_functions import __version__
from stage_functions.domain.record import UNPUBLISHED, RecordType
from stage_functions.wire.signing import ID, SIGNATURE, TIMESTAMP

Document = dict[str, object]
ANCHORED = "Anchored"
PUBLISHED = (*(str(one) for one in RecordType if one not in UNPUBLISHED), ANCHORED)
"""Types of what is published, as they stand behind `Stageward.`."""
SCHEMAS = (*map(str, RecordType), ANCHORED)
"""Types that have a schema: `stageward history` shows those that are not published."""
MEDIA_TYPE = "application/cloudevents+json"
_SHARED = "#/$defs/"
_COMPONENTS = "#/components/schemas/"
_HTTP: Document = {"method": "POST", "bindingVersion": "0.3.0"}
_DESCRIPTION = (
    "What Stageward decides, told to whoever must follow: each record of a history is one "
    "CloudEvent 1.0 in structured mode, with the record as its data. At least once; in order for "
    "each asset and receiver; `source` and `id` together are one event. Ignore fields and types "
    "that you do not know: more may come."
)
_SIGNATURE = (
    "Standard Webhooks (https://www.standardwebhooks.com): `v1,` and the base64 of HMAC-SHA256 "
    "over `<webhook-id>.<webhook-timestamp>.<body>`, under the secret that Stageward and the "
    "receiver share; several, separated by blanks, while it is changed. Only where a secret is set "
    "for the receiver: then take nothing that is not signed, or is older than five minutes."
)
_HEADERS: Document = {
    "description": "Of a delivery to a webhook. A topic of Event Grid gets batches by its SDK.",
    "type": "object",
    "properties": {
        "content-type": {"type": "string", "const": f"{MEDIA_TYPE}; charset=utf-8"},
        ID: {
            "description": "The same at each attempt to deliver one event: `evt_` and the SHA-256 "
            "of its `source`, a line break, and its `id`.",
            "type": "string",
            "pattern": "^evt_[0-9a-f]{64}$",
        },
        TIMESTAMP: {
            "description": "The time of the attempt, in seconds since 1970.",
            "type": "string",
            "pattern": "^[0-9]+$",
        },
        SIGNATURE: {
            "description": _SIGNATURE,
            "type": "string",
            "pattern": "^v1,[A-Za-z0-9+/]+=*( v1,[A-Za-z0-9+/]+=*)*$",
        },
    },
}
_ATTRIBUTES: dict[str, Document] = {
    "specversion": {"description": "The version of CloudEvents.", "type": "string", "const": "1.0"},
    "id": {
        "description": "One record, the same each time it is published; unique with `source`. "
        "Names in it are percent-encoded once.",
        "type": "string",
        "minLength": 1,
    },
    "source": {
        "description": "The registry, the lifecycles, or the ledger itself.",
        "type": "string",
        "format": "uri-reference",
        "pattern": "^/stageward/(registries/[^/]+|lifecycles|ledger)$",
    },
    "type": {"description": "What was recorded."},
    "subject": {
        "description": "The version, or what else the record is about.",
        "type": "string",
        "minLength": 1,
    },
    "time": {"description": "When it was.", "type": "string", "format": "date-time"},
    "datacontenttype": {
        "description": "The form of `data`.",
        "type": "string",
        "const": "application/json",
    },
    "dataschema": {"description": "The `$id` of the schema of `data`."},
    "traceparent": {
        "description": "Of the decision, where Stageward's own telemetry is on: the extension "
        "of CloudEvents for distributed tracing.",
        "type": "string",
    },
    "data": {},
}
"""What every event of Stageward has: CloudEvents 1.0. All but the trace are always there."""
_EVENT = "Event"
"""Behind a type: the schema of the whole event, not of the record in it."""


def schema_text(type_: str) -> str:
    """Return the file with the schema of a type of `SCHEMAS`."""
    folder = files("stage_functions").joinpath("events")
    return folder.joinpath(f"{type_}.schema.json").read_text("utf-8")


def document(schemas_at: str) -> Document:
    """Return the document.

    Args:
        schemas_at: the address behind which each schema has its own, as `<type>.schema.json`; ""
            where it is not known.
    """
    schemas: dict[str, Document] = {one: json.loads(schema_text(one)) for one in PUBLISHED}
    records = [one for one in PUBLISHED if one != ANCHORED]
    return {
        "asyncapi": "3.0.0",
        "id": "urn:stageward",
        "info": _info(schemas_at),
        "defaultContentType": MEDIA_TYPE,
        "servers": _servers(),
        "channels": {
            "records": _channel(
                "Records",
                "Every record that is published, of all assets, to each receiver.",
                records,
                ("webhook", "eventGrid"),
            ),
            "anchors": _channel(
                "Anchors",
                "Once an hour, what the ledger says of all of its histories.",
                [ANCHORED],
                ("anchorReceiver",),
            ),
        },
        "operations": {
            "publishRecord": _sent("records", "Tell what was recorded", records),
            "publishAnchor": _sent("anchors", "Tell the root of all histories", [ANCHORED]),
        },
        "components": {
            "messages": {one: _message(one, schema, schemas_at) for one, schema in schemas.items()},
            "messageTraits": {"delivery": {"contentType": MEDIA_TYPE, "headers": _HEADERS}},
            "schemas": {
                **{f"{one}{_EVENT}": _event(one, schema) for one, schema in schemas.items()},
                **_schemas(schemas),
            },
            "securitySchemes": _security(),
        },
    }


def _info(schemas_at: str) -> Document:
    return {
        "title": "Stageward",
        "version": __version__,
        "description": _DESCRIPTION,
        "license": {"name": "MIT", "url": "https://opensource.org/license/mit"},
        "tags": [{"name": "governance"}, {"name": "machine learning"}],
        **_by_itself("StageChanged", schemas_at),
    }


def _servers() -> Document:
    signed = [{"$ref": "#/components/securitySchemes/signature"}]
    receiver = {"description": "Host, and port if it needs one, of the receiver's URL."}
    return {
        "webhook": {
            "host": "{receiver}",
            "protocol": "https",
            "title": "A receiver of CloudEvents",
            "description": "Each URL of STAGEWARD_WEBHOOKS. Any 2xx answer means that it was "
            "taken; 401, 408, 425, 429, 5xx and silence that it is to come again; any other that "
            "it never will be.",
            "variables": {"receiver": receiver},
            "security": signed,
        },
        "anchorReceiver": {
            "host": "{receiver}",
            "protocol": "https",
            "title": "A receiver of anchors",
            "description": "Each URL of STAGEWARD_ANCHORS that takes CloudEvents.",
            "variables": {"receiver": receiver},
            "security": signed,
        },
        "eventGrid": {
            "host": "{topic}",
            "pathname": "/api/events",
            "protocol": "https",
            "title": "A custom topic of Azure Event Grid",
            "description": "STAGEWARD_EVENTGRID_ENDPOINT; it gets batches, and hands on to its "
            "subscriptions in any order.",
            "variables": {"topic": {"description": "Host of the topic's endpoint."}},
            "security": [
                {"$ref": "#/components/securitySchemes/topicIdentity"},
                {"$ref": "#/components/securitySchemes/topicKey"},
            ],
        },
    }


def _security() -> Document:
    return {
        "signature": {
            "type": "httpApiKey",
            "in": "header",
            "name": SIGNATURE,
            "description": _SIGNATURE,
        },
        "topicKey": {
            "type": "httpApiKey",
            "in": "header",
            "name": "aeg-sas-key",
            "description": "The access key of the topic, where one is set.",
        },
        "topicIdentity": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "Else Stageward signs in by its identity in Microsoft Entra.",
        },
    }


def _channel(title: str, description: str, types: list[str], servers: tuple[str, ...]) -> Document:
    return {
        "address": None,
        "title": title,
        "description": f"{description} The path is that of the receiver's URL.",
        "servers": [{"$ref": f"#/servers/{one}"} for one in servers],
        "messages": {one: {"$ref": f"#/components/messages/{one}"} for one in types},
    }


def _sent(channel: str, title: str, types: list[str]) -> Document:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel}"},
        "title": title,
        "summary": f"{title}, with one POST an event.",
        "bindings": {"http": _HTTP},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{one}"} for one in types],
    }


def _message(type_: str, schema: Document, schemas_at: str) -> Document:
    return {
        "name": schema["title"],
        "title": type_,
        "summary": _summary(schema),
        "contentType": MEDIA_TYPE,
        **_by_itself(type_, schemas_at),
        "payload": {"$ref": f"{_COMPONENTS}{type_}{_EVENT}"},
        "traits": [{"$ref": "#/components/messageTraits/delivery"}],
    }


def _event(type_: str, schema: Document) -> Document:
    """Return the schema of the CloudEvents of a type."""
    own: Document = {
        "type": {**_ATTRIBUTES["type"], "type": "string", "const": schema["title"]},
        "dataschema": {**_ATTRIBUTES["dataschema"], "type": "string", "const": schema["$id"]},
        "data": {"$ref": f"{_COMPONENTS}{type_}"},
    }
    return {
        "title": f"{type_}{_EVENT}",
        "description": _summary(schema),
        "type": "object",
        "required": [one for one in _ATTRIBUTES if one != "traceparent"],
        "properties": {**_ATTRIBUTES, **own},
        "additionalProperties": True,
    }


def _summary(schema: Document) -> str:
    return str(schema["description"]).partition(" The data of the CloudEvent")[0]


def _by_itself(type_: str, schemas_at: str) -> Document:
    """Say where the schema of a type is by itself."""
    if not schemas_at:
        return {}
    found = {"description": f"{type_} as JSON Schema", "url": f"{schemas_at}/{type_}.schema.json"}
    return {"externalDocs": found}


def _schemas(schemas: Mapping[str, Document]) -> Document:
    """Return the schemas, and what they share once; one name is one thing in all files."""
    shared: Document = {}
    own: Document = {}
    for type_, schema in schemas.items():
        shared |= {name: _component(_titled(name), part) for name, part in _shared(schema)}
        kept = {key: part for key, part in schema.items() if key not in _OF_FILES}
        own[type_] = _component(type_, kept)
    return {**own, **shared}


def _component(title: str, schema: Document) -> Document:
    """Return a schema as the document has it, with titles by which code may call its parts."""
    fields = schema.get("properties")
    named = fields.items() if isinstance(fields, dict) else ()
    properties = {key: _named(title, key, one) for key, one in named}
    own = {**schema, "title": title, "properties": properties}
    return {key: _draft_07(part) for key, part in own.items() if part}


def _named(owner: str, name: str, field: Document) -> Document:
    """Return a field, with a title where it lists its values."""
    return {"title": f"{owner}{_titled(name)}", **field} if "enum" in field else field


def _titled(name: str) -> str:
    """Return a name as code calls types: `approvalId` and `review_due` as ApprovalId, ReviewDue."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


_OF_FILES = ("$schema", "$id", "$defs")
"""What only a file by itself needs."""


def _shared(schema: Document) -> Iterator[tuple[str, Document]]:
    parts = schema.get("$defs")
    yield from parts.items() if isinstance(parts, dict) else ()


def _draft_07(part: object) -> object:
    """Return a part of a schema as the document has it."""
    if isinstance(part, list):
        return [_draft_07(one) for one in part]
    if not isinstance(part, dict):
        return part
    found = {key: _draft_07(value) for key, value in part.items()}
    target = found.get("$ref")
    if not isinstance(target, str):
        return found
    reference = {"$ref": target.replace(_SHARED, _COMPONENTS)}
    beside = {key: value for key, value in found.items() if key != "$ref"}
    title = _titled(target.removeprefix(_SHARED))
    return {"title": title, **beside, "allOf": [reference]} if beside else reference
