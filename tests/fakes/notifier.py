"""A notifier in memory, behind the same port as the real one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from stage_functions.application.ports.notifier import Message
from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Version
from stage_functions.domain.error import StagewardError


class MemoryNotifier:
    """Channels in memory.

    Attributes:
        told: channel and message, in the order of their delivery.
        faults: by channel, raised instead of taking anything.
        meanwhile: done once, right after the next message was taken.
    """

    def __init__(self, reach: Mapping[str, Sequence[str]]) -> None:
        """Give channels to `person:<key>` and `group:<key>`."""
        self._reach = {recipient: tuple(names) for recipient, names in reach.items()}
        self.told: list[tuple[str, Message]] = []
        self.faults: dict[str, StagewardError] = {}
        self.meanwhile: Callable[[], None] | None = None

    def channels(self, recipient: str) -> tuple[str, ...]:
        """Return the names of somebody's channels."""
        return self._reach.get(recipient, ())

    def personal(self, channel: str) -> bool:
        """Tell whether it is somebody's own mail."""
        return channel.startswith("mail:")

    def send(self, channel: str, message: Message) -> None:
        """Take a message."""
        if channel in self.faults:
            raise self.faults[channel]
        self.told.append((channel, message))
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()

    def close(self) -> None:
        """Hold nothing open."""


class PlainLinks:
    """Links that say what they are."""

    def approval(self, approval: str) -> str:
        """Return the plain address of an approval's page."""
        return f"https://stageward.example.org/approvals/{approval}"

    def version(self, version: Version) -> str:
        """Return the address of a version's page."""
        return f"https://stageward.example.org/versions/{version}"

    def personal(self, approval: Approval, person: str) -> str:
        """Return the address that lets one person vote."""
        return f"{self.approval(approval.id)}?token=of-{person}"
