"""What nobody has registered: noted, never written to, and where histories begin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations

import pytest
from msgspec.structs import replace

from stage_functions.application import keys, query, unregistered, unregistered_rows
from stage_functions.application.following import follow_any
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.ports.rows import CATALOG, LEDGER, Delete
from stage_functions.application.registries import RegistryState
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import JobSignal
from stage_functions.application.sweep import sweep
from stage_functions.application.timeline import moment
from stage_functions.application.upkeep import rebuild_catalog
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import NotFoundError, UnknownOutcomeError
from stage_functions.domain.lifecycle import UNREGISTERED
from stage_functions.domain.record import RecordType, timestamp
from tests.application.unregistered_world import (
    CONTENT,
    NAMELESS,
    OUTPUT,
    anonymous,
    begun,
    ends,
    leave,
    listed,
    noted,
    register,
    told,
)
from tests.builders import IRIS, World, actor, context_over, world

DAY = 86_400


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry is governed."""
    made = world()
    yield made
    made.rows.close()


# Noting.


def test_what_a_job_leaves_behind_is_noted_once(it: World) -> None:
    """However often its end is told."""
    leave(it)
    answers = [ends(it), ends(it), follow_any(it.context, JobSignal("demo", "job_1"))]
    note = unregistered_rows.find(it.rows, OUTPUT)

    assert answers == [True, False, False]
    assert noted(it) == [str(OUTPUT)]
    assert note is not None
    assert (note.job, note.output, note.content) == ("job_1", "model", CONTENT)
    assert note.author == "person:sam"


def test_a_job_that_left_nothing_leaves_no_note(it: World) -> None:
    """Nor does one that is unknown."""
    assert not ends(it, "job_2")
    assert noted(it) == []


def test_a_job_of_a_registry_that_is_watched_for_no_models_is_not_asked_for(it: World) -> None:
    """Its outputs could be nothing but models."""
    alias = it.context.configuration.registry("demo")
    watching = replace(alias, watch=("data/*",))
    configuration = replace(it.context.configuration, registries={"demo": watching})
    leave(it)

    assert not ends(replace(it, context=replace(it.context, configuration=configuration)))
    assert "outputs" not in it.registry.calls


def test_names_with_signs_of_their_own_are_noted_too(it: World) -> None:
    """As keys of rows write them."""
    leave(it, "a/b:c", name="best model")
    ends(it, "a/b:c")

    assert noted(it) == ["demo/models/azureml_a=2Fb=3Ac_output_best=20model:1"]


def test_a_mail_address_of_an_author_is_masked(it: World) -> None:
    """As records do."""
    leave(it)
    it.registry.left = [replace(it.registry.left[0], author="mlflow:x@example.org")]
    ends(it)
    note = unregistered_rows.find(it.rows, OUTPUT)

    assert note is not None
    assert note.author.startswith("mlflow:raw-")


def test_outputs_are_noted_where_stageward_only_observes() -> None:
    """And the first record of what comes of one says so."""
    it = world(Mode.OBSERVE)
    leave(it)
    ends(it)
    before = noted(it)
    told(it, register(it))

    assert (before, noted(it)) == ([str(OUTPUT)], [])
    assert begun(it)["from"] == UNREGISTERED
    it.rows.close()


# Where histories begin.


@pytest.mark.parametrize("order", list(permutations(("ends", "told", "ends again"))))
def test_whatever_comes_first_what_is_registered_is_not_noted(
    it: World, order: tuple[str, ...]
) -> None:
    """And nothing is ever noted again."""
    leave(it)
    version = register(it)
    for what in order:
        if what == "told":
            told(it, version)
        else:
            ends(it)
    told(it, version)

    assert noted(it) == []
    assert begun(it).get("from") == (UNREGISTERED if order[0] != "told" else None)


def test_a_history_begins_with_the_output_of_the_same_content(it: World) -> None:
    """The record says which output of which job, made when, and whose it was."""
    leave(it)
    ends(it)
    told(it, register(it))
    record = begun(it)

    assert (record["from"], record["to"]) == (UNREGISTERED, "None")
    assert record["output"] == {
        "job": "job_1",
        "name": "model",
        "made_at": timestamp(it.registry.left[0].made_at),
    }
    assert record["author"] == "person:sam"
    assert record["actor"] == {"attribution": "none", "via": "registry"}
    assert noted(it) == []


