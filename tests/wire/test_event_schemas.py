"""The schemas of published events: what subscribers are promised, and what the product writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from scripts import event_schemas
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import histories, keys, query
from stage_functions.application.adoption import adopt, consent, waiting_for
from stage_functions.application.forgetting import ForgetCommand, forget
from stage_functions.application.guards import follow_endpoint
from stage_functions.application.holds import HoldCommand
from stage_functions.application.holds import lift as lift_hold
from stage_functions.application.holds import place as place_hold
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ports.registry import Deployment, Output
from stage_functions.application.registries import RegistryState
from stage_functions.application.resolving import resolve
from stage_functions.application.rollback import RollbackCommand, request_rollback
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import EndpointSignal, JobSignal, Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.application.unregistered import follow_job
from stage_functions.application.vote import VoteCommand, sponsor_request, vote, withdraw
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mirror, Mode
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import ApprovalPolicy, Excluded, WhenInvalid
from stage_functions.domain.record import (
    RESTORED,
    RETAIN_UNTIL,
    UNPUBLISHED,
    Draft,
    Record,
    RecordType,
    canonical,
    empty_tail,
    first_prev,
    link,
    seal,
)
from stage_functions.domain.rule import Rule
from stage_functions.wire.cloudevent import cloud_event
from tests.application.mirror_world import configured
from tests.application.rules_world import law, lax, process, renamed, rules_world
from tests.backup_world import backed_up, restored
from tests.builders import IRIS, World, actor, lifecycle, timed, unguarded, world
from tests.copy_world import copy_world, there
from tests.way_back_world import urgent
from tests.wire.standing_story import standing

Schema = Mapping[str, Any]
Document = dict[str, Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
REFERENCE = Path(__file__).parents[1] / "reference" / "stage-changed.json"
PAGE = Path(__file__).parents[2] / "docs" / "events.md"
FOLDER = files("stage_functions").joinpath("events")
SCHEMAS: dict[RecordType, Schema] = {
    type_: json.loads(FOLDER.joinpath(f"{type_}.schema.json").read_text("utf-8"))
    for type_ in RecordType
}
EVERYWHERE = (RETAIN_UNTIL, RESTORED)
"""Fields that records of all types may have."""
OTHERS: Mapping[type, object] = {str: 7, int: "7", list: {}, dict: []}
"""A value of another type."""


def parts(schema: Schema) -> Iterator[Schema]:
    """Return a schema and every schema within it that describes a value."""
    yield schema
    for name in ("properties", "$defs"):
        for part in schema.get(name, {}).values():
            yield from parts(part)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from parts(schema[name])


def closed(schema: Schema) -> Schema:
    """Return a schema that knows no fields but its own."""
    copy: Document = json.loads(json.dumps(schema))
    for part in parts(copy):
        if part.get("additionalProperties") is True:
            part["additionalProperties"] = False  # type: ignore[index]  # of the copy
    return copy


PUBLISHED = {type_: Draft202012Validator(schema) for type_, schema in SCHEMAS.items()}
CLOSED = {type_: Draft202012Validator(closed(schema)) for type_, schema in SCHEMAS.items()}


def faults(document: Document) -> list[str]:
    """Say what is wrong with a record, in the eyes of the closed schema of its type."""
    found = CLOSED[RecordType(document["type"])].iter_errors(document)
    return [f"{document['type']} {fault.json_path}: {fault.message}" for fault in found]


def filled(schema: Schema, value: object, root: Schema) -> Iterator[str]:
    """Return the fields that a value has, by the schema or shared part that they belong to."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    schema = root["$defs"].get(name, schema)
    if isinstance(value, list):
        for item in value:
            yield from filled(schema["items"], item, root)
    elif isinstance(value, dict):
        for key in value.keys() & schema.get("properties", {}).keys():
            yield f"{name or root['title']}.{key}"
            yield from filled(schema["properties"][key], value[key], root)


def resealed(document: Document) -> Document:
    """Return a record with the hash that its content has now."""
    body = {key: value for key, value in document.items() if key not in ("prev", "hash")}
    return {**document, "hash": link(document["prev"], canonical(body))}


# A walk through the product that writes every type of record, with every field that it may have.


