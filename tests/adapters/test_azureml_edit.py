"""What an edit of a version writes, what it leaves as it was, and what may come in between."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from stage_functions.adapters.azureml import AzureMlRegistry
from stage_functions.adapters.azureml_api import AzureMlApi
from stage_functions.adapters.azureml_cloud import cloud
from stage_functions.application.ports.registry import Decide
from stage_functions.domain.asset import Kind, Snapshot, Version
from stage_functions.domain.error import RegistryRefusedError, RegistryUnavailableError
from stage_functions.domain.mirror import Edit
from tests.azureml import LocalAzureMl
from tests.azureml_world import AzureMlWorld, contents, opened
from tests.contracts.registry_world import write_tags

_PLACES = [(kind, is_registry) for kind in Kind for is_registry in (False, True)]
_IDS = [f"{kind} of a {'registry' if shared else 'workspace'}" for kind, shared in _PLACES]
_ODD: dict[str, Any] = {
    "aFieldOfTomorrow": {"list": [1, 2.5, None, "ü→😀"], "empty": {}},
    "datasets": [{"name": "iris", "id": "azureml://d/1"}],
    "jobName": "job_7",
    "flavors": {"python_function": {"data": {"loader": "x", "nothing": None}}},
    "description": "  with\nlines ",
    "properties": {"azureml.p": "q"},
    "tags": {"team": "risk", "empty": "", "number": 3, "nothing": None, "STAGE": "other"},
    "isAnonymous": False,
}


@pytest.fixture(params=_PLACES, ids=_IDS)
def world(request: pytest.FixtureRequest, local: LocalAzureMl) -> Iterator[AzureMlWorld]:
    """Return the hand that others have, for each kind in each place."""
    kind, is_registry = request.param
    workspace = local.workspace("dev")
    place = local.registry("shared") if is_registry else workspace
    yield AzureMlWorld(local, place, workspace, kind)
    local.heal()
    local.polls = 0


@pytest.fixture
def models(local: LocalAzureMl) -> Iterator[AzureMlWorld]:
    """Return the hand that others have in the models of a workspace."""
    workspace = local.workspace("dev")
    yield AzureMlWorld(local, workspace, workspace)
    local.heal()


@pytest.fixture
def registry(request: pytest.FixtureRequest, local: LocalAzureMl) -> Iterator[AzureMlRegistry]:
    """Return the registry over the world that the test has."""
    name = "world" if "world" in request.fixturenames else "models"
    world: AzureMlWorld = request.getfixturevalue(name)
    with closing(opened(local, world.place)) as registry:
        yield registry


def _raw(world: AzureMlWorld, name: str, **rest: object) -> Version:
    """Write a version with everything that somebody might have written."""
    made = world.create(name)
    api = AzureMlApi(
        world.place.id, world.local.credential("anna"), cloud(world.local.url, world.local.url), 10
    )
    with closing(api):
        properties = {**world.document(made)["properties"], **_ODD, **rest}
        body = {"properties": properties, "aTopLevelField": {"x": [None]}}
        api.put(world.kind, name, "versions", made.number, document=body)
    return made


def _differences(before: object, after: object, path: str = "") -> set[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        found: set[str] = set()
        for key in before.keys() | after.keys():
            place = f"{path}/{key}"
            found |= _differences(before.get(key, "absent"), after.get(key, "absent"), place)
        return found
    return set() if (type(before), before) == (type(after), after) else {path}


def _deciding(edit: Edit) -> Decide:
    return lambda _: edit


_WRITTEN = {"/systemData/lastModifiedAt", "/systemData/lastModifiedBy"}
_WRITTEN |= {"/systemData/lastModifiedByType"}


def test_changes_our_tags_and_nothing_else(world: AzureMlWorld, registry: AzureMlRegistry) -> None:
    """After an edit the document differs in the tags that were given, and in who wrote it when."""
    made = _raw(world, "diff")
    before = world.document(made)
    registry.edit(made, lambda _: Edit({"stage": "Staging", "team": None}))
    after = world.document(made)

    assert _WRITTEN | {"/properties/tags/stage", "/properties/tags/team"} == (
        _differences(before, after)
    )
    assert list(_ODD["tags"])[1:] == list(after["properties"]["tags"])[:-1]


@pytest.mark.parametrize("archived", [False, True])
def test_leaves_hidden_what_is_hidden(
    world: AzureMlWorld, registry: AzureMlRegistry, *, archived: bool
) -> None:
    """An archived version stays archived when its tags are written, and another stays shown."""
    made = _raw(world, f"hidden-{archived}", isArchived=archived)
    after = registry.edit(made, lambda _: Edit({"stage": "Staging"}))

    assert after is not None
    assert archived is after.archived is world.document(made)["properties"]["isArchived"]


def test_hides_and_shows_again(world: AzureMlWorld, registry: AzureMlRegistry) -> None:
    """A version is archived and restored without anything else of it changing."""
    made = _raw(world, "comes-back")
    before = world.document(made)
    hidden = registry.edit(made, lambda _: Edit(archived=True))
    between = world.document(made)
    shown = registry.edit(made, lambda _: Edit(archived=False))

    assert hidden is not None
    assert shown is not None
    assert (True, False) == (hidden.archived, shown.archived)
    assert _WRITTEN | {"/properties/isArchived"} == _differences(before, between)
    assert _differences(before, world.document(made)) <= _WRITTEN


def test_waits_for_writes_that_run_long(world: AzureMlWorld, registry: AzureMlRegistry) -> None:
    """A write that the service has only begun is waited for; the answer shows it."""
    made = world.create("slow")
    world.local.polls = 3
    after = registry.edit(made, lambda _: Edit({"stage": "Staging"}))

    assert after is not None
    assert {"stage": "Staging"} == after.tags == world.tags(made)


def test_keeps_the_native_stage(models: AzureMlWorld, registry: AzureMlRegistry) -> None:
    """Who says nothing of Azure ML's own stage leaves it; who does sets, changes or empties it."""
    made = models.create("native", stage="Staging")
    shown: list[str | None] = []
    for edit in (
        Edit({"a": "1"}),
        Edit(native_stage="Production"),
        Edit({"b": "1"}, native_stage=""),
    ):
        after = registry.edit(made, _deciding(edit))
        assert after is not None
        shown.append(after.native_stage)

    assert ["Staging", "Production", None] == shown
    assert {"a": "1", "b": "1"} == models.tags(made)


