"""Who writes, where several threads want to: one of them, for all that wait. One flush for all.

A thread puts what it wants written into the queue. If nobody writes it leads: it takes what waits,
writes all of it in one transaction, and lets the others go. What came meanwhile is led by the first
that waits. Nothing here touches a database, and nothing runs in a thread of its own.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

MOST_AT_ONCE = 32
"""What one thread writes for others before it hands over."""

Place = TypeVar("Place")


def _closed_lock() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class Wish(Generic[Place]):
    """What a thread wants written, and what became of it.

    Attributes:
        work: writes it.
        durable: it must be on the disk when the thread goes on.
        result: what `work` returned, once it is written.
        error: why it is not written, or may not be.
        called: released when the thread that waits may go on.
        leads: that thread is to lead.
    """

    work: Callable[[Place], object]
    durable: bool
    result: object = None
    error: Exception | None = None
    called: threading.Lock = field(default_factory=_closed_lock)
    leads: bool = False


class WriteQueue(Generic[Place]):
    """What waits to be written. Safe to share between threads."""

    def __init__(self) -> None:
        """Begin with nobody waiting."""
        self._guard = threading.Lock()
        self._waiting: deque[Wish[Place]] = deque()
        self._led = False

    @property
    def waiting(self) -> int:
        """How many wishes nobody has taken yet."""
        return len(self._waiting)

    def enter(self, wish: Wish[Place], timeout_seconds: float) -> bool:
        """Return whether this thread is to lead; if not, its wish was carried out meanwhile.

        Raises:
            TimeoutError: nobody got round to it in time; it is taken back.
        """
        with self._guard:
            self._waiting.append(wish)
            if not self._led:
                self._led = True
                return True
        try:
            called = wish.called.acquire(timeout=timeout_seconds)
        except BaseException:  # the thread was interrupted, and will not be there to lead
            self._leave_out(wish)
            raise
        if not called:
            if self._leave_out(wish):
                raise TimeoutError
            wish.called.acquire()
        return wish.leads

    def take(self) -> list[Wish[Place]]:
        """Return what waits, oldest first: for the thread that leads, its own wish among them."""
        with self._guard:
            count = min(len(self._waiting), MOST_AT_ONCE)
            return [self._waiting.popleft() for _ in range(count)]

    def leave(self, done: Sequence[Wish[Place]]) -> None:
        """Let those go whose wishes were taken, and the next one lead."""
        with self._guard:
            following = self._waiting[0] if self._waiting else None
            self._led = following is not None
            if following is not None:
                following.leads = True
        for wish in done:
            wish.called.release()
        if following is not None:
            following.called.release()

    def _leave_out(self, wish: Wish[Place]) -> bool:
        """Take a wish back; tell whether that was still possible."""
        with self._guard:
            waits = wish in self._waiting
            if waits:
                self._waiting.remove(wish)
        if waits and wish.leads:
            self.leave(())
        return waits
