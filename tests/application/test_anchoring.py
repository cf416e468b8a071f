"""Anchors: made once an hour, by one instance, and published until every place has them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import cast as typed

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import anchor_rows, anchoring, keys, status, upkeep
from stage_functions.application.anchoring import anchor, inclusion, keep_up
from stage_functions.application.context import Context
from stage_functions.application.formats import kind_of
from stage_functions.application.ports.rows import (
    ANY_ETAG,
    BLOBS,
    LEDGER,
    Change,
    Delete,
    Upsert,
)
from stage_functions.application.process import Facts, Process
from stage_functions.application.transition import request_transition
from stage_functions.application.troubles import troubles
from stage_functions.application.verifying import of_asset
from stage_functions.domain.anchor import End, root_of
from stage_functions.domain.error import (
    ConflictError,
    LedgerDamagedError,
    SinkRefusedError,
    SinkUnavailableError,
    UnknownOutcomeError,
)
from stage_functions.triggers import schedules
from tests.application.broken_ledgers import cut
from tests.application.test_verifying import HISTORIES, ROSE, kept, told_world
from tests.builders import IRIS, World, world
from tests.fakes.anchors import MemoryAnchors

HOUR = 3600


class Anchoring(Struct, frozen=True):
    """A world that is anchored in two places."""

    it: World
    context: Context
    places: tuple[MemoryAnchors, MemoryAnchors]

    def later(self, hours: float = 1) -> tuple[str, ...]:
        """Let time pass, and the timer ring."""
        self.it.clock.sleep(hours * HOUR)
        return keep_up(self.context)

    def change(self, number: str) -> None:
        """Let something happen to an asset."""
        self.it.register(number)


def anchoring_of(it: World) -> Anchoring:
    """Return a world that is anchored."""
    places = (MemoryAnchors("memory-1"), MemoryAnchors("memory-2"))
    process = Process(Facts(started=it.clock.time))
    return Anchoring(it, replace(it.context, places=places, process=process), places)


@pytest.fixture
def here() -> Iterator[Anchoring]:
    """A world with all kinds of histories, anchored in two places."""
    made = told_world()
    yield anchoring_of(made)
    made.rows.close()


def all_ends(here: Anchoring) -> list[End]:
    """Return where every history ends."""
    heads = {
        name: kept(here.it, history).head
        for name, history in {
            str(IRIS): HISTORIES["asset"],
            "lifecycle:default": HISTORIES["lifecycle"],
            "ledger": HISTORIES["ledger"],
            str(ROSE): of_asset(ROSE),
        }.items()
    }
    return [End(name, head.number, head.hash) for name, head in heads.items()]


def test_an_anchor_is_over_the_ends_of_all_histories(here: Anchoring) -> None:
    """Assets, lifecycles and the ledger's own; every place gets it."""
    keep_up(here.context)
    (made,) = here.places[0].taken

    assert (4, root_of(all_ends(here)), "") == (made.size, made.root, made.before)
    assert here.context.ledger.id == made.ledger
    assert here.places[0].taken == here.places[1].taken


def test_anchors_are_made_once_an_hour_and_each_names_the_one_before(here: Anchoring) -> None:
    """However often the timer rings."""
    for _ in range(12):
        here.later(0.25)
    taken = here.places[0].taken

    assert 3 == len(taken)
    assert [one.digest for one in taken[:-1]] == [one.before for one in taken[1:]]


def test_where_no_place_is_configured_nothing_is_read(here: Anchoring) -> None:
    """Who does not anchor pays nothing."""
    before = here.it.rows.trips
    told = keep_up(here.it.context)

    assert ((), before) == (told, here.it.rows.trips)
    assert anchoring.AnchorStatus() == anchoring.status(here.it.context)
    assert "anchors" not in upkeep.health(here.it.context).parts


def test_the_timer_of_azure_functions_anchors(here: Anchoring) -> None:
    """Behind what the sweep does."""
    schedules.sweep(here.context)

    assert 1 == len(here.places[0].taken)


def test_when_nothing_has_changed_an_anchor_says_so_and_keeps_no_document(
    here: Anchoring,
) -> None:
    """The ledger grows by what has happened, not by what there is."""
    keep_up(here.context)
    here.later()
    first, second = anchor_rows.anchors(here.context.ledger.rows)

    assert first.root == second.root
    assert (True, "") == (bool(first.ends), second.ends)


