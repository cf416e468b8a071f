"""The brief knows what will be written to the registry, before it is."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.brief_written import Written, written
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mirror
from stage_functions.domain.lifecycle import Transition
from stage_functions.domain.mirror import MIRRORED
from tests.application.mirror_world import KEYS, WORKSPACE, configured, move
from tests.builders import IRIS, World, lifecycle, world


def asked(it: World, target: str = "Production") -> Written:
    """Return what is written when version 2 is approved, while version 1 is in Production."""
    move(it, it.register("1"), "Staging", "Production")
    second = it.register("2")
    move(it, second, "Staging")
    answer = request_transition(it.context, it.command(second, target))
    return written(it.context, IRIS, query.approval(it.context, answer.approval).approval)


def test_a_plain_registry_is_written_three_tags() -> None:
    """Nothing else."""
    made = world()

    assert asked(made) == Written()
    made.rows.close()


def test_a_workspace_is_written_the_field_and_hides_what_is_displaced() -> None:
    """With the keys of all stages, as they are Stageward's own."""
    plain = lifecycle()
    stages = dict(plain.stages)
    stages["Production"] = replace(stages["Production"], retire_within=timedelta(days=7))
    made = world(workspace=WORKSPACE, governed_by=replace(plain, stages=stages))
    mirrors = (Mirror.PRESENCE, Mirror.NATIVE_STAGE)
    it = configured(made, mirror_to=mirrors, presence=KEYS)

    assert asked(it) == Written(
        tags=(*MIRRORED, "none", "staging", "prod", "archived", "approval"),
        native={"2": "Production", "1": ""},
        archived=("1",),
        after=timedelta(days=7),
    )
    made.rows.close()


def test_a_server_of_mlflow_is_written_its_own_stage_and_the_alias() -> None:
    """Of the version that comes and of the one that leaves; an alias goes where the stage goes."""
    made = world()
    it = configured(made, mirror_to=(Mirror.MLFLOW_STAGE,), aliases={"champion": ""})

    assert asked(it) == Written(
        native={"2": "Production", "1": "Archived"}, aliases={"champion": "2"}
    )
    answer = request_transition(it.context, it.command(Version(IRIS, "1"), "Archived"))
    leaving = query.approval(it.context, answer.approval).approval
    assert written(it.context, IRIS, leaving).aliases == {"champion": ""}
    made.rows.close()


def test_a_rollback_shows_a_version_again() -> None:
    """What its stage hid is archived no longer."""
    plain = lifecycle()
    to_production = plain.transitions[3].approval
    stages = {**plain.stages, "Archived": replace(plain.stages["Archived"], terminal=False)}
    back = (*plain.transitions, Transition("Archived", "Production", approval=to_production))
    rules = replace(plain, stages=stages, transitions=back, forward_only=False)
    it = world(workspace=WORKSPACE, governed_by=rules)
    first = it.register("1")
    move(it, first, "Archived")
    answer = request_transition(it.context, it.command(first, "Production"))
    approval = query.approval(it.context, answer.approval).approval

    assert written(it.context, IRIS, approval).restored == ("1",)
    it.rows.close()