def accurate(it: World, number: str, accuracy: float = 0.97) -> Version:
    """Register a version that was trained so well."""
    version = Version(IRIS, number)
    it.registry.evidences[version] = Evidence({"metrics": {"accuracy": accuracy}})
    return it.register(number)


def ask(it: World, version: Version, target: str, on_behalf_of: str = "") -> None:
    """Ask over the API, as sam."""
    request_transition(it.context, replace(it.command(version, target), on_behalf_of=on_behalf_of))


def ballot(it: World, person: str, decision: Decision = Decision.APPROVE) -> None:
    """Vote on the approval that is open."""
    (view,) = query.approvals(it.context)
    operation = it.clock.operation_id()
    command = VoteCommand(
        view.approval.id, decision, "fine", view.approval.fingerprint, actor(person), operation
    )
    vote(it.context, command)


def pending(it: World, number: str) -> Version:
    """Return a version that waits for approval."""
    version = accurate(it, number)
    ask(it, version, "Staging")
    ask(it, version, "Production")
    return version


def adopt_rules(it: World) -> World:
    """Return the world under a lifecycle that demands accuracy."""
    rule = Rule("accurate", "evidence.metrics.accuracy > 0.9", "", ("evidence.metrics.accuracy",))
    before = lifecycle()
    demanding = replace(
        before,
        rules={rule.name: rule},
        transitions=tuple(
            transition
            if transition.target == "Archived"
            else replace(transition, rules=(rule.name,))
            for transition in before.transitions
        ),
        text={"name": "default", "shape": "the default's", "rules": {rule.name: rule.cel}},
    )
    configuration = replace(it.context.configuration, lifecycles=(demanding,))
    context = replace(it.context, configuration=configuration)
    adopt(context)
    return replace(it, context=context)


def promote(it: World) -> None:
    """Rules fail, err and pass; two people approve; a tag asks, is sponsored, and displaces.

    Of whom else wrote when it asked it is known only later.
    """
    first = it.register("1")
    ask(it, first, "Staging")
    it.registry.evidences[first] = Evidence({"metrics": {"accuracy": 0.5}})
    ask(it, first, "Staging")
    it.registry.evidences[first] = Evidence({"metrics": {"accuracy": 0.97}})
    ask(it, first, "Production", "mlflow:boss@example.org")
    ask(it, first, "Staging", "person:ada")
    ask(it, first, "Production", "mlflow:boss")
    withdraw(it.context, query.approvals(it.context)[0].approval.id, actor("sam"), "w", "")
    ask(it, first, "Production", "person:ada")
    ballot(it, "bob")
    ballot(it, "eve")
    second = accurate(it, "2")
    it.tag(second, "stage_request", "Staging: by tag")
    it.registry.set_tags(second, {"stage_request": "Production: by tag"})
    late = Signal(second, actor="mlflow:max", at=it.clock.now(), authenticated=True)
    follow(it.context, Signal(second, actor="mlflow:sam", authenticated=True))
    follow(it.context, late)
    ballot(it, "bob")
    sponsor_request(it.context, query.approvals(it.context)[0].approval.id, actor("ada"), "s")
    ballot(it, "eve")


def close_approvals(it: World) -> None:
    """Approvals are rejected, withdrawn, left to expire, and voided."""
    pending(it, "3")
    ballot(it, "bob", Decision.REJECT)
    ask(it, Version(IRIS, "3"), "Production")
    it.tag(Version(IRIS, "3"), "stage_request", "withdraw nothing")
    ask(it, Version(IRIS, "3"), "Archived")
    fourth = pending(it, "4")
    it.registry.describe(fourth, "another text")
    ballot(it, "bob")
    ballot(it, "eve")
    ask(it, fourth, "Production")
    it.clock.sleep(8 * 86_400)
    sweep(it.context)


def interfere(it: World) -> None:
    """Tags are edited, again and again, refused, and named another ledger's."""
    fifth = accurate(it, "5")
    it.tag(fifth, "stage", "Production")
    for _ in range(4):
        it.registry.delete_tag(fifth, "stage")
        follow(it.context, Signal(fifth))
    it.tag(accurate(it, "6"), "stage_governor", "another0/7")
    resolve(it.context, "demo", actor("eve"))


