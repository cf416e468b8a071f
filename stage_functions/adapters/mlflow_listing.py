"""All versions of an MLflow server, page by page, for the scan.

Decides what a page holds. Facts of MLflow that shape it:

- No search finds names behind a given one, the order of names is the database's own, and links to
  pages shift when a model is deleted. So each page begins with all names (a call for each thousand
  models), puts them in our order, and goes on with the versions of the next of them.
- A search takes a text in either quotes, and has no way to write both inside it.
- Servers older than 3.17 do not search for several names at once; then they are asked singly.
- Deleted versions are not listed, nor models that carry the tag of a prompt.
- A search for versions does not say which aliases they have; that for names does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.adapters.mlflow_codec import aliases, snapshot
from stage_functions.adapters.mlflow_http import INVALID, MlflowApi, MlflowRefusedError, Params
from stage_functions.application.ports.registry import Page
from stage_functions.domain.asset import Kind, Snapshot
from stage_functions.domain.error import RegistryUnavailableError
from stage_functions.wire.document import entries, integer, text

_NAMES_A_CALL = 1000
_VERSIONS_A_CALL = 10_000
"""MLflow's own default: nearly every asset in one answer, so that nothing shifts in between."""
_FILTER_CHARACTERS = 3000
"""Of a percent-encoded search: servers and proxies take request lines of 4,000 and more."""
_PLAIN = re.compile(r"[\w .@%+-]+\Z")
"""Names that can be listed in a search without another thought."""
_UNWRITABLE = re.compile(r"['\"\\]")


class _Model(Struct, frozen=True):
    """What a search for names says of a model.

    Attributes:
        most: a number that its count of versions cannot exceed.
        aliases: by the number of the version that has them.
    """

    most: int
    aliases: Mapping[str, tuple[str, ...]]


class Listing:
    """Lists the versions of a server. Safe to share between threads."""

    def __init__(self, api: MlflowApi, alias: str, page_versions: int) -> None:
        """Remember what to list; nothing is sent yet.

        Args:
            api: of the server.
            alias: of the registry.
            page_versions: about how many versions a page holds; an asset is never split.
        """
        self._api = api
        self._alias = alias
        self._page_versions = page_versions
        self._finds_lists = True

    def page(self, after: str) -> Page:
        """Return the next assets behind a cursor.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as the port says.
        """
        kind, _, name = after.partition("/")
        models = self._models()
        ahead = sorted(one for one in models if (Kind.MODELS, one) > (kind, name))
        names = _fitting(((one, models[one].most) for one in ahead), self._page_versions)
        found: dict[str, list[Snapshot]] = {name: [] for name in names}
        for group in _groups(names):
            for one in self._versions(group):
                # A database may compare names more loosely than we do.
                if one.version.asset.name in group:
                    own = models[one.version.asset.name].aliases.get(one.version.number, ())
                    found[one.version.asset.name].append(replace(one, aliases=own))
        listed = tuple(one for name in names for one in found[name])
        return Page(listed, f"{Kind.MODELS}/{names[-1]}" if len(names) < len(ahead) else "")

    def _models(self) -> dict[str, _Model]:
        """Return every model by name."""
        params: Params = {"max_results": _NAMES_A_CALL, "order_by": ["name ASC"]}
        return {
            text(row, "name"): _Model(
                max(
                    (integer(one, "version") or 0 for one in entries(row, "latest_versions")),
                    default=0,
                ),
                aliases(row),
            )
            for row in self._search("registered-models/search", "registered_models", params)
        }

    def _versions(self, group: Sequence[str]) -> list[Snapshot]:
        if len(group) > 1 and self._finds_lists:
            names = ", ".join(f"'{name}'" for name in group)
            try:
                return self._matching(f"name IN ({names})")
            except MlflowRefusedError as refusal:
                if refusal.code != INVALID:
                    raise
                self._finds_lists = False
        return [one for name in group for one in self._matching(_exactly(name))]

    def _matching(self, condition: str) -> list[Snapshot]:
        params: Params = {
            "filter": condition,
            "max_results": _VERSIONS_A_CALL,
            "order_by": ["version_number ASC"],
        }
        found = self._search("model-versions/search", "model_versions", params)
        try:
            return [snapshot(row, self._alias) for row in found]
        except ValueError as exc:
            message = f"{self._api.name} lists {exc}"
            raise RegistryUnavailableError(message) from exc

    def _search(self, path: str, key: str, params: Params) -> Iterator[object]:
        token = ""
        while True:
            page = self._api.get(path, {**params, **({"page_token": token} if token else {})})
            yield from entries(page, key)
            token = text(page, "next_page_token")
            if not token:
                return


def _fitting(ahead: Iterable[tuple[str, int]], most: int) -> list[str]:
    """Return the first names whose versions make up a page; always one, if there is any."""
    names: list[str] = []
    for name, versions in ahead:
        most -= versions
        if names and most < 0:
            break
        names.append(name)
    return names


def _groups(names: Iterable[str]) -> Iterator[list[str]]:
    """Split names into what one search can hold; a name that needs a thought is one of its own."""
    group: list[str] = []
    room = _FILTER_CHARACTERS
    for name in names:
        if not _PLAIN.match(name):
            yield [name]
            continue
        needed = len(quote(f"'{name}', "))
        if group and needed > room:
            yield group
            group, room = [], _FILTER_CHARACTERS
        group.append(name)
        room -= needed
    if group:
        yield group


def _exactly(name: str) -> str:
    """Return the search for one name; it may find others, where the name holds both quotes."""
    for mark in ("'", '"'):
        if mark not in name:
            return f"name = {mark}{name}{mark}"
    return f"name LIKE '{_UNWRITABLE.sub('_', name)}'"
