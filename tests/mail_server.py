"""A mail server on a free loopback port, which keeps what it takes.

with MailServer() as server:
    ...                      # write by mailto://127.0.0.1:<server.port>?mode=insecure&…
server.mails                 # what arrived
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

TAKEN = "250 OK"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it arrived.

    Attributes:
        recipients: as the envelope has them.
        message: as its recipient reads it.
        raw: the bytes.
    """

    recipients: tuple[str, ...]
    message: EmailMessage
    raw: bytes

    @property
    def text(self) -> str:
        """The text of it."""
        return str(self.message.get_content())


class MailServer:
    """A mail server.

    Attributes:
        mails: what arrived, in order.
        answers: what recipients are answered, by address; the others are taken.
        port: where it listens.
    """

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.answers: dict[str, str] = {}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._controller = Controller(_Handler(self), hostname="127.0.0.1", port=self.port)

    def url(self, more: str = "") -> str:
        """Return the Apprise URL of it."""
        sender = "from=stageward@example.org"
        return f"mailto://127.0.0.1:{self.port}?mode=insecure&{sender}{more}"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._controller.stop()


class _Handler:
    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_RCPT(  # noqa: N802  # as aiosmtpd calls it
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        answer = self._server.answers.get(address, TAKEN)
        if answer == TAKEN:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802  # as aiosmtpd calls it
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        raw = envelope.original_content or b""
        message = message_from_bytes(raw, policy=default)
        self._server.mails.append(Mail(tuple(envelope.rcpt_tos), message, raw))
        return TAKEN