def disappear(it: World) -> None:
    """One version is registered anew under its number, one is gone for good."""
    it.registry.register(Version(IRIS, "2"), it.clock.now())
    follow(it.context, Signal(Version(IRIS, "2")))
    scanner = Scanner(it.context)
    pending(it, "7")
    it.registry.remove(Version(IRIS, "7"))
    scanner.scan("demo")
    it.clock.sleep(400)
    scanner.scan("demo")


def come_from_unregistered(it: World) -> None:
    """A job's output is registered, and what the registry itself had made."""
    leave_behind(it, "azureml://a")
    make_anonymous(it, "azureml://b")
    for number, content in {"8": "azureml://a", "9": "azureml://b"}.items():
        version = Version(IRIS, number)
        it.registry.register(version, it.clock.now(), content=content)
        follow(it.context, Signal(version))
    leave_behind(it, "azureml://e", "job_2")
    version = Version(IRIS, "10")
    it.registry.register(version, it.clock.now(), content="azureml://f", job="job_2")
    follow(it.context, Signal(version))


def leave_behind(it: World, content: str, job: str = "job_1") -> None:
    """A job ends, and leaves a model behind."""
    output = Output(job, "model", content, it.clock.now(), "mlflow:sam")
    it.registry.left = [output]
    follow_job(it.context, JobSignal("demo", job))


def make_anonymous(it: World, content: str) -> None:
    """The registry makes a version of its own."""
    version = Version(replace(IRIS, name="azureml_anonymous"), "b0e1")
    it.registry.register(version, it.clock.now(), content=content, anonymous=True)
    follow(it.context, Signal(version))


def watch_the_clock(it: World) -> None:
    """An approval is waited for, given, runs out, and is renewed twice; one waits in vain."""
    first = accurate(it, "1")
    ask(it, first, "Staging")
    ask(it, first, "Production")
    for days in (1, 1):
        it.clock.sleep(days * 86_400)
        sweep(it.context)
    ballot(it, "bob")
    ballot(it, "eve")
    it.clock.sleep(30 * 86_400)
    sweep(it.context)
    sponsor_request(it.context, query.approvals(it.context)[0].approval.id, actor("sam"), "s")
    ballot(it, "bob")
    ballot(it, "eve")
    ask(it, first, "Production", "person:ada")
    ballot(it, "bob")
    ballot(it, "eve")
    request_transition(it.context, replace(it.command(first, "Archived", "bob"), reason=""))


def clocked() -> list[Record]:
    """Walk where approvals have a course, and one transition demands more than there are."""
    rule = Rule("accurate", "evidence.metrics.accuracy > 0.9", "", ("evidence.metrics.accuracy",))
    all_of_risk = ApprovalPolicy(3, {"risk": 3}, (Excluded.REQUESTER,))
    before = timed(WhenInvalid.RENEW)
    course = replace(
        before,
        rules={rule.name: rule},
        transitions=tuple(
            replace(one, approval=all_of_risk)
            if one.source == "Production"
            else replace(one, rules=(rule.name,))
            for one in before.transitions
        ),
    )
    it = world(governed_by=course)
    with closing(it.rows):
        watch_the_clock(it)
        return list(query.all_records(it.context, IRIS))


def governed() -> list[Record]:
    """Walk where Stageward governs."""
    it = world()
    with closing(it.rows):
        it = adopt_rules(it)
        for chapter in (promote, close_approvals, interfere, disappear, come_from_unregistered):
            chapter(it)
        adopted = it.context.ledger.records(keys.lifecycle_partition("default"))
        return [*query.all_records(it.context, IRIS), *adopted]


def copied() -> list[Record]:
    """Walk where versions are copied to a registry that takes nothing else."""
    it = copy_world(copies_only=("shared",))
    with closing(it.rows):
        for number in ("1", "2"):
            version = Version.parse(f"dev/models/iris:{number}")
            it.registries["dev"].evidences[version] = Evidence(
                {"metrics": {"accuracy": 0.97}, "author": {"id": "mlflow:ada"}}
            )
            it.registries["dev"].register(version, it.clock.now(), author="mlflow:sam")
            it.see(version)
            it.ask(version, "Staging")
            it.approve(it.ask(there(version, "test"), "Production").approval)
        it.register("3", alias="shared")
        blocked = it.register("4")
        it.register("4", alias="test", author="mlflow:eve")
        it.ask(blocked, "Staging")
        return [*it.records(blocked), *it.records(there(blocked, "shared"))]


