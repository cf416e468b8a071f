"""What is written to a registry when an approval is given: tags, fields, aliases, what is hidden.

As the configuration has it now, since that is what will be written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct, field

from stage_functions.application.context import Context
from stage_functions.domain.aliases import kept
from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Asset
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.mirror import MIRRORED, hides, native_stage, own_tags, shows_native
from stage_functions.domain.observation import shows_mlflow


class Written(Struct, frozen=True):
    """What is written of the version, and of those that it displaces.

    Attributes:
        tags: keys of the tags.
        native: what the registry's own stage field says afterwards, by version; "" is empty.
        archived: numbers of the versions that are archived.
        after: how long the displaced ones of them may still be served before that, or None.
        restored: numbers of those that are shown again.
        aliases: by alias that moves, the version that has it afterwards; "" where none has.
    """

    tags: tuple[str, ...] = MIRRORED
    native: Mapping[str, str] = field(default_factory=dict)
    archived: tuple[str, ...] = ()
    after: timedelta | None = None
    restored: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)


def written(context: Context, asset: Asset, approval: Approval) -> Written:
    """Return what is written when an approval is given."""
    lifecycle = context.governing(asset)
    registry = context.configuration.registry(asset.registry)
    if lifecycle is None:
        return Written()
    tags = own_tags(registry, lifecycle)
    if approval.renews or approval.ratifies:
        return Written(tags)
    moves = _moves(lifecycle, approval)
    native = {
        number: "" if hides(registry, lifecycle, stage) else native_stage(stage)
        for number, (_, stage) in moves.items()
        if shows_native(registry, asset.kind)
    } or {number: stage for number, (_, stage) in moves.items() if shows_mlflow(registry)}
    return Written(
        tags,
        native,
        tuple(n for n, (_, stage) in moves.items() if hides(registry, lifecycle, stage)),
        _after(lifecycle, approval.binding.target),
        tuple(n for n, (old, new) in moves.items() if _shows_again(registry, lifecycle, old, new)),
        _aliases(registry, lifecycle, approval),
    )


def _moves(lifecycle: Lifecycle, approval: Approval) -> dict[str, tuple[str, str]]:
    """Return whence and whither each version moves."""
    bound = approval.binding
    target = lifecycle.stages.get(bound.target)
    place = target.displaced_to if target is not None else ""
    displaced = {number: (bound.target, place) for number in bound.displaces if place}
    return {approval.version: (bound.source, bound.target), **displaced}


def _aliases(
    registry: RegistryConfiguration, lifecycle: Lifecycle, approval: Approval
) -> dict[str, str]:
    bound = approval.binding
    return {
        alias: approval.version if stage == bound.target else ""
        for alias, stage in kept(registry, lifecycle).items()
        if stage in (bound.source, bound.target)
    }


def _shows_again(registry: RegistryConfiguration, lifecycle: Lifecycle, old: str, new: str) -> bool:
    return hides(registry, lifecycle, old) and not hides(registry, lifecycle, new)


def _after(lifecycle: Lifecycle, target: str) -> timedelta | None:
    stage = lifecycle.stages.get(target)
    return stage.retire_within if stage is not None else None
