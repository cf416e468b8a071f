"""Requests to Azure: one pipeline of azure-core, its token, a few repeats, and patience.

Decides when a request is sent again at once, and that Retry-After is honoured: while Azure asks for
patience, nothing more is sent there. It knows nothing of assets.

A call takes no longer than its time, repeats included; only an answer that drips may. A write is
repeated only where nothing can have been written: between the two, somebody else may write.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from math import ceil

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import HeadersPolicy, RequestIdPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
from msgspec import Struct

from stage_functions.adapters.azureml_cloud import ARM_ENDPOINT, CLOUDS, Cloud
from stage_functions.adapters.azureml_errors import AzureMlFaultError, failure, fault
from stage_functions.adapters.azureml_identity import Identity, of_credential, of_token
from stage_functions.adapters.sdk_errors import UNREADABLE
from stage_functions.application.clocks import Heard, deaf
from stage_functions.domain.error import StagewardError
from stage_functions.wire.document import parsed

READ = "GET"

_PAUSES = (0.1, 0.4)
"""Before the second try and the third, in seconds."""
_PATIENCE_SECONDS = 2
"""So long is waited in place; who asks for more is told to come back."""
_MAX_SILENCE_SECONDS = 600
"""However long Azure asks for: a wrong date must not silence a registry for days."""
_CONNECT_SECONDS = 5
_TOO_MANY = 429
_REDIRECTS = 300


class Answer(Struct, frozen=True):
    """A good answer.

    Attributes:
        status: the HTTP status, 200 to 299.
        document: parsed JSON; None where the body is empty.
        headers: by name; their case does not count.
    """

    status: int
    document: object
    headers: Mapping[str, str]


class AzureHttp:
    """Sends requests as one identity. Safe to share between threads.

    Attributes:
        name: the other side, as messages name it.
    """

    def __init__(
        self,
        name: str,
        credential: TokenCredential,
        cloud: Cloud,
        timeout_seconds: float,
        heard: Heard = deaf,
    ) -> None:
        """Prepare a pipeline; nothing is sent yet.

        Args:
            name: the other side, as messages name it.
            credential: signs in.
            cloud: whose tokens are sent.
            timeout_seconds: how long a call may take, repeats included.
            heard: takes the headers of every answer.
        """
        self.name = name
        self._heard = heard
        self._timeout_seconds = timeout_seconds
        self._quiet_until = 0.0
        self._lock = threading.Lock()
        self._credential = credential
        self._scope = cloud.scope
        known = {one.resource_manager for one in CLOUDS}
        self._doubt = "" if cloud.resource_manager in known else f"Is {ARM_ENDPOINT} right?"
        self._signing = _Signing(credential, cloud.scope)
        policies = [
            RequestIdPolicy(),
            HeadersPolicy({"User-Agent": "stageward", "Accept": "application/json"}),
            self._signing,
        ]
        self._client: ARMPipelineClient[HttpRequest, HttpResponse] = ARMPipelineClient(
            cloud.resource_manager, policies=policies, transport=RequestsTransport()
        )

    def send(
        self, method: str, url: str, document: object = None, *, seconds: float | None = None
    ) -> Answer:
        """Send a request and return its answer.

        Args:
            method: a GET is repeated where that may help.
            url: the whole address; the token is sent there.
            document: what becomes JSON; no body if None.
            seconds: how long it may take; as long as every call if None.

        Raises:
            AzureMlFaultError: Azure cannot be reached, asks for patience, answers 408, 409, 412,
                429 or 5xx, or not in JSON.
            AzureMlMissingError: 404, in Azure's own words.
            AzureMlRefusedError: it refuses for good.
        """
        deadline = time.monotonic() + (self._timeout_seconds if seconds is None else seconds)
        for pause in (*_PAUSES, None):
            self._keep_quiet(deadline)
            try:
                return self._exchange(method, url, document, deadline)
            except AzureMlFaultError as exc:
                wait = exc.retry_after_seconds or 0
                self._heed(wait)
                if pause is None or wait > _PATIENCE_SECONDS or not _repeatable(method, exc):
                    raise
                if time.monotonic() + max(pause, wait) > deadline:
                    raise
                time.sleep(0 if wait else pause)
        raise AssertionError  # pragma: no cover  # the last try returns or raises

    def identity(self) -> Identity:
        """Return who the requests are sent as; asks the credential where none was sent yet."""
        if self._signing.identity == Identity():
            self._signing.identity = of_credential(self._credential, self._scope)
        return self._signing.identity

    @property
    def tenant(self) -> str:
        """The directory of who the requests are sent as; "" where none was sent yet."""
        return self._signing.identity.tenant

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _exchange(self, method: str, url: str, document: object, deadline: float) -> Answer:
        left = max(0.1, deadline - time.monotonic())
        request = (
            HttpRequest(method, url)
            if document is None
            else HttpRequest(method, url, json=document)
        )
        try:
            response = self._client.send_request(
                request, connection_timeout=min(left, _CONNECT_SECONDS), read_timeout=left
            )
            status, headers, body = response.status_code, response.headers, response.read()
        except (AzureError, *UNREADABLE) as exc:
            raise failure(self.name, exc, self._doubt) from exc
        self._heard(headers)
        if status >= _REDIRECTS:
            raise self._fault(status, headers, body)
        try:
            return Answer(status, parsed(body) if body else None, headers)
        except ValueError as exc:
            message = f"{self.name} answered {status} with something that is no JSON: {exc}"
            raise AzureMlFaultError(message, status=status) from exc

    def _fault(self, status: int, headers: Mapping[str, str], body: bytes) -> StagewardError:
        return fault(self.name, status, headers, body)

    def _heed(self, seconds: int) -> None:
        """Remember for how long nothing is to be sent."""
        if seconds:
            until = time.monotonic() + min(seconds, _MAX_SILENCE_SECONDS)
            with self._lock:
                self._quiet_until = max(self._quiet_until, until)

    def _keep_quiet(self, deadline: float) -> None:
        """Wait while Azure asks for patience.

        Raises:
            AzureMlFaultError: that is for too long.
        """
        now = time.monotonic()
        wait = self._quiet_until - now
        if wait <= 0:
            return
        if wait > _PATIENCE_SECONDS or now + wait > deadline:
            message = f"{self.name} has asked for patience; for {ceil(wait)} s nothing is sent"
            raise AzureMlFaultError(message, sent=False, retry_after_seconds=ceil(wait))
        time.sleep(wait)


class _Signing(ARMChallengeAuthenticationPolicy):
    """Adds the token to requests, and knows who it is for."""

    def __init__(self, credential: TokenCredential, scope: str) -> None:
        super().__init__(credential, scope)
        self.identity = Identity()
        self._seen = ""

    def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        """Add the token."""
        super().on_request(request)
        header = request.http_request.headers["Authorization"]
        if header != self._seen:
            self.identity, self._seen = of_token(header), header


def _repeatable(method: str, exc: AzureMlFaultError) -> bool:
    """Tell whether a request may be sent again at once, and whether that may help."""
    if exc.status == _TOO_MANY or (not exc.status and not exc.sent):
        return True
    conflict_or_caller = exc.status in (401, 404, 409, 412)
    return method == READ and not conflict_or_caller
