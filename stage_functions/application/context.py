"""What every use case is given: the configuration, the ledger and the ports. Nothing is global."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application import copies
from stage_functions.application.copies import Expected
from stage_functions.application.echoes import Echoes
from stage_functions.application.in_force import InForce
from stage_functions.application.ledger import Ledger
from stage_functions.application.ports.anchors import AnchorPlace
from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.links import Links
from stage_functions.application.ports.notifier import Notifier
from stage_functions.application.ports.registry import Registry
from stage_functions.application.ports.rules import RuleEngine
from stage_functions.application.ports.sink import Sink
from stage_functions.application.ports.telemetry import SILENT, Telemetry
from stage_functions.application.process import Process
from stage_functions.application.registries import RegistryStates
from stage_functions.domain.asset import Asset, Snapshot
from stage_functions.domain.configuration import Configuration
from stage_functions.domain.error import ConflictError, NotFoundError, UnknownOutcomeError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.people import names_somebody
from stage_functions.domain.state import Origin

ATTEMPTS = 10
_PAUSE_SECONDS = 0.01

T = TypeVar("T")
log = logging.getLogger("stageward")


class Context(Struct, frozen=True):
    """What a use case works with.

    Attributes:
        configuration: the file.
        ledger: the truth.
        registries: adapters by alias.
        states: what the ledger knows of the registries.
        rules: how conditions are evaluated.
        sinks: by name, in the order of the configuration.
        clock: time and chance.
        echoes: what this process has written to registries lately.
        links: addresses of pages; None where there are none.
        notifier: how people are told; None where nobody is.
        telemetry: what is told of how things go; SILENT where nobody watches.
        process: what this process knows of itself.
        draft: the configuration is one that is only tried.
        places: where anchors of the ledger go; none where it is not anchored.
        in_force: the lifecycles that the ledger has adopted.
    """

    configuration: Configuration
    ledger: Ledger
    registries: Mapping[str, Registry]
    states: RegistryStates
    rules: RuleEngine
    sinks: Mapping[str, Sink]
    clock: Clock
    echoes: Echoes = field(default_factory=Echoes)
    links: Links | None = None
    notifier: Notifier | None = None
    telemetry: Telemetry = SILENT
    process: Process = field(default_factory=Process)
    draft: bool = False
    places: Sequence[AnchorPlace] = ()
    in_force: InForce = field(default_factory=InForce)

    @property
    def lifecycles(self) -> tuple[Lifecycle, ...]:
        """The lifecycles in force, in their order; those of the file may wait for consent."""
        return self.in_force.of(self.configuration.lifecycles)

    def governing(self, asset: Asset) -> Lifecycle | None:
        """Return the lifecycle in force that governs an asset: the first that matches."""
        return next((one for one in self.lifecycles if one.applies(asset)), None)

    def on_behalf_of(self, id_: str, claims: Iterable[str]) -> Context:
        """Return the context as it is for somebody signed in with roles and groups of Entra."""
        directory = self.configuration.directory.claiming(id_, claims)
        return replace(self, configuration=replace(self.configuration, directory=directory))

    def registry(self, alias: str) -> Registry:
        """Return the adapter of a registry.

        Raises:
            NotFoundError: no such registry.
        """
        self.configuration.registry(alias)
        found = self.registries.get(alias)
        if found is None:
            message = f"registry {alias} has no adapter in this release"
            raise NotFoundError(message)
        return found

    def evidence(self, snapshot: Snapshot) -> Evidence:
        """Return what is known of a version; a job that is gone keeps its id.

        Of a copy, what its own registry does not know is taken from what was known when the copied
        version was granted its stage: that never changes. A version that no longer names its job,
        since a library has written it without, has the one that it was registered with.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: it cannot be read: never a verdict.
        """
        snapshot = self._with_job(snapshot)
        own = self.registry(snapshot.version.asset.registry).evidence(snapshot)
        origin = self.origin(snapshot)
        kept = self.kept_evidence(origin.evidence) if origin is not None else None
        if kept is not None:
            own = own.over(kept)
        return self.nameless(own.of_job(snapshot.job))

    def nameless(self, evidence: Evidence) -> Evidence:
        """Return evidence whose author is no name and no mail address: it is hashed, and kept.

        Such an id is masked and not mapped: whoever is put into `people` meanwhile changes nothing
        of what an approval is bound to.
        """
        return evidence.by(self.masked)

    def kept_evidence(self, digest: str) -> Evidence | None:
        """Return evidence as it was kept, its author masked as it is now; None if it is not there.

        The release before masked nothing in it.
        """
        kept = self.ledger.blob(digest) if digest else None
        return None if kept is None else self.nameless(Evidence.kept(msgspec.json.decode(kept)))

    def masked(self, id_: str) -> str:
        """Return an id of a registry, masked where it could be a name or a mail address.

        Nothing is written: what it stands for is kept by the first commit that has it.
        """
        return self.ledger.names.masked(id_) if names_somebody(id_) else id_

    def _with_job(self, snapshot: Snapshot) -> Snapshot:
        state = None if snapshot.job else self.ledger.state(snapshot.version)
        if state is None or state.gone or state.incarnation != snapshot.incarnation:
            return snapshot
        return replace(snapshot, job=state.job or None)

    def awaited(self, snapshot: Snapshot) -> Expected | None:
        """Return by what a version is known as a copy that Stageward has made; None if it is none.

        Raises:
            StoreUnavailableError: as the store says.
        """
        adapter = self.registry(snapshot.version.asset.registry)
        return copies.awaited(self.ledger.rows, snapshot, adapter.identities())

    def origin(self, snapshot: Snapshot) -> Origin | None:
        """Return what a version is a copy of; None if it is none.

        Raises:
            StoreUnavailableError: as the store says.
        """
        awaited = self.awaited(snapshot)
        if awaited is None:
            return None
        state = self.ledger.state(snapshot.version)
        if state is None or not state.governed or state.incarnation != snapshot.incarnation:
            return awaited.origin
        return state.origin

    def identify(self, id_: str) -> str:
        """Return who an id of a registry or caller is, as records write it.

        `person:<key>` where the configuration maps it. What could be a name or a mail address is
        masked: a record is never changed, and a name must be possible to forget. Nothing is
        written: what it stands for is kept by the first commit that has it.
        """
        directory = self.configuration.directory
        return directory.resolve(self.masked(directory.resolve(id_)))

    def trainer(self, known: str, evidence: Evidence) -> str:
        """Return whose job a version is of, as records write it, or "".

        What tells of a job can be edited, or be gone: whom it named once, it names for good.

        Args:
            known: whom it named before, or "".
            evidence: what is known of it now.
        """
        if known or not evidence.trainer:
            return known
        return self.identify(evidence.trainer)

    def lifecycle(self, asset: Asset) -> Lifecycle:
        """Return the lifecycle that governs an asset.

        Raises:
            NotFoundError: none does, or its registry does not watch it.
        """
        registry = self.configuration.registry(asset.registry)
        lifecycle = self.governing(asset)
        if lifecycle is None or not registry.watches(asset):
            message = (
                f"no lifecycle governs {asset}: see `watch` and `applies_to` in the configuration"
            )
            raise NotFoundError(message)
        return lifecycle

    def persistently(self, attempt: Callable[[], T]) -> T:
        """Run load → decide → commit, starting over when the ledger moved meanwhile.

        Raises:
            ConflictError: it kept moving.
            UnknownOutcomeError: the store kept losing its replies.
        """
        for count in range(1, ATTEMPTS):
            try:
                return attempt()
            except (ConflictError, UnknownOutcomeError) as exc:
                log.debug("starting over after attempt %d: %s", count, exc)
                self.clock.sleep(_PAUSE_SECONDS * count * (0.5 + self.clock.fraction()))
        return attempt()
