"""What is made on first use."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from stage_functions.triggers.once import Once


def test_nothing_is_made_before_it_is_asked_for() -> None:
    """And afterwards it is the same thing, even if that is nothing."""
    made: list[int] = []
    once = Once(lambda: made.append(1))

    assert [] == made
    assert (None, None) == (once(), once())
    assert [1] == made


def test_many_threads_get_the_same_thing() -> None:
    """The others wait while the first one makes it."""
    threads = 8
    together = threading.Barrier(threads)
    slow = threading.Event()

    def make() -> object:
        slow.wait(0.05)
        return object()

    once = Once(make)

    def ask(_: int) -> object:
        together.wait()
        return once()

    with ThreadPoolExecutor(threads) as pool:
        assert 1 == len(set(pool.map(ask, range(threads))))


def test_a_failure_is_not_kept() -> None:
    """Whoever asks next tries again."""
    faults = [ValueError("away"), None]

    def make() -> str:
        fault = faults.pop(0)
        if fault is not None:
            raise fault
        return "made"

    once = Once(make)

    with pytest.raises(ValueError, match="away"):
        once()
    assert "made" == once()
    assert "made" == once()
