"""Several hints about one version become one reading of it.

A hint says only that something may have changed. Whoever waits for a version to be read joins the
reading that has not begun yet: it will see everything that they were told of. So a burst of hints
costs two readings, and nobody is answered before the version was read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future

from stage_functions.application.signal import AnySignal

_LOCKS = 64
"""Versions share this many locks: two that share one wait for each other, and nothing else."""


class Coalescing:
    """Follows signals, each subject by one thread at a time. Safe to share between threads."""

    def __init__(self, follow: Callable[[AnySignal], bool]) -> None:
        """Take the use case that follows one signal."""
        self._follow = follow
        self._guard = threading.Lock()
        self._waiting: dict[Hashable, Future[bool]] = {}
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def follow(self, signal: AnySignal) -> bool:
        """Follow a signal, or join those that wait to follow one like it.

        Returns:
            Whether anything was committed.

        Raises:
            StagewardError: as the use case; all who joined get the same.
        """
        alike = signal.alike
        with self._guard:
            joined = self._waiting.get(alike)
            mine: Future[bool] = Future()
            if joined is None:
                self._waiting[alike] = mine
        if joined is not None:
            return joined.result()
        with self._locks[hash(signal.subject) % _LOCKS]:
            with self._guard:
                del self._waiting[alike]
            return self._lead(signal, mine)

    def _lead(self, signal: AnySignal, mine: Future[bool]) -> bool:
        try:
            changed = self._follow(signal)
        except BaseException as exc:
            mine.set_exception(exc)
            raise
        mine.set_result(changed)
        return changed
