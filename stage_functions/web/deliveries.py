"""Which webhook deliveries were followed already.

Kept in memory: a delivery that another process followed, or that came before a restart, is followed
again, and comes to nothing new. Only successes are remembered, so that a failed one may return.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

MAX_REMEMBERED = 20_000


class SeenDeliveries:
    """Remembers delivery ids. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, delivery: str) -> bool:
        with self._lock:
            return delivery in self._seen

    def add(self, delivery: str) -> None:
        """Remember a delivery; the oldest is forgotten when there are too many."""
        with self._lock:
            self._seen[delivery] = None
            if len(self._seen) > MAX_REMEMBERED:
                self._seen.popitem(last=False)