def test_archives_a_version_that_has_a_stage(
    models: AzureMlWorld, registry: AzureMlRegistry
) -> None:
    """The native stage gives way where it would show the version again, and is no error later."""
    made = models.create("native", stage="Production")
    hidden = registry.edit(made, lambda _: Edit(native_stage="Production", archived=True))
    tagged = registry.edit(made, lambda _: Edit({"a": "1"}, native_stage="Production"))

    assert hidden is not None
    assert tagged is not None
    assert [(True, None), (True, None)] == [
        (one.archived, one.native_stage) for one in (hidden, tagged)
    ]


def test_empties_the_stage_of_what_is_archived(
    models: AzureMlWorld, registry: AzureMlRegistry
) -> None:
    """A version that its own stage has archived is archived without one, where that is asked for."""
    made = models.create("emptied", stage="Archived")
    after = registry.edit(made, lambda _: Edit(native_stage="", archived=True))

    assert after is not None
    assert (True, None) == (after.archived, after.native_stage)


def test_restores_with_a_stage(models: AzureMlWorld, registry: AzureMlRegistry) -> None:
    """A version is shown again and gets its stage in one write."""
    made = models.create("restored", stage="Archived")
    after = registry.edit(made, lambda _: Edit(native_stage="Production", archived=False))

    assert after is not None
    assert (False, "Production") == (after.archived, after.native_stage)


def test_leaves_archived_what_others_archived_by_its_stage(
    models: AzureMlWorld, registry: AzureMlRegistry
) -> None:
    """A version whose own stage is Archived keeps it."""
    made = models.create("native", stage="Archived")
    after = registry.edit(made, lambda _: Edit({"a": "1"}))

    assert after is not None
    assert (True, "Archived", {"a": "1"}) == (after.archived, after.native_stage, after.tags)


def test_archives_again_what_its_stage_has_shown(
    models: AzureMlWorld, registry: AzureMlRegistry
) -> None:
    """Where a write of tags shows an archived version because of its stage, it is hidden again."""
    made = models.create("native", stage="Production")
    container = models.place.assets["models"]["native"]
    document = models.document(made)
    document["properties"]["isArchived"] = True  # which the rules of the service do not let happen
    container.versions[made.number] = document
    after = registry.edit(made, lambda _: Edit({"a": "1"}))

    assert after is not None
    assert (True, {"a": "1"}) == (after.archived, after.tags)


