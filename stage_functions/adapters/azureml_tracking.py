"""The tracking side of a workspace, where MLflow clients write: parameters and metrics of runs.

Decides which host is asked: the one that the resource manager names for the workspace, since the
token of the resource manager is sent there. It is looked up once.
"""

from __future__ import annotations

import threading
from urllib.parse import quote, urlsplit

from stage_functions.adapters.azureml_api import AzureMlApi
from stage_functions.adapters.azureml_errors import AzureMlFaultError, AzureMlMissingError
from stage_functions.adapters.azureml_http import READ
from stage_functions.wire.document import member, text

_SCHEMES = ("azureml", "https")
_ROOT = "/mlflow/v2.0"
"""What the plug-in of Azure ML for MLflow asks for, whichever version the workspace names."""


class Tracking:
    """The runs of a workspace. Safe to share between threads."""

    def __init__(self, api: AzureMlApi) -> None:
        """Read through the API of a workspace; nothing is asked yet."""
        self._api = api
        self._lock = threading.Lock()
        self._place: tuple[str, str] | None = None

    def run(self, job: str) -> object | None:
        """Return the run of a job, or None if there is none: one call, two for the first.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as `AzureMlApi.get`; or the workspace
                names no host for its runs.
        """
        host, _ = self._found()
        path = f"{_ROOT}{quote(self._api.resource)}/api/2.0/mlflow/runs/get"
        url = f"https://{host}{path}?run_id={quote(job, safe='')}"
        try:
            return member(self._api.http.send(READ, url).document, "run")
        except AzureMlMissingError:
            return None

    @property
    def workspace(self) -> str:
        """The id by which Azure ML knows the workspace; "" as long as nothing was asked."""
        return self._place[1] if self._place else ""

    def _found(self) -> tuple[str, str]:
        """Return the host of the runs and the workspace's own id."""
        with self._lock:
            if self._place is None:
                self._place = self._looked_up()
            return self._place

    def _looked_up(self) -> tuple[str, str]:
        document = self._api.get()
        uri = text(document, "properties", "mlFlowTrackingUri")
        host = _host(uri, self._api.resource)
        if not host:
            message = f"{self._api.name}: the address of its runs is none: {uri[:200]}"
            raise AzureMlFaultError(message)
        return host, text(document, "properties", "workspaceId")


def _host(uri: str, resource: str) -> str:
    """Return the host, and port, of a tracking address of this workspace; "" if it is none."""
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return ""
    own = parts.path.rstrip("/").lower().endswith(resource.lower())
    plain = parts.scheme in _SCHEMES and host and "@" not in parts.netloc
    return parts.netloc if plain and own else ""