def test_a_history_begins_with_the_one_output_of_its_job(it: World) -> None:
    """Also where it was registered under another content."""
    leave(it)
    ends(it)
    told(it, register(it, content="azureml://copied", job="job_1"))

    assert begun(it)["from"] == UNREGISTERED
    assert (noted(it), ends(it)) == ([], False)


@pytest.mark.parametrize("first", ["job", "version"])
def test_of_several_outputs_only_that_of_the_same_content_counts(it: World, first: str) -> None:
    """The job alone does not say which of them was registered."""
    leave(it)
    leave(it, content="azureml://other", name="other")
    if first == "job":
        ends(it)
    told(it, register(it, "1", "azureml://copied", "job_1"))
    told(it, register(it, "2", "azureml://other", "job_1"))
    ends(it)

    assert begun(it, "1").get("from") is None
    assert begun(it, "2").get("from") == (UNREGISTERED if first == "job" else None)
    assert noted(it) == [str(OUTPUT)]


def test_an_output_is_a_model_and_no_data_of_the_same_job(it: World) -> None:
    """Other kinds that a job has made are not what it left behind."""
    alias = replace(it.context.configuration.registry("demo"), watch=("*",))
    configuration = replace(it.context.configuration, registries={"demo": alias})
    it = replace(it, context=replace(it.context, configuration=configuration))
    leave(it)
    ends(it)
    data = Version(replace(IRIS, kind=Kind.DATA), "1")
    it.registry.register(data, it.clock.now(), content=CONTENT, job="job_1")
    told(it, data)

    assert noted(it) == [str(OUTPUT)]


def test_an_output_whose_version_was_deleted_is_unregistered_again(it: World) -> None:
    """Once its end is told again: no version of the registry has it."""
    leave(it)
    version = told(it, register(it))
    it.registry.remove(version)
    scanner = Scanner(it.context)
    scanner.scan("demo")
    it.clock.sleep(400)
    scanner.scan("demo")

    assert ends(it)
    assert noted(it) == [str(OUTPUT)]


def test_a_timeline_says_where_a_version_comes_from(it: World) -> None:
    """In its first sentence."""
    leave(it)
    ends(it)
    told(it, register(it))
    told(it, anonymous(it))
    told(it, register(it, "2", "azureml://c"))
    told(it, register(it, "3", "azureml://d"))
    told_of = [moment(record).what for record in query.all_records(it.context, IRIS)]

    assert told_of == [
        "registered at None, from Unregistered: output model of job job_1",
        f"registered at None, from Unregistered: {NAMELESS}",
        "registered at None",
    ]


def test_an_import_leaves_nothing_noted_that_it_took_over(it: World) -> None:
    """The next look finds it."""
    it.context.states.update("demo", lambda _: RegistryState())
    leave(it)
    ends(it)
    register(it)
    import_registry(it.context, ImportCommand("demo", {}, (), "", actor("eve")))
    Scanner(it.context).scan("demo")

    assert noted(it) == []


# What the registry itself has made.


def test_an_anonymous_version_is_noted_by_a_signal_and_never_written_to(it: World) -> None:
    """Nor is it a version of any asset's history."""
    told(it, anonymous(it))
    it.registry.set_tag(NAMELESS, "stage_request", "Staging")
    told(it, NAMELESS)
    sweep(it.context)

    assert noted(it) == [str(NAMELESS)]
    assert it.registry.tags(NAMELESS) == {"stage_request": "Staging"}
    assert it.context.ledger.load(NAMELESS.asset).etag == ""


def test_the_scan_notes_anonymous_versions_and_drops_those_that_are_gone(it: World) -> None:
    """What it drops it did not see in a whole pass; outputs stay, since no list has them."""
    leave(it)
    ends(it)
    anonymous(it)
    other = anonymous(it, Version(NAMELESS.asset, "b0e2"), "azureml://d")
    scanner = Scanner(it.context)
    scanner.scan("demo")
    all_of_them = noted(it)
    it.registry.remove(other)
    writes = it.rows.trips
    scanner.scan("demo")

    assert all_of_them == [str(NAMELESS), str(other), str(OUTPUT)]
    assert noted(it) == [str(NAMELESS), str(OUTPUT)]
    assert it.rows.trips - writes < 30


