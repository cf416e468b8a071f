"""Azure resource ids: whose they are, and which version they name.

Azure compares ids without regard to case and changes the case of parts at will, so ids are
compared folded. Names of assets count by case here and keep the spelling that was delivered.
Nothing is looked up: whether such a registry or version exists is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from stage_functions.domain.asset import Kind, Version
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


def version(alias: str, kind: Kind, text: str) -> Version | Ignored:
    """Read `name:version` of a registry; ignored if no registry allows such a name."""
    name, _, number = text.rpartition(":")
    unfit = any(_UNFIT.search(part) or part.strip() in ("", ".", "..") for part in (name, number))
    try:
        read = Version.parse(f"{alias}/{kind}/{text}")
    except InvalidInputError:
        unfit = True
    return Ignored(f"{shown(text)} names no version") if unfit else read


def located(resource: str, known: Mapping[str, str]) -> Version | Ignored:
    """Read the resource id of a version.

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
    kind = next((kind for kind in Kind if kind == segments[0].lower()), None)
    if kind is None:
        return Ignored(f"{shown(segments[0])} is no kind of asset")
    match segments[1:]:
        case [name, versions, number] if versions.lower() == "versions" and name and number:
            return version(alias, kind, f"{name}:{number}")
        case [_]:
            return Ignored("a container was written, not a version")
        case _:
            return Ignored(f"{shown(resource)} names no version")