def test_what_is_kept_of_an_anchor_is_what_has_changed(here: Anchoring) -> None:
    """All of it again after a day."""
    keep_up(here.context)
    for number in range(10, 36):
        here.change(str(number))
        here.later()
    found = list(anchor_rows.with_ends(here.context.ledger.rows))

    changed = [len(one.changed) for one in found]
    assert [4, *[1] * 26] == changed
    assert [1, 25] == sorted({one.kept.whole for one in found})


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["iris", "nothing", "anchor", "day"]), max_size=30))
def test_whatever_happens_what_is_kept_comes_to_the_root_of_each_anchor(steps: list[str]) -> None:
    """And each history has a proof that leads there."""
    here = anchoring_of(world())
    for number, step in enumerate(steps):
        if step == "iris":
            here.change(str(number))
        here.later({"anchor": 1, "day": 25}.get(step, 0.1))
    keep_up(here.context)
    for one in anchor_rows.with_ends(here.context.ledger.rows):
        assert one.kept.root == root_of(list(one.all.values()))
        assert one.kept.size == len(one.all)
    proof = inclusion(here.context, "lifecycle:default")
    assert proof is not None
    assert proof.holds
    assert proof.anchor == here.places[0].taken[-1]
    here.it.rows.close()


def test_a_history_that_began_after_the_latest_anchor_has_no_proof_yet(here: Anchoring) -> None:
    """Nor has any, before there is an anchor."""
    before = inclusion(here.context, str(IRIS))
    keep_up(here.context)

    assert before is None
    assert inclusion(here.context, str(IRIS)) is not None
    assert inclusion(here.context, "demo/models/later") is None


def test_a_proof_is_not_made_of_ends_that_were_changed(here: Anchoring) -> None:
    """It says that they were, instead."""
    keep_up(here.context)
    (made,) = anchor_rows.anchors(here.context.ledger.rows)
    partition = keys.encode(made.ends)
    (row,) = here.it.rows.query(BLOBS, partition)
    (other, *_) = here.it.rows.query(BLOBS, keys.encode(str(lifecycle_digest(here))))
    for changes, words in (
        ([Upsert(row.key, other.values)], "cannot be read"),
        ([Upsert(row.key, {"format": 1, "body0": b"x"})], "cannot be read"),
        ([Delete(row.key, ANY_ETAG)], "are not kept"),
    ):
        here.it.rows.commit(BLOBS, partition, typed("list[Change]", changes))
        with pytest.raises(LedgerDamagedError, match=f"the ends of anchor 1 {words}"):
            inclusion(here.context, str(IRIS))


def lifecycle_digest(here: Anchoring) -> object:
    """Return the digest of the lifecycle that was adopted first."""
    lifecycle = kept(here.it, HISTORIES["lifecycle"]).records[0].content["lifecycle"]
    assert isinstance(lifecycle, dict)
    return lifecycle["digest"]


def test_of_two_instances_that_anchor_at_once_one_does(here: Anchoring) -> None:
    """So the chain of anchors has no fork."""
    keep_up(here.context)
    here.it.clock.sleep(HOUR)
    here.it.rows.meanwhile = lambda: anchor(here.context)

    with pytest.raises(ConflictError):
        anchor(here.context)
    here.later(0)
    taken = here.places[0].taken
    assert [taken[0].digest] == [one.before for one in taken[1:]]


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_reply_forks_nothing(here: Anchoring, *, applied: bool) -> None:
    """Whether the anchor was kept or not: the next ring goes on from there."""
    here.it.rows.losses = [applied]
    with pytest.raises(UnknownOutcomeError):
        keep_up(here.context)
    here.later(0)
    here.later()
    taken = here.places[0].taken

    assert 2 == len(taken)
    assert taken[0].digest == taken[1].before


def test_a_place_that_is_away_gets_all_that_it_lacks_in_order(here: Anchoring) -> None:
    """And holds up no other."""
    one, other = here.places
    one.fault = SinkUnavailableError("away")
    said = keep_up(here.context)
    here.later()
    one.fault = None
    here.later()

    assert ("anchors to the place memory-1: away",) == said
    assert other.taken == one.taken
    assert 3 == len(one.taken)


def test_a_place_that_fails_is_tried_again_later_each_time(here: Anchoring) -> None:
    """After a minute at first, and within an hour for ever."""
    here.places[0].fault = SinkUnavailableError("away", retry_after_seconds=90)
    tries = []
    for _ in range(9):
        keep_up(here.context)
        row = anchor_rows.published(here.context.ledger.rows, "memory-1")
        assert row.next_at is not None
        wait = row.next_at - here.it.clock.time
        tries.append(round(wait.total_seconds() / 30) / 2)
        here.it.clock.sleep(wait.total_seconds())

    assert [1.5, 2, 4, 8, 16, 32, 60, 60, 60] == tries


