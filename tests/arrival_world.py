"""A grown Azure ML workspace, and Stageward as it arrives there: served, and before a terminal."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from stage_functions.bootstrap import Application, open_application, web_application
from stage_functions.domain.asset import Kind
from stage_functions.settings import read_settings
from tests.api_server import serving
from tests.azureml import Call, LocalAzureMl, Place
from tests.azureml_world import contents
from tests.cli.console import Done, run

if TYPE_CHECKING:
    from fastapi import FastAPI

ASSETS, VERSIONS = 10, 5
"""Of each kind."""
TOTAL = len(Kind) * ASSETS * VERSIONS
ANONYMOUS = ("a4", "1")
"""Name and number, of each kind."""
GOVERNED = TOTAL - len(Kind)
LONG = "ü" * 10_000
OWN = ("stage", "stage_status", "stage_governor", "approval", "none", "staging", "prod", "archived")
"""The tags that are Stageward's to write."""
FILE = """
version: 1
registries:
  - alias: dev
    type: azureml
    address: "{address}"
    mode: {mode}
    watch: ["*/*"]
    requests_from: [tag, presence]
    mirror_to: [tag, presence, native_stage]
    presence: {{Production: prod}}
people:
  olga: {{name: Olga, ids: ["upn:olga@example.org"]}}
groups: {{}}
operators: [olga]
lifecycles:
  - name: default
    applies_to: ["*/*/*"]
    stages:
      None: {{initial: true, deletable: true}}
      Staging: {{}}
      Production: {{exclusive: true, displaced_to: Archived, deployable_to: ["*/*"]}}
      Archived: {{terminal: true, deletable: true, hidden: true}}
    transitions:
      - {{from: None, to: Staging}}
      - {{from: Staging, to: Production}}
      - {{from: Staging, to: Archived}}
"""
Documents = dict[tuple[str, str, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Estate:
    """A workspace that has grown without Stageward.

    Attributes:
        local: the local Azure ML.
        place: the workspace.
        folder: where the file and the ledger are.
        patch: what the terminal's environment is set with.
    """

    local: LocalAzureMl
    place: Place
    folder: Path
    patch: pytest.MonkeyPatch

    def documents(self) -> Documents:
        """Return every version as it is stored."""
        with self.local.world.lock:
            return {
                (kind, name, number): copy.deepcopy(document)
                for kind, assets in self.place.assets.items()
                for name, container in assets.items()
                for number, document in container.versions.items()
            }

    def tags(self, name: str) -> dict[str, str]:
        """Return the tags of `kind/name:version`."""
        kind, _, rest = name.partition("/")
        asset, _, number = rest.rpartition(":")
        found = self.local.version(self.place, kind, asset, number)
        assert found is not None
        tags: dict[str, str] = found["properties"]["tags"]
        return tags

    def since(self, calls: int) -> list[Call]:
        """Return the calls of the workspace behind the first so many, apart from our own hand."""
        own = self.place.id.lower()
        return [call for call in self.local.calls[calls:] if call.path.lower().startswith(own)]

    def run(self, *arguments: str) -> Done:
        """Run a command as the operator."""
        return run(*arguments)

    @contextmanager
    def stageward(self, mode: str = "enforce", ledger: str = "ledger.db") -> Iterator[Application]:
        """Start Stageward inside the block, and serve it."""
        file = self.folder / "stageward.yaml"
        file.write_text(FILE.format(address=self.place.id, mode=mode), encoding="utf-8")
        settings = read_settings(
            {
                **self.local.environment(),
                "STAGEWARD_CONFIG": str(file),
                "STAGEWARD_LEDGER": str(self.folder / ledger),
                "STAGEWARD_AUTH": "dev",
            }
        )
        application = open_application(settings)
        try:
            with serving(cast("FastAPI", web_application(application))) as url:
                self.patch.setenv("STAGEWARD_URL", url)
                self.patch.setenv("STAGEWARD_TOKEN", "olga")
                yield application
        finally:
            application.close()


def grown(local: LocalAzureMl, place: Place, folder: Path, patch: pytest.MonkeyPatch) -> Estate:
    """Return a workspace with 200 versions and what comes in years."""
    for kind in Kind:
        for asset in range(ASSETS):
            for number in range(1, VERSIONS + 1):
                written = contents(kind, f"{asset}-{number}")
                written |= {"tags": {"team": "risk", "n": f"{asset}-{number}"}, "x-unknown": [1]}
                local.put_version(place, kind, f"a{asset}", str(number), written)
    for kind in Kind:
        _change(local, place, f"{kind}/a0:1", tags={"stage": "Prod"})
        _change(local, place, f"{kind}/a1:1", tags={"stage": "Staging"})
        _change(local, place, f"{kind}/a2:1", isArchived=True)
        _change(local, place, f"{kind}/a3:1", tags={"prod": "yes", "staging": ""})
        _change(local, place, f"{kind}/a4:1", isAnonymous=True)
        _change(local, place, f"{kind}/a5:1", tags={f"t{n}": f"v{n}" for n in range(48)})
        _change(local, place, f"{kind}/a6:1", tags={"notes": LONG})
        _change(local, place, f"{kind}/a7:1", tags={"stage": "Production"})
        _change(local, place, f"{kind}/a7:2", tags={"stage": "Production"})
        _change(local, place, f"{kind}/a8:1", tags={"stage": "Archived"}, isArchived=True)
    for kind in (Kind.MODELS, Kind.ENVIRONMENTS):
        _change(local, place, f"{kind}/a1:2", stage="Development")
        _change(local, place, f"{kind}/a1:3", stage="Archived")
    return Estate(local, place, folder, patch)


def _change(
    local: LocalAzureMl,
    place: Place,
    named: str,
    *,
    tags: dict[str, str] | None = None,
    **more: object,
) -> None:
    kind, _, rest = named.partition("/")
    name, _, number = rest.rpartition(":")
    found = local.version(place, kind, name, number)
    assert found is not None
    properties = found["properties"]
    written = {**properties, **more, "tags": {**properties["tags"], **(tags or {})}}
    local.put_version(place, kind, name, number, written)
