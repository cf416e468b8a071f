"""What a line of the log is about: ids that lines of one request, event or sweep have in common.

They follow the work, into other threads too where the framework copies its context. Only ids go in:
never a name, a reason, or a token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_NOTHING: Mapping[str, str] = MappingProxyType({})
_bound: ContextVar[Mapping[str, str]] = ContextVar("stageward", default=_NOTHING)


@contextmanager
def about(**ids: str) -> Iterator[None]:
    """Give ids to every line that is logged inside the block.

    Args:
        ids: `request`, `event`, `delivery`, `asset`, `version`, `approval`, `operation`.
    """
    token = _bound.set({**_bound.get(), **ids})
    try:
        yield
    finally:
        _bound.reset(token)


def current() -> Mapping[str, str]:
    """Return the ids of what is being done here."""
    return _bound.get()
