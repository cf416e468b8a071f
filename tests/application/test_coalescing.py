"""Hints about one version that arrive while it is read become one more reading."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import ClassVar

import pytest
from msgspec.structs import replace

from stage_functions.application.coalescing import Coalescing
from stage_functions.application.signal import (
    AnySignal,
    AssetSignal,
    EndpointSignal,
    Signal,
)
from stage_functions.domain.asset import Version
from stage_functions.domain.error import RegistryUnavailableError
from tests.builders import IRIS

SECONDS = 10
BURST = 8


class Watched(Version, frozen=True):
    """A version that knows which threads have looked whether it is being waited for.

    Looking takes its hash, under the guard that ends a wait: a thread that was seen has joined.
    """

    seen: ClassVar[set[int]] = set()
    more: ClassVar[threading.Condition] = threading.Condition()

    def __hash__(self) -> int:
        """Note the thread."""
        with self.more:
            self.seen.add(threading.get_ident())
            self.more.notify_all()
        return int(self.number)

    def wait_for(self, threads: int) -> None:
        """Wait until so many threads have asked for it, or for others of its kind."""
        with self.more:
            assert self.more.wait_for(lambda: len(self.seen) >= threads, SECONDS)


@pytest.fixture
def iris() -> Watched:
    """A version that nobody has asked for."""
    Watched.seen.clear()
    return Watched(IRIS, "1")


class Reading:
    """A use case that can be held while it reads.

    Attributes:
        begun: set once it reads for the first time.
        go_on: what the first reading waits for.
        signals: that were followed, in order.
        most: readings that were under way at once.
        fault: raised by every reading but the first, if set.
    """

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.signals: list[AnySignal] = []
        self.most = 0
        self.fault: Exception | None = None
        self._under_way = 0
        self._lock = threading.Lock()

    def __call__(self, signal: AnySignal) -> bool:
        """Read; the first time, only once it is let."""
        with self._lock:
            self.signals.append(signal)
            first = len(self.signals) == 1
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        try:
            if first:
                self.begun.set()
                assert self.go_on.wait(SECONDS)
            elif self.fault is not None:
                raise self.fault
            return not first
        finally:
            with self._lock:
                self._under_way -= 1


def burst(
    reading: Reading, iris: Watched, actors: Callable[[int], str]
) -> tuple[Future[bool], list[Future[bool]]]:
    """Let a burst of hints arrive while the first one is followed; return what each came to."""
    coalescing = Coalescing(reading)
    with ThreadPoolExecutor(BURST + 1) as threads:
        first = threads.submit(coalescing.follow, Signal(iris))
        assert reading.begun.wait(SECONDS)
        rest = [
            threads.submit(coalescing.follow, Signal(iris, actor=actors(n))) for n in range(BURST)
        ]
        iris.wait_for(BURST + 1)
        reading.go_on.set()
    return first, rest


def test_a_burst_about_one_version_costs_two_readings(iris: Watched) -> None:
    """The one under way, which may have read too early, and one for all who came since."""
    reading = Reading()
    first, rest = burst(reading, iris, lambda _: "")

    assert len(reading.signals) == 2
    assert first.result() is False
    assert [one.result() for one in rest] == [True] * BURST


def test_all_who_joined_a_reading_that_fails_get_its_error(iris: Watched) -> None:
    """Nobody is told that a version was read when it was not; who was served before is not hurt."""
    reading = Reading()
    reading.fault = RegistryUnavailableError("away")
    first, rest = burst(reading, iris, lambda _: "")

    assert first.result() is False
    assert [one.exception() for one in rest] == [reading.fault] * BURST
    assert len(reading.signals) == 2


def test_hints_that_name_different_actors_do_not_join(iris: Watched) -> None:
    """Who wrote is part of what is found; but one version is never read twice at a time."""
    reading = Reading()
    burst(reading, iris, lambda n: f"upn:{n % 2}")

    actors = [signal.actor for signal in reading.signals if isinstance(signal, Signal)]
    assert sorted(actors) == ["", "upn:0", "upn:1"]
    assert reading.most == 1


@pytest.mark.parametrize(
    "hint",
    [
        Signal(Version(IRIS, "1"), actor="oid:ada"),
        EndpointSignal("demo", "scoring", actor="oid:ada"),
        AssetSignal(IRIS, actor="oid:ada"),
    ],
    ids=lambda hint: type(hint).__name__,
)
def test_what_anybody_can_claim_does_not_stand_for_the_platform(
    hint: Signal | EndpointSignal | AssetSignal,
) -> None:
    """The same claim by the platform's own way is followed as well."""
    assert hint.alike != replace(hint, authenticated=True).alike
    assert hint.alike == replace(hint).alike


def test_a_version_does_not_wait_for_another(iris: Watched) -> None:
    """While one is read, the next one is."""
    reading = Reading()
    coalescing = Coalescing(reading)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(coalescing.follow, Signal(iris))
        assert reading.begun.wait(SECONDS)
        other = coalescing.follow(Signal(Watched(IRIS, "2")))
        reading.go_on.set()

    assert (first.result(), other, reading.most) == (False, True, 2)


def test_hints_one_after_the_other_are_each_followed() -> None:
    """Whoever comes after a reading is not answered from it, even if it failed."""
    numbers = count(1)

    def follow(_: AnySignal) -> bool:
        if next(numbers) == 2:
            message = "away"
            raise RegistryUnavailableError(message)
        return True

    coalescing = Coalescing(follow)
    signal = Signal(Version(IRIS, "1"))

    assert coalescing.follow(signal)
    with pytest.raises(RegistryUnavailableError):
        coalescing.follow(signal)
    assert coalescing.follow(signal)
    assert next(numbers) == 4
