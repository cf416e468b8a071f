"""Versions that are copies, and registries that take nothing else."""

from __future__ import annotations

from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.state import VersionState


def only_copies(alias: str) -> str:
    """Say what is wrong with a version that somebody else has brought to such a registry."""
    return f"only copies that Stageward makes belong in registry {alias}, and this is none"


def trespasses(
    registry: RegistryConfiguration, lifecycle: Lifecycle | None, state: VersionState | None
) -> str:
    """Say why a version may not leave the stage where it began; an empty text if it may.

    What was imported at a later stage has been taken as granted, and goes on from there.
    """
    if not registry.copies_only or state is None or lifecycle is None:
        return ""
    if state.origin is not None or state.stage != lifecycle.initial:
        return ""
    return f"{only_copies(registry.alias)}: ask where it comes from, so that it is copied"