def imported() -> list[Record]:
    """Walk where versions had stages before Stageward came."""
    it = world()
    with closing(it.rows):
        it.context.states.update("demo", lambda _: RegistryState())
        for number, tags in {"1": {"stage": "Prod"}, "2": {}}.items():
            version = Version(IRIS, number)
            it.registry.register(version, it.clock.now(), tags=tags, author="mlflow:a@example.org")
        stages = {"Prod": "Production"}
        import_registry(it.context, ImportCommand("demo", stages, (), "as it was", actor("eve")))
        return list(query.all_records(it.context, IRIS))


def only_observed() -> list[Record]:
    """Walk where Stageward only observes."""
    it = world(Mode.OBSERVE)
    with closing(it.rows):
        it = adopt_rules(it)
        leave_behind(it, "azureml://a")
        make_anonymous(it, "azureml://b")
        for number, content in {"8": "azureml://a", "9": "azureml://b"}.items():
            seen = Version(IRIS, number)
            it.registry.register(seen, it.clock.now(), content=content)
            follow(it.context, Signal(seen))
        leave_behind(it, "azureml://e", "job_2")
        other = Version(IRIS, "10")
        it.registry.register(other, it.clock.now(), content="azureml://f", job="job_2")
        follow(it.context, Signal(other))
        version = accurate(it, "1")
        for tags in (
            {"stage_request": "Staging: now"},
            {"stage_request": "Production"},
            {"stage": "Nowhere"},
            {"stage": None},
            {"stage": "Staging"},
            {"stage_request": "Production: now"},
        ):
            it.registry.set_tags(version, tags)
            follow(it.context, Signal(version))
        scanner = Scanner(it.context)
        it.registry.remove(version)
        scanner.scan("demo")
        it.clock.sleep(400)
        scanner.scan("demo")
        return list(query.all_records(it.context, IRIS))


def served(it: World) -> None:
    """Serve version 1 from an endpoint, and tell Stageward."""
    it.registry.deployed = [Deployment("scoring", "blue", Version(IRIS, "1"), it.clock.now())]
    follow_endpoint(it.context, EndpointSignal("demo", "scoring"))


def guarded() -> list[Record]:
    """Walk where a version is served too early, and is displaced from where it may be."""
    free = unguarded()
    retiring = replace(free.stages["Production"], retire_within=timedelta(hours=2))
    course = replace(free, stages={**free.stages, "Production": retiring})
    it, observed = world(governed_by=course), world(Mode.OBSERVE)
    with closing(it.rows), closing(observed.rows):
        for number in ("1", "2"):
            it.register(number)
            served(it)
            ask(it, Version(IRIS, number), "Staging")
            ask(it, Version(IRIS, number), "Production")
        observed.register("1")
        served(observed)
        contexts = (it.context, observed.context)
        return [record for context in contexts for record in query.all_records(context, IRIS)]


def kept() -> list[Record]:
    """Walk where records are to be kept: an asset is held for a while, and somebody forgotten."""
    it = world(governed_by=replace(lifecycle(), retain_for=timedelta(days=3650)))
    with closing(it.rows):
        it.register("1")
        command = HoldCommand(IRIS, "case 7", "of the court", actor("eve"), "place")
        place_hold(it.context, command)
        lift_hold(it.context, replace(command, operation="lift"))
        forget(it.context, ForgetCommand("person:sam", "asked for it", actor("eve"), "forget"))
        journal = it.context.ledger.records(keys.JOURNAL_PARTITION)
        return [*query.all_records(it.context, IRIS), *journal]


