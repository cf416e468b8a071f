"""Messages by Apprise: mail, Slack, and whatever else it has a URL for.

Apprise answers yes or no, and logs the reason with addresses in it. So it logs to here and to
nowhere else: what it says of a failure is read, and shown without them. It is imported when
something is first sent or checked: that takes 0.1 s, and 0.25 s more for its services.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

from stage_functions.adapters.sinks import SinkError, error_for
from stage_functions.adapters.words import escaped, without_secrets
from stage_functions.application.ports.notifier import Message
from stage_functions.domain.error import SinkRefusedError, SinkUnavailableError

if TYPE_CHECKING:
    from apprise import NotifyBase, NotifyFormat

TIMEOUT_SECONDS = 10
MAIL_SCHEMES = ("mailto", "mailtos")
_MACHINES = ("json", "jsons", "form", "forms", "xml", "xmls")
"""Services that show nothing to anybody by themselves."""
_LOGGERS = ("urllib3.connectionpool", "urllib3.poolmanager", "urllib3.util.retry")
"""Of the library that Apprise posts by: they log addresses."""
_LINES = 100
"""Of what Apprise logs while it sends one message: the last ones."""
_STATUS = re.compile(r"\berror=([1-5][0-9]{2})\b")
_SAID = "Socket Exception: "
_REPLY = re.compile(r"\(([245][0-9]{2}), b?(['\"])(.*?)\2")
_FINAL_REPLY = re.compile(r"5(?!3[0458])[0-9]{2}\Z")
"""Not: that one must sign in, or did so in vain. That may be put right, as a 401."""
_Heard = list[tuple[int, str]]
_heard: ContextVar[_Heard | None] = ContextVar("heard", default=None)
_guard = threading.Lock()


class AppriseChannel:
    """One address of Apprise. Safe to share between threads.

    Args:
        url: an Apprise URL, which is a secret; that of a mail server, where a recipient is given.
        recipient: the one mail address that is reached by it, or "".
        timeout_seconds: for connecting, and for each answer.
    """

    def __init__(
        self, url: str, recipient: str = "", timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._scheme = url.partition("://")[0].lower()
        self._named = bool(recipient) and _names_recipients(url)
        self._url = _addressed(url, recipient) if recipient else url
        self._timeout_seconds = timeout_seconds

    def flaw(self) -> str:
        """Say what is wrong with the address, without it; an empty text if nothing is."""
        if self._named:
            return "it names recipients; take out `to`, `cc`, `bcc` and what is behind the host"
        with _listening() as heard:
            service = self._service()
        if service is None:
            return self._missing()
        dropped = any(line.startswith("Dropped invalid") for _, line in heard)
        return "a part of it is none that Apprise can use" if dropped else ""

    def send(self, message: Message) -> None:
        """Deliver a message.

        Raises:
            SinkUnavailableError: it cannot be reached, or did not take it this time.
            SinkRefusedError: it said that it never will, or is no address.
        """
        flaw = self.flaw() if self._named else ""
        with _listening() as heard:
            service = None if flaw else self._service()
            taken = service is not None and self._deliver(service, message, heard)
        if service is None:
            message_ = f"its address cannot be used: {flaw or self._missing()}"
            raise SinkRefusedError(message_)
        if not taken:
            raise self._failure(heard)

    def close(self) -> None:
        """Hold nothing open."""

    def _missing(self) -> str:
        """Say what is likely to be wrong with an address that Apprise refuses."""
        if self._scheme in MAIL_SCHEMES and not _says_from(self._url):
            return "it does not say from whom mail comes: add ?from=stageward@example.org"
        return "Apprise does not know its scheme, or something is missing from it"

    def _service(self) -> NotifyBase | None:
        """Return a service of Apprise's: a new one each time, since they wait between messages."""
        from apprise import Apprise, AppriseAsset  # noqa: PLC0415  # see the module

        asset = AppriseAsset(app_id="Stageward", app_desc="Stageward", image_url_mask="")
        service = Apprise.instantiate(self._url, asset=asset)
        if service is not None:
            service.socket_connect_timeout = self._timeout_seconds
            service.socket_read_timeout = self._timeout_seconds
        return service

    def _deliver(self, service: NotifyBase, message: Message, heard: _Heard) -> bool:
        from apprise import OverflowMode  # noqa: PLC0415  # see the module

        try:
            format_, title, body = self._said(service, message)
            return bool(
                service.notify(
                    title=title,
                    body=body,
                    body_format=format_,
                    # What is too long is cut at its end; the link stands before.
                    overflow=None if "overflow=" in self._url else OverflowMode.TRUNCATE,
                )
            )
        except Exception as exc:  # noqa: BLE001  # a service is somebody else's code
            heard.append((logging.ERROR, f"{_SAID}{type(exc).__name__}"))
            return False

    def _said(self, service: NotifyBase, message: Message) -> tuple[NotifyFormat, str, str]:
        """Return title and body: as text where the service shows text, else as Markdown."""
        from apprise import NotifyFormat  # noqa: PLC0415  # see the module

        title = self._shown(message.title)
        if service.resolve_format(NotifyFormat.TEXT) is not NotifyFormat.MARKDOWN:
            return NotifyFormat.TEXT, title, self._shown(text_of(message))
        # A service without titles puts them into the body.
        title = escaped(title) if service.title_maxlen <= 0 else title
        return NotifyFormat.MARKDOWN, title, self._shown(_markdown(message))

    def _shown(self, text: str) -> str:
        """Return a text that calls nobody: `@everyone` in a reason is no call for everyone."""
        if self._scheme in (*MAIL_SCHEMES, *_MACHINES):
            return text
        return text.replace("@", "@\N{ZERO WIDTH SPACE}")

    def _failure(self, heard: _Heard) -> SinkError:
        status = next(
            (found[1] for _, line in reversed(heard) if (found := _STATUS.search(line))), ""
        )
        if status:
            return error_for("the service", int(status), {}, "")
        said = [line.partition(_SAID)[2] for _, line in heard if _SAID in line]
        reply = next((found for line in reversed(said) if (found := _REPLY.search(line))), None)
        if reply is not None:
            message = f"the mail server answered {reply[1]}: {self._safe(reply[3])}"
            final = _FINAL_REPLY.match(reply[1])
            return SinkRefusedError(message) if final else SinkUnavailableError(message)
        warned = [line for level, line in heard if level >= logging.WARNING]
        words = (said if self._scheme in MAIL_SCHEMES else warned) or warned or said
        return SinkUnavailableError(f"it was not taken: {self._safe((words or ['no reason'])[-1])}")

    def _safe(self, text: str) -> str:
        return without_secrets(text, self._url, host_too=self._scheme not in MAIL_SCHEMES)


