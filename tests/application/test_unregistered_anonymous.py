"""Versions that a registry has made itself: noted as long as they are there, never written to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application import query, unregistered_rows
from stage_functions.application.scan import Scanner
from stage_functions.application.sweep import sweep
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.lifecycle import UNREGISTERED
from stage_functions.domain.record import RecordType
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
from tests.builders import IRIS, World, world


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry is governed."""
    made = world()
    yield made
    made.rows.close()


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
