"""The local Azure ML as tests hold it: places, people, faults, calls and events."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.azureml.calls import Call
from tests.azureml.delivery import EVENT_GRID, Subscription
from tests.azureml.events import Event
from tests.azureml.faults import Fault
from tests.azureml.identity import LocalCredential, Person, person
from tests.azureml.place import REGISTRIES, SUBSCRIPTION, WORKSPACES, Place
from tests.azureml.sdk import CURRENT_CLOUD, client
from tests.azureml.world import World
from tests.azureml.writing import Who, Writing

if TYPE_CHECKING:
    from azure.ai.ml import MLClient


class LocalAzureMl(Writing):
    """A local Azure ML that runs.

    Attributes:
        ca: the file with the certificate to trust.
        subscription: the id of the only one.
    """

    subscription = SUBSCRIPTION

    def __init__(self, world: World, ca: Path) -> None:
        super().__init__(world)
        self.ca = ca

    @property
    def url(self) -> str:
        """Where everything answers, without a slash at the end."""
        return self.world.url

    @property
    def governor(self) -> Person:
        """Stageward's own identity, for which the managed identity's endpoint gives tokens."""
        return self.world.governor

    def environment(self) -> dict[str, str]:
        """Return the variables that point MLClient, azure.identity and Stageward here."""
        clouds = f"{self.url}/metadata/endpoints?api-version=2019-05-01&resourceManager={self.url}"
        return {
            "ARM_CLOUD_METADATA_URL": clouds,
            "REQUESTS_CA_BUNDLE": str(self.ca),
            "REGISTRY_DISCOVERY_ENDPOINT_URL": f"{self.url}/",
            "IDENTITY_ENDPOINT": f"{self.url}/msi/token",
            "IDENTITY_HEADER": self.world.identity_header,
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
            "STAGEWARD_ARM_ENDPOINT": self.url,
        }

    @contextmanager
    def in_environment(self) -> Iterator[None]:
        """Set the variables in this process inside the block, and forget what the SDK adds."""
        values = os.environ  # noqa: TID251  # this is what programs are pointed here by
        former = {name: values.get(name) for name in (*self.environment(), CURRENT_CLOUD)}
        values.pop(CURRENT_CLOUD, None)
        values.update(self.environment())
        try:
            yield
        finally:
            for name, value in former.items():
                values.pop(name, None)
                if value is not None:
                    values[name] = value

    def workspace(
        self, name: str, *, resource_group: str = "rg", location: str = "westeurope"
    ) -> Place:
        """Return a workspace, made if it was not there."""
        return self.world.made(WORKSPACES, name, resource_group, location)

    def registry(
        self, name: str, *, resource_group: str = "rg", location: str = "westeurope"
    ) -> Place:
        """Return a registry, made if it was not there."""
        return self.world.made(REGISTRIES, name, resource_group, location)

    def place(self, resource_id: str) -> Place:
        """Return the workspace or registry of an id.

        Raises:
            KeyError: there is none.
        """
        return self.world.places[resource_id.lower()]

    def person(self, name: str) -> Person:
        """Return who has this name: always the same."""
        return person(name)

    def credential(self, name: str) -> LocalCredential:
        """Return a credential for a person, or for the governor."""
        return LocalCredential(person(name))

    def client(self, name: str, place: Place) -> MLClient:
        """Return a real MLClient for a person and a workspace or registry.

        Its methods called `share` need the environment, too: see `in_environment`.
        """
        return client(self.url, self.ca, self.credential(name), place)

    def fail(  # noqa: PLR0913  # every way to go wrong is one
        self,
        match: str,
        *,
        status: int = 503,
        code: str = "ServiceUnavailable",
        message: str = "The service is unavailable.",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        times: int = 1,
        cut: bool = False,
        delay_seconds: float = 0.0,
        applied: bool = False,
    ) -> None:
        """Let requests fail that contain a pattern in `METHOD path?query`; see `Fault`."""
        fault = Fault(
            match=re.compile(match),
            status=status,
            code=code,
            message=message,
            headers=headers or {},
            body=body,
            times=times,
            cut=cut,
            delay_seconds=delay_seconds,
            applied=applied,
        )
        self.world.faults.add(fault)

    def stale(self, times: int = 1, match: str = "") -> None:
        """Let reads of versions answer what was there before the last write."""
        self.world.faults.add_stale(match, times)

    def heal(self) -> None:
        """Let nothing go wrong any more; nobody is forbidden anything."""
        self.world.faults.clear()
        self.world.forbidden.clear()

    def forbid(self, who: Who) -> None:
        """Answer 403 to everything that somebody asks."""
        self.world.forbidden.add((who if isinstance(who, Person) else person(who)).oid)

    def permit(self, who: Who) -> None:
        """Undo `forbid`."""
        self.world.forbidden.discard((who if isinstance(who, Person) else person(who)).oid)

    def vanish(self, place: Place) -> None:
        """Answer 404 for a workspace or a registry, and for everything below it."""
        place.vanished = True

    @property
    def page_size(self) -> int:
        """How long a page of a list is."""
        return self.world.page_size

    @page_size.setter
    def page_size(self, size: int) -> None:
        self.world.page_size = size

    @property
    def tag_limit(self) -> int | None:
        """How many tags a version may have; None for any number."""
        return self.world.tag_limit

    @tag_limit.setter
    def tag_limit(self, limit: int | None) -> None:
        self.world.tag_limit = limit

    @property
    def polls(self) -> int:
        """How often a write that runs long says that it is not done."""
        return self.world.operations.polls

    @polls.setter
    def polls(self, polls: int) -> None:
        self.world.operations.polls = polls

    @property
    def calls(self) -> list[Call]:
        """The calls that were answered, in order."""
        return self.world.calls

    def calls_to(self, match: str) -> list[Call]:
        """Return the calls that contain a pattern in `METHOD path?query`."""
        pattern = re.compile(match)
        return [c for c in self.calls if pattern.search(f"{c.method} {c.path}?{c.query}")]

    @property
    def events(self) -> list[Event]:
        """The events that were raised, in order, in Event Grid's own schema."""
        return self.world.events

    def subscribe(
        self,
        url: str,
        *,
        schema: str = EVENT_GRID,
        handshake: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> Subscription:
        """Have every event posted somewhere from now on.

        Args:
            url: where.
            schema: `eventgrid` or `cloudevents`.
            handshake: whether the endpoint is asked first, as Azure does.
            headers: sent along.
        """
        subscription = Subscription(url, schema, headers or {})
        self.world.deliveries.subscribe(subscription, handshake=handshake)
        return subscription

    def deliver(self, events: Sequence[Event]) -> None:
        """Deliver events once more, in this order, to everybody who subscribed."""
        self.world.deliveries.send(events)

    def drain(self, seconds: float = 10) -> None:
        """Wait until everything is delivered or given up.

        Raises:
            TimeoutError: it took longer.
        """
        self.world.deliveries.drain(seconds)
