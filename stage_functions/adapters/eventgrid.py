"""Records to an Event Grid topic, through Microsoft's own client.

Only this module imports `azure.eventgrid`, so that who publishes to webhooks alone does not pay
for it. The client's own retries are switched off: the outbox tries again. Custom topics and
domains are meant, not topics of a namespace.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from azure.core import exceptions as core
from azure.core.credentials import AzureKeyCredential
from azure.eventgrid import EventGridPublisherClient

from stage_functions.adapters.sinks import SinkError, error_for, sendable
from stage_functions.domain.error import (
    ConfigurationError,
    SinkRefusedError,
    SinkUnavailableError,
)
from stage_functions.domain.record import Record
from stage_functions.wire.cloudevent import cloud_event

if TYPE_CHECKING:
    from azure.core.credentials import AzureSasCredential, TokenCredential

MAX_BATCH_BYTES = 1_000_000
"""Event Grid takes 1 MB; the SDK's own JSON is measured."""
MAX_BATCH_EVENTS = 5000

UNANSWERED: Mapping[type[Exception], type[SinkError]] = {
    core.AzureError: SinkUnavailableError,
    core.ServiceRequestError: SinkUnavailableError,
    core.ServiceRequestTimeoutError: SinkUnavailableError,
    core.ServiceResponseError: SinkUnavailableError,
    core.ServiceResponseTimeoutError: SinkUnavailableError,
    core.HttpResponseError: SinkUnavailableError,
    core.DecodeError: SinkUnavailableError,
    core.IncompleteReadError: SinkUnavailableError,
    core.ResourceExistsError: SinkRefusedError,
    core.ResourceNotFoundError: SinkRefusedError,
    core.ClientAuthenticationError: SinkUnavailableError,
    core.ResourceModifiedError: SinkRefusedError,
    core.ResourceNotModifiedError: SinkRefusedError,
    core.TooManyRedirectsError: SinkRefusedError,
    core.ODataV4Error: SinkUnavailableError,
    core.StreamConsumedError: SinkUnavailableError,
    core.StreamClosedError: SinkUnavailableError,
    core.ResponseNotReadError: SinkUnavailableError,
    core.SerializationError: SinkRefusedError,
    core.DeserializationError: SinkUnavailableError,
    HTTPException: SinkUnavailableError,
    OSError: SinkUnavailableError,
    ValueError: SinkUnavailableError,
}
"""What each of the SDK's exceptions means where it carries no answer; with one, the status decides.

The last three it lets through when an answer is cut short or malformed. An exception that is not
here fails a test. An event that may have arrived is sent again: its id is the same each time.
"""


class EventGridSink:
    """An Event Grid topic. Safe to share between threads."""

    name = "eventgrid"

    def __init__(
        self,
        endpoint: str,
        credential: str | AzureKeyCredential | AzureSasCredential | TokenCredential,
        *,
        timeout_seconds: float = 10,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            endpoint: the topic's URL: `https://<topic>.<region>-1.eventgrid.azure.net/api/events`.
            credential: an access key, or a credential of the SDK.
            timeout_seconds: for connecting, and again for the answer.

        Raises:
            ConfigurationError: the endpoint is no URL, the key cannot be sent, or a token would
                travel without TLS.
        """
        if isinstance(credential, str):
            credential = AzureKeyCredential(sendable("the key of the Event Grid topic", credential))
        host = _checked(endpoint, with_token=hasattr(credential, "get_token"))
        self._who = f"Event Grid at {host}"
        self._timeout_seconds = timeout_seconds
        _NOISY.addFilter(_without_own_options)
        self._client = EventGridPublisherClient(endpoint, credential)
        self._client.__enter__()

    def publish(self, records: Sequence[Record], traceparent: str = "") -> None:
        """Deliver records in order, as many at a time as Event Grid takes.

        Raises:
            SinkUnavailableError: it cannot be reached, or answers 401, 408, 429 or 5xx.
            SinkRefusedError: it answers anything else but 200.
        """
        for batch in batches([cloud_event(record, traceparent) for record in records]):
            self._send(batch)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(self, batch: list[dict[str, object]]) -> None:
        try:
            self._client.send(
                batch,
                retry_total=0,
                permit_redirects=False,
                connection_timeout=self._timeout_seconds,
                read_timeout=self._timeout_seconds,
            )
        except tuple(UNANSWERED) as exc:
            raise translated(exc, self._who) from exc


def batches(events: Sequence[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    """Cut events, in order, into batches that Event Grid takes.

    One that is too large by itself goes alone: to refuse it is for Event Grid to say.
    """
    batch: list[dict[str, object]] = []
    size = 2
    for event in events:
        more = len(json.dumps(event)) + 2
        if batch and (size + more > MAX_BATCH_BYTES or len(batch) == MAX_BATCH_EVENTS):
            yield batch
            batch, size = [], 2
        batch.append(event)
        size += more
    if batch:
        yield batch


def translated(exc: Exception, who: str) -> SinkError:
    """Return Stageward's own error for one of the SDK."""
    answer = _answer(exc)
    if answer is not None and answer[0] != HTTPStatus.OK:
        return error_for(who, *answer, _in_words(exc))
    kind = next(UNANSWERED[base] for base in type(exc).__mro__ if base in UNANSWERED)
    return kind(f"{who}: {type(exc).__name__}: {_in_words(exc)}")


def _answer(exc: BaseException | None) -> tuple[int, Mapping[str, str]] | None:
    """Return status and headers; the SDK wraps some errors in one that has lost them."""
    while isinstance(exc, core.HttpResponseError):
        if exc.response is not None and exc.status_code is not None:
            headers: Mapping[str, str] = getattr(exc.response, "headers", {})
            return exc.status_code, headers
        exc = exc.__cause__
    return None


def _in_words(exc: Exception) -> str:
    return str(exc).partition("\n")[0]


def _checked(endpoint: str, *, with_token: bool) -> str:
    """Return the host of an endpoint that may be used."""
    try:
        url = urlsplit(endpoint)
    except ValueError:
        url = urlsplit("")
    if url.scheme not in ("http", "https") or not url.hostname:
        message = f"'{endpoint}' is no endpoint of an Event Grid topic; it begins with https://"
        raise ConfigurationError(message)
    if with_token and url.scheme != "https":
        message = f"'{endpoint}' has no TLS, so no token may be sent there; use https:// or a key"
        raise ConfigurationError(message)
    return url.netloc.rpartition("@")[2]


_NOISY = logging.getLogger("azure.eventgrid._legacy._generated._serialization")
_OWN_OPTIONS = frozenset({"retry_total", "permit_redirects", "connection_timeout", "read_timeout"})


def _without_own_options(entry: logging.LogRecord) -> bool:
    """Drop the warning that an option of the request is no attribute of an event."""
    option = entry.args[0] if isinstance(entry.args, tuple) and entry.args else None
    return not (option in _OWN_OPTIONS and "is not a known attribute of class" in str(entry.msg))
