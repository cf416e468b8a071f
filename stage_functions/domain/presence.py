"""Tags whose keys stand for stages: `none`, `staging`, `prod`, and `approval=prod-approved`.

A key that is there says the stage, whatever its value. Which keys a version carries is written as
one text, the names of their stages in the order of the file: `None, Staging`. So nothing that the
ledger keeps depends on how a key is spelt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from stage_functions.domain.configuration import Mirror, RegistryConfiguration, Source
from stage_functions.domain.lifecycle import Lifecycle

PRESENCE = "presence"
"""In `base` and `asked`: the stages whose keys a version carries."""
APPROVAL = "approval"
"""Key of the tag that says by which approval a version stands where it stands."""
TRUE = "true"
"""Value of a key that Stageward sets."""
_SEPARATOR = ", "


def mirrored(registry: RegistryConfiguration) -> bool:
    """Tell whether these tags are Stageward's own in a registry."""
    return Mirror.PRESENCE in registry.mirror_to


def asked(registry: RegistryConfiguration) -> bool:
    """Tell whether such a tag may ask for its stage."""
    return Source.PRESENCE in registry.requests_from


def key(registry: RegistryConfiguration, stage: str) -> str:
    """Return the key that stands for a stage."""
    return registry.presence.get(stage, stage.lower())


def keys(registry: RegistryConfiguration, lifecycle: Lifecycle) -> dict[str, str]:
    """Return the key of each stage, in the order of the file."""
    return {stage: key(registry, stage) for stage in lifecycle.stages}


def approval(registry: RegistryConfiguration, stage: str) -> str:
    """Return what `approval` says of a version that reached a stage by an approval."""
    return f"{key(registry, stage)}-approved"


def seen(tags: Mapping[str, str], registry: RegistryConfiguration, lifecycle: Lifecycle) -> str:
    """Return the stages whose keys are there, as one text; "" where none is."""
    found = [stage for stage, name in keys(registry, lifecycle).items() if name in tags]
    return _SEPARATOR.join(found)


def stages(text: str | None) -> tuple[str, ...]:
    """Return the stages that such a text names, the furthest last."""
    return tuple(text.split(_SEPARATOR)) if text else ()


def furthest(text: str | None) -> str:
    """Return the stage that is furthest in the order of the file; "" where none is named."""
    return stages(text)[-1] if text else ""


def governing(alias: str, lifecycles: Iterable[Lifecycle]) -> tuple[Lifecycle, ...]:
    """Return the lifecycles that may govern an asset of a registry."""
    return tuple(
        one
        for one in lifecycles
        if any(fnmatchcase(alias, glob.partition("/")[0]) for glob in one.applies_to)
    )


def heard(registry: RegistryConfiguration, lifecycles: Iterable[Lifecycle]) -> frozenset[str]:
    """Return the keys of a registry that are worth a reading when one of them changes."""
    if not (mirrored(registry) or asked(registry)):
        return frozenset()
    found = [
        name
        for one in governing(registry.alias, lifecycles)
        for name in keys(registry, one).values()
    ]
    return frozenset((*found, APPROVAL) if mirrored(registry) else found)
