"""What may be wrong with copies between registries: where they lead, and who governs them there.

Globs have endlessly many names; of each a few are tried, made from the globs themselves. So what is
found is a fault, and a name that nobody thought of is met when it is copied: the duty is parked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from stage_functions.domain.asset import Asset, Kind
from stage_functions.domain.configuration import (
    Configuration,
    RegistryConfiguration,
    RegistryType,
)
from stage_functions.domain.hint import did_you_mean
from stage_functions.domain.lifecycle import Lifecycle, Transition
from stage_functions.domain.lifecycle_check import Fault

_WILD = re.compile(r"\[!?.[^\]]*\]|[*?]")


def copy_faults(lifecycle: Lifecycle, configuration: Configuration) -> Iterator[Fault]:
    """Return what is wrong with what a lifecycle copies, each with its path from there down."""
    for index, transition in enumerate(lifecycle.transitions):
        if not transition.copy_to:
            continue
        why = _fault(lifecycle, transition, configuration)
        if why:
            yield Fault(("transitions", index, "copy_to"), why)


def strangers_only(alias: str, configuration: Configuration) -> str:
    """Say why nothing can ever belong in a registry that takes only copies; "" if it can."""
    if configuration.registries[alias].type is RegistryType.MLFLOW:
        return (
            f"Stageward copies between Azure ML only, so that every version in {alias}, an MLflow "
            "server, would be a violation: leave copies_only out"
        )
    copied = any(
        transition.copy_to == alias
        for lifecycle in configuration.lifecycles
        for transition in lifecycle.transitions
    )
    if copied:
        return ""
    return (
        f"nothing is copied to {alias}, so that every version there would be a violation: "
        f"write copy_to: {alias} in a transition of another registry, or leave copies_only out"
    )


def _fault(lifecycle: Lifecycle, transition: Transition, configuration: Configuration) -> str:
    alias, registries = transition.copy_to, configuration.registries
    target = registries.get(alias)
    if target is None:
        known = ", ".join(registries)
        return f"no registry has the alias '{alias}'; there are {known}" + did_you_mean(
            alias, registries
        )
    if target.type is RegistryType.MLFLOW:
        return f"{alias} is an MLflow server; Stageward copies between Azure ML only"
    governed = list(_governed(lifecycle, configuration))
    for asset in governed:
        if asset.registry == alias:
            return (
                f"this lifecycle governs {alias} as well, and there is nothing to copy from it to "
                f"itself: leave {alias} out of applies_to, and give it a lifecycle of its own"
            )
        if registries[asset.registry].type is RegistryType.MLFLOW:
            return (
                f"this lifecycle governs {asset.registry}, an MLflow server; "
                "Stageward copies between Azure ML only"
            )
    for asset in governed:
        why = _there(Asset(alias, asset.kind, asset.name), transition, target, configuration)
        if why:
            return why
    return _circle(lifecycle, alias, configuration)


def _there(
    copy: Asset,
    transition: Transition,
    target: RegistryConfiguration,
    configuration: Configuration,
) -> str:
    """Say why a copy could not begin where it is copied to."""
    alias = target.alias
    if not target.watches(copy):
        return f"{alias} does not watch {copy.kind}/{copy.name}, so that no copy begins: see watch"
    governing = configuration.lifecycle(copy)
    if governing is None:
        return f"no lifecycle governs {copy}, so that no copy begins: see applies_to"
    if transition.target not in governing.stages:
        known = ", ".join(governing.stages)
        return (
            f"a copy begins at {transition.target}, and lifecycle {governing.name}, which governs "
            f"{copy}, has no such stage; its stages are {known}"
        )
    return ""


def _circle(lifecycle: Lifecycle, alias: str, configuration: Configuration) -> str:
    """Say how copies would come back to a registry that they began in."""
    ways: dict[str, set[str]] = {}
    for one in configuration.lifecycles:
        targets = {way.copy_to for way in one.transitions if way.copy_to}
        for source in {asset.registry for asset in _governed(one, configuration)}:
            ways.setdefault(source, set()).update(targets - {source})
    for source in sorted({asset.registry for asset in _governed(lifecycle, configuration)}):
        path = _path(alias, source, ways, ())
        if path:
            return f"copies would go in a circle: {' → '.join((source, *path))}"
    return ""


def _path(
    at: str, end: str, ways: Mapping[str, set[str]], passed: tuple[str, ...]
) -> tuple[str, ...]:
    if at == end:
        return (at,)
    for following in sorted(ways.get(at, ())):
        if following not in passed:
            rest = _path(following, end, ways, (*passed, at))
            if rest:
                return (at, *rest)
    return ()


def _governed(lifecycle: Lifecycle, configuration: Configuration) -> Iterator[Asset]:
    """Return assets that a lifecycle governs: those that its globs and `watch` suggest."""
    for alias, registry in configuration.registries.items():
        for kind in Kind:
            for name in _names(lifecycle, registry):
                asset = Asset(alias, kind, name)
                if registry.watches(asset) and configuration.lifecycle(asset) is lifecycle:
                    yield asset


def _names(lifecycle: Lifecycle, registry: RegistryConfiguration) -> list[str]:
    globs = [glob.split("/")[-1] for glob in lifecycle.applies_to]
    globs += [glob.split("/")[-1] for glob in registry.watch]
    return list(dict.fromkeys(name for glob in globs if (name := _one(glob))))


def _one(glob: str) -> str:
    """Return a name that a glob matches, or ""."""

    def plain(found: re.Match[str]) -> str:
        text = found[0]
        return "any" if text == "*" else text[1] if text[0] == "[" and text[1] != "!" else "x"

    name = _WILD.sub(plain, glob)
    return name if fnmatchcase(name, glob) else ""
