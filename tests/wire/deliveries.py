"""Deliveries and what they amount to, as the tests of parsing speak of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from stage_functions.application.signal import AnySignal, Signal
from stage_functions.domain.asset import Version
from stage_functions.wire.eventgrid import parse
from tests.wire.samples import APPLICATION, OID, REGISTRIES, WORKSPACE, Event, as_cloud_event

CHURN = f"{WORKSPACE}/models/Churn/versions/3"
AT = datetime(2017, 6, 26, 18, 41, 0, 958410, UTC)

CLAIMED = ("Somebody Personal", "somebody@example.org", OID, APPLICATION)

Schema = Callable[[Event], Event]
both_schemas = pytest.mark.parametrize(
    "schema", [dict, as_cloud_event], ids=["event-grid", "cloud-events"]
)


def changed(event: Event, **fields: object) -> Event:
    """Return an event with other fields."""
    return {**event, **fields}


def with_data(event: Event, **fields: object) -> Event:
    """Return an event with other fields in its data; None takes one out."""
    data = event["data"]
    assert isinstance(data, dict)
    merged = {**data, **fields}
    return {**event, "data": {key: value for key, value in merged.items() if value is not None}}


def signal(
    text: str, *, actor: str = "", at: datetime | None = AT, deleted: bool = False
) -> Signal:
    """Return the hint at a version; where somebody wrote, with all that the claims call them."""
    names = CLAIMED if actor else ()
    return Signal(Version.parse(text), actor=actor, at=at, names=names, deleted=deleted)


def only(event: object) -> Signal:
    """Return the one signal of an event, about a version, from which nothing was left out."""
    one = only_any(event)
    assert isinstance(one, Signal)
    return one


def only_any(event: object) -> AnySignal:
    """Return the one signal of an event from which nothing was left out."""
    read = parse(event, REGISTRIES)
    assert read.ignored == ()
    (one,) = read.signals
    return one


def reason(event: object) -> str:
    """Return why an event gave no signal."""
    read = parse(event, REGISTRIES)
    assert read.signals == ()
    (why,) = read.ignored
    return why
