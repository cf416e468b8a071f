"""Sinks in memory and in a file, behind the same port as the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stage_functions.domain.error import StagewardError
from stage_functions.domain.record import Record


class MemorySink:
    """A sink in memory.

    Attributes:
        taken: records, in the order of their delivery.
        traceparents: of each of them, or "".
        fault: raised instead of taking anything, if set.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.taken: list[Record] = []
        self.traceparents: list[str] = []
        self.fault: StagewardError | None = None

    @property
    def name(self) -> str:
        """The sink's name."""
        return self._name

    def publish(self, records: Sequence[Record], traceparent: str = "") -> None:
        """Take records."""
        if self.fault is not None:
            raise self.fault
        self.taken.extend(records)
        self.traceparents.extend(traceparent for _ in records)

    def close(self) -> None:
        """Hold nothing open."""


class FileSink:
    """A sink in a file, one line a record: it outlives a process that is killed."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    def numbers(self) -> list[int]:
        """Return the numbers of the records taken, in the order of their delivery."""
        return [int(line) for line in self._path.read_text().splitlines()]

    def publish(self, records: Sequence[Record], traceparent: str = "") -> None:
        """Take records."""
        with self._path.open("a") as file:
            file.writelines(f"{record.number}\n" for record in records)

    def close(self) -> None:
        """Hold nothing open."""
