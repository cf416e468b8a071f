"""Rules across assets: a model and the data it was trained on, each with a lifecycle of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application import keys, users
from stage_functions.application.answer import Answer, AnswerKind
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.ports.rows import CATALOG, Delete
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import request_transition
from stage_functions.application.upkeep import rebuild_catalog
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import ApprovalPolicy, Lifecycle, Transition
from stage_functions.domain.rule import Rule
from stage_functions.domain.uses import MAX_RELATED, fields
from tests.builders import IRIS, World, actor, unguarded, world

DATA = Version(Asset("demo", Kind.DATA, "flowers"), "1")
MODEL = Version(IRIS, "1")
RULES = {
    "data-ready": Rule("data-ready", "uses.all(u, u.as != 'data' || u.stage == 'Production')"),
    "unused": Rule("unused", "!used_by.exists(u, u.stage == 'Production')"),
}


def governing(*transitions: Transition) -> Lifecycle:
    """Return a lifecycle with the rules across assets, and its ways."""
    ways = transitions or (
        Transition("None", "Production", ("data-ready",)),
        Transition("Production", "Archived", ("unused",)),
    )
    text = {"name": "reaching", "ways": len(ways)}
    return replace(unguarded(), name="reaching", rules=RULES, transitions=ways, text=text)


def reaching(lifecycle: Lifecycle | None = None, mode: Mode = Mode.ENFORCE) -> World:
    """Return a world whose registry has data and models."""
    made = world(mode, governed_by=lifecycle or governing())
    configuration = made.context.configuration
    registries = {"demo": replace(configuration.registries["demo"], watch=("*/*",))}
    wider = replace(made.context, configuration=replace(configuration, registries=registries))
    return replace(made, context=wider)


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry has data and models, governed across each other."""
    made = reaching()
    yield made
    made.rows.close()


def register(it: World, version: Version, *used: object) -> Version:
    """Register a version that was trained on others, and tell Stageward."""
    evidence = Evidence({"data": fields([str(one) for one in used])})
    it.registry.evidences[version] = evidence
    it.registry.register(version, it.clock.now(), author="mlflow:sam")
    follow(it.context, Signal(version))
    return version


def ask(it: World, version: Version, stage: str) -> Answer:
    """Ask for a transition."""
    return request_transition(it.context, it.command(version, stage))


def test_a_model_waits_until_its_data_stand_where_they_must(it: World) -> None:
    """It is refused with where each stands, and granted once they do."""
    register(it, DATA)
    register(it, MODEL, DATA)

    early = ask(it, MODEL, "Production")
    ask(it, DATA, "Production")
    later = ask(it, MODEL, "Production")

    assert (early.kind, later.kind) == (AnswerKind.REFUSED, AnswerKind.GRANTED)
    assert "uses = data demo/data/flowers:1 at None" in early.detail


@pytest.mark.parametrize("used", ["demo/data/nowhere:9", "other/data/flowers:1", "s3://flowers"])
def test_what_nobody_governs_stands_at_no_stage(it: World, used: str) -> None:
    """Whatever the evidence names, a rule that demands a stage does not pass on it."""
    register(it, MODEL, used)

    assert ask(it, MODEL, "Production").kind is AnswerKind.REFUSED


def test_what_a_production_model_uses_is_not_archived(it: World) -> None:
    """Who uses it is named; once that one has gone, it may go too."""
    register(it, DATA)
    register(it, MODEL, DATA)
    for version in (DATA, MODEL):
        ask(it, version, "Production")

    held = ask(it, DATA, "Archived")
    ask(it, MODEL, "Archived")
    freed = ask(it, DATA, "Archived")

    assert (held.kind, freed.kind) == (AnswerKind.REFUSED, AnswerKind.GRANTED)
    assert "used_by = demo/models/iris:1 at Production" in held.detail


def test_a_user_that_was_deleted_holds_nothing(it: World) -> None:
    """Nor does one whose number means another thing by now, which uses something else."""
    register(it, DATA)
    register(it, MODEL, DATA)
    for version in (DATA, MODEL):
        ask(it, version, "Production")
    it.registry.remove(MODEL)
    it.clock.sleep(60)
    register(it, MODEL)
    ask(it, MODEL, "Production")

    assert ask(it, DATA, "Archived").kind is AnswerKind.GRANTED


def test_a_row_of_the_index_that_nothing_stands_behind_is_not_believed(it: World) -> None:
    """The index nominates; the user's own row decides."""
    register(it, DATA)
    register(it, MODEL)
    for version in (DATA, MODEL):
        ask(it, version, "Production")
    users.prepare(it.rows, MODEL, (str(DATA),))
    users.prepare(it.rows, Version(IRIS, "99"), (str(DATA),))

    assert ask(it, DATA, "Archived").kind is AnswerKind.GRANTED


