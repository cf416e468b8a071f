"""Where the history of a version begins that was known before anybody registered it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.registries import RegistryState
from stage_functions.application.scan import Scanner
from stage_functions.application.timeline import moment
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.lifecycle import UNREGISTERED
from stage_functions.domain.record import timestamp
from tests.application.unregistered_world import (
    CONTENT,
    NAMELESS,
    OUTPUT,
    anonymous,
    begun,
    ends,
    leave,
    noted,
    register,
    told,
)
from tests.builders import IRIS, World, actor, world


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry is governed."""
    made = world()
    yield made
    made.rows.close()


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
    """Where its content is another one the record names the job, and no output."""
    leave(it)
    ends(it)
    told(it, register(it, content="azureml://copied", job="job_1"))
    record = begun(it)

    assert (record["from"], record["job"]) == (UNREGISTERED, "job_1")
    assert record.get("output") is None
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
    leave(it, "job_2", "azureml://e")
    ends(it, "job_2")
    told(it, register(it, "4", "azureml://f", "job_2"))
    told_of = [moment(record).what for record in query.all_records(it.context, IRIS)]

    assert told_of == [
        "registered at None, from Unregistered: output model of job job_1",
        f"registered at None, from Unregistered: {NAMELESS}",
        "registered at None",
        "registered at None, from Unregistered: something of job job_2",
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
