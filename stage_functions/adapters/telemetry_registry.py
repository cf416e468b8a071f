"""A registry whose calls are told of: a span and a count for each, and nothing else is different.

Used only where telemetry is on. What asks nobody passes unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from stage_functions.application import measures
from stage_functions.application.ports.registry import (
    Decide,
    Deployment,
    Output,
    Page,
    Registry,
)
from stage_functions.application.ports.telemetry import Attribute, Telemetry
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.error import RegistryRefusedError, RegistryUnavailableError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.places import Places

T = TypeVar("T")


class WatchedRegistry:
    """A registry that is watched while it is asked. Safe to share between threads.

    Attributes:
        real: the registry itself.
    """

    def __init__(self, real: Registry, alias: str, telemetry: Telemetry) -> None:
        self.real = real
        self._alias = alias
        self._telemetry = telemetry

    def read(self, version: Version) -> Snapshot | None:
        """As the port says; so are all below."""
        return self._asked("read", lambda: self.real.read(version), version)

    def evidence(self, snapshot: Snapshot) -> Evidence:
        """See the port."""
        return self._asked("evidence", lambda: self.real.evidence(snapshot), snapshot.version)

    def links(self, version: Version, evidence: Evidence) -> Places:
        """See the port."""
        return self.real.links(version, evidence)

    def edit(self, version: Version, decide: Decide) -> Snapshot | None:
        """See the port."""
        return self._asked("edit", lambda: self.real.edit(version, decide), version)

    def versions(self, after: str = "") -> Page:
        """See the port."""
        return self._asked("versions", lambda: self.real.versions(after))

    def identities(self) -> frozenset[str]:
        """See the port."""
        return self.real.identities()

    def endpoints(self) -> tuple[str, ...]:
        """See the port."""
        return self._asked("endpoints", self.real.endpoints)

    def deployments(self, endpoint: str) -> tuple[Deployment, ...]:
        """See the port."""
        return self._asked("deployments", lambda: self.real.deployments(endpoint))

    def take_traffic(self, endpoint: str, deployment: str) -> None:
        """See the port."""
        self._asked("take_traffic", lambda: self.real.take_traffic(endpoint, deployment))

    def outputs(self, job: str) -> tuple[Output, ...]:
        """See the port."""
        return self._asked("outputs", lambda: self.real.outputs(job))

    def copy(self, snapshot: Snapshot, target: RegistryConfiguration) -> None:
        """See the port."""
        self._asked("copy", lambda: self.real.copy(snapshot, target), snapshot.version)

    def close(self) -> None:
        """See the port."""
        self.real.close()

    def _asked(self, call: str, ask: Callable[[], T], version: Version | None = None) -> T:
        about: dict[str, Attribute] = {
            measures.REGISTRY: self._alias,
            **(measures.about(version) if version is not None else {}),
            "stageward.call": call,
            "peer.service": self._alias,
        }
        outcome = "failed"
        with self._telemetry.span(measures.CALL, attributes=about):
            try:
                answer = ask()
                outcome = "ok"
            except RegistryUnavailableError:
                outcome = "unavailable"
                raise
            except RegistryRefusedError:
                outcome = "refused"
                raise
            finally:
                self._telemetry.count(
                    measures.REGISTRY_CALLS, registry=self._alias, call=call, outcome=outcome
                )
        return answer


def bare(registry: Registry | None) -> Registry | None:
    """Return the registry itself, whether it is watched or not."""
    return registry.real if isinstance(registry, WatchedRegistry) else registry
