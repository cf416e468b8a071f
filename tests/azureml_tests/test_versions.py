"""Versions and containers, as raw calls see them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.azureml import LocalAzureMl, Place
from tests.azureml_tests.arm import CONTENTS, MODEL, PLANE, Arm

KINDS = pytest.mark.parametrize("kind", CONTENTS)


@KINDS
def test_a_version_is_created_then_updated(arm: Arm, dev: Place, kind: str) -> None:
    """The first PUT answers 201, the next 200, each with the whole resource."""
    path = f"{dev.id}/{kind}/churn/versions/1"

    created = arm.put(path, CONTENTS[kind])
    updated = arm.put(path, {**CONTENTS[kind], "tags": {"stage": "prod"}})

    assert (201, 200) == (created.status_code, updated.status_code)
    assert path == updated.json()["id"]
    assert {"stage": "prod"} == updated.json()["properties"]["tags"]
    assert updated.json() == arm.get(path).json()


@KINDS
def test_unknown_fields_survive(arm: Arm, dev: Place, kind: str) -> None:
    """What the service does not know is kept as it was written."""
    path = f"{dev.id}/{kind}/churn/versions/1"
    odd = {"x": [1.5, None, {"ö": "\ud800"}], "big": 2**80}

    arm.put(path, {**CONTENTS[kind], "novelty": odd}, sku={"name": "?"})
    read = arm.get(path).json()

    assert odd == read["properties"]["novelty"]
    assert {"name": "?"} == read["sku"]


def test_who_wrote_is_told(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """`systemData` keeps who created, and has who modified: a name, or an application's id."""
    path = f"{dev.id}/models/churn/versions/1"
    first = arm.put(path, MODEL).json()["systemData"]
    with Arm(local, "governor") as governor:
        second = governor.put(path, MODEL).json()["systemData"]

    assert ("anna", "User") == (first["createdBy"], first["createdByType"])
    assert first["createdAt"] == second["createdAt"] < second["lastModifiedAt"]
    assert "anna" == second["createdBy"]
    assert (local.governor.app, "Application") == (
        second["lastModifiedBy"],
        second["lastModifiedByType"],
    )


@pytest.mark.parametrize(("stage", "archived"), [("Archived", True), ("Production", False)])
def test_stage_populates_is_archived(arm: Arm, dev: Place, stage: str, archived: bool) -> None:  # noqa: FBT001
    """Where `stage` is given, it decides whether a version is archived."""
    path = f"{dev.id}/models/churn/versions/1"

    written = arm.put(path, {**MODEL, "stage": stage, "isArchived": not archived}).json()

    assert archived is written["properties"]["isArchived"]


def test_what_a_put_leaves_out_is_gone(arm: Arm, dev: Place) -> None:
    """A PUT replaces the properties; only whether a version is anonymous stays."""
    path = f"{dev.id}/models/churn/versions/1"
    arm.put(path, {**MODEL, "jobName": "job_7", "isAnonymous": True, "isArchived": True})

    written = arm.put(path, MODEL).json()["properties"]

    assert "jobName" not in written
    assert (True, False) == (written["isAnonymous"], written["isArchived"])


@pytest.mark.parametrize(
    ("kind", "changed", "status"),
    [
        ("models", {"modelUri": "azureml://datastores/ds/paths/other"}, 400),
        ("data", {"dataUri": "azureml://datastores/ds/paths/other"}, 400),
        ("environments", {"image": "python:3.13"}, 409),
    ],
)
def test_content_is_settled(
    arm: Arm, dev: Place, kind: str, changed: dict[str, str], status: int
) -> None:
    """The path of a version, or what an environment is made of, cannot be changed."""
    path = f"{dev.id}/{kind}/churn/versions/1"
    arm.put(path, CONTENTS[kind])

    assert status == arm.put(path, {**CONTENTS[kind], **changed}).status_code


def test_a_short_path_is_the_long_one(arm: Arm, dev: Place) -> None:
    """The SDK writes the path of a datastore in long form; it is the same path."""
    path = f"{dev.id}/models/churn/versions/1"
    arm.put(path, MODEL)
    scope = dev.id.replace("/providers/Microsoft.MachineLearningServices", "")
    long = f"azureml:/{scope}/datastores/ds/paths/m"

    assert 200 == arm.put(path, {**MODEL, "modelUri": long}).status_code


