"""What Azure ML shows besides tags: its own stage field, and what it hides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.revisit import revisit
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Asset, Kind, Snapshot, Version
from stage_functions.domain.configuration import Mirror, Mode
from stage_functions.domain.lifecycle import Lifecycle, Transition
from tests.application.mirror_world import WORKSPACE, configured, move, types
from tests.builders import IRIS, World, lifecycle, world

ONE, TWO = (Version(IRIS, number) for number in "12")
NATIVE = (Mirror.TAG, Mirror.NATIVE_STAGE)


def with_a_way_back() -> Lifecycle:
    """Return the lifecycle with rollbacks: Archived is left again."""
    plain = lifecycle()
    stages = {**plain.stages, "Archived": replace(plain.stages["Archived"], terminal=False)}
    return replace(
        plain,
        forward_only=False,
        stages=stages,
        transitions=(
            *plain.transitions,
            Transition("Archived", "Production"),
            Transition("Archived", "Staging"),
        ),
        text={"name": "default", "shape": "with a way back"},
    )


@pytest.fixture
def it() -> Iterator[World]:
    """A workspace whose models show their stage in their own field too."""
    made = world(workspace=WORKSPACE, governed_by=with_a_way_back())
    yield configured(made, mirror_to=NATIVE)
    made.rows.close()


def read(it: World, version: Version) -> Snapshot:
    """Return a version that is there."""
    found = it.registry.read(version)
    assert found is not None
    return found


def native(it: World, version: Version) -> tuple[str | None, bool]:
    """Return a version's own stage field, and whether it is archived."""
    found = read(it, version)
    return found.native_stage, found.archived


def test_the_stage_field_says_the_stage_but_never_archived(it: World) -> None:
    """It is emptied, and the version archived, as the SDK's own archive() does it."""
    first = it.register("1")
    shown = [native(it, first)]
    for stage in ("Staging", "Production"):
        move(it, first, stage)
        shown.append(native(it, first))
    move(it, it.register("2"), "Staging", "Production")
    shown.append(native(it, first))

    assert shown == [("None", False), ("Staging", False), ("Production", False), ("", True)]


def test_the_field_of_other_kinds_is_left_alone(it: World) -> None:
    """Environments have one too; only that of models is a mirror."""
    environments = configured(it, watch=("*/*",))
    version = Version(Asset("demo", Kind.ENVIRONMENTS, "cpu"), "1")
    it.registry.register(version, it.clock.now())
    it.registry.set_native_stage(version, "Development")
    follow(environments.context, Signal(version))

    assert read(it, version).tags["stage"] == "None"
    assert native(it, version) == ("Development", False)


def test_an_edit_of_the_field_is_put_back_and_asks_nothing(it: World) -> None:
    """It is a mirror only; the history says who wrote what into it."""
    version = it.register("1")
    it.registry.set_native_stage(version, "Staging")
    follow(it.context, Signal(version))
    follow(it.context, Signal(version))

    assert native(it, version) == ("None", False)
    assert types(it) == ["Registered", "DriftFound"]
    drift = it.context.ledger.records(keys.asset_partition(IRIS))[-1].content
    assert ("Staging", "None") == (drift["found"], drift["granted"])
    assert str(drift["why"]).startswith("the field for the stage is put back")


def test_a_field_that_stageward_never_wrote_or_that_is_emptied_is_no_drift(it: World) -> None:
    """Who begins to mirror there finds no fault with what was there before."""
    before = configured(it, mirror_to=(Mirror.TAG,))
    version = before.register("1")
    it.registry.set_native_stage(version, "Development")
    follow(it.context, Signal(version))
    first = native(it, version)
    it.registry.set_native_stage(version, "")
    follow(it.context, Signal(version))

    assert (first, native(it, version)) == (("None", False), ("None", False))
    assert types(it) == ["Registered"]


