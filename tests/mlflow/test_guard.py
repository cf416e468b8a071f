"""A stock client at a server that asks first: nothing is stored that was not granted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mlflow.exceptions import MlflowException, RestException
from msgspec.structs import replace

from stage_functions.application.outbox import work_off_due
from tests.builders import unguarded
from tests.mlflow.guard_world import Calls, Guarded, governing
from tests.mlflow_server import MlflowServer

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated since 2.9.0:FutureWarning")


@pytest.fixture
def it(asking: MlflowServer, calls: Calls) -> Iterator[Guarded]:
    """Stageward over it, with the default lifecycle's shape."""
    with governing(asking, calls, aliases={"champion": "Production"}) as made:
        yield made


@pytest.fixture
def free(asking: MlflowServer, calls: Calls) -> Iterator[Guarded]:
    """Stageward over it, where no approval is needed."""
    with governing(asking, calls, unguarded(), aliases={"champion": ""}) as made:
        yield made


def refused(raised: pytest.ExceptionInfo[RestException]) -> str:
    """Return the words of a refusal."""
    assert "PERMISSION_DENIED" == raised.value.error_code
    return str(raised.value)


def test_a_transition_that_is_granted_at_once_is_stored(it: Guarded) -> None:
    """It became a request, and the tags followed before the answer came."""
    it.create()
    moved = it.stock.transition_model_version_stage(it.name, "1", "staging")
    tags = it.stock.get_model_version(it.name, "1").tags

    assert "Staging" == moved.current_stage
    assert ("Staging", "granted: None → Staging") == (tags["stage"], tags["stage_status"])
    assert ["Registered", "StageChanged"] == it.types()


def test_a_transition_that_waits_is_not_stored_until_it_was_approved(it: Guarded) -> None:
    """The refusal names the approval and its address; asked for again it is stored."""
    version = it.create()
    it.stock.transition_model_version_stage(it.name, "1", "Staging")
    with pytest.raises(RestException, match="pending approval") as raised:
        it.stock.transition_model_version_stage(it.name, "1", "Production")
    approval = it.waiting()

    assert f"; see {it.calls.address}/approvals/{approval}" in refused(raised)
    assert "Staging" == it.shown(version)

    it.sponsor(approval)
    it.approve(approval)
    it.stock.transition_model_version_stage(it.name, "1", "Production")

    assert "Production" == it.shown(version)
    assert "Production" == it.people.tags(version)["stage"]


def test_a_refused_transition_is_not_stored(it: Guarded) -> None:
    """The words are those that everybody gets."""
    version = it.create()
    with pytest.raises(RestException, match="None → Production is not allowed") as raised:
        it.stock.transition_model_version_stage(it.name, "1", "Production")

    assert "allowed: Staging, Archived" in refused(raised)
    assert "None" == it.shown(version)


def test_whoever_held_an_exclusive_stage_leaves_it_in_mlflow_too(free: Guarded) -> None:
    """No two hold it there; without archive_existing_versions nobody is displaced."""
    first, second = free.create(), free.create()
    for number in ("1", "2"):
        free.stock.transition_model_version_stage(free.name, number, "Staging")
    free.stock.transition_model_version_stage(free.name, "1", "Production")
    with pytest.raises(RestException, match="archive_existing_versions=True lets it") as raised:
        free.stock.transition_model_version_stage(free.name, "2", "Production")
    assert "held by 1" in refused(raised)
    free.stock.transition_model_version_stage(
        free.name, "2", "Production", archive_existing_versions=True
    )

    assert ("Archived", "Production") == (free.shown(first), free.shown(second))
    assert [second.number] == [
        one.version for one in free.stock.get_latest_versions(free.name, ["Production"])
    ]


def test_whoever_held_it_may_have_been_deleted_since(asking: MlflowServer, calls: Calls) -> None:
    """What has no field any more needs none to be set; the ledger hears of it by the next scan."""
    plain = unguarded()
    stages = {name: replace(one, deletable=True) for name, one in plain.stages.items()}
    with governing(asking, calls, replace(plain, stages=stages)) as it:
        it.create(), it.create()
        for number in ("1", "2"):
            it.stock.transition_model_version_stage(it.name, number, "Staging")
        it.stock.transition_model_version_stage(it.name, "1", "Production")
        it.stock.delete_model_version(it.name, "1")
        moved = it.stock.transition_model_version_stage(
            it.name, "2", "Production", archive_existing_versions=True
        )

        assert "Production" == moved.current_stage