@pytest.mark.parametrize("applied", [True, False])
def test_many_are_noted_at_once_and_one_by_one_where_that_fails(
    it: World, *, applied: bool
) -> None:
    """A lost reply costs time, and nothing else."""
    versions = [anonymous(it, Version(NAMELESS.asset, f"{n:03d}"), f"c{n}") for n in range(70)]
    it.rows.losses = [None, applied]
    Scanner(it.context).scan("demo")

    assert noted(it) == [str(version) for version in versions]


def test_an_anonymous_version_of_a_content_that_is_registered_is_not_noted(it: World) -> None:
    """By a name of its own it is a version already."""
    told(it, register(it, content="azureml://c"))
    told(it, anonymous(it, content="azureml://c"))
    Scanner(it.context).scan("demo")

    assert noted(it) == []


def test_an_anonymous_version_that_nothing_governs_is_not_noted(it: World) -> None:
    """No lifecycle would govern what is registered under that name."""
    governing = replace(it.context.configuration.lifecycles[0], applies_to=("demo/models/iris",))
    configuration = replace(it.context.configuration, lifecycles=(governing,))
    anonymous(it)
    Scanner(replace(it.context, configuration=configuration)).scan("demo")

    assert noted(it) == []


def test_an_anonymous_version_that_gets_a_name_is_registered_then(it: World) -> None:
    """Its history begins as that of anything that was Unregistered."""
    version = anonymous(it, Version(IRIS, "1"))
    told(it, version)
    it.registry.call_anonymous(version, anonymous=False)
    told(it, version)

    assert (begun(it)["from"], begun(it).get("anonymous")) == (UNREGISTERED, None)
    assert it.registry.tags(version)["stage"] == "None"
    assert noted(it) == []


def test_a_version_that_loses_its_name_is_left_alone(it: World) -> None:
    """One record says why; whatever is owed to it or edited on it, nothing is written."""
    version = told(it, register(it))
    it.registry.call_anonymous(version)
    it.registry.set_tag(version, "stage", "Production")
    told(it, version)
    told(it, version)
    sweep(it.context)
    types = [record.type for record in query.all_records(it.context, IRIS)]

    assert types == [RecordType.REGISTERED, RecordType.DRIFT_FOUND]
    assert it.registry.tags(version)["stage"] == "Production"
    assert noted(it) == []


def test_an_output_stays_one_where_its_registry_makes_a_version_of_it(it: World) -> None:
    """In either order, and also when that version is gone again."""
    anonymous(it, OUTPUT, CONTENT)
    told(it, OUTPUT)
    leave(it)

    assert (ends(it), ends(it)) == (True, False)
    told(it, OUTPUT)
    it.registry.remove(OUTPUT)
    Scanner(it.context).scan("demo")
    note = unregistered_rows.find(it.rows, OUTPUT)
    assert note is not None
    assert note.output == "model"


def test_a_note_follows_its_name_to_another_content(it: World) -> None:
    """What was found by the content before is not found by it any more."""
    leave(it)
    ends(it)
    it.registry.left = [replace(it.registry.left[0], content="azureml://anew")]

    assert ends(it)
    assert unregistered_rows.with_content(it.rows, "demo", Kind.MODELS, CONTENT) == []
    told(it, register(it, content="azureml://anew"))
    assert noted(it) == []


# Faults, and several instances.


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_reply_of_the_store_changes_nothing(it: World, *, applied: bool) -> None:
    """Neither when it is noted nor when it is registered."""
    leave(it)
    it.rows.losses = [applied]
    ends(it)
    noted_then = noted(it)
    version = register(it)
    it.rows.losses = [applied, applied]
    told(it, version)
    it.clock.sleep(DAY)
    sweep(it.context)

    assert (noted_then, noted(it)) == ([str(OUTPUT)], [])
    assert begun(it)["from"] == UNREGISTERED


def test_a_crash_after_the_commit_leaves_the_note_to_the_sweep(it: World) -> None:
    """It is owed work of that commit."""
    leave(it)
    ends(it)
    version = register(it)
    it.registry.fail_after(2)  # read, and read evidence; no tag is written, and the note waits
    it.rows.losses = [None, *[False] * 80]
    told(it, version)
    waiting = noted(it)
    it.rows.losses = []
    it.registry.away = False
    it.clock.sleep(DAY)
    sweep(it.context)

    assert (waiting, noted(it)) == ([str(OUTPUT)], [])
    assert it.context.ledger.load(IRIS).head.owed == ()