def test_tags_can_be_limited(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """More tags than the limit are refused."""
    local.tag_limit = 2

    answers = [
        arm.put(f"{dev.id}/models/churn/versions/1", {**MODEL, "tags": dict.fromkeys(tags, "")})
        for tags in ("ab", "abc")
    ]

    assert [201, 400] == [answer.status_code for answer in answers]


def test_places_are_found_in_any_case_but_names_count(arm: Arm, dev: Place) -> None:
    """Azure's part of an id is compared folded, the name of an asset is not."""
    arm.put(f"{dev.id}/models/Churn/versions/1", MODEL)

    folded = f"{dev.id.upper()}/MODELS/Churn/VERSIONS/1"
    assert 200 == arm.get(folded).status_code
    assert 404 == arm.get(f"{dev.id}/models/churn/versions/1").status_code


def test_names_may_have_to_be_quoted(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """Each segment of a path is decoded on its own."""
    arm.put(f"{dev.id}/models/a%2Fb%20ö/versions/1.0%3A", MODEL)

    assert local.version(dev, "models", "a/b ö", "1.0:") is not None


@KINDS
def test_lists_follow_the_view(arm: Arm, dev: Place, kind: str) -> None:
    """Active lists hide what is archived or anonymous; others show it."""
    path = f"{dev.id}/{kind}/churn/versions"
    for number, flags in enumerate(({}, {"isArchived": True}, {"isAnonymous": True}), start=1):
        arm.put(f"{path}/{number}", {**CONTENTS[kind], **flags})

    assert ["1"] == arm.names(path) == arm.names(path, listViewType="ActiveOnly")
    assert ["2"] == arm.names(path, listViewType="ArchivedOnly")
    assert ["3", "2", "1"] == arm.names(path, listViewType="All")
    assert 400 == arm.get(path, listViewType="Some").status_code


def test_registries_heed_no_view(local: LocalAzureMl, arm: Arm, shared: Place) -> None:
    """A registry lists everything, whatever view is asked for, even one that is none."""
    local.put_version(shared, "models", "churn", "1", {**MODEL, "isArchived": True})
    path = f"{PLANE}{shared.id}/models/churn/versions"

    assert ["1"] == arm.names(path, listViewType="ListViewType.ACTIVE_ONLY")


def test_containers_tell_the_latest(arm: Arm, dev: Place) -> None:
    """A container names its newest version that is active, and the next number."""
    path = f"{dev.id}/models/churn"
    for number in ("3", "7", "8"):
        arm.put(f"{path}/versions/{number}", {**MODEL, "isArchived": number == "8"})

    container = arm.get(path).json()

    assert "7" == container["properties"]["latestVersion"]
    assert "9" == container["properties"]["nextVersion"]


def test_containers_are_archived_alone(arm: Arm, dev: Place) -> None:
    """An archived container leaves the active list; its versions do not."""
    arm.put(f"{dev.id}/models/churn/versions/1", MODEL)
    arm.put(f"{dev.id}/models/hidden/versions/1", {**MODEL, "isAnonymous": True})
    arm.put(f"{dev.id}/models/old/versions/1", MODEL)
    arm.put(f"{dev.id}/models/old", {"isArchived": True})

    assert ["churn"] == arm.names(f"{dev.id}/models")
    assert ["old"] == arm.names(f"{dev.id}/models", listViewType="ArchivedOnly")
    assert ["old", "hidden", "churn"] == arm.names(f"{dev.id}/models", listViewType="All")
    assert ["1"] == arm.names(f"{dev.id}/models/old/versions")


def test_long_lists_are_turned_over(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """Pages follow each other without gap or repetition, even while something is written."""
    local.page_size = 2
    path = f"{dev.id}/models/churn/versions"
    for number in range(1, 6):
        arm.put(f"{path}/{number}", MODEL)

    pages = []
    for page in arm.pages(path):
        pages.append(page)
        arm.put(f"{path}/{10 + len(pages)}", MODEL)

    assert [["5", "4"], ["3", "2"], ["1"]] == pages


def test_lists_have_orders_and_bounds(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """`$orderBy` orders by creation or by the last write; `$top` bounds the list."""
    local.page_size = 2
    path = f"{dev.id}/models/churn/versions"
    for number in ("1", "2", "3", "1"):
        arm.put(f"{path}/{number}", MODEL)

    assert ["3"] == arm.names(path, __orderBy="createdtime desc", __top="1")
    assert ["1", "2", "3"] == arm.names(path, __orderBy="createdtime asc", __top="3")
    assert ["1", "3", "2"] == arm.names(path, __orderBy="updatedtime desc")
    assert 400 == arm.get(path, __orderBy="name").status_code


def test_models_and_data_are_filtered(arm: Arm, dev: Place) -> None:
    """Models are found by stage and tags, data by `$tags`; tags with a value or without."""
    for kind in ("models", "data"):
        for number, tags in enumerate(({"a": "1"}, {"a": "2", "b": ""}), start=1):
            path = f"{dev.id}/{kind}/churn/versions/{number}"
            arm.put(path, {**CONTENTS[kind], "tags": tags, "stage": f"S{number}"})
    models, data = f"{dev.id}/models/churn/versions", f"{dev.id}/data/churn/versions"

    assert ["2"] == arm.names(models, stage="S2")
    assert ["2", "1"] == arm.names(models, tags="a")
    assert ["2"] == arm.names(models, tags="b,a=2")
    assert ["1"] == arm.names(data, __tags="a=1")


def test_deletion_is_final(arm: Arm, dev: Place) -> None:
    """A deleted version is not found; to delete it again is nothing."""
    path = f"{dev.id}/models/churn/versions/1"
    arm.put(path, MODEL)

    assert [200, 204] == [arm.delete(path).status_code for _ in range(2)]
    assert 404 == arm.get(path).status_code
    assert [200, 204] == [arm.delete(f"{dev.id}/models/churn").status_code for _ in range(2)]


def test_what_is_missing_is_named(arm: Arm, dev: Place) -> None:
    """A missing version is Azure ML's to tell, a missing workspace the resource manager's."""
    version = arm.get(f"{dev.id}/models/churn/versions/1")
    elsewhere = dev.id.replace("dev", "none")
    workspace = arm.get(f"{elsewhere}/models/churn/versions/1")

    assert (404, "UserError") == (version.status_code, version.json()["error"]["code"])
    assert "models/churn/versions/1" in version.json()["error"]["message"]
    assert (404, "ResourceNotFound") == (workspace.status_code, workspace.json()["error"]["code"])


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"properties": 1}', b'{"properties": {"tags": []}}']
)
def test_nonsense_is_refused(local: LocalAzureMl, arm: Arm, dev: Place, content: bytes) -> None:
    """A body that is no resource gets 400, and writes nothing."""
    answer = arm.put_raw(f"{dev.id}/models/churn/versions/1", content)

    assert 400 == answer.status_code
    assert local.version(dev, "models", "churn", "1") is None


def test_writers_do_not_disturb_each_other(local: LocalAzureMl, dev: Place) -> None:
    """Many write at once: every write is later than any before it, is told, and is there."""

    def write(writer: int) -> list[str]:
        with Arm(local, f"writer {writer}") as arm:
            path = f"{dev.id}/data/churn/versions/{writer}"
            written = [
                arm.put(path, {**CONTENTS["data"], "tags": {"n": str(n)}}) for n in range(20)
            ]
            return [answer.json()["systemData"]["lastModifiedAt"] for answer in written]

    with ThreadPoolExecutor(4) as pool:
        moments = list(pool.map(write, range(4)))

    assert [sorted(own) for own in moments] == moments
    assert 80 == len({moment for own in moments for moment in own}) == len(local.events)
    for writer in range(4):
        stored = local.version(dev, "data", "churn", str(writer))
        assert stored is not None
        assert {"n": "19"} == stored["properties"]["tags"]
