"""A delivery is followed up whole: no hint is lost for another's sake."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from stage_functions.application.deliveries import Delivered, deliver
from stage_functions.application.echoes import Echoes
from stage_functions.application.signal import AnySignal, Signal, Signals
from stage_functions.domain.asset import Version
from stage_functions.domain.error import (
    NotFoundError,
    RegistryUnavailableError,
    RetryableError,
    StagewardError,
    StoreUnavailableError,
)
from tests.builders import IRIS
from tests.fakes.clock import FakeClock

FOUR = Signals(tuple(Signal(Version(IRIS, number)) for number in "1234"), ignored=("a fifth",))


class Follower:
    """A use case that follows signals, and fails where told.

    Attributes:
        faults: what to raise, by number of the version.
        followed: numbers of the versions asked for, in order.
        seconds: how long each takes.
    """

    def __init__(
        self, clock: FakeClock, faults: Mapping[str, StagewardError], seconds: float = 0
    ) -> None:
        self.faults = faults
        self.followed: list[str] = []
        self.seconds = seconds
        self._clock = clock

    def __call__(self, signal: AnySignal) -> bool:
        """Follow a signal; it changes something where the number is even."""
        assert isinstance(signal, Signal)
        self._clock.sleep(self.seconds)
        self.followed.append(signal.version.number)
        if fault := self.faults.get(signal.version.number):
            raise fault
        return int(signal.version.number) % 2 == 0


@pytest.fixture
def clock() -> FakeClock:
    """A clock."""
    return FakeClock()


def test_every_hint_is_followed_in_order_and_counted(clock: FakeClock) -> None:
    """What was not read, and why, is passed on."""
    follow = Follower(clock, {})

    assert deliver(follow, FOUR, clock) == Delivered(4, 2, ("a fifth",))
    assert follow.followed == ["1", "2", "3", "4"]


def test_a_fault_that_may_pass_fails_the_delivery_after_all_others_were_followed(
    clock: FakeClock,
) -> None:
    """Delivered again, it is followed whole again; the first fault is the one that is told."""
    faults = {"1": StoreUnavailableError("slow"), "3": RegistryUnavailableError("away")}
    follow = Follower(clock, faults)

    with pytest.raises(StoreUnavailableError, match="slow"):
        deliver(follow, FOUR, clock)
    follow.faults = {}
    again = deliver(follow, FOUR, clock)

    assert follow.followed == ["1", "2", "3", "4"] * 2
    assert again.followed == 4


def test_a_hint_that_can_never_be_followed_is_acknowledged_with_its_reason(
    clock: FakeClock,
) -> None:
    """Sent again, it would fail again."""
    follow = Follower(clock, {"2": NotFoundError("no such registry")})

    delivered = deliver(follow, FOUR, clock)

    assert delivered == Delivered(3, 1, ("a fifth", f"{IRIS}:2: no such registry"))


def test_what_there_was_no_time_for_is_delivered_again(clock: FakeClock) -> None:
    """The caller of a webhook does not wait for ever."""
    follow = Follower(clock, {}, seconds=6)

    with pytest.raises(RetryableError, match="only 2 of 4 hints were followed in time"):
        deliver(follow, FOUR, clock, seconds=10)
    assert follow.followed == ["1", "2"]


def test_one_hint_is_followed_however_little_time_there_is(clock: FakeClock) -> None:
    """Else a delivery that comes again and again would never come to anything."""
    follow = Follower(clock, {}, seconds=60)

    assert deliver(follow, Signals(FOUR.signals[:1]), clock, seconds=0).followed == 1
    with pytest.raises(RetryableError):
        deliver(follow, FOUR, clock, seconds=0)
    assert follow.followed == ["1", "1"]


def test_a_delivery_without_hints_is_acknowledged(clock: FakeClock) -> None:
    """There is nothing to fail."""
    assert deliver(Follower(clock, {}), Signals(), clock) == Delivered(0, 0, ())


def test_an_echo_is_acknowledged_unread_and_the_others_are_followed(clock: FakeClock) -> None:
    """It is not read again what was verified when it was written."""
    follow, echoes = Follower(clock, {}), Echoes()
    echoes.expect(Version(IRIS, "2"), {"stage": "Staging"}, clock.now())
    hints = [Signal(Version(IRIS, n), ("stage",), value="Staging") for n in "123"]

    delivered = deliver(follow, Signals(tuple(hints)), clock, echoes=echoes)

    why = f"{IRIS}:2: 'stage' is as Stageward has written it"
    assert delivered == Delivered(2, 0, (why,))
    assert follow.followed == ["1", "3"]
