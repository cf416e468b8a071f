"""A server that asks first, with every mirror of MLflow's, before stock and governed clients."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event
from typing import Any

import mlflow
import pytest
from mlflow.exceptions import RestException

from stage_functions.application import upkeep
from stage_functions.domain.configuration import Mirror, Source
from stage_functions.mlflow.client import MlflowClient, PendingError, RefusedError
from tests.builders import unguarded
from tests.mlflow.guard_world import Calls, Guarded, governing
from tests.mlflow_server import MlflowServer

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated since 2.9.0:FutureWarning")
SHOWN: dict[str, Any] = {
    "mirror_to": (Mirror.TAG, Mirror.MLFLOW_STAGE),
    "requests_from": (Source.TAG, Source.MLFLOW_STAGE),
    "aliases": {"champion": ""},
}


@pytest.fixture
def it(asking: MlflowServer, calls: Calls) -> Iterator[Guarded]:
    """Stageward over it, where Production takes approval; all is shown at MLflow."""
    with governing(asking, calls, **SHOWN) as made:
        yield made


@pytest.fixture
def free(asking: MlflowServer, calls: Calls) -> Iterator[Guarded]:
    """The same, where no approval is needed."""
    with governing(asking, calls, unguarded(), **SHOWN) as made:
        yield made


def governed(it: Guarded, person: str = "sam") -> MlflowClient:
    """Return a governed client of a person."""
    return MlflowClient(it.server.address, url=it.calls.address, token=person, registry="demo")


def seen(it: Guarded, number: str) -> tuple[str, str, list[str]]:
    """Return what a stock client sees: MLflow's own stage, the tag, the aliases."""
    found = it.stock.get_model_version(it.name, number)
    return found.current_stage or "", found.tags["stage"], list(found.aliases)


def promote(it: Guarded, number: str) -> None:
    """Bring a version to Production by a stock client."""
    it.stock.transition_model_version_stage(it.name, number, "Staging")
    it.stock.transition_model_version_stage(
        it.name, number, "Production", archive_existing_versions=True
    )


def test_all_follows_an_approval_that_is_given_later(it: Guarded) -> None:
    """Nobody has to ask again: the vote writes tag, stage and alias, and each is let through."""
    it.create()
    with closing(governed(it)) as sam:
        sam.transition_model_version_stage(it.name, "1", "Staging")
        with pytest.raises(PendingError) as waits:
            sam.transition_model_version_stage(it.name, "1", "Production")
    for attempt in (
        lambda: it.stock.transition_model_version_stage(it.name, "1", "Production"),
        lambda: it.stock.set_model_version_tag(it.name, "1", "stage", "Production"),
        lambda: it.stock.set_registered_model_alias(it.name, "champion", "1"),
    ):
        with pytest.raises(RestException, match=f"; see .*/approvals/{waits.value.approval}") as no:
            attempt()

        assert str(waits.value) in str(no.value)
    before = seen(it, "1")
    it.approve(waits.value.approval)

    assert ("Staging", "Staging", []) == before
    assert ("Production", "Production", ["champion"]) == seen(it, "1")
    assert [] == list(upkeep.outbox(it.context))
    assert "DriftFound" not in it.types()


def test_a_promotion_shows_everywhere_before_its_answer_comes(free: Guarded) -> None:
    """Whoever held the stage has left it in tag and field, and has the alias no more."""
    free.create(), free.create()
    promote(free, "1")
    promote(free, "2")

    assert ("Archived", "Archived", []) == seen(free, "1")
    assert ("Production", "Production", ["champion"]) == seen(free, "2")
    assert "2" == free.stock.get_model_version_by_alias(free.name, "champion").version
    assert "DriftFound" not in free.types()


def test_both_clients_see_the_same(free: Guarded) -> None:
    """What one has asked for the other is shown, by stage and by alias."""
    free.create(), free.create()
    promote(free, "1")
    with closing(governed(free)) as sam:
        sam.transition_model_version_stage(free.name, "2", "Staging")
        sam.set_registered_model_alias(free.name, "champion", "2")
        with pytest.raises(RefusedError, match="keeps the alias champion of MLflow"):
            sam.delete_registered_model_alias(free.name, "champion")
        for client in (sam, free.stock):
            (latest,) = client.get_latest_versions(free.name, ["Production"])
            aliases = client.get_registered_model(free.name).aliases

            assert ("2", {"champion": "2"}) == (latest.version, aliases)


def test_a_fault_of_stageward_gives_up_nothing_that_it_writes_itself(free: Guarded) -> None:
    """It is owed, and shown as soon as that is tried again; nobody has to see to it."""
    free.create()
    free.calls.faulty = b'"key":"stage_governor"'
    try:
        free.stock.transition_model_version_stage(free.name, "1", "Staging")
    finally:
        free.calls.faulty = b""
    owed = upkeep.outbox(free.context)
    while left := upkeep.outbox(free.context):
        upkeep.retry(free.context, left[0].id)

    assert owed
    assert not [one for one in owed if one.owed.parked]
    assert ("Staging", "Staging", []) == seen(free, "1")


def test_what_stageward_has_stored_is_not_stored_again(free: Guarded) -> None:
    """A promotion asks once for the person, and once for each of four writes of its own.

    The last of these, of MLflow's own stage, is asked about once more: it may have been overtaken.
    """
    free.create()
    free.stock.transition_model_version_stage(free.name, "1", "Staging")
    before = free.calls.writes()
    free.stock.transition_model_version_stage(free.name, "1", "Production")

    assert 1 + 5 + 1 == free.calls.writes() - before
    assert ("Production", "Production", ["champion"]) == seen(free, "1")


def test_who_reads_while_versions_are_promoted_always_finds_one(free: Guarded) -> None:
    """By stage and by alias, with either client: never none, never one that held nothing."""
    free.create()
    promote(free, "1")
    over = Event()

    def read(client: mlflow.MlflowClient) -> set[str]:
        """Read till all is over; return the versions that were found."""
        found = set()
        last = False
        while not last:
            last = over.is_set()
            found.add(str(client.get_model_version_by_alias(free.name, "champion").version))
            (at_stage,) = client.get_latest_versions(free.name, ["Production"])[:1]
            found.add(str(at_stage.version))
        return found

    with closing(governed(free)) as sam, ThreadPoolExecutor(2) as pool:
        reading = [pool.submit(read, client) for client in (sam, free.stock)]
        try:
            for number in ("2", "3", "4"):
                free.create()
                promote(free, number)
        finally:
            over.set()
        for one in reading:
            assert {"4"} <= one.result() <= {"1", "2", "3", "4"}
