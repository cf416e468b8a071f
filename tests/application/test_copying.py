"""A version is copied to another registry when its stage is granted, and begins there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.missing import note_missing
from stage_functions.application.registries import RegistryState
from stage_functions.application.sweep import sweep
from stage_functions.application.upkeep import outbox, retry
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import RegistryUnavailableError
from stage_functions.domain.lifecycle import Stage, Transition
from stage_functions.domain.people import STAGEWARD
from stage_functions.domain.record import RecordType
from tests.builders import actor
from tests.copy_world import CopyWorld, copy_world, governing, there
from tests.fakes.registry import MemoryRegistry


@pytest.fixture
def it() -> Iterator[CopyWorld]:
    """Three registries, empty."""
    made = copy_world()
    yield made
    made.rows.close()


def test_what_is_granted_at_once_is_copied_and_begins_at_that_stage(it: CopyWorld) -> None:
    """Its record names the original and the record that granted it, and nothing is owed."""
    version = it.register()
    it.ask(version, "Staging")
    copy = there(version, "test")
    granted = it.records(version)[-1]
    (record,) = it.records(copy)

    assert "Staging" == it.stage(copy)
    assert ("Registered", "copied", "Staging") == (
        record.type,
        record.content["why"],
        record.content["to"],
    )
    assert {
        "version": str(version),
        "content": it.state(version).incarnation.partition("/")[2],
        "number": granted.number,
        "record": granted.hash,
        "evidence": granted.content["evidence"],
    } == record.content["origin"]
    assert "person:sam" == record.content["author"]
    assert STAGEWARD == record.content["actor"]["id"]  # type: ignore[call-overload,index]  # an actor
    assert [] == outbox(it.context)
    assert "Staging" == it.registries["test"].tags(copy)["stage"]


def test_what_is_granted_by_approval_is_copied_when_the_last_vote_is_cast(it: CopyWorld) -> None:
    """Not before; and the author of the original may not vote on its copy."""
    version = it.register(author="mlflow:bob")
    it.ask(version, "Staging")
    copy = there(version, "test")
    asked = it.ask(copy, "Production")

    assert "" == it.stage(there(version, "shared"))
    assert "pending" == asked.kind
    view = query.approval(it.context, asked.approval)
    assert {"person:bob", "person:sam"} == set(view.excluded)
    it.approve(asked.approval, "eve")
    assert "Production" == it.stage(there(version, "shared"))


def test_a_copy_is_judged_by_the_evidence_of_its_original(it: CopyWorld) -> None:
    """Its own registry knows no metrics; the rule passes, hop after hop, on one digest."""
    version = it.register()
    it.ask(version, "Staging")
    copy = there(version, "test")
    asked = it.ask(copy, "Production")
    last = it.records(copy)[-1]

    assert "pending" == asked.kind
    assert 0.97 == query.version(it.context, copy).evidence.section("metrics")["accuracy"]
    assert it.records(copy)[0].content["evidence"] == last.content["evidence"]
    it.approve(asked.approval)
    shared = query.version(it.context, there(version, "shared"))
    assert {"id": "j1", "status": "FINISHED"} == shared.evidence.section("job")


def test_a_copy_displaces_the_holder_of_its_stage_in_the_same_commit(it: CopyWorld) -> None:
    """The record of the displaced one names the copy's; its open approval is voided."""
    first, second = it.register("1"), it.register("2")
    for version in (first, second):
        it.ask(version, "Staging")
        it.approve(it.ask(there(version, "test"), "Production").approval)
        if version == first:
            leaving = it.ask(there(first, "shared"), "Archived")
    shared = there(second, "shared")
    records = it.records(shared)
    entered = next(r for r in records if r.version == "2")
    moved = next(r for r in records if r.content.get("why") == "displaced")

    assert ("Archived", "Production") == (it.stage(there(first, "shared")), it.stage(shared))
    assert ["1"] == entered.content["displaces"]
    assert (entered.content["commit"], entered.number) == (
        moved.content["commit"],
        moved.content["because_of"],
    )
    assert "voided" == query.approval(it.context, leaving.approval).approval.status
    assert {"Production": ("2",)} == it.context.ledger.load(shared.asset).head.holders
    assert query.check_history(it.context, shared.asset) is None


def test_displacement_and_renewal_copy_nothing(it: CopyWorld) -> None:
    """Only what somebody asked for and was granted is copied."""
    for number in ("1", "2"):
        version = it.register(number)
        it.ask(version, "Staging")
        it.approve(it.ask(there(version, "test"), "Production").approval)

    assert 2 == it.registries["test"].calls.count("copy")


def test_what_the_tags_of_the_original_said_asks_nothing_of_the_copy(it: CopyWorld) -> None:
    """Neither its request nor its stage, nor a governor whose number is not reached here."""
    version = it.register()
    it.registries["dev"].set_tag(version, "stage_request", "Staging: please")
    it.see(version)
    copy = there(version, "test")
    for _ in range(3):
        it.see(copy)

    assert ["Registered"] == [str(record.type) for record in it.records(copy)]
    assert "" == it.state(copy).stopped
    it.approve(it.ask(copy, "Production").approval)
    shared = there(version, "shared")
    it.see(shared)
    assert "Staging: please" == it.registries["shared"].tags(shared)["stage_request"]
    assert ["Registered"] == [str(record.type) for record in it.records(shared)]
    assert it.registries["shared"].tags(shared)["stage_governor"].endswith("/1")


