"""What becomes of signals and owed tags on Azure ML: calls, faults that pass, faults that last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from stage_functions.adapters.azureml import AzureMlRegistry
from stage_functions.application.context import Context
from stage_functions.application.ledger import Owed
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.error import RegistryRefusedError, RegistryUnavailableError
from tests import builders
from tests.azureml import LocalAzureMl, Place
from tests.azureml_world import AzureMlWorld, opened


@dataclass(frozen=True, slots=True)
class It:
    """Stageward over a place in Azure ML, with a clock that stands still.

    Attributes:
        inner: Stageward over a store.
        context: the same, over the place.
        world: the hand of others.
    """

    inner: builders.World
    context: Context
    world: AzureMlWorld

    def create(self, name: str, tags: dict[str, str] | None = None) -> Version:
        """Register a version, and tell Stageward."""
        made = self.world.create(name, tags=tags)
        follow(self.context, Signal(made))
        return made

    def ask(self, version: Version, stage: str) -> None:
        """Ask for a stage by a tag, and tell Stageward."""
        self.world.set_tag(version, "stage_request", stage)
        follow(self.context, Signal(version))

    def stage(self, version: Version) -> str:
        """Return the stage that was granted."""
        return self.context.ledger.versions(version.asset)[version.number].stage

    def owed(self, version: Version) -> list[Owed]:
        """Return what is owed to the version's asset."""
        return self.context.ledger.owed(version.asset)

    def later(self) -> None:
        """Let an hour go by, and the clock strike."""
        self.inner.clock.sleep(3600)
        sweep(self.context)

    def calls(self, version: Version) -> list[str]:
        """Return the methods of all calls to a version."""
        path = f"/{version.asset.kind}/{version.asset.name}/versions/{version.number}$"
        return [one.method for one in self.world.local.calls if f"{one.path}$".endswith(path)]


_PLACES = [(kind, is_registry) for kind in Kind for is_registry in (False, True)]


@pytest.fixture(
    params=_PLACES,
    ids=[f"{kind} of a {'registry' if shared else 'workspace'}" for kind, shared in _PLACES],
)
def it(request: pytest.FixtureRequest, local: LocalAzureMl) -> Iterator[It]:
    """Return Stageward over each kind in each place."""
    kind, is_registry = request.param
    jobs = local.workspace("dev")
    place: Place = local.registry("shared") if is_registry else jobs
    inner = builders.world(workspace=place.id, governed_by=builders.unguarded())
    world = AzureMlWorld(local, place, jobs, kind, alias="demo")
    with closing(opened(local, place, alias="demo")) as registry:
        registry.read(Version.parse(f"demo/{kind}/none:1"))
        yield It(inner, _over(inner.context, registry), world)
    local.heal()
    inner.rows.close()


def _over(context: Context, registry: AzureMlRegistry) -> Context:
    """Return Stageward over a place, all kinds of which it watches."""
    configured = replace(context.configuration.registry("demo"), watch=("*/*",))
    configuration = replace(context.configuration, registries={"demo": configured})
    return replace(context, configuration=configuration, registries={"demo": registry})


def test_promotes_and_displaces_with_few_calls(it: It) -> None:
    """A tag edit promotes and displaces: four calls to each version at most; a hint of nothing is one."""
    old, new = it.create("churn"), it.create("churn")
    for version, stage in ((old, "Staging"), (old, "Production"), (new, "Staging")):
        it.ask(version, stage)
    counts = len(it.calls(old)), len(it.calls(new))
    it.ask(new, "Production")

    assert ("Archived", "Production") == (it.stage(old), it.stage(new))
    assert "Production" == it.world.tags(new)["stage"]
    assert "Archived" == it.world.tags(old)["stage"]
    assert it.world.document(old)["properties"]["isArchived"] is True
    assert [] == it.owed(new)
    assert (["GET", "PUT", "GET"], ["GET", "GET", "PUT", "GET"]) == (
        it.calls(old)[counts[0] :],
        it.calls(new)[counts[1] :],
    )
    before = len(it.world.local.calls)
    for version in (old, new):
        assert not follow(it.context, Signal(version))
    assert ["GET", "GET"] == [one.method for one in it.world.local.calls[before:]]


def test_tries_again_what_may_pass(it: It) -> None:
    """A write that fails for now stays owed, and is done when the fault has passed."""
    made = it.create("passing")
    it.world.local.fail("^PUT", status=503, times=1)
    it.ask(made, "Staging")
    owed = it.owed(made)
    it.later()

    assert [False] == [row.parked for row in owed]
    assert "503" in owed[0].error
    assert [] == it.owed(made)
    assert "Staging" == it.world.tags(made)["stage"]


def test_parks_what_lasts(it: It) -> None:
    """A write that is refused for good is parked, and its reason is on record."""
    made = it.create("lasting")
    it.world.local.fail("^PUT", status=403, code="AuthorizationFailed", times=1)
    it.ask(made, "Staging")
    owed = it.owed(made)
    it.later()

    assert [True] == [row.parked for row in owed]
    assert "AzureML Data Scientist" in owed[0].error
    assert "None" == it.world.tags(made)["stage"]
    assert [True] == [row.parked for row in it.owed(made)]


def test_delivers_again_what_cannot_be_read(it: It) -> None:
    """A signal whose version cannot be read now is delivered again; one that may not be, is not."""
    made = it.create("unread")
    it.world.local.fail("^GET", status=503, times=3)
    with pytest.raises(RegistryUnavailableError):
        follow(it.context, Signal(made))
    it.world.local.fail("^GET", status=403, times=1)
    with pytest.raises(RegistryRefusedError):
        follow(it.context, Signal(made))


def test_makes_nothing_of_what_was_deleted(it: It) -> None:
    """A version that is gone before its tags are written stays gone, and what is owed says so."""
    made = it.create("gone")
    it.world.local.fail("^PUT", status=503, times=1)
    it.ask(made, "Staging")
    it.world.delete_version(made)
    it.later()

    assert it.context.registry("demo").read(made) is None
    assert ["registry demo has no " + str(made)] == [row.error for row in it.owed(made)]


def test_begins_anew_with_what_was_registered_anew(it: It) -> None:
    """A version that was deleted and registered anew is another one, with a stage of its own."""
    made = it.create("anew")
    it.ask(made, "Staging")
    it.world.delete_asset("anew")
    again = it.create("anew")

    assert made == again
    assert "None" == it.stage(again)
    assert {"None"} == {it.world.tags(again)["stage"]}


def test_knows_its_own_writes(it: It) -> None:
    """What Stageward wrote asks for nothing, and is nobody's."""
    made = it.create("own")
    it.ask(made, "Staging")
    read = it.context.registry("demo").read(made)

    assert read is not None
    assert "stageward" == read.modified_by
    assert "aml:anna" == read.author