def test_two_instances_that_note_and_register_at_once_leave_no_note() -> None:
    """Whichever writes between the other's look and its write."""
    for first in ("ends", "told"):
        it = world()
        second = replace(it, context=context_over(it.rows, it.registry, it.clock, Mode.ENFORCE))
        leave(it)
        version = register(it)
        if first == "ends":
            it.rows.meanwhile = lambda other=second, one=version: told(other, one)
            ends(it)
        else:
            it.rows.meanwhile = lambda other=second: ends(other)
            told(it, version)
        ends(second)
        Scanner(it.context).scan("demo")

        assert noted(it) == [], first
        it.rows.close()


def test_a_note_that_keeps_changing_is_an_error_that_is_told_again(it: World) -> None:
    """The signal is delivered again then."""
    leave(it)
    it.rows.losses = [False] * 20

    with pytest.raises(UnknownOutcomeError):
        ends(it)


# How long, and in which lists.


def test_outputs_that_nobody_registers_are_forgotten_after_90_days(it: World) -> None:
    """Versions that the registry made are listed as long as they are there."""
    leave(it)
    ends(it)
    told(it, anonymous(it))
    it.clock.sleep(timedelta(days=unregistered.OUTPUTS_DAYS).total_seconds() - DAY)
    early = unregistered.forget_old(it.context)
    it.clock.sleep(2 * DAY)

    assert (early, unregistered.forget_old(it.context)) == (0, 1)
    assert noted(it) == [str(NAMELESS)]
    rows = it.rows.query(LEDGER, keys.unregistered_partition("demo"))
    assert len(rows) == 2


def test_they_are_listed_only_where_they_are_asked_for(it: World) -> None:
    """By their stage, or behind all others."""
    leave(it)
    ends(it)
    told(it, anonymous(it))
    told(it, register(it, content="azureml://d"))
    these = [f"{NAMELESS} at Unregistered", f"{OUTPUT} at Unregistered"]

    assert listed(it) == ["demo/models/iris:1 at None"]
    assert listed(it, stage=UNREGISTERED) == these
    assert listed(it, unregistered=True) == ["demo/models/iris:1 at None", *these]
    assert listed(it, stage=UNREGISTERED, kind=Kind.DATA) == []
    assert listed(it, unregistered=True, waiting=True) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_pages_go_on_where_the_last_one_ended(it: World, limit: int) -> None:
    """Also from versions to what nobody has registered."""
    for number in range(3):
        leave(it, f"job_{number}", f"azureml://{number}")
        ends(it, f"job_{number}")
        told(it, register(it, str(number), f"azureml://v{number}"))
    wanted, cursor, found = query.Filter(unregistered=True), "", list[str]()
    while True:
        page = query.assets(it.context, wanted, cursor=cursor, limit=limit)
        found += [entry.asset for entry in page.entries]
        cursor = page.cursor
        if not cursor:
            break

    others = [f"demo/models/azureml_job_{number}_output_model" for number in range(3)]
    assert found == [*["demo/models/iris"] * 3, *others]


def test_a_version_is_looked_up_with_what_is_noted_of_it(it: World) -> None:
    """An output, which no registry can show, as well as a version without a name."""
    leave(it)
    ends(it)
    told(it, anonymous(it))
    output, version = (query.version(it.context, one) for one in (OUTPUT, NAMELESS))

    assert output.note is not None
    assert output.evidence.section("job") == {"id": "job_1"}
    assert version.note is not None
    assert version.snapshot is not None
    with pytest.raises(NotFoundError):
        query.version(it.context, Version(OUTPUT.asset, "2"))


def test_the_index_of_contents_is_rebuilt_with_the_catalog(it: World) -> None:
    """A ledger that an earlier release wrote has none."""
    leave(it)
    told(it, register(it))
    partition = keys.contents_partition("demo")
    rows = it.rows.query(CATALOG, partition)
    it.rows.commit(CATALOG, partition, [Delete(row.key, row.etag) for row in rows])
    rebuild_catalog(it.context)

    assert not ends(it)
