"""The notifier port: how people and groups are told of something."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class Message(Struct, frozen=True):
    """Something that somebody is told.

    Whatever people wrote stands here as they wrote it, on one line: an adapter sees to it that its
    channel shows it as text.

    Attributes:
        title: in one line.
        text: a sentence or two, in one line.
        facts: label and value, in order, each in one line.
        link: where all of it is seen; "" where there is no such place.
        action: what the link is called, such as `Review`.
        note: what is to be known of the link, in one line; only where there is one.
    """

    title: str
    text: str
    facts: tuple[tuple[str, str], ...] = ()
    link: str = ""
    action: str = "Review"
    note: str = ""


class Notifier(Protocol):
    """Tells people and groups, over the channels that the environment gives them.

    Safe to share between threads.
    """

    def channels(self, recipient: str) -> tuple[str, ...]:
        """Return the names of the channels of `person:<key>` or `group:<key>`.

        A name is stable and holds no address and no secret: `mail:officer-1`, `model-risk-1`. What
        is one address has one name, whomever it is an address of.
        """
        ...

    def personal(self, channel: str) -> bool:
        """Tell whether a channel reaches one person alone: only those may carry a personal link."""
        ...

    def send(self, channel: str, message: Message) -> None:
        """Deliver a message; return only when the other side has it.

        What an error says holds no address, no link and no secret.

        Raises:
            SinkUnavailableError: it cannot be reached now: try again later.
            SinkRefusedError: it refuses for good.
        """
        ...

    def close(self) -> None:
        """Give back what the adapter holds open."""
        ...
