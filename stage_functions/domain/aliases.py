"""Aliases of MLflow that are kept at the holder of an exclusive stage: `models:/iris@champion`.

An alias belongs to a registered model, and one version has it at a time. So it is the holder's: to
set it there takes it from whoever has it, in one call. Only where no version holds the stage is it
taken from whoever has it, since nothing tells whose it is once it is deleted.

An alias asks for nothing. What somebody else does to it is put back, with DriftFound, as an edit of
`stage` that may not ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from stage_functions.domain import presence
from stage_functions.domain.asset import Snapshot
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.reading import Reading, drifted
from stage_functions.domain.state import ALIAS, VersionState

HAS = "true"
"""In `base`: the version has the alias; None, or no entry, where it has it not."""

Holders = Mapping[str, tuple[str, ...]]


def kept(registry: RegistryConfiguration, lifecycle: Lifecycle) -> dict[str, str]:
    """Return the exclusive stage by alias, of what a lifecycle governs in a registry.

    An alias that names no stage stands for the one exclusive stage of the lifecycle; where it has
    none or several, or not the one that is named, the alias is not kept there.
    """
    exclusive = [name for name, stage in lifecycle.stages.items() if stage.exclusive]
    sole = exclusive[0] if len(exclusive) == 1 else ""
    wanted = {alias: stage or sole for alias, stage in registry.aliases.items()}
    return {alias: stage for alias, stage in wanted.items() if stage in exclusive}


def source(alias: str) -> str:
    """Return the key of an alias in `base`."""
    return f"{ALIAS}{alias}"


def named(key: str) -> str:
    """Return the alias that a key of `base` is about; "" where it is about none."""
    return key.removeprefix(ALIAS) if key.startswith(ALIAS) else ""


def held(registry: RegistryConfiguration, lifecycle: Lifecycle, holders: Holders) -> dict[str, str]:
    """Return by alias the version that it is kept at, as the ledger has it."""
    return {
        alias: holders[stage][0]
        for alias, stage in kept(registry, lifecycle).items()
        if holders.get(stage)
    }


def wanted(
    stage: str, registry: RegistryConfiguration, lifecycle: Lifecycle, holders: Holders | None
) -> dict[str, bool]:
    """Return by alias whether a version is to have it; the others are no business of its own.

    Args:
        stage: where the version stands.
        registry: its registry.
        lifecycle: the one that governs it.
        holders: of the exclusive stages of its asset; None where they are not known.
    """
    found = {}
    for alias, at in kept(registry, lifecycle).items():
        if at == stage:
            found[alias] = True
        elif holders is not None and not holders.get(at):
            found[alias] = False
    return found


def seen(
    snapshot: Snapshot, registry: RegistryConfiguration, lifecycle: Lifecycle
) -> dict[str, str | None]:
    """Return which of the aliases that are kept a version has, as `base` has it."""
    if not registry.aliases:
        return {}
    return {
        source(alias): HAS if alias in snapshot.aliases else None
        for alias in kept(registry, lifecycle)
    }


def read_aliases(
    state: VersionState,
    values: Mapping[str, str | None],
    lifecycle: Lifecycle,
    registry: RegistryConfiguration,
    reading: Reading,
    holders: Holders | None,
    *,
    owed: bool,
) -> Reading:
    """Tell which aliases are out of place at a version.

    While something is owed, what a late write of Stageward's own may have done is put right without
    calling it drift.
    """
    if not registry.aliases:
        return reading
    at = kept(registry, lifecycle)
    moved: list[str] = []
    for alias, has in wanted(state.stage, registry, lifecycle, holders).items():
        key = source(alias)
        value, known = values.get(key), state.base.get(key)
        if value == (HAS if has else None):
            if value != known and not owed:
                reading = replace(reading, absorbed={**reading.absorbed, key: value})
        elif value != known:
            reading = replace(reading, answers={**reading.answers, key: value})
            late = owed and (has or at[alias] in state.held)
            reading = drifted(reading, key, None if late else "")
            moved += [] if late else [alias]
    if moved and named(reading.drift_in):
        return replace(reading, drift=_found(moved, values))
    return reading


def _found(moved: Iterable[str], values: Mapping[str, str | None]) -> str:
    """Say what a version shows: `no alias champion`, `alias champion`."""
    return ", ".join(
        f"{'' if values.get(source(alias)) else 'no '}alias {alias}" for alias in moved
    )


def heard(registry: RegistryConfiguration, lifecycles: Iterable[Lifecycle]) -> frozenset[str]:
    """Return the aliases of a registry that are worth a look when one of them changes."""
    if not registry.aliases:
        return frozenset()
    governing = presence.governing(registry.alias, lifecycles)
    return frozenset(alias for one in governing for alias in kept(registry, one))
