"""One answer for all who ask at the same time, so that asking often costs no more than once.

Whoever asks joins the answer whose making has not begun yet: nobody gets one that is older than
the question, and however many ask, only one is made at a time, in one thread.
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
        self._next: Future[T] | None = None
        self._making = False

    def ask(self) -> Future[T]:
        """Return what will hold an answer that was begun after this call.

        It has whatever making it raises; all who joined get the same. To give up waiting for it
        takes it from nobody else.
        """
        with self._guard:
            if self._next is None:
                self._next = Future()
                self._next.set_running_or_notify_cancel()  # so that nobody can cancel it
            joined = self._next
            if not self._making:
                self._making = True
                threading.Thread(target=self._work, name="shared", daemon=True).start()
        return joined

    def __call__(self) -> T:
        """Return an answer that was begun after this call.

        Raises:
            Exception: whatever making it raises.
        """
        return self.ask().result()

    def _work(self) -> None:
        """Make answers until nobody asks for another."""
        while True:
            with self._guard:
                asked, self._next = self._next, None
                if asked is None:
                    self._making = False
                    return
            try:
                asked.set_result(self._make())
            except BaseException as exc:  # noqa: BLE001  # it is for those who asked
                asked.set_exception(exc)
