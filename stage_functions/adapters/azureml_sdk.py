"""What Microsoft's own library does for us: copies to a registry, and the traffic of endpoints.

`azure.ai.ml` takes two seconds and 100 MiB to import, so it is imported when one of these is done
and never on the way of an event. Decides how its client is made from the cloud and the credential
of a registry, how long it may take, and what its errors mean. Why these two are its business and
the rest is not: `docs/adr/0017-azure-ml-by-arm.md`.

Facts of azure-ai-ml 1.35 that shape it:

- It keeps clouds in a global of its module and never replaces one, so that every cloud that is not
  Microsoft's gets a name made from its addresses.
- It notes the cloud of the last client in the environment, and `share` reads it there. The note is
  set while it works and taken away afterwards; meanwhile no other copy is made in this process.
- `share` changes its client while it works, so that it gets one of its own; it knows no time-out
  and heeds none of the client's, so that it is waited for no longer than a while.
"""

from __future__ import annotations

import hashlib
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceNotFoundError

from stage_functions.adapters.azureml_api import AzureMlApi
from stage_functions.adapters.azureml_cloud import CLOUDS, Cloud
from stage_functions.adapters.azureml_errors import AzureMlFaultError, failure, fault
from stage_functions.adapters.sdk_errors import UNREADABLE
from stage_functions.adapters.words import in_a_line
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.error import RegistryRefusedError, StagewardError

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.core.credentials import TokenCredential

SHARED = (Kind.MODELS, Kind.DATA, Kind.ENVIRONMENTS)
"""What the library shares; it has no such method for components."""
SECONDS = 30
"""How long is waited for what runs long; it goes on without us."""

_CURRENT = "AZUREML_CURRENT_CLOUD"
_NAMES = ("AzureCloud", "AzureUSGovernment", "AzureChinaCloud")
"""What the library calls the clouds of `CLOUDS`, in their order."""
_STORAGE = "core.windows.net"
_CONNECT_SECONDS = 5
_READ_SECONDS = 15
_RETRIES = 2
_ERRORS = 400
_ADDED = frozenset({"createdAt", "createdBy", "lastModifiedAt"})
"""What the library writes among the properties of an endpoint that it has read."""
_SHOWN_CHARACTERS = 600
_alone = threading.Lock()
"""Held by whoever uses the environment, until that is as it was."""

Traffic = Mapping[str, int]