def test_the_index_is_built_again_from_the_ledger(it: World) -> None:
    """Rows that were lost are there again, and what is used is held again."""
    register(it, DATA)
    register(it, MODEL, DATA)
    for version in (DATA, MODEL):
        ask(it, version, "Production")
    partition = keys.users_partition(DATA.asset)
    for row in it.rows.query(CATALOG, partition):
        it.rows.commit(CATALOG, partition, [Delete(row.key, row.etag)])
    assert users.nominated(it.rows, DATA, 10) == []

    rebuild_catalog(it.context)

    assert users.nominated(it.rows, DATA, 10) == [MODEL]
    assert ask(it, DATA, "Archived").kind is AnswerKind.REFUSED


def test_more_users_than_a_rule_looks_at_err(it: World) -> None:
    """An error never grants."""
    register(it, DATA)
    ask(it, DATA, "Production")
    for number in range(MAX_RELATED + 1):
        register(it, Version(IRIS, str(number + 1)), DATA)

    answer = ask(it, DATA, "Archived")

    assert answer.kind is AnswerKind.REFUSED
    assert f"more than {MAX_RELATED} versions use {DATA}" in answer.detail


def test_more_uses_than_a_rule_looks_at_err(it: World) -> None:
    """An error never grants."""
    register(it, MODEL, *(f"demo/data/d{number}:1" for number in range(MAX_RELATED + 1)))

    answer = ask(it, MODEL, "Production")

    assert answer.kind is AnswerKind.REFUSED
    assert (
        f"uses {MAX_RELATED + 1} things; rules look at {MAX_RELATED} at the most" in answer.detail
    )


def approved() -> Lifecycle:
    """Return the lifecycle where Production of a model demands an approval."""
    one = ApprovalPolicy(1, {"risk": 1})
    return governing(
        Transition("None", "Staging"),
        Transition("Staging", "Production", ("data-ready",), approval=one),
        Transition("None", "Production", ("data-ready",)),
        Transition("Production", "Archived", ("unused",)),
    )


def test_stages_of_others_are_looked_at_again_when_the_quorum_is_reached() -> None:
    """Data that were archived while a request waited let it fall, with the reason."""
    it = reaching(approved())
    register(it, DATA)
    register(it, MODEL, DATA)
    ask(it, DATA, "Production")
    ask(it, MODEL, "Staging")
    pending = ask(it, MODEL, "Production")
    ask(it, DATA, "Archived")

    command = VoteCommand(
        pending.approval,
        Decision.APPROVE,
        "",
        pending.fingerprint,
        actor("bob"),
        it.clock.operation_id(),
    )
    voted = vote(it.context, command)
    it.rows.close()

    assert (voted.kind, voted.status) == (AnswerKind.CLOSED, "voided")
    assert "data demo/data/flowers:1 at Archived" in voted.detail


def test_a_version_of_the_same_asset_may_be_used(it: World) -> None:
    """Its stage is the ledger's."""
    two = Version(IRIS, "2")
    register(it, MODEL)
    register(it, two, MODEL)

    early = ask(it, two, "Production")
    ask(it, MODEL, "Production")
    later = ask(it, two, "Production")

    assert (early.kind, later.kind) == (AnswerKind.REFUSED, AnswerKind.GRANTED)


def test_a_version_that_names_itself_stands_as_the_decision_has_it(it: World) -> None:
    """A registration in the same decision counts; it is no way around a rule."""
    it.registry.evidences[MODEL] = Evidence({"data": fields([str(MODEL)])})
    it.registry.register(MODEL, it.clock.now(), author="mlflow:sam")

    answer = ask(it, MODEL, "Production")

    assert answer.kind is AnswerKind.REFUSED
    assert f"uses = data {MODEL} at None" in answer.detail


def test_what_is_imported_is_known_as_a_user() -> None:
    """Where a rule asks for users, an import reads what the versions use."""
    it = reaching()
    it.registry.register(DATA, it.clock.now(), tags={"stage": "Production"})
    it.registry.register(MODEL, it.clock.now(), tags={"stage": "Production"})
    it.registry.evidences[MODEL] = Evidence({"data": fields([str(DATA)])})
    import_registry(it.context, ImportCommand("demo", {}, (), "", actor("eve")))

    held = ask(it, DATA, "Archived")
    it.rows.close()

    assert "used_by = demo/models/iris:1 at Production" in held.detail


def test_an_import_reads_no_evidence_where_no_rule_asks_for_users() -> None:
    """As before: one listing, whatever there is."""
    it = world()
    it.registry.register(MODEL, it.clock.now(), tags={"stage": "Production"})
    import_registry(it.context, ImportCommand("demo", {}, (), "", actor("eve")))
    it.rows.close()

    assert "evidence" not in it.registry.calls


def test_a_decision_without_references_writes_no_index(it: World) -> None:
    """What does not reach across assets costs what it did."""
    register(it, MODEL)
    ask(it, MODEL, "Production")

    assert it.context.ledger.versions(IRIS)["1"].uses == ()
    assert it.rows.query(CATALOG, keys.users_partition(IRIS)) == []