@pytest.mark.parametrize("key", ["stage", "stage_status", "stage_governor"])
def test_a_tag_of_stagewards_is_not_edited(it: Guarded, key: str) -> None:
    """Nor taken away: what is there stays byte for byte."""
    version = it.create()
    it.stock.transition_model_version_stage(it.name, "1", "Staging")
    before = it.people.tags(version)
    with pytest.raises(RestException, match=f"the tag {key} is Stageward's to write"):
        it.stock.set_model_version_tag(it.name, "1", key, "Archived!")
    with pytest.raises(RestException, match=f"the tag {key} is Stageward's to write") as raised:
        it.stock.delete_model_version_tag(it.name, "1", key)

    assert "ask with the tag stage_request" in refused(raised)
    assert before == it.people.tags(version)


def test_an_edit_of_the_stage_tag_is_a_request(it: Guarded) -> None:
    """What waits is not stored, so no page of MLflow ever shows it."""
    version = it.create()
    it.stock.set_model_version_tag(it.name, "1", "stage", "Staging")
    with pytest.raises(RestException, match="pending approval"):
        it.stock.set_model_version_tag(it.name, "1", "stage", "Production")

    assert "Staging" == it.people.tags(version)["stage"]


def test_what_people_ask_by_tag_passes(it: Guarded) -> None:
    """`stage_request` is theirs, and so is whatever Stageward does not know."""
    version = it.create({"stage_request": "Staging", "owner": "ada"})
    it.stock.set_model_version_tag(it.name, "1", "stage_request", "Staging: again")
    it.stock.delete_model_version_tag(it.name, "1", "owner")

    assert {"stage_request": "Staging: again"} == it.people.tags(version)


def test_a_kept_alias_leads_to_the_holder(free: Guarded) -> None:
    """Anybody may set it there, nobody elsewhere; other aliases are nobody's business."""
    free.create(), free.create()
    for stage in ("Staging", "Production"):
        free.stock.transition_model_version_stage(free.name, "1", stage)
    with pytest.raises(RestException, match="which is version 1"):
        free.stock.set_registered_model_alias(free.name, "champion", "2")
    free.stock.set_registered_model_alias(free.name, "champion", "1")
    with pytest.raises(RestException, match="which is version 1"):
        free.stock.delete_registered_model_alias(free.name, "champion")
    free.stock.set_registered_model_alias(free.name, "challenger", "2")
    free.stock.delete_registered_model_alias(free.name, "challenger")

    assert {"champion": "1"} == free.stock.get_registered_model(free.name).aliases


def test_a_version_does_not_begin_with_what_nobody_granted(it: Guarded) -> None:
    """Neither is a version made, nor a number used."""
    it.create()
    with pytest.raises(RestException, match="begins at None: the tag stage is"):
        it.stock.create_model_version(it.name, "s3://a/b", tags={"stage": "Production"})

    assert "2" == it.create().number


def test_a_copy_goes_without_the_tags_of_what_it_is_a_copy_of(it: Guarded) -> None:
    """It begins at the first stage, as any version; MLflow's own way to copy works."""
    it.create({"owner": "ada"})
    it.stock.transition_model_version_stage(it.name, "1", "Staging")
    copy = it.stock.copy_model_version(f"models:/{it.name}/1", f"{it.name}-prod")

    assert {"owner": "ada"} == it.stock.get_model_version(copy.name, copy.version).tags


def test_a_copy_goes_without_the_wish_that_was_made_for_another_version(it: Guarded) -> None:
    """Somebody asked for the one: for the copy nobody has; who registers a version may ask."""
    it.create({"owner": "ada", "stage_request": "Staging: guard"})
    copy = it.stock.copy_model_version(f"models:/{it.name}/1", it.name)
    wish = {"stage_request": "Staging: a wish of its own"}
    asked = it.stock.create_model_version(it.name, f"models:/{it.name}/1", tags=wish)

    assert {"owner": "ada"} == it.stock.get_model_version(it.name, copy.version).tags
    assert wish == it.stock.get_model_version(it.name, asked.version).tags