def test_reads_with_one_call_and_edits_with_three(
    world: AzureMlWorld, registry: AzureMlRegistry, local: LocalAzureMl
) -> None:
    """Reading is one call; an edit is a read, a write and a read; one that changes nothing is a read."""
    made = world.create("counted", tags={"stage": "None"})
    registry.read(made)
    counts = []
    calls: list[Callable[[], object]] = [
        lambda: registry.read(made),
        lambda: write_tags(registry, made, {"stage": "None"}),
        lambda: write_tags(registry, made, {"stage": "Staging"}),
        lambda: registry.read(Version(made.asset, "..")),
    ]
    for call in calls:
        before = len(local.calls)
        call()
        counts.append([one.method for one in local.calls[before:]])

    assert [["GET"], ["GET"], ["GET", "PUT", "GET"], []] == counts


@pytest.mark.parametrize(
    "changes", [{"tags": None}, {"flavors": None}, {"tags": None, "flavors": None}]
)
def test_takes_nulls(
    world: AzureMlWorld, registry: AzureMlRegistry, changes: Mapping[str, Any]
) -> None:
    """Where Azure ML has null for tags or flavors, there are none."""
    made = world.create("nulls", **changes)
    read = registry.read(made)
    write_tags(registry, made, {"stage": "None"})

    assert read is not None
    assert {} == read.tags
    assert {"stage": "None"} == world.tags(made)


def test_takes_many_and_long_tags(world: AzureMlWorld, registry: AzureMlRegistry) -> None:
    """Fifty tags of ten thousand characters each are kept to the byte."""
    tags = {f"key-{number}": chr(97 + number % 26) * 10_000 for number in range(50)}
    made = world.create("many", tags=tags)
    write_tags(registry, made, {"stage": "None"})

    assert {**tags, "stage": "None"} == world.tags(made)


def test_refuses_one_tag_too_many(models: AzureMlWorld, registry: AzureMlRegistry) -> None:
    """A limit of Azure ML is told in its own words, and nothing was written."""
    made = models.create("full", tags={str(number): "" for number in range(50)})
    models.local.tag_limit = 50
    try:
        with pytest.raises(RegistryRefusedError, match="exceeds the maximum of 50"):
            write_tags(registry, made, {"stage": "None"})
    finally:
        models.local.tag_limit = None

    assert 50 == len(models.tags(made))


def test_makes_nothing_of_what_was_deleted_meanwhile(
    world: AzureMlWorld, registry: AzureMlRegistry
) -> None:
    """A write of what was deleted creates it, and it is deleted again; others' versions stay."""
    first, made = world.create("deleted"), world.create("deleted")

    def delete(_: Snapshot) -> Edit:
        world.delete_version(made)
        return Edit({"stage": "None"})

    with pytest.raises(RegistryRefusedError, match="was deleted between"):
        registry.edit(made, delete)

    assert registry.read(made) is None
    assert registry.read(first) is not None


def test_undoes_a_long_write_that_created(world: AzureMlWorld, registry: AzureMlRegistry) -> None:
    """A write that runs long does not say that it creates; what it has created is deleted again."""
    made, local = world.create("created-late"), world.local

    def delete(_: Snapshot) -> Edit:
        world.delete_version(made)
        return Edit({"stage": "None"})

    operation = {"Azure-AsyncOperation": f"{local.url}/operation/1", "x-ms-retry-after-ms": "1"}
    local.fail("^PUT", status=202, headers=operation, body=b"", applied=True)
    local.fail("/operation/1", status=200, body=b'{"status": "Succeeded"}')
    with pytest.raises(RegistryRefusedError, match="was deleted between"):
        registry.edit(made, delete)

    assert registry.read(made) is None


def test_tells_what_was_deleted_right_after(world: AzureMlWorld, registry: AzureMlRegistry) -> None:
    """A version that is gone when it is read again after the write is none."""
    made = world.create("gone-after")

    def decide(_: Snapshot) -> Edit:
        world.local.fail("^GET.*gone-after", status=404, code="UserError", message="not found")
        return Edit({"stage": "None"})

    assert registry.edit(made, decide) is None


def test_does_not_touch_tags_of_another_form(
    models: AzureMlWorld, registry: AzureMlRegistry
) -> None:
    """Tags that are no map are refused, rather than lost."""
    made = models.create("listed")
    document = models.document(made)
    document["properties"]["tags"] = ["a"]
    models.place.assets["models"]["listed"].versions[made.number] = document
    with pytest.raises(RegistryRefusedError, match="whose tags are no map"):
        write_tags(registry, made, {"stage": "None"})

    assert document == models.document(made)


