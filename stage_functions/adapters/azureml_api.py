"""A workspace or a registry of Azure ML: where it answers, and whether it is there at all.

Decides which address and which version of the API a call goes to, follows pages and writes that run
long, and tells a missing asset from a missing workspace. It knows nothing of assets.

A workspace answers at the resource manager; a registry at a data plane of its own, which its name
is looked up for before the first call.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode, urlsplit

from azure.core.credentials import TokenCredential

from stage_functions.adapters.azureml_cloud import Cloud
from stage_functions.adapters.azureml_errors import (
    AzureMlFaultError,
    AzureMlMissingError,
    AzureMlRefusedError,
)
from stage_functions.adapters.azureml_http import READ, Answer, AzureHttp
from stage_functions.adapters.sinks import retry_after_seconds
from stage_functions.application.clocks import Heard, deaf
from stage_functions.domain.error import ConfigurationError, RegistryRefusedError
from stage_functions.wire.document import entries, member, text

WORKSPACE_API = "2025-12-01"
"""Stable, and has `stage` on models and environments."""
REGISTRY_API = "2021-10-01-dataplanepreview"
"""The only one that the data plane of registries has; azure-ai-ml sends it too."""

_ADDRESS = re.compile(
    r"/subscriptions/([^/]+)/resourcegroups/([^/]+)/providers/microsoft\.machinelearningservices"
    r"/(workspaces|registries)/([^/]+)",
    re.IGNORECASE,
)
_DATA_PLANE = "mferp/managementfrontend"
_THERE_SECONDS = 60
"""So long a workspace that has answered counts as there."""
_POLL_SECONDS = 0.5
_LEAST_PAUSE_SECONDS = 0.1
"""However soon Azure lets us ask again: what never ends is not to be asked for without a pause."""
_MILLISECONDS = re.compile(r"[0-9]{1,12}\Z")
_ACCEPTED = 202
_SUCCEEDED, _ENDED_BADLY = "succeeded", ("failed", "canceled", "cancelled")

Params = Mapping[str, str | int]


class AzureMlApi:
    """The API of a workspace or a registry. Safe to share between threads.

    Attributes:
        name: as messages name it, such as `Azure ML workspace dev`.
        resource: its resource id, without a slash at the end.
        subscription: from the resource id; so are the next two.
        group: the resource group.
        place: the name of the workspace or registry.
        is_registry: it is a registry, not a workspace.
        cloud: where it is.
        http: sends its requests, to other addresses too.
    """

    def __init__(
        self,
        address: str,
        credential: TokenCredential,
        cloud: Cloud,
        timeout_seconds: float,
        heard: Heard = deaf,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            address: the resource id of a workspace or registry, in any case.
            credential: signs in.
            cloud: where it is.
            timeout_seconds: how long a call may take, repeats included.
            heard: takes the headers of every answer.

        Raises:
            ConfigurationError: the address is no such id.
        """
        self.resource = f"/{address.strip().strip('/')}"
        match = _ADDRESS.fullmatch(self.resource)
        if match is None:
            message = (
                "the address of an azureml registry is the resource id of a workspace or registry"
            )
            raise ConfigurationError(message)
        self.subscription, self.group, kind, self.place = match.groups()
        self.is_registry = kind.lower() == "registries"
        self.name = f"Azure ML {'registry' if self.is_registry else 'workspace'} {self.place}"
        self.cloud = cloud
        self.http = AzureHttp(self.name, credential, cloud, timeout_seconds, heard)
        self._timeout_seconds = timeout_seconds
        self._root = "" if self.is_registry else f"{cloud.resource_manager}{self.resource}"
        self._hosts = frozenset({_host(cloud.resource_manager)})
        self._there_until = 0.0
        self._lock = threading.Lock()

    def url(self, *parts: str, params: Params | None = None) -> str:
        """Return the address of something below the workspace or registry.

        The first call for a registry looks up where it answers.

        Args:
            parts: of the path, each encoded as one.
            params: of the query; the version of the API is added.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: the registry cannot be looked up.
        """
        if not self._root:
            self._discover()
        version = REGISTRY_API if self.is_registry else WORKSPACE_API
        query = urlencode({"api-version": version, **(params or {})}, quote_via=quote)
        path = "".join(f"/{quote(part, safe='')}" for part in parts)
        return f"{self._root}{path}?{query}"

    def get(self, *parts: str, params: Params | None = None) -> object:
        """Return a document below the workspace or registry; raises as `AzureHttp.send`."""
        return self.http.send(READ, self.url(*parts, params=params)).document

    def find(self, *parts: str, params: Params | None = None) -> object | None:
        """Return a document, or None where the workspace has none: one call, two where it is gone.

        Raises:
            RegistryRefusedError: the workspace or registry itself is not there; or as `send`.
            RegistryUnavailableError: as `AzureHttp.send`.
        """
        try:
            found = self.get(*parts, params=params)
        except AzureMlMissingError as exc:
            self.check_there(exc)
            return None
        if found is None:
            message = f"{self.name} answered with nothing where {'/'.join(parts)} should be"
            raise AzureMlFaultError(message)
        return found

    def rows(self, *parts: str, params: Params | None = None) -> Iterator[object]:
        """Return what is on all pages of a list; raises as `AzureHttp.send`, on any of them."""
        link = self.url(*parts, params=params)
        followed: set[str] = set()
        while link not in followed:
            followed.add(link)
            page = self.http.send(READ, link).document
            yield from entries(page, "value")
            link = text(page, "nextLink")
            if not link:
                return
            self._check_own(link)
        message = f"{self.name} lists {'/'.join(parts)} by links in a circle"
        raise AzureMlFaultError(message)

    def put(self, *parts: str, document: object) -> Answer:
        """Write a document and wait until it is written.

        Raises:
            AzureMlFaultError: as `AzureHttp.send`; or it is not done in time.
            AzureMlRefusedError: as `AzureHttp.send`; or the write has failed.
        """
        return self.send("PUT", *parts, document=document)

    def send(self, method: str, *parts: str, document: object = None) -> Answer:
        """Do what may run long, and wait until it is done; raises as `put`."""
        deadline = time.monotonic() + self._timeout_seconds
        answer = self.http.send(method, self.url(*parts), document)
        state = answer.headers.get("Azure-AsyncOperation", "")
        place = answer.headers.get("Location", "") if answer.status == _ACCEPTED else ""
        if state or place:
            self._wait(answer, state or place, deadline, named=bool(state))
        return answer

    def check_there(self, missing: AzureMlMissingError) -> None:
        """Return if the workspace or registry itself answers: what is missing is in it.

        Raises:
            AzureMlRefusedError: it is not there; the message names it.
            RegistryUnavailableError, RegistryRefusedError: as `AzureHttp.send`.
        """
        if time.monotonic() < self._there_until:
            return
        try:
            if self.is_registry:
                self._discover()
            else:
                self.get()
        except AzureMlMissingError as exc:
            message = f"{self.name} is not there, look at its address in the file: {exc}"
            raise AzureMlRefusedError(message, status=exc.status, code=exc.code) from missing
        self._there_until = time.monotonic() + _THERE_SECONDS

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def _discover(self) -> None:
        """Look up where the registry answers."""
        path = f"registrymanagement/v1.0/registries/{quote(self.place, safe='')}/discovery"
        url = f"{self.cloud.registry_discovery}/{path}?api-version=v1.0"
        try:
            found = self.http.send(READ, url).document
        except AzureMlMissingError as exc:
            message = f"{self.name} is not there, look at its address in the file: {exc}"
            raise AzureMlRefusedError(message, status=exc.status, code=exc.code) from exc
        base = text(found, "primaryRegionResourceProviderUri").rstrip("/")
        if not base.lower().startswith("https://"):
            message = f"{self.name}: its discovery names no https address to call it at"
            raise AzureMlFaultError(message)
        regions = member(found, "registryFqdns")
        named = regions.values() if isinstance(regions, dict) else ()
        places = (base, self.cloud.resource_manager, self.cloud.registry_discovery)
        hosts = frozenset(map(_host, (*places, *(text(one, "uri") for one in named))))
        subscription = text(found, "subscriptionId") or self.subscription
        group = text(found, "resourceGroup") or self.group
        with self._lock:
            self._hosts = hosts - {_host("")}
            self._root = (
                f"{base}/{_DATA_PLANE}/subscriptions/{subscription}/resourceGroups/{group}"
                f"/providers/Microsoft.MachineLearningServices/registries/{self.place}"
            )

    def _wait(self, begun: Answer, url: str, deadline: float, *, named: bool) -> None:
        """Ask for an operation until it is over."""
        answer = begun
        while True:
            pause = _pause(answer)
            if time.monotonic() + pause > deadline:
                message = f"{self.name} has begun to write, and is not done yet"
                raise AzureMlFaultError(message)
            time.sleep(pause)
            self._check_own(url)
            answer = self.http.send(READ, url, seconds=max(0.1, deadline - time.monotonic()))
            state = text(answer.document, "status").lower()
            if state in _ENDED_BADLY:
                said = text(answer.document, "error", "message") or state
                code = text(answer.document, "error", "code")
                message = f"{self.name} has begun to write and failed: {code} {said}"
                raise AzureMlRefusedError(message, status=answer.status, code=code)
            if state == _SUCCEEDED or (not named and answer.status != _ACCEPTED):
                return

    def _check_own(self, link: str) -> None:
        """Refuse to send a token to another host than those configured, or named by discovery."""
        if _host(link) not in self._hosts:
            message = f"{self.name} sends us to another host: {_host(link)[1][:200]}"
            raise RegistryRefusedError(message)


def _host(address: str) -> tuple[str, str]:
    """Return scheme, and host with port, of an address; of one that is none, nothing."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "", ""
    return parts.scheme.lower(), parts.netloc.lower()


def _pause(answer: Answer) -> float:
    """Return how long an answer asks to wait before the next look."""
    given = answer.headers.get("x-ms-retry-after-ms", "")
    if _MILLISECONDS.match(given):
        return max(int(given) / 1000, _LEAST_PAUSE_SECONDS)
    seconds = retry_after_seconds(answer.headers)
    return _POLL_SECONDS if seconds is None else max(seconds, _LEAST_PAUSE_SECONDS)
