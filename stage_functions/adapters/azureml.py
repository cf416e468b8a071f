"""An Azure ML workspace or registry as a registry: read, edited and listed at its REST API.

Decides which calls the port comes to. Documents are read and changed by `azureml_codec`, pages for
the scan are made by `azureml_listing`, edits are made by `azureml_edit`, and what failures mean is
in `azureml_errors`. The calls go through the pipeline of azure-core and not through azure-ai-ml,
whose entities lose fields and bring archived versions back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from azure.core.credentials import TokenCredential

from stage_functions.adapters import azureml_codec
from stage_functions.adapters.azureml_api import AzureMlApi
from stage_functions.adapters.azureml_cloud import PUBLIC, Cloud
from stage_functions.adapters.azureml_codec import Document
from stage_functions.adapters.azureml_copy import copy, opening
from stage_functions.adapters.azureml_deployments import deployments, endpoints, take_traffic
from stage_functions.adapters.azureml_edit import Editor
from stage_functions.adapters.azureml_evidence import Source, gather
from stage_functions.adapters.azureml_facts import facts
from stage_functions.adapters.azureml_links import registry_places, workspace_places
from stage_functions.adapters.azureml_listing import Listing
from stage_functions.adapters.azureml_memory import Memory
from stage_functions.adapters.azureml_outputs import outputs
from stage_functions.adapters.azureml_reference import Names
from stage_functions.adapters.azureml_sdk import AzureMlSdk
from stage_functions.adapters.azureml_tracking import Tracking
from stage_functions.application.clocks import Heard, deaf
from stage_functions.application.ports.registry import Decide, Deployment, Output, Page
from stage_functions.domain.asset import Asset, Kind, Snapshot, Version
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.error import NotFoundError, RegistryUnavailableError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.places import Places

PAGE_VERSIONS = 1000


class AzureMlRegistry:
    """The `Registry` of an Azure ML workspace or registry. Safe to share between threads."""

    def __init__(  # noqa: PLR0913  # nearly all by name
        self,
        alias: str,
        address: str,
        credential: TokenCredential,
        *,
        cloud: Cloud = PUBLIC,
        kinds: Sequence[Kind] = tuple(Kind),
        aliases: Mapping[str, str] | None = None,
        timeout_seconds: float = 10,
        page_versions: int = PAGE_VERSIONS,
        heard: Heard = deaf,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            alias: the registry's, first part of its assets' names.
            address: resource id of the workspace or registry, in any case.
            credential: signs in.
            cloud: where it is.
            kinds: that are listed for the scan.
            aliases: of the Azure ML registries of the configuration, by folded resource id, as
                `wire.resource.addresses` returns them.
            timeout_seconds: how long a call to it may take, repeats included.
            page_versions: about how many versions a page of `versions` holds.
            heard: takes the headers of every answer.

        Raises:
            ConfigurationError: the address is no such id.
        """
        self._alias = alias
        self._api = AzureMlApi(address, credential, cloud, timeout_seconds, heard)
        self._workspace = "" if self._api.is_registry else self._api.resource
        names = Names(alias, {self._api.resource: alias, **(aliases or {})})
        self._source = Source(self._api, Tracking(self._api), names, Memory())
        self._sdk = AzureMlSdk(self._api, credential)
        self._open = opening(credential, self._api, timeout_seconds)
        self._editor = Editor(self._api, self._found)
        self._listing = Listing(self._api, alias, kinds, page_versions, self._load)

    def read(self, version: Version) -> Snapshot | None:
        """Return the version as it is now: one HTTP call; two where there is none.

        Raises:
            NotFoundError: the registry is another.
            RegistryUnavailableError, RegistryRefusedError: as the port says.
        """
        found = self._found(version)
        return None if found is None else found[1]

    def edit(self, version: Version, decide: Decide) -> Snapshot | None:
        """Read, change what is decided on that, and read again: three HTTP calls.

        What may come in between is told in `azureml_edit`.

        Raises:
            NotFoundError, RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        return self._editor.edit(version, decide)

    def versions(self, after: str = "") -> Page:
        """Return the next assets behind a cursor, about a thousand versions of them.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as the port says.
        """
        return self._listing.page(after)

    def evidence(self, snapshot: Snapshot) -> Evidence:
        """Return what is known of a version: two HTTP calls where it has a job, else none.

        One more where it was not read just before, and one in all for where its runs are.

        Raises:
            NotFoundError, RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        self._own(snapshot.version.asset)
        return gather(self._source, snapshot)

    def links(self, version: Version, evidence: Evidence) -> Places:
        """Return the pages of studio, in the directory of Stageward once that is known."""
        studio, tenant = self._api.cloud.studio, self._api.http.tenant
        if self._api.is_registry:
            return registry_places(studio, self._api.place, version, tenant)
        return workspace_places(studio, self._api.resource, version, evidence, tenant)

    def endpoints(self) -> tuple[str, ...]:
        """Return the online and batch endpoints: two HTTP calls, and one for each further page.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        return endpoints(self._api)

    def deployments(self, endpoint: str) -> tuple[Deployment, ...]:
        """Return what an endpoint serves: two HTTP calls, and one for each further page.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        return deployments(self._api, self._source.names, endpoint)

    def take_traffic(self, endpoint: str, deployment: str) -> None:
        """Send no more requests to a deployment; others that get some get its share.

        A batch endpoint has no shares: nothing is done to one.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as `read`; or it is not done in time.
        """
        take_traffic(self._api, self._sdk, endpoint, deployment)

    def outputs(self, job: str) -> tuple[Output, ...]:
        """Return the models that a job has left behind: two HTTP calls.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        return outputs(self._api, self._source.tracking, job)

    def copy(self, snapshot: Snapshot, target: RegistryConfiguration) -> None:
        """Copy a version to another registry of Azure ML; see `azureml_copy` for what is possible.

        Raises:
            RegistryUnavailableError: as `read`; or it is not done in time.
            RegistryRefusedError: as `read`; or Azure ML does not copy this there.
        """
        self._own(snapshot.version.asset)
        copy(self._api, self._sdk, self._open, snapshot, target)

    def identities(self) -> frozenset[str]:
        """Return the ids of Stageward's own token; none as long as it cannot sign in."""
        return self._api.http.identity().ids

    def close(self) -> None:
        """Close the connections."""
        self._sdk.close()
        self._api.close()

    def _found(self, version: Version) -> tuple[Document, Snapshot] | None:
        """Return a version's document, and what that says."""
        asset = version.asset
        self._own(asset)
        if not azureml_codec.possible(version):
            return None
        document = self._api.find(asset.kind, asset.name, "versions", version.number)
        if document is None:
            return None
        snapshot = self._read(document, asset)
        if not azureml_codec.names(document, asset, version.number):
            return None
        self._source.memory.keep(snapshot, facts(asset.kind, document, self._source.names))
        return cast("Document", document), snapshot

    def _load(self, document: object, asset: Asset) -> Snapshot | None:
        """Read a version of a list; None where it is of another asset."""
        snapshot = self._read(document, asset)
        is_own = azureml_codec.names(document, asset, snapshot.version.number)
        return snapshot if is_own else None

    def _read(self, document: object, asset: Asset) -> Snapshot:
        try:
            own = self._api.http.identity()
            return azureml_codec.snapshot(document, asset, own, self._workspace)
        except ValueError as exc:
            message = f"{self._api.name} answered with {exc}: of {asset}"
            raise RegistryUnavailableError(message) from exc

    def _own(self, asset: Asset) -> None:
        if asset.registry != self._alias:
            message = f"registry {self._alias} does not have {asset}"
            raise NotFoundError(message)
