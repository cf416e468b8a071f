"""Arrive in a grown estate: take today's stages as granted.

Nothing is imported while anything is unclear: an unknown value waits for a mapping, several holders
of an exclusive stage wait for the one to keep. A second run goes on where the first one stopped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from functools import partial

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application.context import Context
from stage_functions.application.freezing import seal
from stage_functions.application.ledger import Committed
from stage_functions.application.signals import settle_commits
from stage_functions.domain import effect, presence
from stage_functions.domain.asset import Asset, Snapshot, Version
from stage_functions.domain.configuration import Source
from stage_functions.domain.error import InvalidInputError, NotAllowedNowError
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.observation import STAGE, STAGE_GOVERNOR, observed
from stage_functions.domain.people import Actor
from stage_functions.domain.uses import references

SHOWN = 20
SETTLE_SECONDS = 20
"""So long tags are written before whoever imports is answered."""
_USED_BY = "used_by"


class ImportCommand(Struct, frozen=True):
    """What an operator decides.

    Attributes:
        registry: its alias.
        mapping: stage of the lifecycle by value found, such as `Prod` → `Production`.
        keep: `kind/name:version` of the holders to keep, where several hold an exclusive stage.
        reason: in the operator's words.
        actor: the operator.
        dry_run: only tell.
    """

    registry: str
    mapping: Mapping[str, str]
    keep: tuple[str, ...]
    reason: str
    actor: Actor
    dry_run: bool = False


class Import(Struct, frozen=True):
    """What an import came to, or would come to.

    Attributes:
        registry: its alias.
        stages: number of versions by stage, as imported.
        already: versions that the ledger governs already.
        unknown: up to 20 versions by value that no stage is named like.
        crowded: holders by `kind/name at stage`, where several hold an exclusive stage.
        done: it was carried out.
        idle: why nothing is written to the registry even so, or "".
    """

    registry: str
    stages: Mapping[str, int] = field(default_factory=dict)
    already: int = 0
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    crowded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    done: bool = False
    idle: str = ""


class _Found(Struct, frozen=True):
    snapshot: Snapshot
    lifecycle: Lifecycle
    stage: str


def import_registry(context: Context, command: ImportCommand) -> Import:
    """Take the present stages of a registry as granted.

    Raises:
        NotFoundError: no such registry.
        InvalidInputError: a mapping names no stage.
        NotAllowedNowError: its tags name another ledger.
        RegistryUnavailableError: it cannot be listed.
    """
    found, plan = _plan(context, command)
    if plan.unknown or plan.crowded or command.dry_run:
        return plan
    committed = [
        context.persistently(partial(_import_one, context, item, command)) for item in found
    ]
    context.states.update(command.registry, lambda state: replace(state, imported=True))
    commits: dict[Asset, list[int]] = {}
    for one in committed:
        if one is not None:
            commits.setdefault(one.loaded.asset, []).append(one.loaded.head.commit)
    settle_for_a_while(context, commits)
    idle = "" if plan.idle else context.states.ungoverned(command.registry)
    return replace(plan, done=True, idle=plan.idle or idle)


def settle_for_a_while(context: Context, commits: Mapping[Asset, Collection[int]]) -> None:
    """Write the tags that many commits owe, for a while: the sweep does the rest.

    An asset at a time, since each commit of one makes those before it out of date.
    """
    end = context.clock.now() + timedelta(seconds=SETTLE_SECONDS)
    for asset, numbers in commits.items():
        if context.clock.now() >= end:
            return
        settle_commits(context, asset, numbers)


def _plan(context: Context, command: ImportCommand) -> tuple[list[_Found], Import]:
    stages: dict[str, int] = {}
    unknown: dict[str, list[str]] = {}
    found: list[_Found] = []
    already = 0
    for snapshot in everything(context, command.registry):
        lifecycle = context.governing(snapshot.version.asset)
        watched = context.configuration.registry(command.registry).watches(snapshot.version.asset)
        if snapshot.anonymous or lifecycle is None or not watched:
            continue
        if _governed(context, snapshot):
            already += 1
            continue
        if context.awaited(snapshot) is not None:
            continue  # a copy begins where it was granted, whatever its tags say
        _demand_ungoverned(context, snapshot, dry_run=command.dry_run)
        stage = _stage(context, snapshot, lifecycle, command)
        if stage not in lifecycle.stages:
            unknown.setdefault(stage, []).append(str(snapshot.version))
            continue
        found.append(_Found(snapshot, lifecycle, stage))
    found, crowded = _thin(context, found, command)
    for item in found:
        stages[item.stage] = stages.get(item.stage, 0) + 1
    shown = {value: tuple(versions[:SHOWN]) for value, versions in unknown.items()}
    return found, Import(command.registry, stages, already, shown, crowded)


def everything(context: Context, alias: str) -> Iterator[Snapshot]:
    """Yield every version of a registry.

    Raises:
        NotFoundError: no such registry.
        RegistryUnavailableError: it cannot be listed.
    """
    registry, cursor = context.registry(alias), ""
    while True:
        page = registry.versions(cursor)
        yield from page.versions
        if not page.cursor:
            return
        cursor = page.cursor


def _governed(context: Context, snapshot: Snapshot) -> bool:
    loaded = context.ledger.load(snapshot.version.asset, [snapshot.version.number])
    state = loaded.versions.get(snapshot.version.number)
    return state is not None and state.governed and state.incarnation == snapshot.incarnation


def _demand_ungoverned(context: Context, snapshot: Snapshot, *, dry_run: bool) -> None:
    governor = snapshot.tags.get(STAGE_GOVERNOR, "")
    alias = snapshot.version.asset.registry
    owner = governor.rpartition("/")[0]
    if not governor or owner in context.states.get(alias, fresh=True).taken_over:
        return
    why = f"the tags of {snapshot.version} name a ledger, {owner}, and this one knows nothing of it"
    if not dry_run:
        context.states.suspect(alias, str(snapshot.version.asset), why, at_once=True)
    message = f"{why}; if this ledger is to take over, run `stageward resolve {alias}` first"
    raise NotAllowedNowError(message, code="other-ledger")


def _stage(
    context: Context, snapshot: Snapshot, lifecycle: Lifecycle, command: ImportCommand
) -> str:
    registry = context.configuration.registry(command.registry)
    shown = {
        Source.TAG: snapshot.tags.get(STAGE),
        Source.MLFLOW_STAGE: snapshot.native_stage,
        Source.PRESENCE: presence.furthest(presence.seen(snapshot.tags, registry, lifecycle)),
    }
    value = next((shown[source] for source in registry.requests_from if shown[source]), "")
    mapped = command.mapping.get(value, value) if value else lifecycle.initial
    if value in command.mapping and mapped not in lifecycle.stages:
        known = ", ".join(lifecycle.stages)
        message = f"--map {value}={mapped}: no stage is named {mapped}; the stages are {known}"
        raise InvalidInputError(message)
    return mapped


def _thin(
    context: Context, found: list[_Found], command: ImportCommand
) -> tuple[list[_Found], dict[str, tuple[str, ...]]]:
    """Leave one holder of each exclusive stage, or say where several claim it."""
    claims: dict[tuple[Asset, str], list[_Found]] = {}
    for item in found:
        if item.lifecycle.stages[item.stage].exclusive:
            claims.setdefault((item.snapshot.version.asset, item.stage), []).append(item)
    crowded: dict[str, tuple[str, ...]] = {}
    moved: dict[Version, str] = {}
    for (asset, stage), items in claims.items():
        held = context.ledger.load(asset).head.holders.get(stage, ())
        kept = [item for item in items if _short(item.snapshot.version) in command.keep]
        if len(items) + len(held) > 1 and (len(kept) != 1 or held):
            names = tuple(_short(item.snapshot.version) for item in items)
            crowded[f"{asset.kind}/{asset.name} at {stage}"] = (*names, *held)
        elif len(items) > 1:
            target = items[0].lifecycle.stages[stage].displaced_to
            moved |= {i.snapshot.version: target for i in items if i is not kept[0]}
    thinned = [replace(i, stage=moved.get(i.snapshot.version, i.stage)) for i in found]
    return thinned, crowded


def _short(version: Version) -> str:
    return f"{version.asset.kind}/{version.asset.name}:{version.number}"


def _import_one(context: Context, item: _Found, command: ImportCommand) -> Committed | None:
    """Commit a version's stage; its tags are not written before the registry is governed."""
    snapshot, number = item.snapshot, item.snapshot.version.number
    now = context.clock.now()
    loaded = context.ledger.load(snapshot.version.asset, [number])
    known = loaded.versions.get(number)
    if known is not None and known.governed and known.incarnation == snapshot.incarnation:
        return None
    step = loaded.step()
    if known is not None and known.governed:
        why = f"another thing was registered as {number}"
        step = effect.delete(step, number, item.lifecycle, command.actor, now, why)
    registry = context.configuration.registry(command.registry)
    author = context.identify(snapshot.author) if snapshot.author else ""
    step = effect.take_over(
        step,
        snapshot,
        item.stage,
        command.actor,
        author,
        observed(snapshot, registry, item.lifecycle),
        item.lifecycle,
        command.reason,
        now,
    )
    # Whatever ledger its tags name, it was decided that this one takes over.
    overruled, uses = snapshot.tags.get(STAGE_GOVERNOR, ""), _uses(context, snapshot)
    step = step.with_version(replace(step.version(number), uses=uses, overruled=overruled))
    step, kept = seal(context, step, snapshot, item.lifecycle)
    operation = f"import-{context.clock.operation_id()}"
    return context.ledger.commit(loaded, step, now=now, operation=operation, blobs=kept)


def _uses(context: Context, snapshot: Snapshot) -> tuple[str, ...]:
    """Return what a version uses, where a rule asks: its evidence is read for nothing else."""
    rules = [rule for one in context.lifecycles for rule in one.rules.values()]
    if not any(_USED_BY in text for rule in rules for text in (rule.cel, *rule.shows)):
        return ()
    return references(context.evidence(snapshot))
