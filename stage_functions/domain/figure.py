"""A figure of how Stageward fares: what graphs show, and what alarms are set on."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field


class Figure(Struct, frozen=True):
    """One measured value.

    Attributes:
        name: which, such as `stageward.outbox.parked`; alarms are set on it.
        value: in `unit`.
        unit: in the notation of UCUM, as OpenTelemetry has it: `s` for seconds, `1` for a number
            without a unit.
        attributes: what it is of, such as the alias of a registry; never a person, an address or
            an id of a subscription.
    """

    name: str
    value: float
    unit: str
    attributes: Mapping[str, str] = field(default_factory=dict)
