"""The notifier port: how people and groups are told of something."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class Message(Struct, frozen=True):
    """Something that somebody is told.

    Attributes:
        title: in one line.
        text: plain text, lines apart by line breaks; without the link.
        facts: label and value, in order.
        link: where all of it is seen.
        action: what the link is called, such as `Review`.
    """

    title: str
    text: str
    facts: tuple[tuple[str, str], ...]
    link: str
    action: str


class Notifier(Protocol):
    """Tells people and groups, over the channels that the environment gives them.

    Safe to share between threads.
    """

    def channels(self, key: str) -> tuple[str, ...]:
        """Return the names of the channels of a person or group, such as `mail:officer-1`.

        A name is stable and holds no address and no secret.
        """
        ...

    def personal(self, channel: str) -> bool:
        """Tell whether a channel reaches one person alone: only those may carry a personal link."""
        ...

    def send(self, channel: str, message: Message) -> None:
        """Deliver a message; return only when the other side has it.

        Raises:
            SinkUnavailableError: it cannot be reached now: try again later.
            SinkRefusedError: it refuses for good.
        """
        ...

    def close(self) -> None:
        """Give back what the adapter holds open."""
        ...
