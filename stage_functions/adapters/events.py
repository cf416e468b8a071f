"""Records to plain CloudEvents webhooks: one POST an event, structured mode, in order.

Single events are what every receiver of CloudEvents takes; batches are optional in the
specification. Any 2xx is success. It does not try again: the outbox does. What is signed is signed
anew at each attempt, so that a receiver can tell a fresh one from one that somebody kept.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from urllib.parse import urlsplit

import httpx

from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.sinks import AddressHidden, SinkError, error_for, sendable
from stage_functions.application.ports.clock import Clock
from stage_functions.domain.error import (
    ConfigurationError,
    SinkRefusedError,
    SinkUnavailableError,
)
from stage_functions.domain.record import Record
from stage_functions.wire.cloudevent import cloud_event
from stage_functions.wire.signing import Signer

MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
_READ_BYTES = 4096
"""Of an answer; what is longer says nothing more."""
HTTPX = logging.getLogger("httpx")
"""Which logs the address of every request."""

UNANSWERED: Mapping[type[Exception], type[SinkError]] = {
    httpx.RequestError: SinkUnavailableError,
    httpx.LocalProtocolError: SinkRefusedError,
    httpx.UnsupportedProtocol: SinkRefusedError,
}
"""What a failed request means, the nearest class first.

Our own breach of HTTP stays one however often it is tried.
"""


class WebhookSink:
    """A receiver of CloudEvents over HTTP. Safe to share between threads.

    Attributes:
        name: stable, part of outbox rows, such as `webhook-1`.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        bearer: str = "",
        headers: Mapping[str, str] | None = None,
        signer: Signer | None = None,
        clock: Clock | None = None,
        timeout_seconds: float = 10,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            name: stable, part of outbox rows.
            url: where to post; what stands behind `?` is kept out of messages and logs.
            bearer: sent as `Authorization: Bearer`, if any.
            headers: sent with every event, such as a secret that the receiver knows.
            signer: signs each attempt; without one nothing is signed.
            clock: the time of an attempt; the machine's if none is given.
            timeout_seconds: for connecting, for sending, and for each part of the answer.

        Raises:
            ConfigurationError: the address is no URL, or a header cannot be sent.
        """
        self.name = name
        self._url = _checked(name, url)
        self._signer = signer
        self._clock = clock or SystemClock()
        self._who = f"{name} at {_without_query(self._url)}"
        own = {"Content-Type": MEDIA_TYPE, "User-Agent": "stageward"}
        secret = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        given = {**(headers or {}), **secret}
        sent = {key: sendable(f"the header {key} of {name}", given[key]) for key in given} | own
        self._client = httpx.Client(headers=sent, timeout=timeout_seconds)
        self._filter = AddressHidden(str(self._url), _without_query(self._url))
        HTTPX.addFilter(self._filter)

    def publish(self, records: Sequence[Record], traceparent: str = "") -> None:
        """Post records one by one, in order; stop at the first that is not taken.

        Raises:
            SinkUnavailableError: it cannot be reached, or answers 401, 408, 429 or 5xx.
            SinkRefusedError: it answers anything else but 2xx.
        """
        for record in records:
            self.post(cloud_event(record, traceparent))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        HTTPX.removeFilter(self._filter)

    def post(self, event: Mapping[str, object]) -> None:
        """Post one event.

        Raises:
            SinkUnavailableError, SinkRefusedError: as `publish`.
        """
        body = json.dumps(event, ensure_ascii=False).encode()
        signed = self._signer.headers(event, body, self._clock.now()) if self._signer else None
        request = self._client.build_request("POST", self._url, content=body, headers=signed)
        try:
            with closing(self._client.send(request, stream=True)) as response:
                said = beginning(response)
        except httpx.RequestError as exc:
            raise self._unanswered(exc) from exc
        if not response.is_success:
            raise error_for(self._who, response.status_code, response.headers, said)

    def _unanswered(self, exc: httpx.RequestError) -> SinkError:
        kind = next(UNANSWERED[base] for base in type(exc).__mro__ if base in UNANSWERED)
        return kind(f"{self._who}: {type(exc).__name__}: {exc}")


def _checked(name: str, url: str) -> httpx.URL:
    try:
        plain = urlsplit(url)
        if plain.scheme in ("http", "https") and plain.hostname and plain.port != 0:
            return httpx.URL(url)
    except (ValueError, httpx.InvalidURL) as exc:
        message = f"the address of {name} is no URL"
        raise ConfigurationError(message) from exc
    message = f"the address of {name} is no URL; it begins with https://"
    raise ConfigurationError(message)


def _without_query(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode()}{url.path}"


def beginning(response: httpx.Response) -> str:
    """Read an answer as far as it is of interest; to the end where it is short."""
    read = b""
    for chunk in response.iter_bytes():
        read += chunk
        if len(read) >= _READ_BYTES:
            break
    return read[:_READ_BYTES].decode(errors="replace")
