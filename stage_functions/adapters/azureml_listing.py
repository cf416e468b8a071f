"""All versions of a workspace or registry, page by page, for the scan.

Decides what a page holds and what is asked in parallel. Facts of Azure ML that shape it:

- A list of assets tells their names and not their versions; so each asset is asked for singly.
- Lists come newest first, and pages shift when something is made. So all names are listed once at
  the beginning of a pass, put in our order, and kept until its end; only names are.
- Archived and anonymous versions are listed where `listViewType` is `All`; registries list them
  whatever is asked.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from msgspec import Struct

from stage_functions.adapters.azureml_api import AzureMlApi
from stage_functions.adapters.azureml_errors import AzureMlMissingError
from stage_functions.application.ports.registry import Page
from stage_functions.domain.asset import Asset, Kind, Snapshot
from stage_functions.wire.document import integer, text

Load = Callable[[object, Asset], Snapshot | None]
"""Reads a version of an asset; None where it is of another."""

_NOWHERE = ("", ".", "..")
"""Names that would leave their place in an address."""
_ALL = {"listViewType": "All"}
_THREADS = 4
_AHEAD = 8
"""Assets that are asked for before it is known that the page has room for them."""
_PLAUSIBLE = 1000
"""A higher number of a version is a date or the like, and no count."""
_KEPT_SECONDS = 900


class Listed(Struct, frozen=True, order=True):
    """An asset of a list.

    Attributes:
        kind: of it.
        name: of it.
        versions: about how many it has, at least 1.
    """

    kind: Kind
    name: str
    versions: int = 1


class Listing:
    """Lists the versions of a workspace or registry. Safe to share between threads."""

    def __init__(
        self, api: AzureMlApi, alias: str, kinds: Sequence[Kind], page_versions: int, load: Load
    ) -> None:
        """Remember what to list; nothing is sent yet.

        Args:
            api: of the workspace or registry.
            alias: of the registry.
            kinds: that are listed.
            page_versions: about how many versions a page holds; an asset is never split.
            load: how a version is read.
        """
        self._api = api
        self._alias = alias
        self._kinds = sorted(kinds)
        self._page_versions = page_versions
        self._load = load
        self._lock = threading.Lock()
        self._names: list[Listed] = []
        self._until = 0.0

    def page(self, after: str) -> Page:
        """Return the next assets behind a cursor.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as the port says.
        """
        names = self._behind(after)
        found: list[Snapshot] = []
        done = sent = 0
        asked: deque[Future[list[Snapshot]]] = deque()
        with ThreadPoolExecutor(_THREADS) as pool:
            try:
                while done < len(names) and len(found) < self._page_versions:
                    while sent < len(names) and self._room(len(found), names[done:sent]):
                        asked.append(pool.submit(self._versions, names[sent]))
                        sent += 1
                    found += asked.popleft().result()
                    done += 1
            finally:
                pool.shutdown(cancel_futures=True)
        if done < len(names):
            return Page(tuple(found), f"{names[done - 1].kind}/{names[done - 1].name}")
        self._forget()
        return Page(tuple(found), "")

    def _room(self, found: int, asked: Sequence[Listed]) -> bool:
        """Tell whether one more asset may be asked for; always where none is."""
        coming = found + sum(one.versions for one in asked)
        return not asked or (len(asked) < _AHEAD and coming < self._page_versions)

    def _behind(self, after: str) -> list[Listed]:
        """Return the assets behind a cursor, as they were when the pass began."""
        with self._lock:
            if not after or time.monotonic() > self._until:
                self._names = sorted(self._listed())
                self._until = time.monotonic() + _KEPT_SECONDS
            kind, _, name = after.partition("/")
            first = bisect_right(self._names, (kind, name), key=lambda one: (one.kind, one.name))
            return self._names[first:]

    def _forget(self) -> None:
        with self._lock:
            self._names, self._until = [], 0.0

    def _listed(self) -> Iterator[Listed]:
        """Return every asset once."""
        for kind in self._kinds:
            found: dict[str, Listed] = {}
            try:
                for row in self._api.rows(kind, params=_ALL):
                    name = text(row, "name")
                    if name not in _NOWHERE:
                        found[name] = Listed(kind, name, _count(row))
            except AzureMlMissingError as exc:
                self._api.check_there(exc)
                raise
            yield from found.values()

    def _versions(self, listed: Listed) -> list[Snapshot]:
        """Return the versions of an asset, the oldest first; none where it is gone."""
        asset = Asset(self._alias, listed.kind, listed.name)
        try:
            rows = list(self._api.rows(listed.kind, listed.name, "versions", params=_ALL))
        except AzureMlMissingError as exc:
            self._api.check_there(exc)
            return []
        read = (self._load(row, asset) for row in rows)
        found = {one.version: one for one in read if one is not None}
        return sorted(found.values(), key=_age)


def _age(one: Snapshot) -> tuple[object, ...]:
    number = one.version.number
    return one.created_at, len(number), number


def _count(row: object) -> int:
    """Return about how many versions an asset has."""
    following = integer(row, "properties", "nextVersion") or 1
    return max(1, following - 1) if following <= _PLAUSIBLE else 1
