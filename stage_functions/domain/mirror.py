"""What a registry is to show of a version: the granted stage, and the answer in words.

The target is derived from the ledger when it is needed; nothing of it is kept. An edit names what
is to change, so that everything else of a version stays as it is.

What must hold:

- of the tags whose keys stand for stages, one is there at most: others go before it comes;
- the registry's own stage field never says Archived, and says nothing where Stageward archives:
  Azure ML may tell from the one whether the other;
- what somebody else has archived at a stage that is not hidden stays archived. From the moment
  that its stage hides a version, the flag is Stageward's: it is set again if somebody takes it
  back, and taken back when the version is granted a stage that is not hidden;
- an alias is taken from a version only where nobody holds its stage: else the holder sets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.domain import aliases, presence
from stage_functions.domain.asset import Kind, Snapshot
from stage_functions.domain.configuration import Mirror, RegistryConfiguration, RegistryType
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.observation import (
    MLFLOW_STAGE,
    STAGE,
    STAGE_GOVERNOR,
    STAGE_STATUS,
    shows_mlflow,
)
from stage_functions.domain.presence import APPROVAL, PRESENCE
from stage_functions.domain.state import ALIAS, ARCHIVED, VersionState

MAX_STATUS_CHARACTERS = 250
"""Azure Resource Manager takes 256 characters in a tag's value."""


MIRRORED = (STAGE, STAGE_STATUS, STAGE_GOVERNOR)
"""The tags that every version of a governed registry carries."""
NATIVE = "native_stage"
"""The source of the registry's own stage field, where the stage is shown in it. It never asks."""
_ARCHIVED_STAGE = "archived"
"""No registry's own stage field is set to this: Azure ML would hide the version for it."""


class Edit(Struct, frozen=True):
    """What is to change of a version.

    Attributes:
        tags: values by key; None removes the tag.
        native_stage: of the registry's own stage field: "" empties it, None leaves it.
        archived: hide it in its registry, or show it again; None leaves that as it is.
        kept: key of the tag that stands for the stage, or "". Where it is there with another value,
            that value stays: so Stageward and whoever else sets it never write in turns.
        description: the text of it; None leaves that as it is.
        aliases: set them here, wherever they are (True), or delete them (False).
        noted: what `base` is to say besides, by source, once all of this is shown.
    """

    tags: Mapping[str, str | None] = field(default_factory=dict)
    native_stage: str | None = None
    archived: bool | None = None
    kept: str = ""
    description: str | None = None
    aliases: Mapping[str, bool] = field(default_factory=dict)
    noted: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        """Nothing is to change."""
        rest = (self.native_stage, self.archived, self.description)
        return not self.tags and not self.aliases and all(one is None for one in rest)

    def differing(self, snapshot: Snapshot) -> Edit:
        """Return what of this the version does not show yet."""
        shown, native = snapshot.tags, self.native_stage
        if native == (snapshot.native_stage or "") or (snapshot.archived and self.archived is None):
            native = None  # of what somebody else has archived the field is left alone
        return Edit(
            {
                key: value
                for key, value in self.tags.items()
                if shown.get(key) != value and not (key == self.kept and key in shown)
            },
            native,
            None if self.archived == snapshot.archived else self.archived,
            description=None if self.description == snapshot.description else self.description,
            aliases={
                alias: has
                for alias, has in self.aliases.items()
                if has != (alias in snapshot.aliases)
            },
        )

    def and_also(self, other: Edit) -> Edit:
        """Return this with the tags and the description of another edit, where it names none."""
        described = other.description if self.description is None else self.description
        return replace(self, tags={**other.tags, **self.tags}, description=described)


def mirror(
    ledger: str,
    state: VersionState,
    kind: Kind,
    lifecycle: Lifecycle,
    registry: RegistryConfiguration,
    now: datetime,
    holders: Mapping[str, tuple[str, ...]] | None = None,
) -> Edit:
    """Return what a version is to show; `stage_governor` last, as it vouches for the rest.

    Args:
        ledger: the ledger's id.
        state: where the version stands.
        kind: of its asset.
        lifecycle: the one that governs it.
        registry: where its stage is shown.
        now: aware UTC.
        holders: of the exclusive stages of the asset; where they are not known, nothing is said of
            aliases of stages that the version does not hold.
    """
    status = state.status
    if len(status) > MAX_STATUS_CHARACTERS:
        status = f"{status[: MAX_STATUS_CHARACTERS - 1]}…"
    archived = _archived(state, lifecycle, registry, now)
    tags = {
        STAGE: state.stage,
        STAGE_STATUS: status,
        **_presence(state, lifecycle, registry),
        STAGE_GOVERNOR: f"{ledger}/{state.number}",
    }
    shown_by_alias = aliases.wanted(state.stage, registry, lifecycle, holders)
    return Edit(
        tags,
        _native(state.stage, kind, registry, hidden=archived is True),
        archived,
        presence.key(registry, state.stage) if presence.mirrored(registry) else "",
        aliases=shown_by_alias,
        noted=_noted(state.stage, registry, shown_by_alias),
    )


