"""What `stageward.yaml` may have wrong of where stages are shown, and of tags that stand for them.

One key means one stage, and none of Stageward's other tags; no rule reads it, since it changes as
Stageward answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from stage_functions.domain import presence
from stage_functions.domain.configuration import (
    Configuration,
    Mirror,
    RegistryConfiguration,
    RegistryType,
)
from stage_functions.domain.hint import did_you_mean
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.lifecycle_check import Fault
from stage_functions.domain.observation import CONVERSATION
from stage_functions.domain.presence import APPROVAL
from stage_functions.wire.alias_faults import alias_faults, mlflow_stage_faults

_RESERVED = (*CONVERSATION, APPROVAL)
_MIRROR_TO, _REQUESTS_FROM, _PRESENCE = "mirror_to", "requests_from", "presence"


def mirror_faults(
    registry: RegistryConfiguration, lifecycles: Sequence[Lifecycle], written: Sequence[str] = ()
) -> Iterator[Fault]:
    """Return what is wrong with where a registry shows stages, each with its path in it.

    Args:
        registry: which.
        lifecycles: all of the file.
        written: `mirror_to` as the file has it.
    """
    if Mirror.NATIVE_STAGE in registry.mirror_to and registry.type is not RegistryType.AZUREML:
        message = "native_stage is the field that models of Azure ML have; MLflow has mlflow_stage"
        yield Fault((_MIRROR_TO,), message)
    governing = presence.governing(registry.alias, lifecycles)
    for fault in (
        *alias_faults(written, registry, governing),
        *mlflow_stage_faults(written, registry, governing),
    ):
        yield Fault((_MIRROR_TO, *fault.path), fault.message)
    known = tuple(dict.fromkeys(name for one in governing for name in one.stages))
    for stage in registry.presence:
        if stage not in known:
            message = f"no lifecycle of {registry.alias} has the stage {stage}"
            yield Fault((_PRESENCE, stage), message + did_you_mean(stage, known))
    if not (presence.mirrored(registry) or presence.asked(registry)):
        if registry.presence:
            message = "no tag stands for a stage: put presence into mirror_to or requests_from"
            yield Fault((_PRESENCE,), message)
        return
    for lifecycle in governing:
        yield from _key_faults(registry, lifecycle)


def bind_faults(lifecycle: Lifecycle, configuration: Configuration) -> Iterator[Fault]:
    """Return which of a lifecycle's globs bind a tag that stands for a stage, or `approval`."""
    registries = [
        one
        for one in configuration.registries.values()
        if presence.governing(one.alias, [lifecycle])
    ]
    own = {key: one for one in registries for key in sorted(presence.heard(one, [lifecycle]))}
    for index, glob in enumerate(lifecycle.bind):
        found = next((key for key in own if fnmatchcase(key, glob)), None)
        if found is not None:
            message = (
                f"'{glob}' binds the tag {found}, which says the stage in registry "
                f"{own[found].alias} and changes as Stageward answers"
            )
            yield Fault(("bind", index), message)


def _key_faults(registry: RegistryConfiguration, lifecycle: Lifecycle) -> Iterator[Fault]:
    """Keys are compared without regard to case, as some registries do."""
    owners: dict[str, str] = {}
    listed = _MIRROR_TO if presence.mirrored(registry) else _REQUESTS_FROM
    given_last = sorted(lifecycle.stages, key=lambda stage: stage in registry.presence)
    for stage in given_last:
        key = presence.key(registry, stage)
        path = (_PRESENCE, stage) if stage in registry.presence else (listed,)
        owner = owners.setdefault(key.casefold(), stage)
        if key.casefold() in _RESERVED:
            message = f"'{key}' is a tag with another meaning; give {stage} another key"
            yield Fault(path, f"{message} under presence")
        elif owner != stage:
            message = f"'{key}' stands for {owner} already; give {stage} another key"
            yield Fault(path, f"{message} under presence")
