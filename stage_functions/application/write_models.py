"""What somebody is about to write of a whole model: an alias, a new version, its end, another name.

A version at a stage that is not deletable is not deleted with its model, nor taken out of its
history by another name.
"""

from __future__ import annotations

from stage_functions.application.context import Context
from stage_functions.application.write_standing import ASK, UNGOVERNED, named_alike, refused
from stage_functions.application.written import Ruling, Write
from stage_functions.domain import aliases, presence
from stage_functions.domain.asset import Asset
from stage_functions.domain.configuration import Mode, RegistryConfiguration
from stage_functions.domain.consent import waiting_words
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.mirror import own_tags
from stage_functions.domain.observation import STAGE


def governing_of(context: Context, asset: Asset) -> Lifecycle | None:
    """Return the lifecycle under which writes to an asset are judged, or None.

    A registry that was stopped is governed still: nothing is let through until it is resolved.
    """
    registry = context.configuration.registry(asset.registry)
    if registry.mode is Mode.OBSERVE or not registry.watches(asset):
        return None
    known = context.states.get(asset.registry)
    return context.governing(asset) if known.imported or known.stopped else None


def on_alias(
    context: Context, write: Write, registry: RegistryConfiguration, lifecycle: Lifecycle
) -> Ruling:
    """Judge an alias that is about to be set or deleted: a kept one is at the holder or nowhere."""
    at = aliases.kept(registry, lifecycle)
    alike = named_alike(write.key, at)
    if not alike:
        return UNGOVERNED
    stage, wanted = at[alike], write.value or ""
    loaded = context.ledger.load(write.asset, [wanted] if wanted else [])
    holder = aliases.held(registry, lifecycle, loaded.head.holders).get(alike)
    if write.key == alike and write.value == holder:
        return Ruling(allowed=True, detail=f"alias {alike} of {write.asset} is at {stage}")
    which = f"which is version {holder}" if holder else "and no version holds that"
    detail = (
        f"alias {alike} of {write.asset} is kept at the holder of {stage}, {which}; "
        f"ask for {stage} {ASK}"
    )
    waits = loaded.step().state.approval_of(wanted)
    if waits is None or waits.binding.target != stage:
        return refused(detail)
    return refused(
        f"{detail}; {write.asset}:{wanted}: {waiting_words(loaded.versions[wanted])}", waits.id
    )


def on_create(write: Write, registry: RegistryConfiguration, lifecycle: Lifecycle) -> Ruling:
    """Let a new version have no tag of Stageward's but those of the first stage."""
    own, first = own_tags(registry, lifecycle), lifecycle.initial
    fitting = {STAGE: first}
    if presence.mirrored(registry):
        key = presence.key(registry, first)
        fitting |= {key: write.tags.get(key, "")}
    for key, value in write.tags.items():
        if named_alike(key, own) and fitting.get(key) != value:
            return refused(
                f"a new version of {write.asset} begins at {first}: the tag {key} is Stageward's "
                f"to write; leave it out, and then ask {ASK}"
            )
    return Ruling(allowed=True, detail=f"a new version of {write.asset} begins at {first}")


def on_delete(context: Context, asset: Asset, lifecycle: Lifecycle) -> Ruling:
    """Refuse to take a whole asset away while a version stands where nothing is deleted."""
    held = [
        (number, state.stage)
        for number, state in context.ledger.versions(asset).items()
        if state.governed and not lifecycle.stages[state.stage].deletable
    ]
    if not held:
        return Ruling(allowed=True, detail=f"all versions of {asset} may be deleted")
    number, stage = held[0]
    others = [one.name for one in lifecycle.stages.values() if one.deletable]
    where = f"; deletable are {' and '.join(others)}" if others else ""
    more = f", and {len(held) - 1} more do so" if len(held) > 1 else ""
    return refused(f"{asset}:{number} stands at {stage}, where nothing is deleted{where}{more}")


def on_rename(context: Context, write: Write) -> Ruling:
    """Judge another name: versions leave their histories, and come as new ones to another."""
    lifecycle = governing_of(context, write.asset)
    if lifecycle is not None:
        ruling = on_delete(context, write.asset, lifecycle)
        if not ruling.allowed:
            why = "by another name its versions would leave their history"
            return refused(f"{write.asset} is not renamed: {why}; {ruling.detail}")
    other = Asset.parse(f"{write.asset.registry}/{write.asset.kind}/{write.value or ''}")
    governing = governing_of(context, other)
    if governing is not None and write.shows:
        first = governing.initial
        return refused(
            f"{write.asset} is not renamed: by the name {other.name} its versions begin at "
            f"{first}, but {write.shows[0]}"
        )
    return UNGOVERNED if lifecycle is None and governing is None else Ruling(allowed=True)
