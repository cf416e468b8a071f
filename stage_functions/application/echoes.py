"""What this process has written to registries lately, so that it knows its own voice.

A registry tells of every tag that is set, of Stageward's own too. To follow such a hint is to read
what was verified a moment ago. So a hint about exactly the value that was written is acknowledged
unread, once and for a minute; any other is followed. What another instance has written is not known
here and is followed, which costs a reading and nothing else.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta

from stage_functions.application.signal import AliasSignal, AnySignal, Signal
from stage_functions.domain.aliases import HAS, source
from stage_functions.domain.asset import Version

EXPECTED_SECONDS = 60
"""Of a write: its hint comes within seconds, where it comes at all."""
MOST_EXPECTED = 10_000

_Written = tuple[Version, str, str]


class Echoes:
    """Hints that are expected of own writes. Safe to share between threads."""

    def __init__(self) -> None:
        """Expect none."""
        self._guard = threading.Lock()
        self._until: OrderedDict[_Written, datetime] = OrderedDict()

    def expect(self, version: Version, tags: Mapping[str, str], now: datetime) -> None:
        """Expect a hint about each of these tags and aliases, which are about to be written."""
        until = now + timedelta(seconds=EXPECTED_SECONDS)
        with self._guard:
            for key, value in tags.items():
                self._until[version, key, value] = until
                self._until.move_to_end((version, key, value))
            while self._until and (
                len(self._until) > MOST_EXPECTED or next(iter(self._until.values())) <= now
            ):
                self._until.popitem(last=False)

    def heard(self, signal: AnySignal, now: datetime) -> bool:
        """Tell whether a hint is the expected one of an own write; the next like it is not."""
        written = _written(signal)
        if written is None:
            return False
        with self._guard:
            until = self._until.pop(written, None)
        return until is not None and now < until


def _written(signal: AnySignal) -> _Written | None:
    """Return what a hint says was written, if it says that of one value."""
    if isinstance(signal, AliasSignal):
        return Version(signal.asset, signal.number), source(signal.alias), HAS
    if not isinstance(signal, Signal) or signal.value is None or len(signal.keys) != 1:
        return None
    return signal.version, signal.keys[0], signal.value
