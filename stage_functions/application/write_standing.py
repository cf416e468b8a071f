"""Where a version stands that somebody is about to write to, and what it is to show.

What the ledger has not heard of is followed up first. Decides nothing about the write.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded
from stage_functions.application.reconcile import wanted
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.write_turns import turn
from stage_functions.application.written import Ruling, Write
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.mirror import Edit
from stage_functions.domain.observation import STAGE_REQUEST
from stage_functions.domain.state import VersionState

ASK = f"with the tag {STAGE_REQUEST}, or by transition_model_version_stage"
"""How a stage is asked for at the server, in words that follow `ask`."""
UNGOVERNED = Ruling(allowed=True, governed=False)


class Standing(Struct, frozen=True):
    """A governed version, where it stands, and what it is to show."""

    version: Version
    registry: RegistryConfiguration
    lifecycle: Lifecycle
    loaded: Loaded
    state: VersionState
    shown: Edit

    @property
    def stage(self) -> str:
        """What the registry's own field is to say of it."""
        native = self.shown.native_stage
        return self.state.stage if native is None else native

    def as_it_is(self) -> Ruling:
        """Let through what says where it stands."""
        said = f"{self.version} stands at {self.state.stage}"
        return Ruling(allowed=True, detail=said, stage=self.stage)


def standing(
    context: Context, write: Write, registry: RegistryConfiguration, lifecycle: Lifecycle
) -> Standing | None:
    """Return where a version stands.

    Returns:
        None for what is not there, so not governed.
    """
    version = write.named
    loaded = context.ledger.load(version.asset, [version.number])
    if not _is_known(loaded, write):
        snapshot = context.registry(registry.alias).read(version)
        if snapshot is None:
            return None
        with turn():
            follow(context, Signal(version))
        loaded = context.ledger.load(version.asset, [version.number])
    state = loaded.versions.get(version.number)
    if state is None or not state.governed:
        return None
    shown = wanted(context, version.asset, state, lifecycle, loaded.head.holders)
    return Standing(version, registry, lifecycle, loaded, state, shown)


def _is_known(loaded: Loaded, write: Write) -> bool:
    """Tell whether the ledger knows this very version, and not another of the same number."""
    state = loaded.versions.get(write.version)
    if state is None or not state.governed:
        return False
    return write.created is None or state.incarnation.partition("/")[0] == str(write.created)


def named_alike(name: str, names: Iterable[str]) -> str:
    """Return which of some names a registry's database may take another for, or "".

    Some compare without regard to case, and to blanks at the end.
    """
    folded = name.strip().casefold()
    return next((one for one in names if one.casefold() == folded), "")


def refused(detail: str, approval: str = "") -> Ruling:
    """Return that it may not be stored, and the approval that it waits for, if any."""
    return Ruling(allowed=False, detail=detail, approval=approval)
