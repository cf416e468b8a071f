"""The delivery of events to those who subscribed: in order, at least once, each by its own thread."""

from __future__ import annotations

import json
import queue
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from tests.azureml.events import Event, as_cloud_event

EVENT_GRID, CLOUD_EVENTS = "eventgrid", "cloudevents"
_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.05
_ORIGIN = "eventgrid.azure.net"
_TIMEOUT_SECONDS = 30


class HandshakeError(Exception):
    """An endpoint did not agree to be sent events."""


@dataclass(slots=True)
class Subscription:
    """Who is sent events, and by which schema.

    Attributes:
        url: where they are posted.
        schema: `eventgrid` or `cloudevents`.
        headers: sent along.
        lost: events that were refused to the end.
    """

    url: str
    schema: str = EVENT_GRID
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: list[Event] = field(default_factory=list)
    _waiting: queue.Queue[Event | None] = field(default_factory=queue.Queue)
    _thread: threading.Thread | None = None

    def agree(self) -> None:
        """Do the handshake of the schema.

        Raises:
            HandshakeError: the other side does not agree.
        """
        with self._client() as client:
            if self.schema == CLOUD_EVENTS:
                self._ask_for_origin(client)
            else:
                self._ask_for_code(client)

    def _ask_for_origin(self, client: httpx.Client) -> None:
        answer = client.options(self.url, headers={"WebHook-Request-Origin": _ORIGIN})
        if answer.headers.get("WebHook-Allowed-Origin") not in {_ORIGIN, "*"}:
            message = f"{self.url} allows no events of {_ORIGIN}: {answer.status_code}"
            raise HandshakeError(message)

    def _ask_for_code(self, client: httpx.Client) -> None:
        code = str(uuid.uuid4())
        event = {
            "id": str(uuid.uuid4()),
            "topic": "",
            "subject": "",
            "data": {"validationCode": code},
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": "2026-01-01T00:00:00.0000000Z",
            "metadataVersion": "1",
            "dataVersion": "2",
        }
        headers = {"aeg-event-type": "SubscriptionValidation"}
        answer = client.post(self.url, json=[event], headers=headers)
        if not answer.is_success or answer.json().get("validationResponse") != code:
            message = f"{self.url} did not send the code back: {answer.status_code}"
            raise HandshakeError(message)

    def start(self) -> None:
        """Begin to deliver."""
        name = f"delivery to {urlsplit(self.url).netloc}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def send(self, events: Iterable[Event]) -> None:
        """Let events be delivered."""
        for event in events:
            self._waiting.put(event)

    def is_drained(self) -> bool:
        """Tell whether nothing waits and nothing is under way."""
        return self._waiting.unfinished_tasks == 0

    def close(self) -> None:
        """Deliver no more."""
        self._waiting.put(None)

    def _run(self) -> None:
        with self._client() as client:
            while (event := self._waiting.get()) is not None:
                if not self._delivered(client, event):
                    self.lost.append(event)
                self._waiting.task_done()

    def _delivered(self, client: httpx.Client, event: Event) -> bool:
        for attempt in range(_ATTEMPTS):
            time.sleep(_FIRST_PAUSE_SECONDS * attempt)
            with suppress(httpx.HTTPError):
                if self._post(client, event).is_success:
                    return True
        return False

    def _post(self, client: httpx.Client, event: Event) -> httpx.Response:
        if self.schema == CLOUD_EVENTS:
            headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
            return client.post(self.url, content=_text(as_cloud_event(event)), headers=headers)
        headers = {"aeg-event-type": "Notification", "Content-Type": "application/json"}
        return client.post(self.url, content=_text([event]), headers=headers)

    def _client(self) -> httpx.Client:
        return httpx.Client(headers=dict(self.headers), timeout=_TIMEOUT_SECONDS, verify=False)


def _text(content: object) -> bytes:
    return json.dumps(content).encode()  # escaped, so that no text is unfit for UTF-8


@dataclass(slots=True)
class Deliveries:
    """Everybody who subscribed."""

    subscriptions: list[Subscription] = field(default_factory=list)

    def subscribe(self, subscription: Subscription, *, handshake: bool) -> None:
        """Deliver every event from now on.

        Raises:
            HandshakeError: the other side does not agree.
        """
        if handshake:
            subscription.agree()
        subscription.start()
        self.subscriptions.append(subscription)

    def send(self, events: Iterable[Event]) -> None:
        """Let events be delivered to everybody."""
        told = list(events)
        for subscription in self.subscriptions:
            subscription.send(told)

    def drain(self, seconds: float) -> None:
        """Wait until everything is delivered or given up.

        Raises:
            TimeoutError: it took longer.
        """
        deadline = time.monotonic() + seconds
        while not all(subscription.is_drained() for subscription in self.subscriptions):
            if time.monotonic() > deadline:
                message = f"events were still waiting after {seconds} s"
                raise TimeoutError(message)
            time.sleep(0.005)

    def close(self) -> None:
        """Deliver no more."""
        for subscription in self.subscriptions:
            subscription.close()
