"""An Azure ML workspace or registry as a registry: read, edited and listed at its REST API.

Decides which calls the port comes to. Documents are read and changed by `azureml_codec`, pages for
the scan are made by `azureml_listing`, edits are made by `azureml_edit`, and what failures mean is
in `azureml_errors`. The calls go through the pipeline of azure-core and not through azure-ai-ml,
whose entities lose fields and bring archived versions back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from azure.core.credentials import TokenCredential

from stage_functions.adapters.azureml_api import AzureMlApi
from stage_functions.adapters.azureml_cloud import PUBLIC, Cloud
from stage_functions.application.ports.registry import Decide, Deployment, Output, Page
from stage_functions.domain.asset import Kind, Snapshot, Version
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.places import Places

PAGE_VERSIONS = 1000


class AzureMlRegistry:
    """The `Registry` of an Azure ML workspace or registry. Safe to share between threads."""

    def __init__(
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

        Raises:
            ConfigurationError: the address is no such id.
        """
        self._alias = alias
        self._credential = credential
        self._cloud = cloud
        self._aliases = dict(aliases or {})
        self._api = AzureMlApi(address, credential, cloud, timeout_seconds)