def test_a_place_that_is_added_later_gets_every_anchor(here: Anchoring) -> None:
    """A hundred at one ring of the timer."""
    keep_up(here.context)
    for _ in range(104):
        here.later()
    late = MemoryAnchors("memory-3")
    with_late = replace(here.context, places=(*here.places, late))
    keep_up(with_late)
    at_first = len(late.taken)
    keep_up(with_late)

    assert (100, 105) == (at_first, len(late.taken))
    assert here.places[0].taken == late.taken


def test_a_crash_before_a_place_is_known_to_have_an_anchor_publishes_it_again(
    here: Anchoring,
) -> None:
    """The same one, which the place has already."""
    keep_up(here.context)
    row = anchor_rows.place_key("memory-1")
    here.it.rows.commit(LEDGER, anchor_rows.PARTITION, [Delete(row, ANY_ETAG)])
    keep_up(here.context)
    first, again = here.places[0].taken

    assert first == again


def test_a_ledger_that_has_got_shorter_is_told_at_the_next_anchor(here: Anchoring) -> None:
    """Long before anybody verifies it."""
    keep_up(here.context)
    known = kept(here.it, HISTORIES["asset"])
    here.it.rows.commit(LEDGER, known.history.partition, cut(known.records, 3, known.head))
    here.later()

    assert (str(IRIS),) == anchoring.status(here.context).contradicted
    assert "contradicted" == upkeep.health(here.context).parts["anchors"]
    assert ["anchors-contradicted"] == codes(here)


def test_what_is_wrong_with_anchors_is_told_to_operators(here: Anchoring) -> None:
    """A place that does not take them, and a timer that does not ring."""
    keep_up(here.context)
    well = upkeep.health(here.context).parts["anchors"]
    here.places[0].fault = SinkRefusedError("never")
    here.later()
    unpublished = codes(here), upkeep.health(here.context).parts["anchors"]
    here.it.clock.sleep(3 * HOUR)
    late = codes(here), upkeep.health(here.context).parts["anchors"]

    assert "" == well
    assert (["anchors-unpublished"], "unpublished") == unpublished
    assert (["anchors-late", "anchors-unpublished"], "late") == late
    place = anchoring.status(here.context).places[0]
    assert (1, True, "never") == (place.behind, place.refused, place.error)
    assert here.places[0].taken[0].at == place.at


def test_a_ledger_that_is_never_anchored_is_told_after_two_hours(here: Anchoring) -> None:
    """Counted from the start of the process."""
    at_once = codes(here)
    here.it.clock.sleep(2.1 * HOUR)

    assert ([], ["anchors-late"]) == (at_once, codes(here))


def codes(here: Anchoring) -> list[str]:
    """Return the troubles of anchors."""
    found = troubles(status.status(here.context))
    return [one.code for one in found if one.part == "anchors"]


def test_the_rows_of_anchors_are_of_kinds_that_are_known(here: Anchoring) -> None:
    """`migrate` reads them, and leaves none as unknown."""
    keep_up(here.context)
    rows = here.it.rows.query(LEDGER, anchor_rows.PARTITION)
    kinds = {row.key: kind_of(LEDGER, anchor_rows.PARTITION, row.key) for row in rows}

    assert 4 == len(rows)
    for row in rows:
        kind = kinds[row.key]
        assert kind is not None
        assert "" == kind.fault(row)


def test_reading_the_heads_costs_one_read_a_history(here: Anchoring) -> None:
    """And nothing for the records."""
    for number in range(10, 30):
        here.change(str(number))
    keep_up(here.context)
    before = here.it.rows.trips
    here.later()
    few = here.it.rows.trips - before

    assert few <= 4 + 20


def test_anchoring_goes_on_while_versions_move(here: Anchoring) -> None:
    """A decision knows nothing of it."""
    here.it.register("40")
    keep_up(here.context)
    before = here.it.rows.trips
    version = here.it.register("41")
    registering = here.it.rows.trips - before
    request_transition(here.context, here.it.command(version, "Staging"))

    plain = told_world()
    plain.register("40")
    before = plain.rows.trips
    plain.register("41")
    assert plain.rows.trips - before == registering
    assert timedelta(hours=1) == anchoring.EVERY
    plain.rows.close()