def test_a_wish_that_somebody_adds_to_the_copy_is_judged(it: CopyWorld) -> None:
    """It is not taken for the original's, which was answered."""
    version = it.register()
    copy = there(version, "test")
    it.registries["test"].before = lambda name: _wish(it, copy, name)
    it.ask(version, "Staging")

    assert "ApprovalRequested" in [str(record.type) for record in it.records(copy)]


def _wish(it: CopyWorld, copy: object, name: str) -> None:
    """Ask by tag as soon as the copy is there, before it is read."""
    registry = it.registries["test"]
    known = registry._state.assets  # noqa: SLF001  # the fake's own
    for versions in known.values():
        for one in versions.values():
            if one.version == copy and "stage_request" not in one.tags and name == "read":
                registry.set_tag(one.version, "stage_request", "Production: now")


def test_a_version_that_is_there_already_and_no_copy_parks_the_duty(it: CopyWorld) -> None:
    """With words, and a record; once it is out of the way, the copy is made on demand."""
    version = it.register()
    other = it.register(alias="test", author="mlflow:eve")
    it.ask(version, "Staging")
    (owed,) = outbox(it.context)

    assert owed.owed.parked
    assert "test/models/iris:1 is there already and is not this copy" in owed.owed.error
    assert "by person:eve" in owed.owed.error
    found = it.records(version)[-1]
    assert (RecordType.DRIFT_FOUND, "test") == (found.type, found.content["copy_to"])
    assert "None" == it.stage(other)

    it.registries["test"].remove(other)
    for _ in range(2):
        it.clock.sleep(301)
        note_missing(it.context, other)
    retry(it.context, owed.id)
    assert "Staging" == it.stage(other)
    assert [] == outbox(it.context)


def test_a_version_that_nobody_told_of_is_no_copy_either(it: CopyWorld) -> None:
    """It is registered where versions begin, and then the duty is parked."""
    version = it.register()
    copy = there(version, "test")
    it.registries["test"].register(copy, it.clock.now(), author="mlflow:eve")
    it.ask(version, "Staging")
    (owed,) = outbox(it.context)

    assert ("None", True) == (it.stage(copy), owed.owed.parked)


def test_a_copy_waits_while_the_other_registry_is_only_observed() -> None:
    """Nothing is copied there; once it is governed, it is."""
    it = copy_world(modes={"test": Mode.OBSERVE})
    version = it.register()
    it.ask(version, "Staging")
    copy = there(version, "test")
    (owed,) = outbox(it.context)

    assert not owed.owed.parked
    assert "registry test is in mode observe; test/models/iris:1 is copied once" in owed.owed.error
    assert it.registries["test"].read(copy) is None
    registries = dict(it.context.configuration.registries)
    registries["test"] = replace(registries["test"], mode=Mode.ENFORCE)
    it.context.configuration.registries.update(registries)  # type: ignore[attr-defined]  # a dict
    it.context.states.update("test", lambda state: replace(state, imported=True))
    it.clock.sleep(60)
    sweep(it.context)
    assert "Staging" == it.stage(copy)
    it.rows.close()


def test_a_fault_of_the_other_registry_is_no_fault_of_the_request(it: CopyWorld) -> None:
    """It is granted; the copy is made when that registry is there again."""
    version = it.register()
    it.registries["test"].away = True
    assert "granted" == it.ask(version, "Staging").kind
    assert "" == it.stage(there(version, "test"))
    it.registries["test"].away = False
    it.clock.sleep(60)
    sweep(it.context)

    assert "Staging" == it.stage(there(version, "test"))
    assert [] == outbox(it.context)


def test_what_was_overtaken_is_not_copied(it: CopyWorld) -> None:
    """The duty is done with, and the history says why."""
    version = it.register()
    it.registries["dev"].before = _refuse_copies
    it.ask(version, "Staging")
    it.registries["dev"].remove(version)
    it.registries["dev"].register(version, it.clock.now(), author="mlflow:sam")
    it.clock.sleep(60)
    it.registries["dev"].before = lambda _: None
    sweep(it.context)
    said = it.records(version)[-1]

    assert it.registries["test"].read(there(version, "test")) is None
    assert "another thing was registered as dev/models/iris:1" in str(said.content["why"])
    assert [] == [one for one in outbox(it.context) if one.owed.duty == "copy"]


def test_what_has_moved_on_is_not_copied() -> None:
    """A registry that is asked to show what is no longer granted would show a lie."""
    it = copy_world(
        (
            governing(
                "dev",
                Transition("None", "Staging", copy_to="test"),
                Transition("Staging", "Archived"),
            ),
            governing("test"),
            governing("shared"),
        )
    )
    version = it.register()
    it.registries["dev"].before = _refuse_copies
    it.ask(version, "Staging")
    it.registries["dev"].before = lambda _: None
    it.ask(version, "Archived")
    it.clock.sleep(60)
    sweep(it.context)
    said = it.records(version)[-1]

    assert it.registries["test"].read(there(version, "test")) is None
    assert "it stands at Archived by now, and no longer at Staging" == said.content["why"]
    assert [] == outbox(it.context)
    it.rows.close()


