"""A registry that takes only copies: what somebody else brings there is a violation, and stays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.dossier import version_dossier
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.registries import RegistryState
from stage_functions.domain.asset import Version
from stage_functions.domain.record import RecordType
from tests.builders import actor
from tests.copy_world import CopyWorld, copy_world, there

WHY = "only copies that Stageward makes belong in registry shared, and this is none"


@pytest.fixture
def it() -> Iterator[CopyWorld]:
    """Three registries, of which one takes only copies."""
    made = copy_world(copies_only=("shared",))
    yield made
    made.rows.close()


def test_a_version_that_is_no_copy_is_registered_and_violates(it: CopyWorld) -> None:
    """Both are published, in one commit, and the second names the first."""
    stranger = it.register(alias="shared", author="mlflow:eve")
    registered, violated = it.records(stranger)

    assert (RecordType.REGISTERED, "None") == (registered.type, registered.content["to"])
    assert (RecordType.VIOLATED, WHY) == (violated.type, violated.content["why"])
    assert "person:eve" == violated.content["actor"]["id"]  # type: ignore[call-overload,index]  # an actor
    assert registered.content["commit"] == violated.content["commit"]
    assert registered.number == violated.content["because_of"]
    assert [1, 2] == [one.number for one in it.sink.taken]
    assert WHY == it.registries["shared"].tags(stranger)["stage_status"]


def test_it_is_recorded_once(it: CopyWorld) -> None:
    """However often the version is seen."""
    stranger = it.register(alias="shared")
    for _ in range(3):
        it.see(stranger)

    assert 2 == len(it.records(stranger))


def test_it_leaves_the_initial_stage_by_no_way(it: CopyWorld) -> None:
    """It is refused with words, over the API and by tag, and nothing is said to be allowed."""
    stranger = it.register(alias="shared")
    answer = it.ask(stranger, "Staging")
    it.registries["shared"].set_tag(stranger, "stage_request", "Staging: please")
    it.see(stranger)
    view = query.version(it.context, stranger)

    assert "refused" == answer.kind
    assert f"{WHY}: ask where it comes from, so that it is copied; nothing is allowed" == (
        answer.detail
    )
    assert ("None", ()) == (it.stage(stranger), view.allowed)
    assert RecordType.TRANSITION_REFUSED is it.records(stranger)[-1].type
    page = version_dossier(it.context, stranger)
    assert ((), WHY) == (page.allowed, page.trespass.partition(":")[0])


def test_a_copy_is_at_home_there(it: CopyWorld) -> None:
    """It may be asked on, and violates nothing."""
    version = it.register()
    it.ask(version, "Staging")
    it.approve(it.ask(there(version, "test"), "Production").approval)
    copy = there(version, "shared")

    assert [RecordType.REGISTERED] == [one.type for one in it.records(copy)]
    assert ("Archived",) == query.version(it.context, copy).allowed


def test_what_stageward_made_and_never_expected_is_no_copy(it: CopyWorld) -> None:
    """Its own identity alone lets nothing begin above the initial stage."""
    version = it.register()
    stranger = there(version, "shared")
    it.registries["shared"].register(stranger, it.clock.now(), author="stageward")
    it.see(stranger)

    assert ("None", WHY) == (it.stage(stranger), it.records(stranger)[-1].content["why"])


def test_another_thing_of_the_number_of_a_copy_begins_anew(it: CopyWorld) -> None:
    """A copy begins once: deleted and made again, even by Stageward itself, it is a stranger."""
    version = it.register()
    it.ask(version, "Staging")
    it.approve(it.ask(there(version, "test"), "Production").approval)
    copy = there(version, "shared")
    it.registries["shared"].remove(copy)
    it.registries["shared"].register(copy, it.clock.now(), author="stageward")
    it.see(copy)

    assert "None" == it.stage(copy)
    assert it.state(copy).origin is None
    assert [RecordType.REGISTERED, RecordType.DELETED, RecordType.VIOLATED] == [
        one.type for one in it.records(copy)
    ][:3]


def test_what_was_imported_at_a_later_stage_goes_on_from_there(it: CopyWorld) -> None:
    """An operator has taken it as granted."""
    it.context.states.update("shared", lambda _: RegistryState())
    version = Version(replace(it.register().asset, registry="shared"), "7")
    it.registries["shared"].register(
        version, it.clock.now(), tags={"stage": "Production"}, author="mlflow:sam"
    )
    import_registry(it.context, ImportCommand("shared", {}, (), "as it was", actor("eve")))

    assert "pending" == it.ask(version, "Archived").kind
