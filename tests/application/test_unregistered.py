"""What nobody has registered: noted, never written to, and where histories begin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import keys, query, unregistered, unregistered_rows
from stage_functions.application.following import follow_any
from stage_functions.application.ports.rows import CATALOG, LEDGER, Delete
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import JobSignal
from stage_functions.application.sweep import sweep
from stage_functions.application.upkeep import rebuild_catalog
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import NotFoundError, UnknownOutcomeError
from stage_functions.domain.lifecycle import UNREGISTERED
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
from tests.builders import IRIS, World, context_over, world

DAY = 86_400


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry is governed."""
    made = world()
    yield made
    made.rows.close()


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
    it.rows.losses = [None, *[False] * 200]
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
