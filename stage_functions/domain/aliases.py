"""Aliases of MLflow that are kept at the holder of an exclusive stage: `models:/iris@champion`."""

from __future__ import annotations

from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.lifecycle import Lifecycle


def kept(registry: RegistryConfiguration, lifecycle: Lifecycle) -> dict[str, str]:
    """Return the exclusive stage by alias, of what a lifecycle governs in a registry.

    An alias that names no stage stands for the one exclusive stage of the lifecycle; where it has
    none or several, or not the one that is named, the alias is not kept there.
    """
    exclusive = [name for name, stage in lifecycle.stages.items() if stage.exclusive]
    sole = exclusive[0] if len(exclusive) == 1 else ""
    wanted = {alias: stage or sole for alias, stage in registry.aliases.items()}
    return {alias: stage for alias, stage in wanted.items() if stage in exclusive}
