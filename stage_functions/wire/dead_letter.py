"""A dead letter of Event Grid: the event as it was, with what it failed of beside it.

Event Grid writes an array, of one event as a rule, and adds fields to each: in camel case to its
own schema, in lower case to CloudEvents. What an event claims of whoever wrote is left out, since
whoever can write to the container could claim anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from stage_functions.application.dead_letters import Letter, Told
from stage_functions.application.signal import AliasSignal, AnySignal, JobSignal
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.error import InvalidInputError
from stage_functions.wire import eventgrid

MAX_TOLD = 10
"""Events of one dead letter that are shown."""
_SHOWN_CHARACTERS = 120
_PROVIDERS = "/providers/"


def read(body: bytes, registries: Mapping[str, RegistryConfiguration]) -> Letter:
    """Return what a dead letter says.

    Args:
        body: the bytes of the blob.
        registries: those of the configuration, by alias.

    Raises:
        InvalidInputError: it is no event, and no batch of events.
    """
    signals = eventgrid.parse(body, registries)
    content = json.loads(body)
    items = content if isinstance(content, list) else [content]
    if not items:
        message = "there is no event in it"
        raise InvalidInputError(message)
    told = tuple(_told(one) for one in items[:MAX_TOLD] if isinstance(one, dict))
    plain = tuple(_unclaimed(one) for one in signals.signals)
    return Letter(told, replace(signals, signals=plain))


def _unclaimed(signal: AnySignal) -> AnySignal:
    if isinstance(signal, AliasSignal | JobSignal):
        return signal
    return replace(signal, actor="", at=None, names=(), authenticated=False)


def _told(event: Mapping[str, object]) -> Told:
    fields = {name.lower(): value for name, value in event.items()}
    attempts = fields.get("deliveryattempts")
    return Told(
        type=_text(fields.get("eventtype") or fields.get("type")),
        subject=_subject(fields),
        reason=_text(fields.get("deadletterreason")),
        outcome=_text(fields.get("lastdeliveryoutcome")),
        attempts=attempts if type(attempts) is int and 0 <= attempts < 10**6 else 0,  # no bool
        published=_moment(fields.get("publishtime")),
        attempted=_moment(fields.get("lastdeliveryattempttime")),
    )


def _subject(fields: Mapping[str, object]) -> str:
    """Return what an event is about, without the subscription and the resource group before it."""
    subject = fields.get("subject")
    text = subject if isinstance(subject, str) else ""
    found = text.lower().rfind(_PROVIDERS)
    return _text(text[found + len(_PROVIDERS) :] if found >= 0 else text)


def _text(value: object) -> str:
    """Return a text that a line can hold."""
    if not isinstance(value, str):
        return ""
    cut = value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}…"
    plain = "".join(one if one.isprintable() else "·" for one in cut)
    return plain.encode(errors="replace").decode()


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        read_ = datetime.fromisoformat(value)
        return (read_ if read_.tzinfo else read_.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
