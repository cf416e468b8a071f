"""Write to a version so that it shows what the ledger says. The target is derived when it runs.

What must hold:

- Nothing is written to another incarnation, a version that is gone, stopped or anonymous, one
  governed by another ledger, or one whose stage somebody has edited meanwhile: that is a signal.
- Only Stageward's own keys are written, and what was edited of a frozen version, once that is
  recorded: right after a read, and read again afterwards.
- The new holder of an exclusive stage is verified before the old one is demoted: for a moment two
  are visible, never none.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from msgspec import Struct, field

from stage_functions.application.arrival import contradiction, demand_fresh
from stage_functions.application.context import Context
from stage_functions.application.freezing import differing, settled
from stage_functions.application.ledger import Loaded
from stage_functions.domain.asset import Asset, Snapshot, Version
from stage_functions.domain.error import RegistryUnavailableError
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.mirror import Edit, mirror, shown
from stage_functions.domain.observation import STAGE, fresh_edit, observed
from stage_functions.domain.state import VersionState
from stage_functions.domain.stored import demand_understood

_TRIES = 3


class Ended(Enum):
    """How writing back ended."""

    VERIFIED = auto()
    NOTHING_TO_DO = auto()
    OBSERVE = auto()


class Reconciled(Struct, frozen=True):
    """How writing back ended.

    Attributes:
        ended: verified, nothing to do, or to be observed first.
        versions: what was verified, with its new base, by number.
    """

    ended: Ended
    versions: Mapping[str, VersionState] = field(default_factory=dict)


def wanted(context: Context, asset: Asset, state: VersionState, lifecycle: Lifecycle) -> Edit:
    """Return what a version is to show, as the ledger has it now."""
    registry = context.configuration.registry(asset.registry)
    now = context.clock.now()
    return mirror(context.ledger.id, state, asset.kind, lifecycle, registry, now)


def mirrors(
    context: Context, state: VersionState, snapshot: Snapshot, lifecycle: Lifecycle
) -> bool:
    """Tell whether a version shows what the ledger says."""
    return wanted(context, snapshot.version.asset, state, lifecycle).differing(snapshot).nothing


def reconcile(context: Context, loaded: Loaded, number: str) -> Reconciled:
    """Bring what a version shows to what the ledger says, and verify it.

    Raises:
        RegistryUnavailableError: try again later.
        RegistryRefusedError: the registry refuses for good.
        LaterReleaseError: only a later release knows what it is to show.
    """
    state = loaded.versions.get(number)
    if state is not None:
        demand_understood(state)
    if state is None or not state.governed or state.stopped:
        return Reconciled(Ended.NOTHING_TO_DO)
    earlier = _holder_first(context, loaded, state)
    if earlier.ended is Ended.OBSERVE:
        return earlier
    version = Version(loaded.asset, number)
    scribe = _Scribe(context, loaded, state)
    for _ in range(_TRIES):
        after = context.registry(loaded.asset.registry).edit(version, scribe.decide)
        if after is None:
            message = f"registry {loaded.asset.registry} has no {version}"
            raise RegistryUnavailableError(message)
        if _is_a_signal(context, loaded, state, after, scribe.lifecycle):
            return Reconciled(Ended.OBSERVE, earlier.versions)
        if scribe.differing(after).nothing:
            at = after.modified_at or context.clock.now()
            written = settled(context, shown(state, scribe.wanted, at), after, scribe.lifecycle)
            return Reconciled(Ended.VERIFIED, {**earlier.versions, number: written})
    message = f"the tags of {version} keep changing while they are written"
    raise RegistryUnavailableError(message)


class _Scribe:
    """Decides what to write to a version as it was just read."""

    def __init__(self, context: Context, loaded: Loaded, state: VersionState) -> None:
        self._context = context
        self._loaded = loaded
        self._state = state
        self.lifecycle = context.lifecycle(loaded.asset)
        self.wanted = wanted(context, loaded.asset, state, self.lifecycle)

    def differing(self, snapshot: Snapshot) -> Edit:
        """Return what the version does not show yet, and what is to be put back of it."""
        edit = self.wanted.differing(snapshot)
        paused, now = self._state.paused_until, self._context.clock.now()
        if paused is not None and now < paused:
            return edit
        return edit.and_also(differing(self._context, self._state, snapshot, self.lifecycle).edit)

    def decide(self, snapshot: Snapshot) -> Edit | None:
        """Return what to write; None where it is a signal, or shows everything.

        Raises:
            RegistryUnavailableError: it is as it was before Stageward wrote to it last.
        """
        demand_fresh(self._state, snapshot, self._context.clock.now())
        if _is_a_signal(self._context, self._loaded, self._state, snapshot, self.lifecycle):
            return None
        changes = self.differing(snapshot)
        if changes.nothing:
            return None
        tags = {key: value for key, value in changes.tags.items() if value is not None}
        self._context.echoes.expect(snapshot.version, tags, self._context.clock.now())
        return changes


def _is_a_signal(
    context: Context,
    loaded: Loaded,
    state: VersionState,
    snapshot: Snapshot,
    lifecycle: Lifecycle,
) -> bool:
    if snapshot.anonymous or snapshot.incarnation != state.incarnation:
        return True
    if contradiction(context, loaded, snapshot):
        return True
    registry = context.configuration.registry(loaded.asset.registry)
    if differing(context, state, snapshot, lifecycle).unrecorded(state):
        return True
    return fresh_edit(state, observed(snapshot, registry, lifecycle), registry)


def _holder_first(context: Context, loaded: Loaded, state: VersionState) -> Reconciled:
    """Verify whoever holds the exclusive stage that this version is about to stop showing.

    One that was verified as its holder already is not asked for again.
    """
    shown = state.base.get(STAGE) or ""
    holders = [held for held in loaded.head.holders.get(shown, ()) if held != state.version]
    if shown == state.stage or not holders:
        return Reconciled(Ended.NOTHING_TO_DO)
    loaded = context.ledger.more(loaded, [h for h in holders if h not in loaded.versions])
    verified: dict[str, VersionState] = {}
    for holder in holders:
        if loaded.versions[holder].base.get(STAGE) == shown:
            continue
        done = reconcile(context, loaded, holder)
        if done.ended is Ended.OBSERVE:
            return done
        verified |= done.versions
    return Reconciled(Ended.NOTHING_TO_DO, verified)
