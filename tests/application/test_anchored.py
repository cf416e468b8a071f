"""What an anchor finds that the links alone cannot: histories that were rewritten or cut whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from msgspec import Struct
from msgspec.structs import replace

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import anchor_rows, anchored, keys, verifying
from stage_functions.application.anchored import Anchored, compare
from stage_functions.application.anchoring import keep_up
from stage_functions.application.histories import History
from stage_functions.application.ports.rows import (
    ANY_ETAG,
    BLOBS,
    LEDGER,
    Change,
    Delete,
    Upsert,
)
from stage_functions.domain.anchor import Anchor
from stage_functions.domain.chain import Broken
from tests.application.broken_ledgers import cut, relinked
from tests.application.test_verifying import HISTORIES, Kept, kept, put_back, told_world
from tests.backup_world import backed_up, restored
from tests.builders import IRIS, World
from tests.fakes.anchors import MemoryAnchors

HOUR = 3600


class Here(Struct, frozen=True):
    """A world that was anchored while it grew."""

    it: World
    place: MemoryAnchors
    ends: tuple[int, ...]

    def compare(self, anchors: Sequence[Anchor] | None = None, *only: str) -> Anchored:
        """Compare the ledger with what was published, or with other anchors."""
        ledger = self.it.context.ledger
        given = list(self.place.kept()) if anchors is None else anchors
        return compare(ledger.rows, ledger.id, given, only)

    def whole(self, history: History) -> bool:
        """Tell whether a history is whole by its links and its head."""
        ledger = self.it.context.ledger
        return verifying.check(ledger.rows, ledger.id, history, documents=False).fault is None


@pytest.fixture(scope="module")
def here() -> Iterator[Here]:
    """A ledger with five anchors, which no test leaves otherwise than it was."""
    it, place = told_world(), MemoryAnchors()
    context = replace(it.context, places=(place,))
    ends = []
    for number in ("10", "11", "12", "", "13"):
        if number:
            it.register(number)
        it.clock.sleep(HOUR)
        keep_up(context)
        ends.append(kept(it, HISTORIES["asset"]).head.number)
    it.register("14")
    yield Here(it, place, tuple(ends))
    it.rows.close()


def broken(here: Here, known: Kept, changes: Sequence[Change]) -> tuple[bool, Anchored]:
    """Return whether a history is whole by itself while rows are otherwise, and by its anchors."""
    here.it.rows.commit(LEDGER, known.history.partition, changes)
    found = here.whole(known.history), here.compare()
    put_back(here.it, known)
    return found


def test_a_sound_ledger_is_as_it_was_anchored(here: Here) -> None:
    """Each history up to the end that it had then."""
    found = here.compare()

    assert (True, 5, ()) == (found.whole, found.anchors, found.faults)
    assert {str(IRIS), "demo/models/rose ä=1", "lifecycle:default", "ledger"} == set(found.up_to)
    up_to = found.up_to[str(IRIS)]
    last = here.place.taken[-1].at
    assert (here.ends[-1], last, last) == (up_to.number, up_to.at, found.latest)
    assert last == found.up_to["ledger"].at


@pytest.mark.parametrize("kind", HISTORIES)
def test_a_tail_that_was_cut_with_its_head_is_found_by_an_anchor_alone(
    here: Here, kind: str
) -> None:
    """Wherever it was cut before the last anchor; no record that is there is called cut off."""
    known = kept(here.it, HISTORIES[kind])
    ends = here.ends if kind == "asset" else (len(known.records),)
    for left in range(1, ends[-1]):
        whole, found = broken(here, known, cut(known.records, left, known.head))
        fault = found.rewritten[known.records[0].content["asset"]]  # type: ignore[index]
        sure = max((end for end in ends if end <= left), default=0)

        assert whole
        assert (left + 1, Broken.CUT) == (fault.number, fault.broken)
        assert f"the tail was cut behind record {left}" in fault.why
        assert (left > sure) == ("no anchor tells" in fault.why)


@pytest.mark.parametrize("kind", HISTORIES)
def test_a_history_that_was_linked_anew_is_found_by_an_anchor_alone(here: Here, kind: str) -> None:
    """From whichever record on it was rewritten."""
    known = kept(here.it, HISTORIES[kind])
    ends = here.ends if kind == "asset" else (len(known.records),)
    for at in range(1, ends[-1] + 1):
        whole, found = broken(here, known, relinked(known.records, at, known.head))
        fault = found.rewritten[known.records[0].content["asset"]]  # type: ignore[index]
        good = max((end for end in ends if end < at), default=0)

        assert whole
        assert (good + 1, Broken.ALTERED) == (fault.number, fault.broken)
        assert fault.number <= at


def test_what_came_after_the_last_anchor_is_not_proven(here: Here) -> None:
    """It is only hash-linked, and so can be cut unseen till the next one."""
    known = kept(here.it, HISTORIES["asset"])
    whole, found = broken(here, known, cut(known.records, here.ends[-1], known.head))

    assert (True, True) == (whole, found.whole)


def test_a_history_that_was_taken_out_whole_is_found(here: Here) -> None:
    """Nothing in the ledger says that it ever was."""
    known = kept(here.it, HISTORIES["ledger"])
    gone: list[Change] = [Delete(row.key, ANY_ETAG) for row in known.rows]
    _, found = broken(here, known, gone)

    assert {"ledger"} == set(found.rewritten)
    fault = found.rewritten["ledger"]
    assert (1, Broken.CUT) == (fault.number, fault.broken)
    assert "the tail was cut with all that there was" in fault.why


def test_one_history_is_compared_alone(here: Here) -> None:
    """By its name."""
    found = here.compare(None, "ledger")

    assert ["ledger"] == list(found.up_to)


def test_an_anchor_that_is_missing_from_its_place_is_noticed(here: Here) -> None:
    """Each names the one before."""
    taken = list(here.place.kept())
    between = here.compare([*taken[:2], *taken[3:]])
    begins = here.compare(taken[1:])

    assert 1 == len(between.faults)
    assert "one is missing, or one of them was changed" in between.faults[0]
    assert ["are not there"] == [one[-13:] for one in begins.faults]


def test_an_anchor_that_the_ledger_does_not_know_is_noticed(here: Here) -> None:
    """A ledger that was restored from before it, or rewritten with its anchors."""
    last = here.place.taken[-1]
    forged = replace(last, root="0" * 64)
    found = here.compare([*here.place.taken[:-1], forged])

    assert ["the ledger does not know the anchor of 2026-01-01 05:00 UTC"] == list(found.faults)


def test_an_anchor_that_a_restore_has_lost_is_told_with_the_restore() -> None:
    """It stays a fault: whoever cut a tail could write such a record too."""
    it, place = told_world(), MemoryAnchors()
    context = replace(it.context, places=(place,))
    with closing(it.rows), closing(SQLiteRows(":memory:")) as rows:
        keep_up(context)
        it.clock.sleep(HOUR)
        content, _ = backed_up(it.rows._rows, it.clock)  # type: ignore[arg-type]  # noqa: SLF001
        keep_up(context)
        it.clock.sleep(60)
        restored(rows, content, it.clock)
        found = compare(rows, it.context.ledger.id, list(place.kept()))

    (lost,) = found.faults
    assert lost.startswith("the ledger does not know the anchor of 2026-01-01 01:00 UTC: it was")
    assert (
        "the restore that record 4 of the ledger's own history tells of, 2026-01-01 01:01" in lost
    )
    assert not found.rewritten


def test_without_an_anchor_of_this_ledger_nothing_is_proven(here: Here) -> None:
    """Those of another one are no help."""
    others = [replace(one, ledger="another0") for one in here.place.taken]
    for given in ([], others):
        found = here.compare(given)

        assert ("no anchor of this ledger is there",) == found.faults
        assert (None, {}) == (found.latest, found.up_to)


def test_what_the_ledger_keeps_of_its_anchors_cannot_be_changed_unseen(here: Here) -> None:
    """Neither their rows nor the ends that they are over."""
    rows = here.it.rows
    second = list(anchor_rows.anchors(rows))[1]
    key = anchor_rows.anchor_key(2)
    row = rows.get(LEDGER, anchor_rows.PARTITION, key)
    (ends,) = rows.query(BLOBS, keys.encode(second.ends))
    assert row is not None
    rows.commit(LEDGER, anchor_rows.PARTITION, [Delete(key, ANY_ETAG)])
    without = here.compare()
    rows.commit(LEDGER, anchor_rows.PARTITION, [Upsert(key, row.values)])
    rows.commit(BLOBS, keys.encode(second.ends), [Delete(ends.key, ANY_ETAG)])
    lost = here.compare()
    rows.commit(BLOBS, keys.encode(second.ends), [Upsert(ends.key, ends.values)])

    assert any("does not know the anchor of" in one for one in without.faults)
    assert lost.faults[0].startswith("the ends of anchor 2 are not kept; later anchors")
    assert here.compare().whole


def test_no_more_faults_are_named_than_anybody_reads(here: Here) -> None:
    """A thousand anchors of nobody are not a thousand lines."""
    many = [replace(here.place.taken[0], size=size) for size in range(1000)]

    assert anchored.MAX_FAULTS == len(here.compare(many).faults)
