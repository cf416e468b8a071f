"""An MLflow server as a registry: read, tagged and listed over its REST API.

Decides which calls the port comes to. Documents are read by `mlflow_codec`, evidence is gathered by
`mlflow_evidence`, pages for the scan are made by `mlflow_listing`, and what failures mean is in
`mlflow_http`. Some databases compare names without regard to case, so an answer counts only if it
names exactly the version that was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import httpx

from stage_functions.adapters import mlflow_codec
from stage_functions.adapters.mlflow_evidence import gather
from stage_functions.adapters.mlflow_http import NO_SUCH, MlflowApi, MlflowRefusedError
from stage_functions.adapters.mlflow_listing import Listing
from stage_functions.adapters.mlflow_webhook import ensure_webhook
from stage_functions.application.clocks import Heard, deaf
from stage_functions.application.ports.registry import Decide, Deployment, Output, Page
from stage_functions.domain.asset import Asset, Kind, Snapshot, Version
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.error import (
    NotFoundError,
    RegistryRefusedError,
    RegistryUnavailableError,
)
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.observation import STAGE, STAGE_GOVERNOR
from stage_functions.domain.places import Places
from stage_functions.wire.document import member

PAGE_VERSIONS = 1000
_WRITTEN: Mapping[str, int] = {STAGE: 0, STAGE_GOVERNOR: 2}
"""The stage first, since others read it; the governor last, since it vouches for the rest."""


class MlflowRegistry:
    """The `Registry` of an MLflow server. Safe to share between threads."""

    def __init__(  # noqa: PLR0913  # nearly all by name
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
        heard: Heard = deaf,
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
            heard: takes the headers of every answer.

        Raises:
            ConfigurationError: the address is no URL of a server, or the token cannot be sent.
        """
        self._alias = alias
        self._api = MlflowApi(
            address,
            username=username,
            password=password,
            token=token,
            timeout_seconds=timeout_seconds,
            transport=transport,
            heard=heard,
        )
        self._listing = Listing(self._api, alias, page_versions)

    def read(self, version: Version) -> Snapshot | None:
        """Return the version as it is now: one HTTP call.

        Raises:
            NotFoundError: MLflow has no assets of this kind, or the registry is another.
            RegistryUnavailableError, RegistryRefusedError: as the port says.
        """
        self._own(version.asset)
        if not mlflow_codec.possible(version):
            return None
        params = {"name": version.asset.name, "version": version.number}
        try:
            answer = self._api.get("model-versions/get", params)
        except MlflowRefusedError as refusal:
            if refusal.code != NO_SUCH:
                raise
            return None
        try:
            found = mlflow_codec.snapshot(member(answer, "model_version"), self._alias)
        except ValueError as exc:
            message = f"{self._api.name} answered {exc}"
            raise RegistryUnavailableError(message) from exc
        return found if found.version == version else None

    def evidence(self, snapshot: Snapshot) -> Evidence:
        """Return what is known of a version: two HTTP calls, three where its run has no metrics.

        One more where its run took in a model that was logged elsewhere.

        Raises:
            NotFoundError, RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        self._own(snapshot.version.asset)
        return gather(self._api, snapshot)

    def links(self, version: Version, evidence: Evidence) -> Places:
        """Return the pages of MLflow's own user interface, version 3."""
        root = f"{self._api.address}/#"
        asset, number = version.asset, version.number
        page = f"{root}/models/{_part(asset.name)}/versions/{_part(number)}"
        experiment, job, model = (
            _part(str(evidence.section(section).get(key, "")))
            for section, key in (("job", "experiment"), ("job", "id"), ("model", "model_id"))
        )
        if not experiment:
            return Places(page)
        place = f"{root}/experiments/{experiment}"
        return Places(
            page,
            f"{place}/runs/{job}" if job else "",
            place,
            f"{place}/models/{model}" if model else "",
        )

    def edit(self, version: Version, decide: Decide) -> Snapshot | None:
        """Read, change what is decided on that, and read again: two HTTP calls, one more a tag.

        The tag `stage` is written first, `stage_governor` last; MLflow's own stage, aliases and the
        description, which are one call more each, before that. MLflow hides no versions. To set an
        alias takes it from the version that has it. To delete one takes it from whichever version
        has it by then: MLflow cannot be told from which.

        Raises:
            NotFoundError, RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        found = self.read(version)
        edit = None if found is None else decide(found)
        if edit is None:
            return found
        named = {"name": version.asset.name, "version": version.number}
        keys = sorted(edit.tags, key=lambda key: _WRITTEN.get(key, 1))
        for key in keys:
            if key != STAGE_GOVERNOR:
                self._write(named, key, edit.tags[key])
        if edit.native_stage is not None:
            moved = {**named, "stage": edit.native_stage, "archive_existing_versions": False}
            self._api.send("POST", "model-versions/transition-stage", moved)
        for alias, has in edit.aliases.items():
            self._alias_write(named, alias, has=has)
        if edit.description is not None:
            described = {**named, "description": edit.description}
            self._api.send("PATCH", "model-versions/update", described)
        if STAGE_GOVERNOR in edit.tags:
            self._write(named, STAGE_GOVERNOR, edit.tags[STAGE_GOVERNOR])
        return self.read(version)

    def versions(self, after: str = "") -> Page:
        """Return the next assets behind a cursor, about a thousand versions of them.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as the port says.
        """
        return self._listing.page(after)

    def ensure_webhook(self, url: str, secret: str, *, aliases: bool = False) -> str:
        """Make MLflow deliver its events to a URL, signed; return the webhook's id there.

        Args:
            url: where to.
            secret: what they are signed with.
            aliases: events about aliases too.

        Raises:
            ConfigurationError: the environment of the MLflow server forbids it; the message names
                the setting.
            RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        return ensure_webhook(self._api, self._alias, url, secret, aliases=aliases)

    def identities(self) -> frozenset[str]:
        """Return none: the deliveries of MLflow name nobody."""
        return frozenset()

    def endpoints(self) -> tuple[str, ...]:
        """Return none: MLflow knows of no endpoints."""
        return ()

    def deployments(self, endpoint: str) -> tuple[Deployment, ...]:  # noqa: ARG002  # the port's
        """Return none: MLflow knows of no endpoints."""
        return ()

    def take_traffic(self, endpoint: str, deployment: str) -> None:
        """Do nothing: MLflow has no endpoint."""

    def outputs(self, job: str) -> tuple[Output, ...]:  # noqa: ARG002  # the port's
        """Return none: no event of MLflow says that a run has ended."""
        return ()

    def copy(self, snapshot: Snapshot, target: RegistryConfiguration) -> None:
        """Refuse: what one MLflow server holds, no other can take over.

        Raises:
            RegistryRefusedError: always.
        """
        message = f"{snapshot.version} is on an MLflow server: it is not copied to {target.alias}"
        raise RegistryRefusedError(message)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _write(self, named: Mapping[str, str], key: str, value: str | None) -> None:
        if value is not None:
            self._api.send("POST", "model-versions/set-tag", {**named, "key": key, "value": value})
            return
        try:
            self._api.send("DELETE", "model-versions/delete-tag", {**named, "key": key})
        except MlflowRefusedError as refusal:
            if refusal.code != NO_SUCH:  # somebody else has removed it
                raise

    def _alias_write(self, named: Mapping[str, str], alias: str, *, has: bool) -> None:
        path = "registered-models/alias"
        if has:
            self._api.send("POST", path, {**named, "alias": alias})
        else:  # that there is none is no error to MLflow
            self._api.send("DELETE", path, {"name": named["name"], "alias": alias})

    def _own(self, asset: Asset) -> None:
        if asset.registry != self._alias or asset.kind is not Kind.MODELS:
            message = f"registry {self._alias} is an MLflow server: it has models, not {asset}"
            raise NotFoundError(message)


def _part(text: str) -> str:
    """Return a text as one part of an address, as browsers encode it."""
    return quote(text.encode(errors="replace"), safe="")
