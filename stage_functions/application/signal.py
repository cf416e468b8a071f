"""A hint that something may have changed. It is never believed, only followed up."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from stage_functions.domain.asset import Version


class Signal(Struct, frozen=True):
    """A hint.

    Attributes:
        version: which version may have changed.
        keys: tags that it speaks of; empty for all.
        actor: `<provider>:<id>` who may have written, or "".
        at: when that was, where the hint says.
        value: what it says that its one tag was set to, or None: an own echo is known by it.
    """

    version: Version
    keys: tuple[str, ...] = ()
    actor: str = ""
    at: datetime | None = None
    value: str | None = None


class Signals(Struct, frozen=True):
    """What a delivery amounts to.

    Attributes:
        signals: to follow up, in the order of the delivery.
        ignored: why the others were acknowledged unread, one entry each.
        handshake: the validation code to answer with, where the delivery is a handshake.
    """

    signals: tuple[Signal, ...] = ()
    ignored: tuple[str, ...] = ()
    handshake: str = ""
