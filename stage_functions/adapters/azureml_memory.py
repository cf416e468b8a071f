"""What the documents that were read last said, so that none is read twice for one decision."""

from __future__ import annotations

import threading
from collections import OrderedDict

from stage_functions.adapters.azureml_facts import Sections
from stage_functions.domain.asset import Snapshot

_KEPT = 200
_Key = tuple[object, ...]


class Memory:
    """What the own documents of the last versions said. Safe to share between threads.

    A version that was written since, or registered anew, is another one here.
    """

    def __init__(self, kept: int = _KEPT) -> None:
        """Begin without any; `kept` is how many versions are remembered."""
        self._kept = kept
        self._lock = threading.Lock()
        self._found: OrderedDict[_Key, Sections] = OrderedDict()

    def keep(self, snapshot: Snapshot, found: Sections) -> None:
        """Remember what the document said that a snapshot was read from."""
        with self._lock:
            self._found[_key(snapshot)] = found
            self._found.move_to_end(_key(snapshot))
            while len(self._found) > self._kept:
                self._found.popitem(last=False)

    def recall(self, snapshot: Snapshot) -> Sections | None:
        """Return what was remembered, or None."""
        with self._lock:
            return self._found.get(_key(snapshot))


def _key(snapshot: Snapshot) -> _Key:
    return snapshot.version, snapshot.incarnation, snapshot.modified_at
