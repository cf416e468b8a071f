"""What is made on first use, and kept for as long as the process lives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Makes something the first time it is asked for. Safe to share between threads.

    A failure is not kept: whoever asks next tries again. Who asks while it is being made, waits.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: tuple[T] | None = None
        self._lock = threading.Lock()

    def __call__(self) -> T:
        """Return what was made, making it first if need be.

        Raises:
            Exception: whatever making it raises.
        """
        made = self._made
        if made is None:
            with self._lock:
                made = self._made = self._made or (self._make(),)
        return made[0]