def test_what_somebody_archived_stays_archived(it: World) -> None:
    """It is nobody's business here: neither the flag nor the field is written."""
    version = it.register("1")
    move(it, version, "Staging")
    it.registry.archive(version)
    it.registry.set_native_stage(version, "")
    follow(it.context, Signal(version))
    nominated = Scanner(it.context).scan("demo").nominated
    kept = native(it, version)
    move(it, version, "Production")

    assert nominated == 0
    assert kept == ("", True)
    assert native(it, version) == ("", True)
    assert read(it, version).tags["stage"] == "Production"


def test_a_rollback_shows_again_what_was_hidden(it: World) -> None:
    """What Stageward archived it takes back, with the field."""
    first = it.register("1")
    move(it, first, "Staging", "Production")
    move(it, it.register("2"), "Staging", "Production")
    hidden = native(it, first)
    move(it, first, "Production")

    assert hidden == ("", True)
    assert native(it, first) == ("Production", False)
    assert native(it, TWO) == ("", True)


def test_a_rollback_shows_again_what_was_hidden_before_it_could_be_verified(it: World) -> None:
    """The flag is Stageward's from the decision on, not from its last reading."""
    version = it.register("1")

    def lost(call: str) -> None:
        it.registry.away = it.registry.away or call == "write_tags"

    it.registry.after = lost
    move(it, version, "Archived")
    it.registry.after = lambda _: None
    it.registry.away = False
    hidden = native(it, version)
    move(it, version, "Staging")

    assert hidden == ("", True)
    assert native(it, version) == ("Staging", False)


def test_a_rollback_shows_again_what_somebody_had_archived_before(it: World) -> None:
    """A stage that hides a version makes the flag Stageward's; afterwards it is anybody's again."""
    version = it.register("1")
    it.registry.archive(version)
    move(it, version, "Archived", "Staging")
    shown = native(it, version)
    it.registry.archive(version)
    follow(it.context, Signal(version))

    assert shown == ("Staging", False)
    assert read(it, version).archived


def test_a_hidden_version_that_somebody_shows_is_hidden_again(it: World) -> None:
    """Three times; then there is peace for an hour."""
    version = it.register("1")
    move(it, version, "Archived")
    seen = []
    for _ in range(5):
        it.registry.archive(version, archived=False)
        follow(it.context, Signal(version))
        seen.append(read(it, version).archived)
    it.clock.sleep(3700)
    sweep(it.context)

    assert seen == [True, True, True, False, False]
    assert types(it) == ["Registered", "StageChanged", "DriftFound"]
    assert read(it, version).archived


def test_what_may_still_be_served_is_not_hidden_before_its_time(it: World) -> None:
    """Somebody's own archiving counts meanwhile; when the time is over, it is hidden."""
    version = it.register("1")
    until = it.clock.now() + timedelta(days=1)
    loaded = it.context.ledger.load(IRIS, ["1"])
    retiring = replace(
        loaded.versions["1"], stage="Archived", retires_at=until, retires_from="Production"
    )
    step = loaded.step().with_version(retiring, touch=True)
    it.context.ledger.commit(loaded, step, now=it.clock.now(), operation="retire")
    it.clock.sleep(60)
    sweep(it.context)
    early = native(it, version)
    it.clock.sleep(86_400)
    revisit(it.context, version)

    assert read(it, version).tags["stage"] == "Archived"
    assert early == ("", False)
    assert native(it, version) == ("", True)


def test_an_observed_workspace_hides_nothing() -> None:
    """Nor is its stage field written."""
    made = world(Mode.OBSERVE, workspace=WORKSPACE, governed_by=with_a_way_back())
    it = configured(made, mirror_to=NATIVE)
    version = it.register("1", {"stage": "Archived"})
    follow(it.context, Signal(version))

    assert native(it, version) == ("None", False)
    made.rows.close()


def test_an_mlflow_server_hides_nothing() -> None:
    """It cannot."""
    made = world(governed_by=with_a_way_back())
    version = made.register("1")
    request_transition(made.context, made.command(version, "Archived"))

    assert native(made, version) == ("None", False)
    made.rows.close()
