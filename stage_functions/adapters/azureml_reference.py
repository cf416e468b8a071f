"""How Azure ML names a version, and which of Stageward's that is.

A version of a workspace is named by its resource id, by `azureml:<name>:<version>` where the kind
is clear, or by the id of the workspace that only Azure ML knows; one of a registry by the name of
that. Keywords and ids of resources are compared without regard to case, names of assets are not.
Labels, such as `@latest`, name no version. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.error import InvalidInputError

_SCHEME = "azureml:"
_VERSION = r"/(?P<kind>[a-z]+)/(?P<name>[^/]+)/versions/(?P<number>[^/]+)/?\Z"
_WORKSPACE = re.compile(
    r"/*subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)"
    r"(?:/providers/Microsoft\.MachineLearningServices)?/workspaces/(?P<place>[^/]+)" + _VERSION,
    re.IGNORECASE,
)
_REGISTRY = re.compile(r"//registries/(?P<place>[^/]+)" + _VERSION, re.IGNORECASE)
_LOCATED = re.compile(r"//locations/[^/]+/workspaces/(?P<place>[^/]+)" + _VERSION, re.IGNORECASE)
_SHORT = re.compile(r"(?P<name>[^/:@]+):(?P<number>[^/:@]+)\Z")
_RESOURCE = re.compile(
    r"/*subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)"
    r"/providers/[^/]+/(?P<plural>workspaces|registries)/(?P<place>[^/]+)/?\Z",
    re.IGNORECASE,
)
_Place = tuple[str, ...]


class Names:
    """The registries of a configuration, by what Azure ML calls them."""

    def __init__(self, alias: str, aliases: Mapping[str, str]) -> None:
        """Take the resource ids of all of them.

        Args:
            alias: of the one in whose documents names are read.
            aliases: by resource id of a workspace or registry.
        """
        self._alias = alias
        self._aliases: dict[_Place, str] = {}
        for address, one in aliases.items():
            found = _RESOURCE.match(address)
            if found:
                self._aliases.setdefault(_place(found), one)

    def version(self, text: str, kind: Kind | None = None, guid: str = "") -> Version | None:
        """Return the version that a name names; None where it is no version of a known registry.

        Args:
            text: the name.
            kind: of what is named by name and version alone.
            guid: the own workspace's id, where it is known.
        """
        bare = text[len(_SCHEME) :] if text.lower().startswith(_SCHEME) else text
        for form in (_WORKSPACE, _REGISTRY, _LOCATED):
            found = form.match(bare)
            if found:
                return _version(self._known(form, found, guid), found["kind"], found)
        short = _SHORT.match(bare)
        return _version(self._alias, kind, short) if short and kind else None

    def _known(self, form: re.Pattern[str], found: re.Match[str], guid: str) -> str:
        if form is _LOCATED:
            return self._alias if guid and found["place"].lower() == guid.lower() else ""
        return self._aliases.get(_place(found), "")


def _place(found: re.Match[str]) -> _Place:
    """Return what a workspace or registry is compared by: a registry's name is everybody's."""
    parts = found.groupdict()
    plural = parts.get("plural") or ("workspaces" if "subscription" in parts else "registries")
    if plural.lower() == "registries":
        return (parts["place"].lower(),)
    return tuple(parts[key].lower() for key in ("subscription", "group", "place"))


def _version(alias: str, kind: str | None, found: re.Match[str]) -> Version | None:
    if not alias or not kind:
        return None
    name, number = found["name"], found["number"]
    try:
        return Version.parse(f"{Asset(alias, Kind(kind.lower()), name)}:{number}")
    except (InvalidInputError, ValueError):
        return None
