"""Write to a version so that it shows what the ledger says. The target is derived when it runs.

What must hold:

- Nothing is written to another incarnation, a version that is gone, stopped or anonymous, one
  governed by another ledger, or one whose stage somebody has edited meanwhile: that is a signal.
- Only Stageward's own keys are written, and what was edited of a frozen version, once that is
  recorded: right after a read, and read again afterwards.
- The new holder of an exclusive stage is verified before the old one is demoted: for a moment two
  are visible, never none.
- An alias is deleted only where the ledger, asked right before, has no holder for it; and whoever
  holds its stage is written again where one took it meanwhile, or where another version has it:
  what deletes an alias cannot be made to depend on whose it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum, auto

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application.arrival import contradiction, demand_fresh
from stage_functions.application.context import Context
from stage_functions.application.freezing import differing, settled
from stage_functions.application.ledger import Loaded
from stage_functions.domain import aliases
from stage_functions.domain.aliases import Holders
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


def wanted(
    context: Context,
    asset: Asset,
    state: VersionState,
    lifecycle: Lifecycle,
    holders: Holders | None = None,
) -> Edit:
    """Return what a version is to show, as the ledger has it now; `holders` as `mirror` has it."""
    registry = context.configuration.registry(asset.registry)
    now = context.clock.now()
    return mirror(context.ledger.id, state, asset.kind, lifecycle, registry, now, holders)


def mirrors(
    context: Context,
    state: VersionState,
    snapshot: Snapshot,
    lifecycle: Lifecycle,
    holders: Holders | None = None,
) -> bool:
    """Tell whether a version shows what the ledger says; `holders` as `mirror` has it."""
    edit = wanted(context, snapshot.version.asset, state, lifecycle, holders)
    return edit.differing(snapshot).nothing


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
    own = _write(context, loaded, state)
    if own.ended is Ended.OBSERVE:
        return Reconciled(Ended.OBSERVE, earlier.versions)
    verified = {**earlier.versions, number: own.state}
    known = replace(loaded, versions={**loaded.versions, **verified})
    for holder, at in _whose(context, known, own):
        taken = _write(context, at, holder)
        if taken.ended is Ended.VERIFIED:  # else it is written once that signal is followed
            verified[holder.version] = taken.state
    return Reconciled(Ended.VERIFIED, verified)


class _Written(Struct, frozen=True):
    """How writing to one version ended.

    Attributes:
        ended: verified, or to be observed first.
        state: with its new base, where it was verified.
        astray: stages whose aliases it has, though another version holds them.
        left: stages whose aliases it was not to have, as nobody held them.
    """

    ended: Ended
    state: VersionState
    astray: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def _write(context: Context, loaded: Loaded, state: VersionState) -> _Written:
    version = Version(loaded.asset, state.version)
    scribe = _Scribe(context, loaded, state)
    for _ in range(_TRIES):
        after = context.registry(loaded.asset.registry).edit(version, scribe.decide)
        if after is None:
            message = f"registry {loaded.asset.registry} has no {version}"
            raise RegistryUnavailableError(message)
        if _is_a_signal(context, loaded, state, after, scribe.lifecycle):
            return _Written(Ended.OBSERVE, state)
        if scribe.differing(after).nothing:
            at = after.modified_at or context.clock.now()
            written = settled(context, shown(state, scribe.wanted, at), after, scribe.lifecycle)
            return _Written(Ended.VERIFIED, written, scribe.astray(after), scribe.left())
    message = f"the tags of {version} keep changing while they are written"
    raise RegistryUnavailableError(message)


class _Scribe:
    """Decides what to write to a version as it was just read."""

    def __init__(self, context: Context, loaded: Loaded, state: VersionState) -> None:
        self._context = context
        self._loaded = loaded
        self._state = state
        self.lifecycle = context.lifecycle(loaded.asset)
        self._at = aliases.kept(
            context.configuration.registry(loaded.asset.registry), self.lifecycle
        )
        self.wanted = wanted(context, loaded.asset, state, self.lifecycle, loaded.head.holders)
        self._deleted: set[str] = set()

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
        if not all(changes.aliases.values()):
            self._leave_to_holders()
            changes = self.differing(snapshot)
        if changes.nothing:
            return None
        self._deleted |= {alias for alias, has in changes.aliases.items() if not has}
        tags = {key: value for key, value in changes.tags.items() if value is not None}
        tags |= {
            aliases.source(alias): aliases.HAS for alias, has in changes.aliases.items() if has
        }
        self._context.echoes.expect(snapshot.version, tags, self._context.clock.now())
        return changes

    def astray(self, snapshot: Snapshot) -> tuple[str, ...]:
        """Return the stages of others whose aliases the version has."""
        return tuple(
            stage
            for alias, stage in self._at.items()
            if alias in snapshot.aliases and stage != self._state.stage
        )

    def left(self) -> tuple[str, ...]:
        """Return the stages, held by nobody, whose aliases this version was the last to have.

        Also of one that was deleted before the process died, or that is there no more.
        """
        had = {
            alias
            for alias, has in self.wanted.aliases.items()
            if not has and self._state.base.get(aliases.source(alias)) == aliases.HAS
        }
        return tuple(self._at[alias] for alias in sorted(had | self._deleted))

    def _leave_to_holders(self) -> None:
        """Delete no alias whose stage somebody holds by now: it is theirs to take."""
        holders = self._context.ledger.load(self._loaded.asset).head.holders
        known = {
            alias: has
            for alias, has in self.wanted.aliases.items()
            if has or not holders.get(self._at[alias])
        }
        self.wanted = replace(self.wanted, aliases=known)


def _whose(
    context: Context, loaded: Loaded, own: _Written
) -> Iterator[tuple[VersionState, Loaded]]:
    """Return who is to be written again, since what was done to an alias may not be theirs."""
    if own.left:  # somebody may have come to hold it while it was deleted
        loaded = context.ledger.load(loaded.asset)
    for stage in dict.fromkeys((*own.astray, *own.left)):
        held = [one for one in loaded.head.holders.get(stage, ()) if one != own.state.version]
        loaded = context.ledger.more(loaded, [one for one in held if one not in loaded.versions])
        for one in held:
            state = loaded.versions[one]
            demand_understood(state)
            if state.governed and not state.stopped:
                yield state, loaded


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
