"""The keys of links, sessions and forms: two live, agreed on by all instances."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.keys import LEDGER_PARTITION
from stage_functions.application.link_keys import CACHED, PREFIX, SPARE, LinkKeys
from stage_functions.application.ports.rows import LEDGER, Upsert
from stage_functions.domain.error import LedgerDamagedError, UnknownOutcomeError
from tests.fakes.clock import FakeClock
from tests.fakes.rows import LossyRows

WEEK = timedelta(days=7)
MONTH = timedelta(days=30)
BIT = timedelta(seconds=1)


@pytest.fixture
def rows() -> Iterator[LossyRows]:
    """A new ledger's store."""
    with closing(SQLiteRows(":memory:")) as store:
        yield LossyRows(store)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


def keys(rows: LossyRows, clock: FakeClock, longest: timedelta = WEEK) -> LinkKeys:
    """Return the keys as an instance that has just started sees them."""
    return LinkKeys(rows, clock, longest)


def stored(rows: LossyRows) -> list[int]:
    """Return the numbers of the keys that the ledger has."""
    found = rows.query(LEDGER, LEDGER_PARTITION, start=PREFIX, end="link-key;")
    return [int(row.key.removeprefix(PREFIX)) for row in found]


def test_nothing_is_read_before_a_key_is_needed(rows: LossyRows, clock: FakeClock) -> None:
    """An instance that only follows events has no use for them."""
    keys(rows, clock)

    assert rows.trips == 0


def test_all_instances_sign_with_the_same_key(rows: LossyRows, clock: FakeClock) -> None:
    """The one that the first of them made."""
    first, second = keys(rows, clock), keys(rows, clock)

    assert first.newest() == second.newest()
    assert (first.newest().number, stored(rows)) == (1, [1])
    assert len(first.newest().secret) >= 64


def test_keys_are_read_once_a_minute(rows: LossyRows, clock: FakeClock) -> None:
    """And not at every page."""
    one = keys(rows, clock)
    one.newest()
    before = rows.trips
    one.newest(), one.numbered(1)

    assert rows.trips == before
    clock.time += CACHED
    one.newest()
    assert rows.trips == before + 1


@pytest.mark.parametrize(("longest", "period"), [(WEEK, MONTH), (3 * MONTH, 3 * MONTH + SPARE)])
def test_a_key_signs_for_as_long_as_an_approval_may_wait(
    rows: LossyRows, clock: FakeClock, longest: timedelta, period: timedelta
) -> None:
    """And for 30 days at the least; then another signs, and the one before still verifies."""
    one = keys(rows, clock, longest)
    first = one.newest()

    clock.time += period - BIT
    assert one.newest() == first
    clock.time += 2 * BIT
    second = one.newest()
    assert second.number == 2
    assert second.secret != first.secret
    assert one.numbered(1) == first


def test_when_a_third_key_appears_the_first_is_gone(rows: LossyRows, clock: FakeClock) -> None:
    """From the ledger too."""
    one = keys(rows, clock)
    for _ in range(3):
        one.newest()
        clock.time += MONTH + BIT

    assert one.newest().number == 4
    assert (one.numbered(2), stored(rows)) == (None, [3, 4])
    assert one.numbered(3) is not None


def test_instances_that_make_a_key_at_once_agree(rows: LossyRows, clock: FakeClock) -> None:
    """On whichever the ledger took first."""
    one, other = keys(rows, clock), keys(rows, clock)

    def quicker() -> None:
        """Be the other instance."""
        other.newest()

    rows.meanwhile = quicker
    first = one.newest()
    clock.time += MONTH + BIT
    rows.meanwhile = quicker
    second = one.newest()

    assert (first.number, second.number, stored(rows)) == (1, 2, [1, 2])
    assert other.newest() == second


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_reply_is_no_second_key(rows: LossyRows, clock: FakeClock, *, applied: bool) -> None:
    """What the ledger has is what counts; while it has none, whoever asks is to try again."""
    one = keys(rows, clock)
    rows.losses = [applied]

    if not applied:
        with pytest.raises(UnknownOutcomeError):
            one.newest()
    assert one.newest().number == 1
    assert stored(rows) == [1]


def test_a_key_of_another_instance_is_known_at_once(rows: LossyRows, clock: FakeClock) -> None:
    """Its first link works here, before the minute is over."""
    one = keys(rows, clock)
    one.newest()
    clock.time += MONTH - timedelta(seconds=30)
    one.newest()
    ahead = FakeClock()
    ahead.time = clock.time + timedelta(seconds=35)
    new = keys(rows, ahead).newest()

    clock.time += 2 * BIT
    assert (new.number, one.numbered(2)) == (2, new)


def test_unknown_numbers_do_not_make_the_ledger_be_read_each_time(
    rows: LossyRows, clock: FakeClock
) -> None:
    """Anybody may send any number."""
    one = keys(rows, clock)
    one.newest()
    before = rows.trips

    assert [one.numbered(number) for number in range(2, 100)] == [None] * 98
    assert rows.trips == before


def test_a_clock_that_jumps_ages_no_key_twice(rows: LossyRows, clock: FakeClock) -> None:
    """Ahead it makes one new key; back again the keys stay, and are read anew."""
    one = keys(rows, clock)
    first = one.newest()
    clock.time += 100 * MONTH
    ahead = one.newest()
    clock.time -= 100 * MONTH

    assert one.newest() == ahead
    assert (one.numbered(1), stored(rows)) == (first, [1, 2])


@pytest.mark.parametrize(
    "values",
    [{}, {"secret": b"", "created": "2026-01-01T00:00:00+00:00"}, {"secret": b"s", "created": "x"}],
)
def test_a_row_that_is_no_key_is_said_so(
    rows: LossyRows, clock: FakeClock, values: dict[str, str | bytes]
) -> None:
    """Nothing is signed with it."""
    rows.commit(LEDGER, LEDGER_PARTITION, [Upsert(f"{PREFIX}0000000001", values)])

    with pytest.raises(LedgerDamagedError, match="is no key"):
        keys(rows, clock).newest()
