"""Azure resource ids: whose they are, and what they name.

Azure compares ids without regard to case and changes the case of parts at will, so ids are
compared folded. Names of assets count by case here and keep the spelling that was delivered.
Nothing is looked up: whether such a registry or version exists is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from stage_functions.domain.asset import Kind, Version, is_name
from stage_functions.domain.configuration import RegistryConfiguration, RegistryType
from stage_functions.domain.error import InvalidInputError

_REGISTRY = re.compile(
    r"(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.machinelearningservices"
    r"/(?:workspaces|registries)/[^/]+)(?:/(.*))?\Z",
    re.IGNORECASE | re.DOTALL,
)
_UNFIT = re.compile(r"[/\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SHOWN_CHARACTERS = 120


class Ignored(Struct, frozen=True):
    """Why something delivered is acknowledged unread.

    Attributes:
        why: one short sentence.
    """

    why: str


def shown(text: str) -> str:
    """Return delivered text as messages may print it: quoted, escaped, cut."""
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
    return repr(cut)


def folded(resource: str) -> str:
    """Return a resource id as it is compared: lower case, no slash at the end."""
    return f"/{resource.strip('/').lower()}"


def addresses(registries: Mapping[str, RegistryConfiguration]) -> dict[str, str]:
    """Return the alias of each Azure ML registry by its folded resource id."""
    return {
        folded(registry.address): alias
        for alias, registry in registries.items()
        if registry.type is RegistryType.AZUREML
    }


def agreed(one: str, other: str) -> str | None:
    """Return the spelling to believe of two that should be the same; None if they contradict.

    Where they differ by case only, an all lower-case copy yields to the other: folding loses the
    spelling, and nothing invents one.
    """
    if one == other or other == one.lower():
        return one
    return other if one == other.lower() else None


class Resource(Struct, frozen=True):
    """What a resource id names within a registry of the configuration.

    Attributes:
        registry: the registry's alias.
        type: which type of resource, folded, such as `models/versions`; "" for the registry itself.
        names: one for each part of the type, as delivered; one less where the id ends in a type.
    """

    registry: str
    type: str
    names: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Each part of the type has a name that something can have."""
        parts = self.type.count("/") + 1
        return len(self.names) == parts and all(is_fit(name) for name in self.names)


def is_fit(name: str) -> bool:
    """Tell whether a registry may have given such a name to anything."""
    return is_name(name) and not _UNFIT.search(name) and name.strip() not in ("", ".", "..")


def version(alias: str, kind: Kind, text: str) -> Version | Ignored:
    """Read `name:version` of a registry; ignored if no registry allows such a name."""
    name, _, number = text.rpartition(":")
    unfit = not (is_fit(name) and is_fit(number))
    try:
        read = Version.parse(f"{alias}/{kind}/{text}")
    except InvalidInputError:
        unfit = True
    return Ignored(f"{shown(text)} names no version") if unfit else read


def located(resource: str, known: Mapping[str, str]) -> Resource | Ignored:
    """Read a resource id.

    Args:
        resource: the id, in any case.
        known: what `addresses` returns.
    """
    match = _REGISTRY.match(f"/{resource.strip('/')}")
    if match is None:
        return Ignored(f"{shown(resource)} is in no workspace or registry of Azure ML")
    alias = known.get(folded(match[1]))
    if alias is None:
        return Ignored(f"{shown(match[1])} is no registry of the configuration")
    segments = (match[2] or "").split("/")
    return Resource(alias, "/".join(segments[::2]).lower(), tuple(segments[1::2]))


def respelled(one: Resource, other: Resource) -> Resource | None:
    """Return the better spelling of two ids that differ by case only; None if they contradict."""
    names = agreed("/".join(one.names), "/".join(other.names))
    return None if names is None else Resource(one.registry, one.type, tuple(names.split("/")))
