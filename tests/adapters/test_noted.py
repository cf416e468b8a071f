"""A ledger that can be read and not written to: seen in health and status, and gone when mended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.adapters.noted import NotedRows
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import upkeep
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ports.rows import LEDGER, Insert, Replace, Upsert
from stage_functions.application.registries import RegistryStates
from stage_functions.application.status import status
from stage_functions.application.troubles import troubles
from stage_functions.domain.error import ConflictError, UnknownOutcomeError
from tests.builders import World, world


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose process sees what becomes of writing."""
    made = world()
    rows = NotedRows(made.rows, made.context.process, made.clock)
    ledger = open_ledger(rows, made.clock)
    states = RegistryStates(rows, made.clock, made.context.configuration)
    yield replace(made, context=replace(made.context, ledger=ledger, states=states))
    made.rows.close()


def fail(it: World) -> None:
    """Try to write, in vain."""
    it.rows.losses = [False]
    with pytest.raises(UnknownOutcomeError):
        it.context.ledger.rows.commit(LEDGER, "p", [Upsert("k", {})])


def seen(it: World) -> tuple[str, list[str]]:
    """Return what health and status say of it."""
    known = status(it.context)
    return upkeep.health(it.context).parts["ledger"], [one.code for one in troubles(known)]


def test_it_is_told_once_nothing_could_be_written_for_a_while(it: World) -> None:
    """A single failure is tried again at once, and is no news."""
    fail(it)
    once = seen(it)
    it.clock.sleep(60)
    fail(it)
    (trouble,) = troubles(status(it.context))

    assert ("", []) == once
    assert ("unwritable", ["ledger-unwritable"]) == seen(it)
    assert not upkeep.health(it.context).ready
    assert "nothing can be written to it since" in trouble.what


def test_it_is_gone_when_something_is_written(it: World) -> None:
    """By whatever is written first."""
    fail(it)
    it.clock.sleep(60)
    fail(it)
    it.context.states.update("demo", lambda state: replace(state, cursor="x"))

    assert ("", []) == seen(it)


def test_where_nobody_tries_any_more_it_is_not_told_for_ever(it: World) -> None:
    """Another process may have all the work now."""
    fail(it)
    it.clock.sleep(60)
    fail(it)
    it.clock.sleep(400)

    assert "" == seen(it)[0]


def test_a_conflict_is_an_answer_of_a_store_that_works(it: World) -> None:
    """However many there are."""
    rows = it.context.ledger.rows
    (etag,) = rows.commit(LEDGER, "p", [Insert("k", {})])
    rows.commit(LEDGER, "p", [Replace("k", {}, etag)])
    for _ in range(3):
        with pytest.raises(ConflictError):
            rows.commit(LEDGER, "p", [Replace("k", {}, etag)])
        it.clock.sleep(60)

    assert it.context.process.unwritten is None


def test_a_store_that_is_watched_is_the_same_store(it: World) -> None:
    """What is prepared counts as soon as it is committed."""
    rows = it.context.ledger.rows
    rows.prepare(LEDGER, "p", [Upsert("a", {"n": 1})])
    rows.commit(LEDGER, "p", [Upsert("b", {"n": 2})])

    found = rows.query(LEDGER, "p", start="a", end="c", limit=5)
    assert [("a", 1), ("b", 2)] == [(row.key, row.values["n"]) for row in found]
    assert rows.get(LEDGER, "p", "c") is None


def test_a_store_closes_with_what_watches_it() -> None:
    """Nothing of it is left open."""
    made = world()
    real = SQLiteRows(":memory:")
    NotedRows(real, made.context.process, made.clock).close()

    with pytest.raises(Exception, match="closed"):
        real.get(LEDGER, "p", "k")
    made.rows.close()