def test_what_was_deleted_is_not_copied(it: CopyWorld) -> None:
    """While its registry has lost it only for the moment, the copy waits."""
    version = it.register()
    it.registries["dev"].before = _refuse_copies
    it.ask(version, "Staging")
    it.registries["dev"].before = lambda _: None
    it.registries["dev"].remove(version)
    it.clock.sleep(60)
    sweep(it.context)
    (waiting,) = outbox(it.context)

    assert "registry dev has no dev/models/iris:1 at present" == waiting.owed.error
    for _ in range(2):
        note_missing(it.context, version)
        it.clock.sleep(301)
    sweep(it.context)
    assert "what was granted Staging is gone" == it.records(version)[-1].content["why"]
    assert [] == outbox(it.context)


def test_a_copy_of_what_the_original_was_before_stands_in_the_way(it: CopyWorld) -> None:
    """The words say so, since both have one name."""
    version = it.register()
    it.ask(version, "Staging")
    it.registries["dev"].remove(version)
    it.clock.sleep(5)
    it.register()
    it.ask(version, "Staging")
    (owed,) = outbox(it.context)

    assert owed.owed.error.endswith(
        "it is a copy of dev/models/iris:1, as that was before, and stands at Staging"
    )


def _refuse_copies(name: str) -> None:
    """Let no copy be made for now."""
    if name == "copy":
        message = "not now"
        raise RegistryUnavailableError(message)


def test_an_import_leaves_a_copy_that_is_on_its_way_alone() -> None:
    """It begins where it was granted, not where the tags of its original say, and is no stranger."""
    it = copy_world()
    version = it.register()
    registry = it.registries["test"]
    registry.before = lambda name: _unseen(registry, name)
    it.ask(version, "Staging")
    registry.before = lambda _: None
    it.context.states.update("test", lambda _: RegistryState())
    copy = there(version, "test")
    done = import_registry(it.context, ImportCommand("test", {}, (), "now", actor("eve")))
    it.see(copy)

    assert ({}, True) == (dict(done.stages), done.done)
    assert ["copied"] == [record.content["why"] for record in it.records(copy)]
    it.rows.close()


def _unseen(registry: MemoryRegistry, name: str) -> None:
    """Let no copy be read that is there."""
    if name == "read" and registry.calls.count("read") > 1:
        message = "not now"
        raise RegistryUnavailableError(message)


def test_two_stages_that_are_copied_to_one_registry_make_one_copy() -> None:
    """The second finds the first, which moves by the lifecycle over there."""
    it = copy_world(
        (
            governing(
                "dev",
                Transition("None", "Staging", copy_to="test"),
                Transition("Staging", "Production", copy_to="test"),
            ),
            governing("test", Transition("Staging", "Production")),
            governing("shared"),
        )
    )
    version = it.register()
    it.ask(version, "Staging")
    it.ask(version, "Production")

    assert ("Production", "Staging") == (it.stage(version), it.stage(there(version, "test")))
    assert [] == outbox(it.context)
    assert 1 == it.registries["dev"].calls.count("copy")
    it.rows.close()


def test_a_lifecycle_over_there_without_the_stage_parks_the_duty() -> None:
    """Nothing is copied; the words name its stages."""
    there_only = replace(
        governing("test"), stages={"None": Stage("None", initial=True), "Live": Stage("Live")}
    )
    it = copy_world(
        (
            governing("dev", Transition("None", "Staging", copy_to="test")),
            there_only,
            governing("shared"),
        )
    )
    version = it.register()
    it.ask(version, "Staging")
    (owed,) = outbox(it.context)

    assert owed.owed.parked
    assert (
        "lifecycle in-test, which governs test/models/iris, has no stage Staging; "
        "the stages are None, Live"
    ) == owed.owed.error
    assert it.registries["test"].read(there(version, "test")) is None
    it.rows.close()


def test_a_copy_that_was_deleted_is_not_made_again_but_by_another_grant() -> None:
    """What an operator removed over there stays away."""
    it = copy_world(
        (
            replace(
                governing(
                    "dev",
                    Transition("None", "Staging", copy_to="test"),
                    Transition("Staging", "None"),
                ),
                forward_only=False,
            ),
            governing("test"),
            governing("shared"),
        )
    )
    version = it.register()
    it.ask(version, "Staging")
    copy = there(version, "test")
    it.registries["test"].remove(copy)
    for _ in range(2):
        it.clock.sleep(301)
        note_missing(it.context, copy)
        sweep(it.context)

    assert it.registries["test"].read(copy) is None
    it.ask(version, "None")
    it.clock.sleep(5)
    it.ask(version, "Staging")
    assert "Staging" == it.stage(copy)
    assert 2 == [record.type for record in it.records(copy)].count(RecordType.REGISTERED)
    it.rows.close()
