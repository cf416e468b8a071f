"""Versions that are copies, and registries that take nothing else."""

from __future__ import annotations

from msgspec.structs import replace

from stage_functions.domain.configuration import Configuration, Mode, RegistryConfiguration
from stage_functions.domain.effect import violate
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.people import Actor
from stage_functions.domain.state import Step, VersionState


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


def held_up(configuration: Configuration) -> str:
    """Say which copies wait, since their registry is only observed; an empty text for none."""
    targets = dict.fromkeys(
        transition.copy_to
        for lifecycle in configuration.lifecycles
        for transition in lifecycle.transitions
        if transition.copy_to
    )
    waiting = [one for one in targets if configuration.registry(one).mode is Mode.OBSERVE]
    if not waiting:
        return ""
    names = " and ".join(waiting)
    return (
        f"what is copied to {names} waits while that is in mode observe: write mode: enforce there"
    )


def trespass(step: Step, version: str, actor: Actor, why: str, lifecycle: Lifecycle) -> Step:
    """Record that a version which was just registered should not be where it is."""
    stage, cause = step.version(version).stage, len(step.drafts) - 1
    step = violate(
        step,
        version,
        actor,
        {"from": stage, "why": why, "copies_only": True},
        lifecycle.on_violation.unserved,
        cause,
    )
    return step.with_version(replace(step.version(version), status=why))
