"""Versions that lifecycles would leave nowhere, found in the catalog before they are adopted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from stage_functions.application import catalog
from stage_functions.application.catalog import CatalogEntry
from stage_functions.application.context import Context
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.error import ConfigurationError
from stage_functions.domain.lifecycle import Lifecycle


class Stranded(Struct, frozen=True):
    """Versions of an asset that would stand nowhere, or be too many.

    Attributes:
        asset: `registry/kind/name`.
        versions: their numbers.
        stage: where they stand.
        why: in words, with what to do.
    """

    asset: str
    versions: tuple[str, ...]
    stage: str
    why: str


def stranded(context: Context, lifecycles: Sequence[Lifecycle]) -> Iterator[Stranded]:
    """Yield the versions that some lifecycles would strand, those without a stage first.

    Every asset is looked at: one that a changed lifecycle lets go falls to another, which is not.
    """
    held: dict[tuple[str, str], list[str]] = {}
    known: dict[str, Lifecycle | None] = {}
    for entry in _standing(context):
        if entry.asset not in known:
            known[entry.asset] = _governing(lifecycles, entry.asset)
        lifecycle = known[entry.asset]
        if lifecycle is None:
            continue
        name = lifecycle.renamed.get(entry.stage, entry.stage)
        stage = lifecycle.stages.get(name)
        if stage is None:
            if _stands_now(context, lifecycle, entry.asset, entry.version):
                continue  # the catalog is behind the ledger
            why = (
                f"lifecycle {lifecycle.name} has no stage {entry.stage}, "
                f"but {entry.asset}:{entry.version} stands there: move it first, or keep the stage"
            )
            yield Stranded(entry.asset, (entry.version,), entry.stage, why)
        elif stage.exclusive:
            held.setdefault((entry.asset, name), []).append(entry.version)
    for (asset, name), found in held.items():
        lifecycle = known[asset]
        if len(found) > 1 and lifecycle is not None:
            yield from _crowded(context, lifecycle, asset, name, found)


def ungoverned(context: Context, lifecycles: Sequence[Lifecycle]) -> Iterator[Stranded]:
    """Yield the versions that stand somewhere, and that none of some lifecycles would govern."""
    known: dict[str, Lifecycle | None] = {}
    for entry in _standing(context):
        if entry.asset not in known:
            known[entry.asset] = _governing(lifecycles, entry.asset)
        if known[entry.asset] is None:
            why = (
                f"no lifecycle governs {entry.asset} any more, but version {entry.version} stands "
                f"at {entry.stage}: let one apply to it"
            )
            yield Stranded(entry.asset, (entry.version,), entry.stage, why)


def _standing(context: Context) -> Iterator[CatalogEntry]:
    """Yield the versions that stand somewhere; the catalog may be behind the ledger a little."""
    partitions = [(alias, kind) for alias in context.configuration.registries for kind in Kind]
    for _, entry in catalog.entries(context.ledger.rows, partitions):
        if not entry.gone and entry.stage:
            yield entry


def _governing(lifecycles: Sequence[Lifecycle], asset: str) -> Lifecycle | None:
    wanted = Asset.parse(asset)
    return next((one for one in lifecycles if one.applies(wanted)), None)


def _stands_now(context: Context, lifecycle: Lifecycle, asset: str, version: str) -> str:
    """Return at which stage of a lifecycle a version stands in the ledger; "" for none."""
    state = context.ledger.state(Version(Asset.parse(asset), version))
    if state is None or not state.governed:
        return ""
    name = lifecycle.renamed.get(state.stage, state.stage)
    return name if name in lifecycle.stages else ""


def _crowded(
    context: Context, lifecycle: Lifecycle, asset: str, stage: str, found: Sequence[str]
) -> Iterator[Stranded]:
    versions = [one for one in found if stage == _stands_now(context, lifecycle, asset, one)]
    if len(versions) > 1:
        why = (
            f"{stage} is exclusive now, but versions {', '.join(versions)} of {asset} "
            "stand there: move all but one first"
        )
        yield Stranded(asset, tuple(versions), stage, why)


def taken_names(before: Mapping[str, Lifecycle], after: Sequence[Lifecycle]) -> Iterator[str]:
    """Say which stages are to be called as others are called already: versions would move there.

    Args:
        before: the texts in force, by name.
        after: the lifecycles that are to be.
    """
    for one in after:
        old = before.get(one.name)
        for name, new in one.renamed.items() if old is not None else ():
            if old is not None and name in old.stages and new in old.stages:
                yield (
                    f"lifecycle {one.name}: renamed: {name} cannot be called {new}, which is "
                    "another stage in force: its versions would come there without a decision"
                )


def demand_nobody_stranded(
    context: Context, lifecycles: Sequence[Lifecycle], before: Mapping[str, Lifecycle]
) -> None:
    """Refuse lifecycles under which versions would stand nowhere, or two at an exclusive stage.

    Raises:
        ConfigurationError: they would; the first of them is told.
        StoreUnavailableError: as the store says.
    """
    for message in taken_names(before, lifecycles):
        raise ConfigurationError(message)
    for one in stranded(context, lifecycles):
        raise ConfigurationError(one.why)
