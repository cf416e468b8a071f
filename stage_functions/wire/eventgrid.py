"""What a delivery of Event Grid amounts to: signals to follow up, and what was left unread.

It decides which version, job or endpoint an event hints at. It never decides what happened to that:
the registry is read for it. Unknown fields and types are let pass; what contradicts itself, or
names a registry that is not of the configuration, is ignored with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from stage_functions.application.signal import (
    AnySignal,
    AssetSignal,
    EndpointSignal,
    JobSignal,
    Signal,
    Signals,
)
from stage_functions.domain.asset import Asset, Kind
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.wire.claims import claimed
from stage_functions.wire.envelope import Event, delivered, from_functions, webhook_options
from stage_functions.wire.resource import (
    Ignored,
    Resource,
    addresses,
    agreed,
    folded,
    is_fit,
    located,
    respelled,
    shown,
    version,
)

__all__ = ["from_functions", "parse", "webhook_options"]

_HANDSHAKE = "Microsoft.EventGrid.SubscriptionValidationEvent"
_ML = "Microsoft.MachineLearningServices"
_RESOURCES = "Microsoft.Resources"
_DELETED = f"{_RESOURCES}.ResourceDeleteSuccess"
_COMPLETED = "completed"
_ENDPOINTS = ("onlineendpoints", "batchendpoints")
_MAX_NUMBER = 2**63

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
    signals: list[AnySignal] = []
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


def _answers(event: Event | Ignored, known: Known) -> Iterator[AnySignal | Ignored]:
    if isinstance(event, Ignored):
        yield event
    elif event.type == _HANDSHAKE:
        yield Ignored("the handshake has no validationCode")
    elif event.type in _READERS:
        yield from _READERS[event.type](event, known)
    else:
        yield Ignored(f"events of the type {shown(event.type)} are not followed")


def _registered(event: Event, known: Known) -> Iterator[AnySignal | Ignored]:
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


def _completed(event: Event, known: Known) -> Iterator[AnySignal | Ignored]:
    """A run that has ended: RunCompleted, and RunStatusChanged where it says the same."""
    alias = known.get(folded(event.source))
    status = event.data.get("runStatus", _COMPLETED)
    said = event.data.get("runId")
    _, _, subject = event.subject.partition("/runs/")
    job = _either(said if isinstance(said, str) else "", subject)
    if alias is None:
        yield _unconfigured(event)
    elif str(status).lower() != _COMPLETED:
        yield Ignored(f"a run that is {shown(str(status))} has left nothing that is finished")
    elif job is None:
        yield _contradiction(event)
    elif not is_fit(job):
        yield Ignored(f"{shown(job)} names no run")
    else:
        yield JobSignal(alias, job)


def _deployed(event: Event, known: Known) -> Iterator[AnySignal | Ignored]:
    """A deployment: what its endpoint serves is judged, whichever models the event lists.

    Where it names no endpoint, those models are hinted at.
    """
    alias = known.get(folded(event.source))
    said = event.data.get("ServiceName")
    kind, _, name = event.subject.partition("/")
    endpoint = _either(
        said if isinstance(said, str) else "", name if kind.lower() == "endpoints" else ""
    )
    if alias is None:
        yield _unconfigured(event)
    elif endpoint is None:
        yield _contradiction(event)
    elif is_fit(endpoint):
        yield EndpointSignal(alias, endpoint, at=event.at)
    else:
        yield from _served(event, alias)


def _served(event: Event, alias: str) -> Iterator[AnySignal | Ignored]:
    ids = event.data.get("ModelIds")
    listed = ids.split(",") if isinstance(ids, str) else ids
    if not listed or not isinstance(listed, list) or not all(isinstance(i, str) for i in listed):
        yield Ignored("ModelDeployed has no ServiceName, and no list of name:version in ModelIds")
        return
    for text in dict.fromkeys(text.strip() for text in listed):
        yield _hint(event, alias, text)


def _hint(event: Event, alias: str, text: str) -> Signal | Ignored:
    read = version(alias, Kind.MODELS, text)
    return read if isinstance(read, Ignored) else Signal(read, at=event.at)


def _unconfigured(event: Event) -> Ignored:
    return Ignored(f"{shown(event.source)} is no registry of the configuration")


def _contradiction(event: Event) -> Ignored:
    return Ignored(f"subject {shown(event.subject)} and data contradict each other")


def _changed(event: Event, known: Known) -> Iterator[AnySignal | Ignored]:
    uri = event.data.get("resourceUri")
    ids = [text for text in (uri, event.subject) if isinstance(text, str) and text]
    if not ids:
        yield Ignored("the event names no resource")
    elif folded(ids[0]) != folded(ids[-1]):
        yield _contradiction(event)
    elif event.source and not f"{folded(ids[0])}/".startswith(f"{folded(event.source)}/"):
        yield Ignored(f"{shown(ids[0])} lies outside of its topic")
    else:
        one, other = located(ids[0], known), located(ids[-1], known)
        if isinstance(one, Ignored):
            yield one
        elif isinstance(other, Resource) and (read := respelled(one, other)) is not None:
            yield _followed(event, read)
        else:
            yield Ignored(f"subject and data spell {shown(ids[0])} differently")


def _followed(event: Event, resource: Resource) -> AnySignal | Ignored:
    """Return what a write or deletion of a resource hints at."""
    head, _, rest = resource.type.partition("/")
    if head in _ENDPOINTS and rest in ("", "deployments"):
        return _endpoint(event, resource)
    kind = next((kind for kind in Kind if kind == head), None)
    if kind is None:
        return Ignored(f"{shown(head)} is no kind of asset")
    if rest == "versions" and resource.whole:
        return _version(event, resource, kind)
    if rest == "" and resource.whole:
        return _container(event, resource, kind)
    return Ignored(f"{shown('/'.join(resource.names))} names no version")


def _version(event: Event, resource: Resource, kind: Kind) -> Signal | Ignored:
    read = version(resource.registry, kind, ":".join(resource.names))
    if isinstance(read, Ignored):
        return read
    who = claimed(event.data.get("claims"))
    return Signal(read, (), who.actor, event.at, names=who.names, deleted=event.type == _DELETED)


def _container(event: Event, resource: Resource, kind: Kind) -> AssetSignal | Ignored:
    if event.type != _DELETED:
        return Ignored("a container was written, not a version")
    who = claimed(event.data.get("claims"))
    asset = Asset(resource.registry, kind, resource.names[0])
    return AssetSignal(asset, who.actor, event.at, who.names)


def _endpoint(event: Event, resource: Resource) -> EndpointSignal | Ignored:
    if event.type == _DELETED:
        return Ignored("what is no longer served breaks no rule")
    if not resource.whole:
        return Ignored(f"{shown('/'.join(resource.names))} names no endpoint")
    who = claimed(event.data.get("claims"))
    endpoint, *deployment = resource.names
    return EndpointSignal(
        resource.registry, endpoint, "".join(deployment), who.actor, event.at, who.names
    )


_READERS: Mapping[str, Callable[[Event, Known], Iterator[AnySignal | Ignored]]] = {
    f"{_ML}.ModelRegistered": _registered,
    f"{_ML}.ModelDeployed": _deployed,
    f"{_ML}.RunCompleted": _completed,
    f"{_ML}.RunStatusChanged": _completed,
    f"{_RESOURCES}.ResourceWriteSuccess": _changed,
    _DELETED: _changed,
}
