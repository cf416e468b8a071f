"""How many writes at a registry's own server are decided on at once.

What Stageward writes at that server, to carry such a decision out, is asked about too: it must find
a thread of this process while others wait for theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from stage_functions.domain.error import RetryableError

AT_ONCE = 16
"""Fewer than a process has threads for requests (40)."""
_turns = BoundedSemaphore(AT_ONCE)


@contextmanager
def turn() -> Iterator[None]:
    """Decide on a write inside the block.

    Raises:
        RetryableError: as many as may be are decided on now.
    """
    if not _turns.acquire(blocking=False):
        message = f"{AT_ONCE} writes are decided on at once; ask again"
        raise RetryableError(message)
    try:
        yield
    finally:
        _turns.release()
