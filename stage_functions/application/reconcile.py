"""Write a version's tags so that they say what the ledger says. The target is derived when it runs.

What must hold:

- Nothing is written to another incarnation, a version that is gone or stopped, one governed by
  another ledger, or one whose `stage` somebody has changed meanwhile: that is a signal.
- Only Stageward's own keys are written, right after a read, and read again afterwards.
- The new holder of an exclusive stage is verified before the old one is demoted: for a moment two
  are visible, never none.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application.arrival import contradiction
from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.error import RegistryUnavailableError
from stage_functions.domain.observation import STAGE, STAGE_GOVERNOR, STAGE_STATUS
from stage_functions.domain.state import VersionState

MAX_STATUS_CHARACTERS = 250
"""Azure Resource Manager takes 256 characters in a tag's value."""
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


def target(ledger: str, state: VersionState) -> dict[str, str]:
    """Return the tags that a version is to carry; `stage_governor` last, as it vouches for them."""
    status = state.status
    if len(status) > MAX_STATUS_CHARACTERS:
        status = f"{status[: MAX_STATUS_CHARACTERS - 1]}…"
    return {
        STAGE: state.stage,
        STAGE_STATUS: status,
        STAGE_GOVERNOR: f"{ledger}/{state.number}",
    }


def mirrors(ledger: str, state: VersionState, snapshot: Snapshot) -> bool:
    """Tell whether a version's tags say what the ledger says."""
    wanted = target(ledger, state)
    return all(snapshot.tags.get(key) == value for key, value in wanted.items())


def reconcile(context: Context, loaded: Loaded, number: str) -> Reconciled:
    """Bring a version's tags to what the ledger says, and verify them.

    Raises:
        RegistryUnavailableError: try again later.
        RegistryRefusedError: the registry refuses for good.
    """
    state = loaded.versions.get(number)
    if state is None or not state.governed or state.stopped:
        return Reconciled(Ended.NOTHING_TO_DO)
    registry = context.registry(loaded.asset.registry)
    version = Version(loaded.asset, number)
    wanted = target(context.ledger.id, state)
    verified: dict[str, VersionState] = {}
    for attempt in range(_TRIES):
        snapshot = registry.read(version)
        if snapshot is None:
            message = f"registry {loaded.asset.registry} has no {version}"
            raise RegistryUnavailableError(message)
        if _is_a_signal(context, loaded, state, snapshot):
            return Reconciled(Ended.OBSERVE, verified)
        changes = {key: value for key, value in wanted.items() if snapshot.tags.get(key) != value}
        if not changes:
            base = {**state.base, STAGE: state.stage}
            verified[number] = replace(state, base=base, writers=())
            return Reconciled(Ended.VERIFIED, verified)
        if attempt == 0:
            earlier = _holder_first(context, loaded, state, snapshot)
            if earlier.ended is Ended.OBSERVE:
                return earlier
            verified |= earlier.versions
        context.echoes.expect(version, changes, context.clock.now())
        registry.write_tags(version, changes)
    message = f"the tags of {version} keep changing while they are written"
    raise RegistryUnavailableError(message)


def _is_a_signal(context: Context, loaded: Loaded, state: VersionState, snapshot: Snapshot) -> bool:
    if snapshot.incarnation != state.incarnation:
        return True
    if contradiction(context, loaded, snapshot):
        return True
    return snapshot.tags.get(STAGE) not in (state.base.get(STAGE), state.stage)


def _holder_first(
    context: Context, loaded: Loaded, state: VersionState, snapshot: Snapshot
) -> Reconciled:
    """Verify whoever holds the exclusive stage that this version is about to stop showing."""
    shown = snapshot.tags.get(STAGE, "")
    holders = [held for held in loaded.head.holders.get(shown, ()) if held != state.version]
    if shown == state.stage or not holders:
        return Reconciled(Ended.NOTHING_TO_DO)
    loaded = context.ledger.more(loaded, [h for h in holders if h not in loaded.versions])
    verified: dict[str, VersionState] = {}
    for holder in holders:
        done = reconcile(context, loaded, holder)
        if done.ended is Ended.OBSERVE:
            return done
        verified |= done.versions
    return Reconciled(Ended.NOTHING_TO_DO, verified)
