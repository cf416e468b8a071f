"""What a delivery of Event Grid amounts to: signals to follow up, and what was left unread.

It decides which version an event hints at. It never decides what happened to that version: the
registry is read for that. Unknown fields and types are let pass; what contradicts itself, or
names a registry that is not of the configuration, is ignored with a reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from stage_functions.application.signal import Signal, Signals
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.wire.envelope import Event, delivered, from_functions, webhook_options
from stage_functions.wire.resource import (
    Ignored,
    addresses,
    agreed,
    folded,
    located,
    shown,
    version,
)

__all__ = ["from_functions", "parse", "webhook_options"]

_HANDSHAKE = "Microsoft.EventGrid.SubscriptionValidationEvent"
_ML = "Microsoft.MachineLearningServices"
_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_MAX_NUMBER = 2**63
_RUN = "a run is read when the version that it made is judged"

Known = Mapping[str, str]
"""Aliases by folded resource id."""


def parse(
    body: object,
    registries: Mapping[str, RegistryConfiguration],
    headers: Mapping[str, str] | None = None,
) -> Signals:
    """Read a delivery of Event Grid, of either schema, single or batch.

    Args:
        body: JSON as bytes or text, or what it parses to.
        registries: those of the configuration, by alias.
        headers: of the request, where CloudEvents may come in binary mode.

    Raises:
        InvalidInputError: the body as a whole is no event and no batch. Nothing else is raised.
    """
    known = addresses(registries)
    signals: list[Signal] = []
    ignored: list[str] = []
    handshake = ""
    for event in delivered(body, headers):
        code = _validation_code(event)
        handshake = handshake or code
        for answer in () if code else _answers(event, known):
            if isinstance(answer, Ignored):
                ignored.append(answer.why)
            else:
                signals.append(answer)
    return Signals(tuple(signals), tuple(ignored), handshake)


def _validation_code(event: Event | Ignored) -> str:
    if isinstance(event, Ignored) or event.type != _HANDSHAKE:
        return ""
    code = event.data.get("validationCode")
    return code if isinstance(code, str) else ""


def _answers(event: Event | Ignored, known: Known) -> Iterator[Signal | Ignored]:
    if isinstance(event, Ignored):
        yield event
    elif event.type == _HANDSHAKE:
        yield Ignored("the handshake has no validationCode")
    elif event.type in _UNREAD:
        yield Ignored(_UNREAD[event.type])
    elif event.type in _READERS:
        yield from _READERS[event.type](event, known)
    else:
        yield Ignored(f"events of the type {shown(event.type)} are not followed")


def _registered(event: Event, known: Known) -> Iterator[Signal | Ignored]:
    alias = known.get(folded(event.source))
    name, number = _registered_parts(event)
    if alias is None:
        yield _unconfigured(event)
    elif name is None or number is None:
        yield _contradiction(event)
    else:
        yield _hint(event, alias, f"{name}:{number}")


def _registered_parts(event: Event) -> tuple[str | None, str | None]:
    """Return name and number; None where data and subject contradict each other."""
    kind, _, text = event.subject.partition("/")
    name, _, number = text.rpartition(":") if kind == Kind.MODELS else ("", "", "")
    said = event.data.get("ModelName")
    return (
        _either(said if isinstance(said, str) else "", name),
        _either(_number(event.data.get("ModelVersion")), number),
    )


def _either(one: str, other: str) -> str | None:
    return agreed(one, other) if one and other else one or other


def _number(value: object) -> str:
    """Read a version's number: text, or an integer however JSON wrote it."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_NUMBER
    return str(value) if whole else ""


def _deployed(event: Event, known: Known) -> Iterator[Signal | Ignored]:
    alias = known.get(folded(event.source))
    ids = event.data.get("ModelIds")
    listed = ids.split(",") if isinstance(ids, str) else ids
    if alias is None:
        yield _unconfigured(event)
    elif not listed or not isinstance(listed, list) or not all(isinstance(i, str) for i in listed):
        yield Ignored("ModelDeployed has no list of name:version in ModelIds")
    else:
        for text in dict.fromkeys(text.strip() for text in listed):
            yield _hint(event, alias, text)


def _hint(event: Event, alias: str, text: str) -> Signal | Ignored:
    read = version(alias, Kind.MODELS, text)
    return read if isinstance(read, Ignored) else Signal(read, at=event.at)


def _unconfigured(event: Event) -> Ignored:
    return Ignored(f"{shown(event.source)} is no registry of the configuration")


def _contradiction(event: Event) -> Ignored:
    return Ignored(f"subject {shown(event.subject)} and data contradict each other")


def _changed(event: Event, known: Known) -> Iterator[Signal | Ignored]:
    uri = event.data.get("resourceUri")
    ids = [text for text in (uri, event.subject) if isinstance(text, str) and text]
    if not ids:
        yield Ignored("the event names no resource")
    elif folded(ids[0]) != folded(ids[-1]):
        yield _contradiction(event)
    elif event.source and not f"{folded(ids[0])}/".startswith(f"{folded(event.source)}/"):
        yield Ignored(f"{shown(ids[0])} lies outside of its topic")
    else:
        read = _respelled(located(ids[0], known), located(ids[-1], known))
        yield read if isinstance(read, Ignored) else Signal(read, (), _actor(event), event.at)


def _respelled(one: Version | Ignored, other: Version | Ignored) -> Version | Ignored:
    """Return the better spelling of two that name the same version in different case."""
    if isinstance(one, Ignored) or isinstance(other, Ignored) or one == other:
        return one
    text = agreed(f"{one.asset.name}:{one.number}", f"{other.asset.name}:{other.number}")
    if text is None:
        return Ignored(f"subject and data spell {shown(str(one))} differently")
    return version(one.asset.registry, one.asset.kind, text)


def _actor(event: Event) -> str:
    """Return who wrote, as far as the claims say: an object id or an application, nothing more."""
    claims = event.data.get("claims")
    if not isinstance(claims, dict):
        return ""
    for provider, claim in (("oid", _OBJECT_ID), ("app", "appid")):
        value = claims.get(claim)
        if isinstance(value, str) and _GUID.match(value):
            return f"{provider}:{value.lower()}"
    return ""


_UNREAD: Mapping[str, str] = {
    f"{_ML}.RunCompleted": _RUN,
    f"{_ML}.RunStatusChanged": _RUN,
}
_READERS: Mapping[str, Callable[[Event, Known], Iterator[Signal | Ignored]]] = {
    f"{_ML}.ModelRegistered": _registered,
    f"{_ML}.ModelDeployed": _deployed,
    "Microsoft.Resources.ResourceWriteSuccess": _changed,
    "Microsoft.Resources.ResourceDeleteSuccess": _changed,
}