def test_a_version_at_a_stage_that_is_kept_is_not_deleted_nor_its_model(it: Guarded) -> None:
    """Nor does it get another name; a version at None may go."""
    it.create(), it.create()
    it.stock.transition_model_version_stage(it.name, "1", "Staging")
    for attempt in (
        lambda: it.stock.delete_model_version(it.name, "1"),
        lambda: it.stock.delete_registered_model(it.name),
        lambda: it.stock.rename_registered_model(it.name, f"{it.name}-other"),
    ):
        with pytest.raises(RestException, match="stands at Staging, where nothing is deleted") as r:
            attempt()
        refused(r)
    it.stock.delete_model_version(it.name, "2")

    assert ["1"] == [one.version for one in it.stock.search_model_versions(f"name='{it.name}'")]


def test_no_model_takes_a_governed_name_with_what_nobody_granted(it: Guarded) -> None:
    """Where it comes from nobody looks, so it may show anything there."""
    other = f"other-{it.name}"
    it.people.create(other)
    it.stock.transition_model_version_stage(other, "1", "Production")
    with pytest.raises(RestException, match="version 1 shows the stage Production"):
        it.stock.rename_registered_model(other, f"{it.name}-new")
    it.stock.transition_model_version_stage(other, "1", "None")
    it.stock.set_model_version_tag(other, "1", "stage", "Production")
    with pytest.raises(RestException, match="version 1 has the tag stage"):
        it.stock.rename_registered_model(other, f"{it.name}-new")
    it.stock.delete_model_version_tag(other, "1", "stage")

    it.stock.rename_registered_model(other, f"{it.name}-new")

    assert "1" == it.stock.get_model_version(f"{it.name}-new", "1").version


def test_what_is_not_watched_is_as_in_any_mlflow(it: Guarded) -> None:
    """Stages archive others, tags and aliases are anybody's."""
    other = f"other-{it.name}"
    it.people.create(other), it.people.create(other)
    it.stock.transition_model_version_stage(other, "1", "Production")
    it.stock.transition_model_version_stage(
        other, "2", "Production", archive_existing_versions=True
    )
    it.stock.set_model_version_tag(other, "1", "stage_status", "mine")
    it.stock.set_registered_model_alias(other, "champion", "1")
    it.stock.delete_registered_model_alias(other, "champion")
    it.stock.delete_model_version(other, "2")

    assert "Archived" == it.stock.get_model_version(other, "1").current_stage
    it.stock.delete_registered_model(other)


def test_prompts_go_on_as_ever(it: Guarded) -> None:
    """MLflow keeps them among its models, under the same watched names."""
    name = f"{it.name}-prompt"
    it.stock.register_prompt(name, "Hello, {{name}}", tags={"stage": "draft"})
    it.stock.set_prompt_version_tag(name, "1", "stage", "final")
    it.stock.set_prompt_alias(name, "champion", 1)
    it.stock.delete_prompt_alias(name, "champion")

    assert "final" == it.stock.get_prompt_version(name, "1").tags["stage"]


def test_what_does_not_exist_is_told_as_by_any_mlflow(it: Guarded) -> None:
    """Stageward is not asked about it."""
    it.create()
    with pytest.raises(MlflowException, match="not found") as raised:
        it.stock.transition_model_version_stage(it.name, "7", "Staging")
    assert "RESOURCE_DOES_NOT_EXIST" == raised.value.error_code
    with pytest.raises(MlflowException, match="Invalid Model Version stage"):
        it.stock.transition_model_version_stage(it.name, "1", "Elsewhere")


def test_the_whole_way_leaves_nothing_owed(it: Guarded) -> None:
    """Every write of Stageward's own passed its own guard."""
    it.create()
    it.stock.transition_model_version_stage(it.name, "1", "Staging")
    loaded = it.context.ledger.load(it.asset, ["1"])
    work_off_due(it.context, loaded)

    assert () == it.context.ledger.load(it.asset).head.owed
