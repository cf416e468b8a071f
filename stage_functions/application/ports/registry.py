"""The registry port: what Stageward asks of an MLflow server or an Azure ML workspace.

An event's body is never trusted for state: everything is read here. `RegistryContract` in
`tests/contracts` is what an adapter must do.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.mirror import Edit
from stage_functions.domain.places import Places

Decide = Callable[[Snapshot], Edit | None]
"""Says, of a version as it was just read, what is to change; None where nothing is."""


class Page(Struct, frozen=True):
    """Some versions of a registry.

    Attributes:
        versions: whole assets only, ordered by (kind, name), then as the registry has them.
        cursor: `<kind>/<name>` of the last asset in it, to go on behind; "" when it was the last.
    """

    versions: tuple[Snapshot, ...]
    cursor: str


class Deployment(Struct, frozen=True):
    """A version as an endpoint serves it.

    Attributes:
        endpoint: the endpoint's name.
        name: the deployment's, unique in its endpoint.
        version: what it serves, in whichever registry of the configuration that is; None where it
            serves no version of one.
        changed_at: when it was made or changed last, aware UTC.
        changed_by: `<provider>:<id>` of who did, or None where the registry does not say.
        traffic_percent: the share of the endpoint's requests that it gets, or gets copies of.
        divided: its endpoint divides requests into shares, so that its own can be taken from it.
    """

    endpoint: str
    name: str
    version: Version | None
    changed_at: datetime
    changed_by: str | None = None
    traffic_percent: int = 0
    divided: bool = True


class Output(Struct, frozen=True):
    """A model that a finished job left behind.

    Attributes:
        job: the job's id.
        name: the output's, unique in its job.
        content: what identifies its content, as `Snapshot.content` does.
        made_at: when the job ended, aware UTC.
        author: `<provider>:<id>` of whose job it was, or None.
        type: of model, as its registry calls it; "" where it does not say.
        path: the address by which people register it, so that its content and its job are known
            again; "" where that is its content.
    """

    job: str
    name: str
    content: str
    made_at: datetime
    author: str | None = None
    type: str = ""
    path: str = ""


class Registry(Protocol):
    """A registry of assets. Safe to share between threads."""

    def read(self, version: Version) -> Snapshot | None:
        """Return the version as it is now; None if the registry says that there is none.

        Raises:
            RegistryUnavailableError: it cannot be reached, or answers 429 or 5xx.
            RegistryRefusedError: it does not let Stageward read.
        """
        ...

    def evidence(self, snapshot: Snapshot) -> Evidence:
        """Return what is known of a version: its job, metrics, parameters, data, code, author.

        What does not exist (a deleted run) is an empty section, never an error. What the version
        uses is named in `asset` and `assets` of any section: see `domain.uses`.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        ...

    def links(self, version: Version, evidence: Evidence) -> Places:
        """Return where people look at a version and what made it. Asks nobody and never raises.

        Args:
            version: one of this registry.
            evidence: what is known of it, or was known once.
        """
        ...

    def edit(self, version: Version, decide: Decide) -> Snapshot | None:
        """Read a version, change of it what is decided on that, and read it again.

        Between reading and writing nothing is done but to decide, since no registry lets a write
        depend on what was read. Everything that the edit does not name stays byte-identical.

        Returns:
            The version as it is afterwards; None if there is none.

        Raises:
            RegistryUnavailableError: as `read`; some of it may have been written.
            RegistryRefusedError: as `read`; or the version was deleted meanwhile.
        """
        ...

    def versions(self, after: str = "") -> Page:
        """Return versions behind a cursor: all of them, archived and anonymous too.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        ...

    def identities(self) -> frozenset[str]:
        """Return the ids by which events may name Stageward itself. Asks nobody."""
        ...

    def endpoints(self) -> tuple[str, ...]:
        """Return the names of the endpoints, each once and in order, whatever they serve.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        ...

    def deployments(self, endpoint: str) -> tuple[Deployment, ...]:
        """Return what an endpoint serves; nothing where there is no such endpoint.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        ...

    def take_traffic(self, endpoint: str, deployment: str) -> None:
        """Send no more requests to a deployment; others of its endpoint get its share.

        Where there is no such deployment, or it gets none already, nothing is done.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        ...

    def outputs(self, job: str) -> tuple[Output, ...]:
        """Return the models that a job has left behind; none while it runs, or if it is gone.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        ...

    def copy(self, snapshot: Snapshot, target: RegistryConfiguration) -> None:
        """Copy a version to another registry, under the same name and number.

        Where that registry has such a version already, nothing is copied and nothing is raised:
        whoever asked reads what is there. It may be asked again while a copy is being made, and
        then makes no second one. What is copied names Stageward as its author.

        Raises:
            RegistryUnavailableError: as `read`; it may have been copied, or is being copied.
            RegistryRefusedError: as `read`; or such a registry cannot be copied to from here.
        """
        ...

    def close(self) -> None:
        """Give back what the adapter holds open."""
        ...