def text_of(message: Message) -> str:
    """Return a message as plain text, its link on a line of its own."""
    lines = [message.text] if message.text else []
    if message.link:
        lines += ["", f"{message.action}:", message.link, *([message.note] if message.note else [])]
    lines += ["", *(f"{label}: {value}" for label, value in message.facts)]
    return "\n".join(lines).strip()


def _markdown(message: Message) -> str:
    parts = [escaped(message.text)] if message.text else []
    if message.link:
        parts.append(f"[{escaped(message.action)}]({message.link})")
        parts += [escaped(message.note)] if message.note else []
    parts.append(
        "\n".join(f"- {escaped(label)}: {escaped(value)}" for label, value in message.facts)
    )
    return "\n\n".join(part for part in parts if part)


def _names_recipients(url: str) -> bool:
    return bool(urlsplit(url).path.strip("/") or _fields(url) & {"to", "cc", "bcc"})


def _says_from(url: str) -> bool:
    return "from" in _fields(url)


def _fields(url: str) -> set[str]:
    return {key.lower() for key, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}


def _addressed(url: str, recipient: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}to={quote(recipient, safe='')}"


class _Ear(logging.Filter):
    """Keeps what Apprise logs for whoever sends in this context, and lets none of it pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        heard = _heard.get()
        if heard is not None:
            heard.append((record.levelno, record.getMessage()))
            del heard[:-_LINES]
        return False


class _Silenced(logging.Filter):
    """Lets nothing pass that is logged while Apprise sends in this context."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return _heard.get() is None


@contextmanager
def _listening() -> Iterator[_Heard]:
    """Give a list of what Apprise logs meanwhile, which nobody else gets to see."""
    with _guard:
        apprise = logging.getLogger("apprise")
        if not any(isinstance(one, _Ear) for one in apprise.filters):
            apprise.addFilter(_Ear())
            for name in _LOGGERS:
                logging.getLogger(name).addFilter(_Silenced())
        apprise.setLevel(logging.DEBUG)
    heard: _Heard = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)
