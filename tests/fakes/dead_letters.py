"""Dead letters in memory, behind the same port as those in a container, that break on demand."""

from __future__ import annotations

from datetime import datetime

from stage_functions.application.ports.dead_letters import MOST_BYTES, MOST_LISTED, DeadLetter
from stage_functions.domain.error import InvalidInputError, NotFoundError, StagewardError


class MemoryDeadLetters:
    """A container.

    Attributes:
        fault: raised by whatever is asked.
        looks: how often they were listed.
    """

    def __init__(self) -> None:
        self.fault: StagewardError | None = None
        self.looks = 0
        self._kept: dict[str, tuple[DeadLetter, bytes]] = {}
        self._writes = 0

    def put(self, name: str, body: bytes, written: datetime) -> DeadLetter:
        """Keep one, as Event Grid would."""
        self._writes += 1
        letter = DeadLetter(name, written, f'"{self._writes}"', len(body))
        self._kept[name] = (letter, body)
        return letter

    @property
    def names(self) -> list[str]:
        """Names of what is kept."""
        return sorted(self._kept)

    def listed(self, limit: int = MOST_LISTED) -> list[DeadLetter]:
        """Return at most so many of them."""
        self.looks += 1
        self._fail()
        return [letter for letter, _ in self._kept.values()][:limit]

    def read(self, letter: DeadLetter) -> bytes:
        """Return the whole of one."""
        self._fail()
        if letter.size > MOST_BYTES:
            message = f"it has {letter.size} bytes"
            raise InvalidInputError(message)
        kept, body = self._found(letter)
        if kept.etag != letter.etag:
            message = "it was written again"
            raise NotFoundError(message)
        return body

    def delete(self, letter: DeadLetter) -> bool:
        """Delete one as it was listed; tell whether it was there."""
        self._fail()
        kept = self._kept.get(letter.name)
        if kept is None or kept[0].etag != letter.etag:
            return False
        del self._kept[letter.name]
        return True

    def close(self) -> None:
        """Hold nothing open."""

    def _found(self, letter: DeadLetter) -> tuple[DeadLetter, bytes]:
        found = self._kept.get(letter.name)
        if found is None:
            message = "it is not there any more"
            raise NotFoundError(message)
        return found

    def _fail(self) -> None:
        if self.fault is not None:
            raise self.fault