def brought_back() -> list[Record]:
    """A ledger is restored from a backup."""
    it = world()
    with closing(SQLiteRows(":memory:")) as rows:
        restored(rows, backed_up(it.rows._rows, it.clock)[0], it.clock)  # type: ignore[arg-type]  # noqa: SLF001
        ledger = open_ledger(rows, it.clock)
        records = ledger.records(histories.JOURNAL.partition)
    it.rows.close()
    return records


def returned() -> list[Record]:
    """Walk where versions come back: by a rollback, and since an emergency was not ratified."""
    before, rule = urgent(waives=("accurate",)), Rule("accurate", "evidence.metrics.accuracy > 0.9")
    ways = tuple(
        replace(
            one, approval=replace(one.approval, valid_for=timedelta(days=90)), rules=("accurate",)
        )
        if one.target == "Production" and one.approval is not None
        else one
        for one in before.transitions
    )
    it = world(governed_by=replace(before, transitions=ways, rules={rule.name: rule}))
    with closing(it.rows):
        for number in ("1", "2"):
            pending(it, number)
            ballot(it, "bob")
            ballot(it, "eve")
        operation = it.clock.operation_id()
        command = RollbackCommand(IRIS, actor("eve"), operation, reason="it fails", mark=True)
        request_rollback(it.context, command)
        for number, decision in (("3", Decision.REJECT), ("4", Decision.APPROVE)):
            version = accurate(it, number, 0.5)
            ask(it, version, "Staging")
            use = replace(it.command(version, "Production", "ada"), emergency="INC-1")
            request_transition(it.context, use)
            ballot(it, "bob", decision)
        ballot(it, "eve")
        return list(query.all_records(it.context, IRIS))


def rules_changed() -> list[Record]:
    """Walk where what loosens a protected lifecycle waits, and stages are called otherwise."""
    it = rules_world()
    feeder = law(
        "dev",
        applies_to=["dev/*/*"],
        transitions=[{"from": "None", "to": "Production", "copy_to": "demo"}],
        protect_lifecycle=None,
    )
    with closing(it.rows):
        request_transition(it.context, it.command(it.register("1"), "Staging"))
        sweep(it.context)
        context = process(it, feeder, lax())
        digest = waiting_for(context, "default").digest
        consent(context, "default", digest, actor("bob"), "seen")
        sweep(process(it, renamed()))
        histories = [keys.lifecycle_partition(name) for name in ("default", "dev")]
        own = [one for name in histories for one in context.ledger.records(name)]
        return [*query.all_records(context, IRIS), *own]


def shown_elsewhere() -> list[Record]:
    """Walk where an alias and MLflow's own stage show what is granted, and both are edited."""
    shown = (Mirror.TAG, Mirror.MLFLOW_STAGE)
    it = configured(
        world(governed_by=unguarded()), mirror_to=shown, aliases={"champion": "Production"}
    )
    with closing(it.rows):
        first = it.register("1")
        for stage in ("Staging", "Production"):
            ask(it, first, stage)
        it.registry.set_alias(IRIS, "champion", "")
        follow(it.context, Signal(first))
        it.registry.set_native_stage(first, "Staging")
        follow(it.context, Signal(first))
        return list(query.all_records(it.context, IRIS))


def whole_story() -> list[Document]:
    """Return the event of every record of the walk, as a subscriber reads it."""
    records = [
        *governed(),
        *clocked(),
        *guarded(),
        *returned(),
        *copied(),
        *imported(),
        *only_observed(),
        *kept(),
        *brought_back(),
        *standing(),
        *rules_changed(),
        *shown_elsewhere(),
    ]
    return [json.loads(json.dumps(cloud_event(record))) for record in records]


@pytest.fixture(scope="module")
def walk() -> list[Document]:
    """Return the data of every event of the walk."""
    return [event["data"] for event in whole_story()]


def one_of_each(walk: list[Document]) -> dict[str, Document]:
    """Return the longest record of each type."""
    return {document["type"]: document for document in sorted(walk, key=len)}


@pytest.mark.parametrize("type_", RecordType)
def test_every_type_has_a_valid_schema_that_its_event_names(type_: RecordType) -> None:
    """`dataschema` of the CloudEvent is the `$id` of the file."""
    draft = Draft(type_, "1", "1/x", actor("sam"))
    tail = empty_tail("k7m2p9qd", str(IRIS))
    (record,) = seal(tail, [draft], commit=1, now=NOW, operation="op")

    Draft202012Validator.check_schema(SCHEMAS[type_])

    assert cloud_event(record)["dataschema"] == SCHEMAS[type_]["$id"]


