"""A hint that something may have changed. It is never believed, only followed up."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.domain.asset import Asset, Version


class Signal(Struct, frozen=True):
    """A hint.

    Attributes:
        version: which version may have changed.
        keys: tags that it speaks of; empty for all.
        actor: `<provider>:<id>` who may have written, or "".
        at: when that was, where the hint says.
        value: what it says that its one tag was set to, or None: an own echo is known by it.
        names: further texts by which the registry may show that same actor as who wrote last, such
            as a display name. Compared, never kept.
        authenticated: the hint came by a way that only the platform can use.
        deleted: it says that the version was deleted.
        traceparent: W3C trace context of what it follows from, where that is no open step; or "".
    """

    version: Version
    keys: tuple[str, ...] = ()
    actor: str = ""
    at: datetime | None = None
    value: str | None = None
    names: tuple[str, ...] = ()
    authenticated: bool = False
    deleted: bool = False
    traceparent: str = ""

    def __str__(self) -> str:
        return str(self.version)

    @property
    def subject(self) -> Hashable:
        """What is to be read to follow it."""
        return self.version

    @property
    def alike(self) -> Hashable:
        """What two hints have in common of which following one follows both.

        Who wrote, and when, is part of what is found; and a claim that anybody can make must not
        stand for the platform's own.
        """
        return (self.version, _claim(self), self.deleted)


class JobSignal(Struct, frozen=True):
    """A hint that a job has ended: what it made may be unregistered.

    Attributes:
        registry: alias of the registry that it ran in.
        job: its id.
    """

    registry: str
    job: str

    def __str__(self) -> str:
        return f"job {self.job} of {self.registry}"

    @property
    def subject(self) -> Hashable:
        """What is to be read to follow it."""
        return (self.registry, "jobs", self.job)

    @property
    def alike(self) -> Hashable:
        """As `Signal.alike`."""
        return self.subject


class EndpointSignal(Struct, frozen=True):
    """A hint that an endpoint serves something else than before.

    Attributes:
        registry: alias of the registry that it belongs to.
        endpoint: its name.
        deployment: the one that was made or changed; "" where the hint does not say.
        actor: as `Signal` has it; so are the next two.
        at: when that was.
        names: further texts for the actor.
        authenticated: as `Signal` has it.
    """

    registry: str
    endpoint: str
    deployment: str = ""
    actor: str = ""
    at: datetime | None = None
    names: tuple[str, ...] = ()
    authenticated: bool = False

    def __str__(self) -> str:
        return f"endpoint {self.registry}/{self.endpoint}"

    @property
    def subject(self) -> Hashable:
        """What is to be read to follow it."""
        return (self.registry, "endpoints", self.endpoint)

    @property
    def alike(self) -> Hashable:
        """As `Signal.alike`."""
        return (self.subject, self.deployment, _claim(self))


class AssetSignal(Struct, frozen=True):
    """A hint that an asset was deleted, with all of its versions.

    Attributes:
        asset: which.
        actor: as `Signal` has it; so are the others.
        at: when that was.
        names: further texts for the actor.
        authenticated: as `Signal` has it.
    """

    asset: Asset
    actor: str = ""
    at: datetime | None = None
    names: tuple[str, ...] = ()
    authenticated: bool = False

    def __str__(self) -> str:
        return str(self.asset)

    @property
    def subject(self) -> Hashable:
        """What is to be read to follow it."""
        return self.asset

    @property
    def alike(self) -> Hashable:
        """As `Signal.alike`."""
        return (self.asset, _claim(self))


class AliasSignal(Struct, frozen=True):
    """A hint that an alias of an asset was set or deleted; whose it is, the ledger says.

    Attributes:
        asset: whose.
        alias: its name.
        number: of the version that has got it; "" where it was deleted.
    """

    asset: Asset
    alias: str
    number: str = ""

    def __str__(self) -> str:
        return f"alias {self.alias} of {self.asset}"

    @property
    def subject(self) -> Hashable:
        """What is to be read to follow it."""
        return (self.asset, "aliases", self.alias)

    @property
    def alike(self) -> Hashable:
        """As `Signal.alike`."""
        return (self.subject, self.number)


def _claim(hint: Signal | EndpointSignal | AssetSignal) -> Hashable:
    return (hint.actor, hint.at, hint.authenticated) if hint.actor else None


AnySignal = Signal | JobSignal | EndpointSignal | AssetSignal | AliasSignal


class Signals(Struct, frozen=True):
    """What a delivery amounts to.

    Attributes:
        signals: to follow up, in the order of the delivery.
        ignored: why the others were acknowledged unread, one entry each.
        handshake: the validation code to answer with, where the delivery is a handshake.
    """

    signals: tuple[AnySignal, ...] = ()
    ignored: tuple[str, ...] = ()
    handshake: str = ""

    @property
    def versions(self) -> tuple[Signal, ...]:
        """The hints about versions."""
        return tuple(one for one in self.signals if isinstance(one, Signal))

    @property
    def vouched(self) -> Signals:
        """The same hints, come by a way that only the platform can use."""
        signals = (
            one if isinstance(one, JobSignal | AliasSignal) else replace(one, authenticated=True)
            for one in self.signals
        )
        return replace(self, signals=tuple(signals))
