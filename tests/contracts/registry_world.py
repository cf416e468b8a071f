"""The hand that people and pipelines have in a registry, apart from Stageward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from stage_functions.application.ports.registry import Registry
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.mirror import Edit

AWKWARD_NAMES = (
    "plain",
    "with space ",
    "100% sure",
    "%2F",
    "_",
    "O'Brien",
    'say "hi"',
    "both ' and \"",
    "''",
    "back\\slash",
    "end\\",
    "name = 'x'",
    "IN ('x')",
    "semi;colon -- and",
    "q?#&=+",
    "(a, b)",
    "naïve モデル 😀",
    "tab\tnewline\n",
    "x" * 400,
    "😀" * 255,
)
"""What follows a prefix in names that tests ask for.

Azure ML documents fewer characters than MLflow takes. What it has in fact is not known here, so its
adapter is held to the same names, and the local one takes them.
"""


def write_tags(registry: Registry, version: Version, tags: Mapping[str, str | None]) -> None:
    """Change tags through the port, whatever the version shows."""
    registry.edit(version, lambda _: Edit(tags))


class World(Protocol):
    """Writes to a registry, and reads it, by other ways than the port."""

    @property
    def alias(self) -> str:
        """The registry's alias."""
        ...

    @property
    def kind(self) -> Kind:
        """The kind of all assets that are made."""
        ...

    @property
    def provider(self) -> str:
        """What stands before the names of people in ids."""
        ...

    def create(
        self,
        name: str,
        *,
        tags: Mapping[str, str] | None = None,
        description: str = "",
        job: str | None = None,
    ) -> Version:
        """Register the next version of an asset, made by a job where one is named."""
        ...

    def set_tag(self, version: Version, key: str, value: str) -> None:
        """Set a tag."""
        ...

    def delete_tag(self, version: Version, key: str) -> None:
        """Delete a tag."""
        ...

    def tags(self, version: Version) -> dict[str, str]:
        """Return all tags."""
        ...

    def delete_version(self, version: Version) -> None:
        """Delete a version."""
        ...

    def delete_asset(self, name: str) -> None:
        """Delete an asset with all of its versions; its name and numbers may come again."""
        ...

    def deploy(self, version: Version, endpoint: str, deployment: str) -> bool:
        """Have an endpoint serve a version; tell whether the registry has endpoints."""
        ...

    def run(
        self,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        user: str = "",
        commit: str = "",
        finished: bool = True,
    ) -> str:
        """Make a job and return its id."""
        ...
