"""What a registry is to show of a version: the granted stage, and the answer in words.

The target is derived from the ledger when it is needed; nothing of it is kept. An edit names what
is to change, so that everything else of a version stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.domain.asset import Snapshot
from stage_functions.domain.configuration import RegistryConfiguration, RegistryType
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.observation import STAGE, STAGE_GOVERNOR, STAGE_STATUS
from stage_functions.domain.state import VersionState

MAX_STATUS_CHARACTERS = 250
"""Azure Resource Manager takes 256 characters in a tag's value."""


MIRRORED = (STAGE, STAGE_STATUS, STAGE_GOVERNOR)
"""The tags that every version of a governed registry carries."""


ARCHIVED = "archived"
"""In `base`: Stageward has archived the version in its registry."""


class Edit(Struct, frozen=True):
    """What is to change of a version.

    Attributes:
        tags: values by key; None removes the tag.
        native_stage: of the registry's own stage field: "" empties it, None leaves it.
        archived: hide it in its registry, or show it again; None leaves that as it is.
    """

    tags: Mapping[str, str | None] = field(default_factory=dict)
    native_stage: str | None = None
    archived: bool | None = None

    @property
    def nothing(self) -> bool:
        """Nothing is to change."""
        return not self.tags and self.native_stage is None and self.archived is None

    def differing(self, snapshot: Snapshot) -> Edit:
        """Return what of this the version does not show yet."""
        shown, native = snapshot.tags, snapshot.native_stage or ""
        return Edit(
            {key: value for key, value in self.tags.items() if shown.get(key) != value},
            None if self.native_stage == native else self.native_stage,
            None if self.archived == snapshot.archived else self.archived,
        )


def mirror(
    ledger: str,
    state: VersionState,
    lifecycle: Lifecycle,
    registry: RegistryConfiguration,
    now: datetime,
) -> Edit:
    """Return what a version is to show; `stage_governor` last, as it vouches for the rest.

    Args:
        ledger: the ledger's id.
        state: where the version stands.
        lifecycle: the one that governs it.
        registry: where its stage is shown.
        now: aware UTC.
    """
    status = state.status
    if len(status) > MAX_STATUS_CHARACTERS:
        status = f"{status[: MAX_STATUS_CHARACTERS - 1]}…"
    said = (state.stage, status, f"{ledger}/{state.number}")
    tags = dict(zip(MIRRORED, said, strict=True))
    return Edit(tags, archived=_archived(state, lifecycle, registry, now))


def shown(state: VersionState, edit: Edit) -> VersionState:
    """Return the state of a version that was verified to show all of an edit."""
    base = {**state.base, STAGE: state.stage}
    if edit.archived is not None:
        base[ARCHIVED] = "true" if edit.archived else None
    return replace(state, base=base, writers=())


def _archived(
    state: VersionState, lifecycle: Lifecycle, registry: RegistryConfiguration, now: datetime
) -> bool | None:
    """Hide a version whose stage is hidden; show again what was hidden here, and nothing else."""
    if registry.type is not RegistryType.AZUREML:
        return None
    stage = lifecycle.stages.get(state.stage)
    retired = state.retires_at is None or state.retires_at <= now
    if stage is not None and stage.hidden and retired:
        return True
    return False if state.base.get(ARCHIVED) else None
