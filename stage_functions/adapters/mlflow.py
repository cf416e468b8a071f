"""An MLflow server as a registry: read, tagged and listed over its REST API.

Decides how MLflow's models and versions become Stageward's. What is known of a version besides
is gathered by `mlflow_evidence`; what failures mean is in `mlflow_http`.

Facts of MLflow that shape it:

- Whoever asks for version 01 gets version 1, and some databases compare names without regard to
  case: an answer counts only if it names exactly the version that was asked for.
- No search finds names behind a given one, the order of names is the database's own, and links to
  pages shift when a model is deleted. So a page of ours begins with all names, in our order, and
  goes on with the versions of the next of them.
- Older servers (before 3.16) do not search for several names at once; then they are asked singly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx

from stage_functions.adapters.mlflow_evidence import gather
from stage_functions.adapters.mlflow_http import NO_SUCH, MlflowApi, MlflowRefusedError
from stage_functions.adapters.mlflow_webhook import ensure_webhook
from stage_functions.application.ports.registry import Page
from stage_functions.domain.asset import Asset, Kind, Snapshot, Version
from stage_functions.domain.error import NotFoundError, RegistryUnavailableError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.observation import STAGE, STAGE_GOVERNOR
from stage_functions.wire.document import entries, integer, member, text

PAGE_VERSIONS = 1000
_NAMES_A_CALL = 1000
_VERSIONS_A_CALL = 10_000
_FILTER_CHARACTERS = 3000
"""Of a percent-encoded search: servers and proxies take request lines of 4,000 and more."""
_NUMBER = re.compile(r"[1-9][0-9]{0,9}\Z")
_MAX_NUMBER = 2**31 - 1
_PLAIN = re.compile(r"[\w .@%+-]+\Z")
_REFUSED_NAMES = (".", "..")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRITTEN: Mapping[str, int] = {STAGE: 0, STAGE_GOVERNOR: 2}
"""The stage first, since others read it; the governor last, since it vouches for the rest."""


class MlflowRegistry:
    """The `Registry` of an MLflow server. Safe to share between threads."""

    def __init__(
        self,
        alias: str,
        address: str,
        *,
        username: str = "",
        password: str = "",
        token: str = "",
        timeout_seconds: float = 10,
        page_versions: int = PAGE_VERSIONS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            alias: the registry's, first part of its assets' names.
            address: URL of the server, with the path it is served under, if any.
            username: for basic authentication, with `password`.
            password: see `username`.
            token: sent as a bearer; goes before `username`.
            timeout_seconds: for connecting, for sending, and for each part of an answer.
            page_versions: about how many versions a page of `versions` holds.
            transport: what carries the requests; the network if None.

        Raises:
            ConfigurationError: the address is no URL of a server, or the token cannot be sent.
        """
        self._alias = alias
        self._page_versions = page_versions
        self._searches_lists = True
        self._api = MlflowApi(
            address,
            username=username,
            password=password,
            token=token,
            timeout_seconds=timeout_seconds,
            transport=transport,
        )

    def read(self, version: Version) -> Snapshot | None:
        """Return the version as it is now: one HTTP call.

        Raises:
            NotFoundError: MLflow has no assets of this kind, or the registry is another.
            RegistryUnavailableError, RegistryRefusedError: as the port says.
        """
        self._own(version.asset)
        if not _possible(version):
            return None
        params = {"name": version.asset.name, "version": version.number}
        try:
            answer = self._api.get("model-versions/get", params)
        except MlflowRefusedError as refusal:
            if refusal.code != NO_SUCH:
                raise
            return None
        snapshot = self._snapshot(member(answer, "model_version"))
        return snapshot if snapshot.version == version else None

    def evidence(self, snapshot: Snapshot) -> Evidence:
        """Return what is known of a version: two HTTP calls, three where its run has no metrics.

        Raises:
            NotFoundError, RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        self._own(snapshot.version.asset)
        return gather(self._api, snapshot)

    def write_tags(self, version: Version, tags: Mapping[str, str]) -> None:
        """Set these tags and no others: one HTTP call each, `stage` first, `stage_governor` last.

        Raises:
            NotFoundError, RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        self._own(version.asset)
        named = {"name": version.asset.name, "version": version.number}
        for key in sorted(tags, key=lambda key: _WRITTEN.get(key, 1)):
            tag = {**named, "key": key, "value": tags[key]}
            self._api.send("POST", "model-versions/set-tag", tag)

    def versions(self, after: str = "") -> Page:
        """Return the next assets behind a cursor, about a thousand versions of them.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as the port says.
        """
        ahead = [(name, most) for name, most in self._models() if _cursor(name) > _behind(after)]
        names: list[str] = []
        counted = 0
        for name, most in ahead:
            if names and counted + most > self._page_versions:
                break
            names.append(name)
            counted += most
        found: dict[str, list[Snapshot]] = {name: [] for name in names}
        for condition in self._conditions(names):
            for snapshot in self._search(condition):
                if snapshot.version.asset.name in found:
                    found[snapshot.version.asset.name].append(snapshot)
        listed = tuple(snapshot for name in names for snapshot in found[name])
        return Page(listed, f"{Kind.MODELS}/{names[-1]}" if len(names) < len(ahead) else "")

    def ensure_webhook(self, url: str, secret: str) -> str:
        """Make MLflow deliver its events to a URL, signed; return the webhook's id there.

        Raises:
            ConfigurationError: the environment of the MLflow server forbids it; the message names
                the setting.
            RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        return ensure_webhook(self._api, self._alias, url, secret)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()
