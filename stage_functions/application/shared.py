"""One answer for all who ask at the same time, so that asking often costs no more than once.

Whoever asks joins the answer whose making has not begun yet: nobody gets one that is older than
the question, and however many ask, only one is made at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Makes an answer for those who wait for it. Safe to share between threads."""

    def __init__(self, make: Callable[[], T]) -> None:
        """Take what makes the answer."""
        self._make = make
        self._guard = threading.Lock()
        self._making = threading.Lock()
        self._next: Future[T] | None = None

    def __call__(self) -> T:
        """Return an answer that was made after this call.

        Raises:
            Exception: whatever making it raises; all who joined get the same.
        """
        with self._guard:
            joined = self._next
            mine: Future[T] = Future()
            if joined is None:
                self._next = mine
        if joined is not None:
            return joined.result()
        with self._making:
            with self._guard:
                self._next = None
            return self._made(mine)

    def _made(self, mine: Future[T]) -> T:
        try:
            answer = self._make()
        except BaseException as exc:
            mine.set_exception(exc)
            raise
        mine.set_result(answer)
        return answer
