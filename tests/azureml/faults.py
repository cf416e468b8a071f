"""What goes wrong on demand: errors, delays, cut connections, half answers and stale reads."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Fault:
    """Something that goes wrong a few times.

    Attributes:
        match: found in `METHOD path?query`.
        status: what is answered; 0 to answer as usual, after the delay.
        code: of the error.
        message: of the error.
        headers: of the answer.
        body: instead of the error.
        times: how often it happens.
        cut: the connection is cut, in the middle of `body` if there is one.
        delay_seconds: before the answer, or the cut.
        applied: the request is carried out all the same; only its answer is lost.
    """

    match: re.Pattern[str]
    status: int = 503
    code: str = ""
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    times: int = 1
    cut: bool = False
    delay_seconds: float = 0.0
    applied: bool = False

    def content(self) -> bytes:
        """Return the body to answer with."""
        error = {"code": self.code, "message": self.message}
        return json.dumps({"error": error}).encode() if self.body is None else self.body


class Faults:
    """What is still to go wrong."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._stale: list[tuple[re.Pattern[str], list[int]]] = []

    def add(self, fault: Fault) -> None:
        """Let something go wrong; what was added first happens first."""
        with self._lock:
            self._faults.append(fault)

    def add_stale(self, match: str, times: int) -> None:
        """Answer reads of versions with what was there before."""
        with self._lock:
            self._stale.append((re.compile(match), [times]))

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._faults.clear()
            self._stale.clear()

    def next(self, text: str) -> Fault | None:
        """Return what happens to a request; it counts as having happened."""
        with self._lock:
            for fault in self._faults:
                if fault.times > 0 and fault.match.search(text):
                    fault.times -= 1
                    return fault
        return None

    @property
    def left(self) -> int:
        """How many requests are still to go wrong."""
        with self._lock:
            return sum(fault.times for fault in self._faults)

    def is_stale(self, text: str) -> bool:
        """Tell whether a read is stale; it counts as having been."""
        with self._lock:
            for match, left in self._stale:
                if left[0] > 0 and match.search(text):
                    left[0] -= 1
                    return True
        return False
