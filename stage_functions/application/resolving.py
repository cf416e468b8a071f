"""Decide that this ledger is right, where the tags of a registry made Stageward stop.

Whatever would be written over by it is found beforehand, all of it: versions that were stopped,
those whose tags contradict this ledger and were not come to yet, and those that were only observed
meanwhile. So what an operator is told is what happens, and the registry does not stop again at the
next three. All of that is committed while the registry still stands; then it goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application.arrival import arrive, contradiction
from stage_functions.application.context import Context
from stage_functions.application.importing import everything, settle_for_a_while
from stage_functions.application.ledger import RECONCILE, Loaded
from stage_functions.application.reconcile import mirrors
from stage_functions.application.registries import RegistryState
from stage_functions.domain import effect, presence
from stage_functions.domain.asset import Asset, Snapshot, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.observation import STAGE, STAGE_GOVERNOR, observed, own_sources
from stage_functions.domain.people import Actor
from stage_functions.domain.state import VersionState

MAX_LOSSES = 100
"""So many are named; all are counted."""


class Loss(Struct, frozen=True):
    """A version that shows another stage when its tags are written over.

    Attributes:
        version: which.
        shows: the stage that its tags show now.
        granted: the stage that this ledger has granted, and they are to show.
    """

    version: str
    shows: str
    granted: str


class Resolution(Struct, frozen=True):
    """What resolving a registry came to, or would come to.

    Attributes:
        registry: its alias.
        resumed: versions that are written over.
        lost: of these, how many show another stage then.
        losses: those, `MAX_LOSSES` at the most.
        waiting: of `resumed`, how many the sweep has still to write.
        others: ids of the other ledgers that count no more.
        idle: why nothing is written even so, or "".
        done: it was carried out.
    """

    registry: str
    resumed: int = 0
    lost: int = 0
    losses: tuple[Loss, ...] = ()
    waiting: int = 0
    others: tuple[str, ...] = ()
    idle: str = ""
    done: bool = False


class _Finder:
    """Finds what would be written over, with all of a registry before it."""

    def __init__(self, context: Context, alias: str) -> None:
        state = context.states.get(alias, fresh=True)
        self._context = context
        self._registry = context.configuration.registry(alias)
        self._stopped = bool(state.stopped)
        self.idle = _idle(self._registry.mode, state)
        self.versions: dict[Version, Loss | None] = {}
        self.owners: set[str] = set()
        """Ledgers whose tags count no more: this one too, where it knows nothing of a version."""

    def look(self) -> None:
        """Read all that the registry shows.

        Raises:
            RegistryUnavailableError: it cannot be listed.
        """
        listed: dict[Asset, list[Snapshot]] = {}
        for snapshot in everything(self._context, self._registry.alias):
            if not snapshot.anonymous:
                listed.setdefault(snapshot.version.asset, []).append(snapshot)
        for asset, snapshots in listed.items():
            lifecycle = self._context.governing(asset)
            if lifecycle is not None and self._registry.watches(asset):
                self._look_at(asset, lifecycle, snapshots)

    def _look_at(self, asset: Asset, lifecycle: Lifecycle, snapshots: list[Snapshot]) -> None:
        loaded = self._context.ledger.load(asset)
        known = self._context.ledger.versions(asset) if loaded.etag else {}
        loaded = replace(loaded, versions=known)
        for snapshot in snapshots:
            state = _governed(known, snapshot)
            owner = snapshot.tags.get(STAGE_GOVERNOR, "").rpartition("/")[0]
            if owner and (owner != self._context.ledger.id or state is None):
                self.owners.add(owner)
            if self._written_over(loaded, lifecycle, snapshot, state):
                granted = state.stage if state is not None else lifecycle.initial
                self.versions[snapshot.version] = self._loss(snapshot, lifecycle, granted)

    def _written_over(
        self, loaded: Loaded, lifecycle: Lifecycle, snapshot: Snapshot, state: VersionState | None
    ) -> bool:
        if state is None and self.idle:
            return False  # it waits to be imported
        if contradiction(self._context, loaded, snapshot) or (state is not None and state.stopped):
            return True
        if state is None or not self._stopped:
            return False  # if it is new or differs, a signal follows that up
        # What was only observed while the registry stood asks for nothing any more: it is put back.
        values = observed(snapshot, self._registry, lifecycle)
        own = own_sources(self._registry)
        seen = all(state.base.get(source) == values.get(source) for source in own)
        holders = loaded.head.holders
        return seen and not mirrors(self._context, state, snapshot, lifecycle, holders)

    def _loss(self, snapshot: Snapshot, lifecycle: Lifecycle, granted: str) -> Loss | None:
        keys = presence.seen(snapshot.tags, self._registry, lifecycle)
        shows = snapshot.tags.get(STAGE) or presence.furthest(keys)
        return Loss(str(snapshot.version), shows, granted) if shows not in ("", granted) else None


def resolve(context: Context, alias: str, actor: Actor, *, dry_run: bool = False) -> Resolution:
    """Decide that this ledger is right: write over the tags that made Stageward stop.

    Args:
        context: the context.
        alias: the registry.
        actor: the operator.
        dry_run: only tell.

    Raises:
        NotFoundError: no such registry.
        RegistryUnavailableError: it cannot be listed, or a version of it not be read.
    """
    found = _Finder(context, alias)
    found.look()
    losses = [loss for loss in found.versions.values() if loss is not None]
    plan = Resolution(
        alias,
        resumed=len(found.versions),
        lost=len(losses),
        losses=tuple(losses[:MAX_LOSSES]),
        others=tuple(sorted(found.owners - {context.ledger.id})),
        idle=found.idle,
    )
    if dry_run:
        return plan
    for version in found.versions:
        operation = f"resolve-{context.clock.operation_id()}"
        context.persistently(partial(_resume, context, version, actor, operation))
    owners = tuple(sorted(found.owners))
    context.states.update(
        alias,
        lambda state: replace(
            state, stopped="", suspects=(), taken_over=owners, halted="", restored=None
        ),
    )
    if not plan.idle:
        # What was owed before, and waited for the registry, comes to the same tags.
        assets = dict.fromkeys(version.asset for version in found.versions)
        owing = {asset: context.ledger.load(asset).head.owed for asset in assets}
        settle_for_a_while(context, owing)
    return replace(plan, waiting=_waiting(context, found.versions), done=True)


def _idle(mode: Mode, state: RegistryState) -> str:
    """Say why nothing is written to a registry, but for that it was stopped."""
    if mode is Mode.OBSERVE:
        return "it is in mode observe"
    return "" if state.imported else "it was never imported"


def _governed(known: Mapping[str, VersionState], snapshot: Snapshot) -> VersionState | None:
    state = known.get(snapshot.version.number)
    same = state is not None and state.incarnation == snapshot.incarnation
    return state if state is not None and same and state.governed else None


def _resume(context: Context, version: Version, actor: Actor, operation: str) -> None:
    """Commit that a version is written over: its tags are owed from then on."""
    now = context.clock.now()
    loaded = context.ledger.load(version.asset, [version.number])
    snapshot = context.registry(version.asset.registry).read(version)
    if snapshot is None or snapshot.anonymous:
        return
    lifecycle = context.lifecycle(version.asset)
    arrived = arrive(context, loaded.step(), snapshot, lifecycle, now)
    state = arrived.step.version(version.number)
    governor = snapshot.tags.get(STAGE_GOVERNOR, "")
    if loaded.head.owed and not state.stopped and governor and state.overruled == governor:
        return  # an earlier attempt has come so far
    registry = context.configuration.registry(version.asset.registry)
    values = observed(snapshot, registry, lifecycle)
    own = {source: values[source] for source in own_sources(registry) if source in values}
    base = {**state.base, **own}
    resumed = replace(state, stopped="", overruled=governor, base=base)
    why = f"resolved: this ledger is right, {governor or 'no governor'} is written over"
    step = arrived.step.with_version(resumed)
    step = effect.drift(step, version.number, actor, {"why": why, "granted": state.stage})
    context.ledger.commit(loaded, step, now=now, operation=operation, blobs=arrived.blobs)


def _waiting(context: Context, versions: Iterable[Version]) -> int:
    """Return how many of these are owed their tags still."""
    numbers: dict[Asset, set[str]] = {}
    for version in versions:
        numbers.setdefault(version.asset, set()).add(version.number)
    return sum(
        len(wanted & {row.target for row in context.ledger.owed(asset) if row.duty == RECONCILE})
        for asset, wanted in numbers.items()
    )