def test_the_files_are_what_the_script_makes_and_there_are_no_others() -> None:
    """Who changes a record runs `python -m scripts.event_schemas`."""
    kept = {file.name: file.read_text("utf-8") for file in FOLDER.iterdir()}

    assert event_schemas.files() == kept


@pytest.mark.parametrize("type_", RecordType)
def test_a_file_needs_no_other(type_: RecordType) -> None:
    """A subscriber takes one file: it refers only to what it has, and has nothing to spare."""
    text = json.dumps(SCHEMAS[type_])
    referred = {part["$ref"] for part in parts(SCHEMAS[type_]) if "$ref" in part}

    assert {f"#/$defs/{name}" for name in SCHEMAS[type_]["$defs"]} == referred
    assert text.count("$ref") == sum("$ref" in part for part in parts(SCHEMAS[type_]))


@pytest.mark.parametrize("type_", RecordType)
def test_every_field_says_what_it_means(type_: RecordType) -> None:
    """By itself, or by the shared part that it is."""
    shared = SCHEMAS[type_]["$defs"]
    bare = [
        key
        for part in parts(SCHEMAS[type_])
        for key, field in part.get("properties", {}).items()
        if not {**shared.get(field.get("$ref", "").rpartition("/")[2], {}), **field}["description"]
    ]

    assert [] == bare


def test_every_record_that_the_product_writes_is_as_its_schema_says(walk: list[Document]) -> None:
    """And has no field that the schema does not know."""
    assert [] == [fault for document in walk for fault in faults(document)]
    assert set(RecordType) == {document["type"] for document in walk}


def test_what_drift_shows_of_an_alias_and_of_mlflows_stage_is_told_apart(
    walk: list[Document],
) -> None:
    """In the words that the page for subscribers has."""
    found = [
        one["found"] for one in walk if one["type"] == RecordType.DRIFT_FOUND and "found" in one
    ]

    assert ["no alias champion", "Staging"] == found[-2:]
    assert "`no alias champion`" in PAGE.read_text("utf-8")


def test_no_schema_knows_a_field_that_the_product_never_writes(walk: list[Document]) -> None:
    """The walk fills every field of every type, and every field of the parts that they share.

    But for those that all types have: that one type has each is enough, since one place writes it.
    """
    known = {
        f"{name or schema['title']}.{key}"
        for schema in SCHEMAS.values()
        for name, part in (("", schema), *schema["$defs"].items())
        for key in part.get("properties", {})
    }
    schemas = [(SCHEMAS[RecordType(document["type"])], document) for document in walk]
    seen = {place for schema, document in schemas for place in filled(schema, document, schema)}
    common = [{place for place in known if place.endswith(f".{one}")} for one in EVERYWHERE]

    assert known.difference(*common) == seen.difference(*common)
    assert all(seen & places for places in common)


def test_the_reference_event_is_as_its_schema_says() -> None:
    """The event that the design shows is one that subscribers are promised."""
    event = json.loads(REFERENCE.read_text("utf-8"))

    assert [] == faults(event["data"])
    assert SCHEMAS[RecordType.STAGE_CHANGED]["$id"] == event["dataschema"]


