"""What all routes share: the places, who may not come in, the calls and the events so far.

Every access holds `lock`; the routes are called under it, so a request is one step.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from stage_functions.azure_policy import Policy
from tests.azureml.calls import Call
from tests.azureml.clock import Clock
from tests.azureml.delivery import Deliveries
from tests.azureml.errors import ArmError, no_such_place
from tests.azureml.events import Event
from tests.azureml.faults import Faults
from tests.azureml.identity import GOVERNOR, Person, person
from tests.azureml.operations import Operations
from tests.azureml.place import REGISTRIES, SUBSCRIPTION, WORKSPACES, Document, Place


@dataclass(slots=True)
class World:
    """The state of a local Azure ML.

    Attributes:
        lock: held by every request while it is answered.
        clock: of everything that is written.
        places: workspaces and registries by their folded ids.
        forbidden: object ids of those who get 403.
        policies: of Azure Policy, assigned to all there is.
        calls: what was answered.
        events: what was raised.
        deliveries: to those who subscribed.
        faults: still to come.
        operations: that run long.
        page_size: of lists.
        tag_limit: how many tags a version may have; None for any number.
        url: where it is served.
        identity_header: what the managed identity's endpoint demands.
    """

    lock: threading.RLock = field(default_factory=threading.RLock)
    clock: Clock = field(default_factory=Clock)
    places: dict[str, Place] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    policies: list[Policy] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    deliveries: Deliveries = field(default_factory=Deliveries)
    faults: Faults = field(default_factory=Faults)
    operations: Operations = field(default_factory=Operations)
    page_size: int = 100
    tag_limit: int | None = None
    url: str = ""
    identity_header: str = "a-secret-of-this-host"

    @property
    def governor(self) -> Person:
        """Stageward's own identity."""
        return person(GOVERNOR)

    def made(self, plural: str, name: str, resource_group: str, location: str) -> Place:
        """Return a workspace or registry, made if it was not there."""
        with self.lock:
            new = Place(name, plural, resource_group, location, self.clock.now())
            return self.places.setdefault(new.id.lower(), new)

    def place(self, subscription: str, group: str, plural: str, name: str) -> Place:
        """Find a workspace or a registry.

        Raises:
            ArmError: it is not there, or no longer.
        """
        if subscription.lower() != SUBSCRIPTION:
            message = f"The subscription '{subscription}' could not be found."
            raise ArmError(404, "SubscriptionNotFound", message)
        wanted = Place(name, plural.lower(), group, "", "").id.lower()
        found = self.places.get(wanted)
        if found is None or found.vanished:
            raise no_such_place(plural, name, group)
        return found

    def registry(self, name: str) -> Place:
        """Find a registry by name alone, as discovery does.

        Raises:
            ArmError: it is not there, or no longer.
        """
        for place in self.places.values():
            if place.plural == REGISTRIES and place.name.lower() == name.lower():
                if place.vanished:
                    break
                return place
        raise no_such_place(REGISTRIES, name, "")

    def workspace_of(self, guid: str) -> Place | None:
        """Find a workspace by the id that ids of assets contain."""
        found = (p for p in self.places.values() if p.plural == WORKSPACES and p.guid == guid)
        return next((place for place in found if not place.vanished), None)

    def system_data(self, who: Person, former: Document | None) -> dict[str, str]:
        """Return who created and who modified a resource that is written now."""
        name, of_type = who.modified()
        now = self.clock.now()
        created = {"createdAt": now, "createdBy": name, "createdByType": of_type}
        kept: Mapping[str, str] = former["systemData"] if former else created
        return {
            **{key: kept[key] for key in created},
            "lastModifiedAt": now,
            "lastModifiedBy": name,
            "lastModifiedByType": of_type,
        }

    def raised(self, *events: Event) -> None:
        """Raise events: keep them, and deliver them to those who subscribed."""
        self.events.extend(events)
        self.deliveries.send(events)
