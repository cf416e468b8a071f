"""What `stageward.yaml` may have wrong of aliases, and of MLflow's own stage, under `mirror_to`.

An alias belongs to one version, so that it stands for a stage that one version holds. What MLflow
refuses is refused here, before anybody waits for it: `latest` and `v1` mean versions to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stage_functions.domain.configuration import Mirror, RegistryConfiguration, RegistryType
from stage_functions.domain.hint import did_you_mean
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.lifecycle_check import Fault

ALIAS = "alias:"
"""Begins an alias under `mirror_to`."""
MLFLOW_STAGES = ("None", "Staging", "Production", "Archived")
"""The stages that MLflow has."""
_VERSION = re.compile(r"[vV][0-9]+\Z")
_LATEST = "latest"


def split(written: str) -> tuple[str, str]:
    """Return the alias and the stage of `alias:champion=Production`; "" where it names none."""
    alias, _, stage = written.removeprefix(ALIAS).partition("=")
    return alias, stage


def alias_faults(
    written: Sequence[str], registry: RegistryConfiguration, governing: Sequence[Lifecycle]
) -> Iterator[Fault]:
    """Return what is wrong with aliases, each with its index under `mirror_to`.

    Args:
        written: `mirror_to` as the file has it.
        registry: whose it is.
        governing: the lifecycles that may govern an asset of it.
    """
    owners: dict[str, str] = {}
    for index, one in enumerate(written):
        if not one.startswith(ALIAS):
            continue
        alias, stage = split(one)
        fault = _alias_fault(alias, registry, owners) or (
            _stage_fault(stage, governing) if stage else _unnamed_fault(alias, governing)
        )
        if fault:
            yield Fault((index,), fault)


def mlflow_stage_faults(
    written: Sequence[str], registry: RegistryConfiguration, governing: Sequence[Lifecycle]
) -> Iterator[Fault]:
    """Return why the stage cannot be shown in MLflow's own field; arguments as `alias_faults`."""
    if Mirror.MLFLOW_STAGE not in written:
        return
    index = written.index(Mirror.MLFLOW_STAGE)
    if registry.type is not RegistryType.MLFLOW:
        message = "mlflow_stage is of MLflow servers; Azure ML has native_stage"
        yield Fault((index,), message)
        return
    for lifecycle in governing:
        for stage in lifecycle.stages:
            if stage not in MLFLOW_STAGES:
                message = (
                    f"mlflow_stage: MLflow has the stages {', '.join(MLFLOW_STAGES)} and no other, "
                    f"and the lifecycle {lifecycle.name} has {stage}"
                )
                yield Fault((index,), message + did_you_mean(stage, MLFLOW_STAGES))
                return


def _alias_fault(alias: str, registry: RegistryConfiguration, owners: dict[str, str]) -> str:
    if registry.type is not RegistryType.MLFLOW:
        return "aliases are of MLflow servers; Azure ML has none"
    if alias.casefold() == _LATEST or _VERSION.match(alias):
        return f"MLflow takes no alias '{alias}': it means a version to it; choose another name"
    owner = owners.get(alias.casefold())
    owners.setdefault(alias.casefold(), alias)
    if owner is None:
        return ""
    if owner == alias:
        return f"the alias '{alias}' is there already: one version has it, at one stage"
    return f"'{alias}' and '{owner}' differ in case only, and some databases take them for one"


def _stage_fault(stage: str, governing: Sequence[Lifecycle]) -> str:
    found = [one.stages[stage] for one in governing if stage in one.stages]
    if not found:
        known = tuple(dict.fromkeys(name for one in governing for name in one.stages))
        return f"no lifecycle of this registry has the stage {stage}{did_you_mean(stage, known)}"
    if not any(one.exclusive for one in found):
        return f"{stage} is not exclusive: several versions may hold it, and one has an alias"
    return ""


def _unnamed_fault(alias: str, governing: Sequence[Lifecycle]) -> str:
    exclusive = {
        one.name: [name for name, stage in one.stages.items() if stage.exclusive]
        for one in governing
    }
    if not any(exclusive.values()):
        return f"the alias {alias} needs an exclusive stage, and no lifecycle here has one"
    for name, stages in exclusive.items():
        if len(stages) > 1:
            example = f"{ALIAS}{alias}={stages[0]}"
            return (
                f"the lifecycle {name} has several exclusive stages, {', '.join(stages)}: "
                f"say whose the alias is, as in {example}"
            )
    return ""