@pytest.mark.parametrize("type_", RecordType)
def test_a_field_of_another_type_is_found(walk: list[Document], type_: RecordType) -> None:
    """A text is no number, a number no text; also within actors and verdicts."""
    document = one_of_each(walk)[type_]
    inner = [
        {**document, key: {**value, name: OTHERS[type(value[name])]}}
        for key, value in document.items()
        if isinstance(value, dict)
        for name in value
    ]
    outer = [{**document, key: OTHERS[type(value)]} for key, value in document.items()]
    listed = [
        {**document, key: [OTHERS[type(item)] for item in value]}
        for key, value in document.items()
        if isinstance(value, list) and value
    ]
    changed = [*outer, *inner, *listed, {**document, "number": True}]

    assert [] == [wrong for wrong in changed if PUBLISHED[type_].is_valid(wrong)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hash", "33B3"),
        ("at", "2026-11-23T22:31:09Z"),
        ("at", "2026-11-23T22:31:09.104233+00:00"),
        ("number", 0),
        ("number", 2**53),
        ("asset", "demo/iris"),
        ("approval", "7f3k9m2u"),
        ("fingerprint", "44863b03"),
        ("why", "because"),
        ("type", "Voted"),
        ("schema", 2),
    ],
)
def test_a_value_of_another_form_is_found(field: str, value: object) -> None:
    """Hashes, moments, ids and numbers are promised in one form."""
    data = json.loads(REFERENCE.read_text("utf-8"))["data"]

    assert not PUBLISHED[RecordType.STAGE_CHANGED].is_valid({**data, field: value})


@pytest.mark.parametrize("type_", RecordType)
def test_a_required_field_that_is_left_out_is_found(
    walk: list[Document], type_: RecordType
) -> None:
    """Whoever reads a required field need not ask whether it is there."""
    document = one_of_each(walk)[type_]
    schema = PUBLISHED[type_]
    without = [
        {key: value for key, value in document.items() if key != name}
        for name in SCHEMAS[type_]["required"]
    ]

    assert [] == [wrong for wrong in without if schema.is_valid(wrong)]


@pytest.mark.parametrize(
    ("why", "needed"),
    [
        ("approved", ("approval", "requester", "evidence", "fingerprint")),
        ("allowed", ("requester", "evidence", "fingerprint")),
        ("displaced", ("displaced_by", "because_of")),
        ("rolled_back", ("rolls_back", "requester", "displaces")),
        ("emergency", ("requester", "evidence", "fingerprint", "because_of")),
        ("reverted", ("reverts", "because_of")),
    ],
)
def test_why_a_stage_changed_says_which_fields_are_there(
    walk: list[Document], why: str, needed: tuple[str, ...]
) -> None:
    """An approved one names its approval, a displaced one what displaced it."""
    schema = PUBLISHED[RecordType.STAGE_CHANGED]
    moves = [one for one in walk if one["type"] == RecordType.STAGE_CHANGED and one["why"] == why]
    without = [
        {key: value for key, value in move.items() if key != name}
        for move in moves
        for name in needed
    ]

    assert len(moves) > 0
    assert [] == [wrong for wrong in without if schema.is_valid(wrong)]


def test_a_field_that_comes_later_is_tolerated_by_subscribers_and_found_here() -> None:
    """The published schema is open, also within an actor; the closed copy is not."""
    data = json.loads(REFERENCE.read_text("utf-8"))["data"]
    outer = {**data, "assurance": "signed-in"}
    inner = {**data, "actor": {**data["actor"], "assurance": "signed-in"}}

    assert PUBLISHED[RecordType.STAGE_CHANGED].is_valid(outer)
    assert PUBLISHED[RecordType.STAGE_CHANGED].is_valid(inner)
    assert "'assurance' was unexpected" in faults(outer)[0]
    assert "'assurance' was unexpected" in faults(inner)[0]


def test_the_page_for_subscribers_shows_the_reference_and_code_that_verifies_it() -> None:
    """Who copies the example and the code gets what the page says."""
    page = PAGE.read_text("utf-8")
    shown, code = re.findall(r"```(?:json|python)\n(.*?)```", page, re.DOTALL)
    event = json.loads(shown)
    made: dict[str, Any] = {}
    exec(code, made)
    first = {**event["data"], "number": 1}

    assert json.loads(REFERENCE.read_text("utf-8")) == event
    assert made["is_whole"](event["data"])
    assert not made["is_whole"]({**event["data"], "to": "Staging"})
    assert not made["is_whole"](resealed(first))
    assert made["is_whole"](
        resealed({**first, "prev": first_prev(first["ledger"], first["asset"])})
    )


def test_the_page_for_subscribers_names_every_type() -> None:
    """Those that are published in its table, the others below it."""
    page = PAGE.read_text("utf-8")
    table = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))

    assert table == set(RecordType) - UNPUBLISHED
    assert [] == [type_ for type_ in RecordType if f"`{type_}`" not in page]