def test_remembers_what_it_wrote_for_a_while(
    models: AzureMlWorld, registry: AzureMlRegistry
) -> None:
    """What was written is remembered of the last thousand versions, and not of all."""
    made = models.create("remembered")
    written = registry._editor._written  # noqa: SLF001  # how much it keeps is what this is about
    for number in range(2000):
        written[Version(made.asset, f"before-{number}")] = datetime(2026, 1, 1, tzinfo=UTC)
    write_tags(registry, made, {"stage": "None"})

    assert 1024 == len(written)
    assert made in written


def test_refuses_what_was_registered_anew_meanwhile(
    world: AzureMlWorld, registry: AzureMlRegistry
) -> None:
    """A version that became another thing between read and write is not said to be edited."""
    made = world.create("anew")
    content = {key: world.document(made)["properties"][key] for key in contents(world.kind, 0)}

    def replace(_: Snapshot) -> Edit:
        world.delete_asset("anew")
        world.create("anew", **content)
        return Edit({"stage": "None"})

    with pytest.raises(RegistryRefusedError, match="registered anew"):
        registry.edit(made, replace)

    assert registry.read(made) is not None


def test_deletes_nothing_that_a_write_did_not_create(
    world: AzureMlWorld, registry: AzureMlRegistry, local: LocalAzureMl
) -> None:
    """A version that Stageward once copied there, and that reads otherwise since, stays."""
    made = world.create("copied")
    properties = world.document(made)["properties"]
    name = made.asset.name
    world.delete_version(made)
    local.put_version(world.place, world.kind, name, "1", properties, who=local.governor)
    document = world.document(made)
    document["properties"] |= contents(world.kind, "otherwise")

    def decide(_: Snapshot) -> Edit:
        local.fail("^GET.*copied", status=200, body=json.dumps(document).encode())
        return Edit({"stage": "None"})

    with pytest.raises(RegistryRefusedError):
        registry.edit(made, decide)

    assert {"stage": "None"} == world.tags(made)


def test_refuses_to_write_to_other_content(models: AzureMlWorld, registry: AzureMlRegistry) -> None:
    """Azure ML itself refuses a write with an address of content that is no longer there."""
    made = models.create("other")

    def replace(_: Snapshot) -> Edit:
        models.delete_asset("other")
        models.create("other")
        return Edit({"stage": "None"})

    with pytest.raises(RegistryRefusedError, match="Asset paths cannot be updated"):
        registry.edit(made, replace)

    assert {} == models.tags(made)


def test_does_not_write_back_what_was_there_before(
    world: AzureMlWorld, registry: AzureMlRegistry, local: LocalAzureMl
) -> None:
    """Where Azure ML answers with what was there before the last own write, nothing is lost by it."""
    made = world.create("stale")
    write_tags(registry, made, {"a": "1"})
    local.stale(1, "versions/1")
    write_tags(registry, made, {"b": "1"})
    local.stale(2, "versions/1")
    with pytest.raises(RegistryUnavailableError, match="before it was written"):
        write_tags(registry, made, {"c": "1"})

    assert {"a": "1", "b": "1"} == world.tags(made)


def test_tells_who_wrote(models: AzureMlWorld, registry: AzureMlRegistry) -> None:
    """What Stageward wrote is told from what others wrote, by its own identity."""
    made = models.create("whose")
    before = registry.read(made)
    after = registry.edit(made, lambda _: Edit({"stage": "None"}))
    models.write(made, who="ben")
    later = registry.read(made)

    assert ["aml:anna", "stageward", "aml:ben"] == [
        one.modified_by for one in (before, after, later) if one
    ]
    assert {"aml:anna"} == {one.author for one in (before, after, later) if one}
    governor = models.local.governor
    assert {f"oid:{governor.oid}", f"app:{governor.app}"} == registry.identities()


def test_knows_itself_before_it_asked(models: AzureMlWorld, registry: AzureMlRegistry) -> None:
    """The own ids are known before anything was sent, and sending nothing to Azure ML."""
    before = len(models.local.calls)

    assert f"app:{models.local.governor.app}" in registry.identities()
    assert before == len(models.local.calls)


@pytest.mark.parametrize("applied", [False, True])
def test_tells_of_a_write_whose_answer_was_lost(
    models: AzureMlWorld, registry: AzureMlRegistry, *, applied: bool
) -> None:
    """A write that may have been carried out is not sent twice: whoever asked decides anew."""
    made = models.create("lost")
    models.local.fail("^PUT .*lost", cut=True, applied=applied)
    before = len(models.local.calls)
    with pytest.raises(RegistryUnavailableError):
        write_tags(registry, made, {"stage": "None"})

    assert 1 == [one.method for one in models.local.calls[before:]].count("PUT")
    write_tags(registry, made, {"stage": "None"})
    assert {"stage": "None"} == models.tags(made)
