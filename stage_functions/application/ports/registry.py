"""The registry port: what Stageward asks of an MLflow server or an Azure ML workspace.

An event's body is never trusted for state: everything is read here. `RegistryContract` in
`tests/contracts` is what an adapter must do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.places import Places


class Page(Struct, frozen=True):
    """Some versions of a registry.

    Attributes:
        versions: whole assets only, ordered by (kind, name), then as the registry has them.
        cursor: `<kind>/<name>` of the last asset in it, to go on behind; "" when it was the last.
    """

    versions: tuple[Snapshot, ...]
    cursor: str


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

    def write_tags(self, version: Version, tags: Mapping[str, str]) -> None:
        """Set these tags of a version and leave every other byte-identical.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as `read`; some may have been set.
        """
        ...

    def versions(self, after: str = "") -> Page:
        """Return versions behind a cursor: all of them, archived and anonymous too.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as `read`.
        """
        ...

    def close(self) -> None:
        """Give back what the adapter holds open."""
        ...
