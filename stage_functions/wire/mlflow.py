"""MLflow's webhooks: who sent a delivery, and which versions it hints at.

Decides whether a delivery carries MLflow's signature over exactly this body, made lately, and
which hints are worth following. Whether a delivery was seen before is for the application to
remember; what happened to a version is read from the registry, never from here.

MLflow signs as Standard Webhooks has it, under header names of its own: HMAC-SHA256 over
`<delivery id>.<timestamp>.<body>`. Its attempts at one delivery share id and timestamp.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import NoReturn

from stage_functions.application.signal import AliasSignal, Signal, Signals
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.error import DeniedError, InvalidInputError
from stage_functions.domain.observation import CONVERSATION
from stage_functions.wire.document import integer, member, parsed, text
from stage_functions.wire.resource import shown

DELIVERY_HEADER = "X-MLflow-Delivery-Id"
TIMESTAMP_HEADER = "X-MLflow-Timestamp"
SIGNATURE_HEADER = "X-MLflow-Signature"
TOLERANCE_SECONDS = 300
"""How far a delivery's time may be from ours, either way."""

_SCHEME = "v1,"
_ID = re.compile(r"[!-~]{1,200}\Z")
_SECONDS = re.compile(r"[0-9]{1,12}\Z")
_MAX_NUMBER = 2**31 - 1
"""MLflow's databases keep version numbers in 32 bits."""
_VERSION = "model_version"
_VERSION_TAG = "model_version_tag"
_VERSION_ALIAS = "model_version_alias"
_SET = "set"


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> str:
    """Return the id of a delivery that MLflow signed.

    Args:
        headers: of the request, in any case.
        body: the bytes as they arrived.
        secret: what MLflow was given when the webhook was made.
        now: the time, aware.

    Raises:
        DeniedError: a header is missing or garbled, the signature is not MLflow's, or it was made
            more than five minutes away from now.
    """
    known = {name.lower(): value.strip() for name, value in headers.items()}
    delivery = known.get(DELIVERY_HEADER.lower(), "")
    sent = known.get(TIMESTAMP_HEADER.lower(), "")
    offered = known.get(SIGNATURE_HEADER.lower(), "")
    if not secret:
        _deny("no secret is set here, so no signature can be right")
    if not _ID.match(delivery) or not _SECONDS.match(sent) or not offered:
        names = f"{DELIVERY_HEADER}, {TIMESTAMP_HEADER} and {SIGNATURE_HEADER}"
        _deny(f"{names} are all needed, as MLflow sends them for a webhook with a secret")
    signed = f"{delivery}.{sent}.".encode() + body
    right = _SCHEME.encode() + base64.b64encode(
        hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    )
    fitting = [hmac.compare_digest(right, one.encode(errors="replace")) for one in offered.split()]
    if not any(fitting):
        _deny("the signature does not fit the body and the secret")
    if abs(now.timestamp() - int(sent)) > TOLERANCE_SECONDS:
        _deny(f"it was signed more than {TOLERANCE_SECONDS} seconds away from now")
    return delivery


def signals(
    body: bytes | str,
    alias: str,
    heard: Collection[str] = (),
    every: Callable[[Asset], bool] | None = None,
    aliases: Collection[str] = (),
) -> Signals:
    """Return what a delivery amounts to.

    Args:
        body: as it arrived, verified.
        alias: of the registry that it came from.
        heard: keys of tags that count there besides those of the conversation.
        every: tells of an asset whether each of its tags counts; None where that is so of none.
        aliases: those that are kept there.

    Raises:
        InvalidInputError: it is not JSON, not an event, or speaks of a version without naming it.
    """
    event = _event(body)
    entity = text(event, "entity")
    if entity == _VERSION_ALIAS:
        return _of_alias(event, alias, aliases)
    if entity not in (_VERSION, _VERSION_TAG):
        return Signals(ignored=(f"events about {shown(entity)} are not followed",))
    key = text(event, "data", "key")
    other = entity == _VERSION_TAG and key and key not in (*CONVERSATION, *heard)
    unread = Signals(ignored=(f"the tag {shown(key)} is none that asks",))
    if other and every is None:
        return unread
    version = _version(member(event, "data"), alias)
    if other and not (every is not None and every(version.asset)):
        return unread
    signal = Signal(
        version,
        keys=(key,) if key else (),
        at=_moment(text(event, "timestamp")),
        value=_set_to(event) if key else None,
    )
    return Signals(signals=(signal,))


def _of_alias(event: object, alias: str, kept: Collection[str]) -> Signals:
    """Read an event about an alias of a model: whose it should be, no event can say.

    One that tells of a deletion names no version, one that tells of a setting names who got it.
    """
    data = member(event, "data")
    name = text(data, "alias")
    if name not in kept:
        return Signals(ignored=(f"the alias {shown(name)} is none that is kept",))
    version = "" if member(data, "version") is None else _version(data, alias).number
    asset = Asset.parse(f"{alias}/{Kind.MODELS}/{_encodable(text(data, 'name'))}")
    return Signals(signals=(AliasSignal(asset, name, version),))


def _event(body: bytes | str) -> object:
    try:
        event = parsed(body)
    except ValueError as exc:
        message = f"the body is not JSON: {exc}"
        raise InvalidInputError(message) from exc
    if not text(event, "entity") or not text(event, "action"):
        message = "the body is no event of MLflow: it has no 'entity' or no 'action'"
        raise InvalidInputError(message)
    return event


def _version(data: object, alias: str) -> Version:
    """Read the version that an event names; the number is a text or a number on the wire."""
    name = text(data, "name")
    number = integer(data, "version")
    if number is None or not 1 <= number <= _MAX_NUMBER:
        message = f"the event names no version: {shown(str(member(data, 'version')))}"
        raise InvalidInputError(message)
    asset = Asset.parse(f"{alias}/{Kind.MODELS}/{_encodable(name)}")
    return Version(asset, str(number))


def _set_to(event: object) -> str | None:
    value = member(member(event, "data"), "value")
    return value if text(event, "action") == _SET and isinstance(value, str) else None


def _encodable(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError as exc:
        message = f"the name {shown(name)} is no text"
        raise InvalidInputError(message) from exc
    return name


def _moment(written: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _deny(why: str) -> NoReturn:
    message = f"the delivery is not taken for MLflow's: {why}"
    raise DeniedError(message)