def shown(state: VersionState, edit: Edit, at: datetime) -> VersionState:
    """Return the state of a version that was verified to show all of an edit.

    Args:
        state: where it stands.
        edit: what it shows.
        at: as `VersionState.verified_at` has it.
    """
    base = {key: value for key, value in state.base.items() if not key.startswith(ALIAS)}
    base |= {STAGE: state.stage, **edit.noted}
    base.pop(NATIVE, None)
    if edit.kept:
        base |= {PRESENCE: state.stage, APPROVAL: edit.tags[APPROVAL]}
    if edit.native_stage is not None and MLFLOW_STAGE not in edit.noted:
        base[NATIVE] = edit.native_stage
    if edit.archived is not None:
        base[ARCHIVED] = "true" if edit.archived else None
    return replace(state, base=base, writers=(), verified_at=at)


def native_drift(state: VersionState, edit: Edit, snapshot: Snapshot) -> str:
    """Return what somebody has written into the registry's own stage field; "" for nothing.

    Args:
        state: with what was verified there last.
        edit: what the version is to show.
        snapshot: what it shows.
    """
    shown = snapshot.native_stage or ""
    changed = edit.differing(snapshot).native_stage is not None
    return shown if changed and shown != state.base.get(NATIVE, shown) else ""


def own_tags(registry: RegistryConfiguration, lifecycle: Lifecycle) -> tuple[str, ...]:
    """Return the keys that are Stageward's to write on what a lifecycle governs in a registry."""
    if not presence.mirrored(registry):
        return MIRRORED
    return (*MIRRORED, *presence.keys(registry, lifecycle).values(), APPROVAL)


def native_stage(stage: str) -> str:
    """Return what a registry's own stage field is to say of a stage; "" for Archived."""
    return "" if stage.casefold() == _ARCHIVED_STAGE else stage


def shows_native(registry: RegistryConfiguration, kind: Kind) -> bool:
    """Tell whether the stage is shown in the field that Azure ML has for it, of models only."""
    return (
        Mirror.NATIVE_STAGE in registry.mirror_to
        and registry.type is RegistryType.AZUREML
        and kind is Kind.MODELS
    )


def hides(registry: RegistryConfiguration, lifecycle: Lifecycle, stage: str) -> bool:
    """Tell whether versions at a stage are archived in their registry."""
    known = lifecycle.stages.get(stage)
    return registry.type is RegistryType.AZUREML and known is not None and known.hidden


def _presence(
    state: VersionState, lifecycle: Lifecycle, registry: RegistryConfiguration
) -> dict[str, str | None]:
    if not presence.mirrored(registry):
        return {}
    own = presence.key(registry, state.stage)
    others = {one: None for one in presence.keys(registry, lifecycle).values() if one != own}
    approved = presence.approval(registry, state.stage) if state.approved_by else None
    return {**others, own: presence.TRUE, APPROVAL: approved}


def _native(stage: str, kind: Kind, registry: RegistryConfiguration, *, hidden: bool) -> str | None:
    if shows_mlflow(registry):
        return stage
    if not shows_native(registry, kind):
        return None
    return "" if hidden else native_stage(stage)


def _noted(
    stage: str, registry: RegistryConfiguration, by_alias: Mapping[str, bool]
) -> dict[str, str | None]:
    """Return what `base` is to say of MLflow's own stage and of aliases."""
    own = {aliases.source(alias): aliases.HAS for alias, has in by_alias.items() if has}
    return {MLFLOW_STAGE: stage, **own} if shows_mlflow(registry) else {**own}


def _archived(
    state: VersionState, lifecycle: Lifecycle, registry: RegistryConfiguration, now: datetime
) -> bool | None:
    """Hide a version whose stage is hidden; show again what was hidden here, and nothing else.

    While one that was displaced may still be served, the flag is left alone.
    """
    if registry.type is not RegistryType.AZUREML:
        return None
    if hides(registry, lifecycle, state.stage):
        return True if state.retires_at is None or state.retires_at <= now else None
    return False if state.base.get(ARCHIVED) else None