class AzureMlSdk:
    """Microsoft's library for one workspace. Safe to share between threads."""

    def __init__(
        self, api: AzureMlApi, credential: TokenCredential, *, seconds: float = SECONDS
    ) -> None:
        """Note what a client is made of; nothing is imported and nothing is asked.

        Args:
            api: of the workspace.
            credential: signs in.
            seconds: how long is waited for what runs long.
        """
        self._api = api
        self._credential = credential
        self._seconds = seconds
        self._lock = threading.Lock()
        self._client: MLClient | None = None

    def share(self, version: Version, registry: str) -> None:
        """Copy a version of the workspace to a registry, under the same name and number.

        Args:
            version: of one of the kinds in `SHARED`.
            registry: the name of the registry.

        Raises:
            RegistryUnavailableError: it cannot be done now, or is not done yet.
            RegistryRefusedError: Azure ML, or its library, does not copy this.
        """
        asset = version.asset
        if not _alone.acquire(timeout=self._seconds):
            message = f"{self._api.name}: another copy is still being made"
            raise AzureMlFaultError(message, sent=False)

        def work() -> None:
            try:
                with _note_forgotten():
                    operations = getattr(self._made(), asset.kind)
                    operations.share(
                        asset.name,
                        version.number,
                        share_with_name=asset.name,
                        share_with_version=version.number,
                        registry_name=registry,
                    )
            finally:
                _alone.release()

        self._in_time(work, f"the copy of {version} to the registry {registry}")

    def change_traffic(self, endpoint: str, change: Callable[[Traffic], Traffic]) -> None:
        """Give the requests of an online endpoint other shares; nothing where there is no such.

        Args:
            endpoint: its name.
            change: returns the shares, from those there are.

        Raises:
            RegistryUnavailableError: it cannot be done now, or is not done yet.
            RegistryRefusedError: Azure ML refuses.
        """
        try:
            operations = self._kept().online_endpoints
            found = operations.get(endpoint)
            kept = (found.properties or {}).items()
            found.properties = {key: value for key, value in kept if key not in _ADDED}
            found.mirror_traffic = dict(change(found.mirror_traffic or {}))
            found.traffic = dict(change(found.traffic or {}))
            poller = operations.begin_create_or_update(found)
            poller.wait(self._seconds)
            is_done = poller.done()
            if is_done:
                poller.result()
        except ResourceNotFoundError:
            return
        except Exception as exc:  # whatever the library lets through
            raise self._error(exc) from exc
        if not is_done:
            message = f"{self._api.name}: the traffic of {endpoint} is being changed, not done yet"
            raise AzureMlFaultError(message)

    def close(self) -> None:
        """Forget the client."""
        with self._lock:
            self._client = None

    def _kept(self) -> MLClient:
        with self._lock:
            if self._client is None:
                if not _alone.acquire(timeout=self._seconds):
                    message = f"{self._api.name}: a copy is still being made"
                    raise AzureMlFaultError(message, sent=False)
                try:
                    with _note_forgotten():
                        self._client = self._made()
                finally:
                    _alone.release()
            return self._client

    def _made(self) -> MLClient:
        """Return a new client; whoever calls holds `_alone`."""
        cloud = self._api.cloud
        options: dict[str, Any] = {
            "cloud": cloud_name(cloud),
            **({} if cloud in CLOUDS else {"cloud_metadata": _metadata(cloud)}),
            "show_progress": False,
            "enable_telemetry": False,
            "connection_timeout": _CONNECT_SECONDS,
            "read_timeout": _READ_SECONDS,
            "retry_total": _RETRIES,
        }
        scope = (self._api.subscription, self._api.group, self._api.place)
        return _library()(self._credential, *scope, **options)

    def _in_time(self, work: Callable[[], None], what: str) -> None:
        """Do something in a thread of its own, and wait for it as long as is allowed."""
        caught: list[Exception] = []

        def guarded() -> None:
            try:
                work()
            except Exception as exc:  # noqa: BLE001  # raised again by whoever waits
                caught.append(exc)

        thread = threading.Thread(target=guarded, name="stageward-azure-ai-ml", daemon=True)
        thread.start()
        thread.join(self._seconds)
        if thread.is_alive():
            message = f"{self._api.name}: {what} has begun, and is not done yet"
            raise AzureMlFaultError(message)
        if caught:
            raise self._error(caught[0]) from caught[0]

    def _error(self, exc: Exception) -> StagewardError:
        """Return Stageward's own error for one of the library."""
        if isinstance(exc, StagewardError):
            return exc
        status = getattr(exc, "status_code", None)
        response: Any = getattr(exc, "response", None)
        if isinstance(status, int) and status >= _ERRORS and response is not None:
            return fault(self._api.name, status, response.headers, _body(response))
        words = f"{type(exc).__name__} {in_a_line(str(exc), _SHOWN_CHARACTERS)}".rstrip()
        own = type(exc).__module__.startswith("azure.ai.ml") or isinstance(status, int)
        if isinstance(exc, (AzureError, *UNREADABLE)) and not own:
            return failure(self._api.name, exc)
        return RegistryRefusedError(f"{self._api.name}, by azure-ai-ml: {words}")


def cloud_name(cloud: Cloud) -> str:
    """Return what the library calls a cloud: always the same, and no other cloud the same."""
    if cloud in CLOUDS:
        return _NAMES[CLOUDS.index(cloud)]
    addresses = f"{cloud.resource_manager} {cloud.registry_discovery}"
    return f"stageward-{hashlib.sha256(addresses.encode()).hexdigest()[:12]}"


def _metadata(cloud: Cloud) -> dict[str, str]:
    """Return a cloud in the words of the library."""
    return {
        "azure_portal": cloud.portal,
        "resource_manager": cloud.resource_manager,
        "active_directory": cloud.resource_manager,
        "aml_resource_id": cloud.studio,
        "storage_endpoint": _STORAGE,
        "registry_discovery_endpoint": f"{cloud.registry_discovery}/",
    }


def _library() -> type[MLClient]:
    """Import the library, without the warnings of what it imports.

    Raises:
        RegistryRefusedError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from azure.ai.ml import MLClient  # two seconds and 100 MiB
    except ImportError as exc:
        message = "this needs azure-ai-ml: install stageward with the extra `azureml`"
        raise RegistryRefusedError(message) from exc
    return MLClient


@contextmanager
def _note_forgotten() -> Iterator[None]:
    """Let the library note its cloud inside the block; whoever calls holds `_alone`."""
    values = os.environ  # noqa: TID251  # the library reads and writes it
    former = values.get(_CURRENT)
    try:
        yield
    finally:
        values.pop(_CURRENT, None)
        if former is not None:
            values[_CURRENT] = former


def _body(response: Any) -> bytes:  # noqa: ANN401  # of either kind that azure-core has
    """Return the body of an answer, as far as it was read."""
    try:
        return str(response.text()).encode()
    except Exception:  # noqa: BLE001  # it broke off, or is no text: the status has to do
        return b""
