"""An asset's head is its lock: what was decided on an older one is not committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from stage_functions.application import query
from stage_functions.application.ledger import Ledger, Loaded
from stage_functions.domain.effect import drift
from stage_functions.domain.error import ConflictError
from stage_functions.domain.grounds import ITSELF
from tests.builders import IRIS, World, world


@pytest.fixture
def it() -> Iterator[World]:
    """A world with one version."""
    made = world()
    made.register("1")
    yield made
    made.rows.close()


def commit(it: World, loaded: Loaded) -> None:
    """Commit a record."""
    step = drift(loaded.step(), "1", ITSELF, {"why": "a test"})
    operation = it.clock.operation_id()
    it.context.ledger.commit(loaded, step, now=it.clock.now(), operation=operation)


def commit_without_records(it: World, loaded: Loaded) -> None:
    """Commit a state that no record tells of."""
    state = loaded.step().version("1")
    step = loaded.step().with_version(state, touch=True)
    operation = it.clock.operation_id()
    it.context.ledger.commit(loaded, step, now=it.clock.now(), operation=operation)


def complete(it: World, loaded: Loaded) -> None:
    """Complete owed work; there is none."""
    it.context.ledger.complete(loaded, {}, [], [], loaded.head.owed)


Act = Callable[[World, Loaded], None]


@pytest.mark.parametrize("first", [commit, commit_without_records, complete])
@pytest.mark.parametrize("second", [commit, commit_without_records, complete])
def test_of_two_who_loaded_the_same_only_the_first_one_gets_through(
    it: World, first: Act, second: Act
) -> None:
    """Whatever both are about to do, and nothing of the second one is kept."""
    ledger: Ledger = it.context.ledger
    loaded = ledger.load(IRIS, ["1"])
    first(it, loaded)
    kept = ledger.load(IRIS, ["1"])
    owed, records = ledger.owed(IRIS), list(query.all_records(it.context, IRIS))

    with pytest.raises(ConflictError):
        second(it, loaded)
    assert ledger.load(IRIS, ["1"]) == kept
    assert ledger.owed(IRIS) == owed
    assert list(query.all_records(it.context, IRIS)) == records


def test_what_is_committed_may_go_on_under_its_own_lock(it: World) -> None:
    """A commit returns the asset as it is now: nothing need be loaded again."""
    ledger = it.context.ledger
    loaded = ledger.load(IRIS, ["1"])
    step = drift(loaded.step(), "1", ITSELF, {"why": "a test"})
    committed = ledger.commit(loaded, step, now=it.clock.now(), operation="one")
    now = ledger.load(IRIS, ["1"])

    assert (committed.loaded.head, committed.loaded.etag) == (now.head, now.etag)
    assert committed.loaded.versions == now.versions
    commit(it, committed.loaded)
    assert query.check_history(it.context, IRIS) is None
