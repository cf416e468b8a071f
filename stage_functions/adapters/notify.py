"""The channels that the environment gives to people and groups, behind one port.

`STAGEWARD_NOTIFY_<KEY>` has the addresses of a group or person, `STAGEWARD_MAIL` the mail server
that everybody who has `mail` in the file is written to by. Addresses are secrets: no message, name
or log shows one. What takes a channel of which kind is said in `_channel`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from stage_functions.adapters.notify_apprise import MAIL_SCHEMES, AppriseChannel
from stage_functions.adapters.notify_teams import TeamsChannel
from stage_functions.application.notices import GROUP
from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.notifier import Message
from stage_functions.domain.error import ConfigurationError, SinkUnavailableError
from stage_functions.domain.people import PERSON, Directory

NOTIFY_PREFIX = "STAGEWARD_NOTIFY_"
MAIL_VARIABLE = "STAGEWARD_MAIL"
SLOW_SECONDS = 2
REST_SECONDS = 30
"""How long a channel rests that failed slowly, so that a sweep waits for it once and not often."""
log = logging.getLogger("stageward.notify")


class Channel(Protocol):
    """One way to somebody. Safe to share between threads."""

    def send(self, message: Message) -> None:
        """Deliver a message; raises as `Notifier.send`."""
        ...

    def close(self) -> None:
        """Give back what it holds open."""
        ...


class Notifications:
    """Channels by name, and whom they reach.

    Args:
        channels: by name.
        reach: names of channels by `person:<key>` or `group:<key>`.
        clock: for the rest of channels that fail slowly.
    """

    def __init__(
        self, channels: Mapping[str, Channel], reach: Mapping[str, Sequence[str]], clock: Clock
    ) -> None:
        self._channels = dict(channels)
        self._reach = {recipient: tuple(names) for recipient, names in reach.items()}
        self._clock = clock
        self._guard = threading.Lock()
        self._rests: dict[str, datetime] = {}

    def channels(self, recipient: str) -> tuple[str, ...]:
        """Return the names of the channels of `person:<key>` or `group:<key>`."""
        return self._reach.get(recipient, ())

    def personal(self, channel: str) -> bool:
        """Tell whether it is somebody's own mail."""
        return channel.startswith("mail:")

    def send(self, channel: str, message: Message) -> None:
        """Deliver a message; at once without avail while the channel rests.

        Raises:
            SinkUnavailableError, SinkRefusedError: as `Notifier.send`.
        """
        begun = self._clock.now()
        with self._guard:
            until = self._rests.get(channel, begun)
        if begun < until:
            seconds = round((until - begun).total_seconds()) + 1
            message_ = f"it answered too late, and is tried again in {seconds} s"
            raise SinkUnavailableError(message_, retry_after_seconds=seconds)
        try:
            self._channels[channel].send(message)
        except SinkUnavailableError:
            ended = self._clock.now()
            if ended - begun >= timedelta(seconds=SLOW_SECONDS):
                with self._guard:
                    self._rests[channel] = ended + timedelta(seconds=REST_SECONDS)
            raise

    def close(self) -> None:
        """Close every channel."""
        for channel in self._channels.values():
            channel.close()


def open_notifications(
    directory: Directory,
    addresses: Mapping[str, Sequence[str]],
    mail: str,
    clock: Clock,
    *,
    thorough: bool = True,
) -> Notifications | None:
    """Return the channels of people and groups; None where there are none.

    Args:
        directory: the people and groups of the file.
        addresses: by what stands behind `STAGEWARD_NOTIFY_` in the name of a variable.
        mail: Apprise URL of the mail server, or "".
        clock: see `Notifications`.
        thorough: let Apprise look at its URLs, which loads it (0.4 s).

    Raises:
        ConfigurationError: a variable names nobody, or several, or has an address that is none.
    """
    channels: dict[str, Channel] = {}
    reach: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for suffix, urls in addresses.items():
        recipient = _recipient(directory, suffix)
        for number, url in enumerate(urls, start=1):
            name = names.setdefault(url, f"{recipient.partition(':')[2]}-{number}")
            if name not in channels:
                where = f"address {number} of {NOTIFY_PREFIX}{suffix}"
                channels[name] = _channel(name, url, where, thorough=thorough)
            reach.setdefault(recipient, []).append(name)
    for person, name, channel in _mail(directory, mail, thorough=thorough):
        channels[name] = channel
        reach.setdefault(person, []).insert(0, name)
    return Notifications(channels, reach, clock) if channels else None


def _recipient(directory: Directory, suffix: str) -> str:
    """Return whom a variable is for."""
    people = (f"{PERSON}:{key}" for key in directory.people if _as_variable(key) == suffix)
    groups = (f"{GROUP}:{name}" for name in directory.groups if _as_variable(name) == suffix)
    found = (*people, *groups)
    if len(found) == 1:
        return found[0]
    if found:
        message = (
            f"{NOTIFY_PREFIX}{suffix} may be for {' or '.join(found)}: "
            "give one of them another key in the file"
        )
    else:
        known = ", ".join(_as_variable(key) for key in (*directory.groups, *directory.people))
        message = (
            f"{NOTIFY_PREFIX}{suffix} is for nobody in the file: behind {NOTIFY_PREFIX} "
            f"stands the key of a group or person, one of {known or 'none'}"
        )
    raise ConfigurationError(message)


def _as_variable(key: str) -> str:
    return key.upper().replace("-", "_").replace(".", "_")


def _channel(name: str, url: str, where: str, *, thorough: bool) -> Channel:
    """Return a channel: a workflow of Teams by https, all else by Apprise."""
    plain = _split(url, where)
    if plain.scheme == "https" or (plain.scheme == "http" and _is_loopback(plain.hostname)):
        return TeamsChannel(name, url)
    if plain.scheme == "http":
        message = f"{where} begins with http://, which anybody may read on the way; use https://"
        raise ConfigurationError(message)
    channel = AppriseChannel(url)
    _check(channel.flaw, where, thorough=thorough)
    return channel


def _split(url: str, where: str) -> SplitResult:
    try:
        plain = urlsplit(url)
        if plain.scheme and url[len(plain.scheme) :].startswith("://") and plain.netloc:
            return plain
    except ValueError:
        pass
    message = (
        f"{where} is no URL: it is https:// of a Teams workflow, "
        "or a URL of Apprise such as slack://…, several are separated by blanks"
    )
    raise ConfigurationError(message)


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _mail(
    directory: Directory, mail: str, *, thorough: bool
) -> Iterator[tuple[str, str, AppriseChannel]]:
    """Yield a channel for each person of the file who has mail."""
    if not mail:
        return
    if mail.partition("://")[0].lower() not in MAIL_SCHEMES:
        message = (
            f"{MAIL_VARIABLE} begins with none of {' and '.join(f'{s}://' for s in MAIL_SCHEMES)}: "
            "it is the Apprise URL of a mail server, without a recipient, such as "
            "mailtos://user:password@smtp.example.org?from=stageward@example.org"
        )
        raise ConfigurationError(message)
    written_to = [person for person in directory.people.values() if person.mail]
    if not written_to:
        log.warning("%s is set, but nobody in `people` has `mail`", MAIL_VARIABLE)
    for number, person in enumerate(written_to):
        channel = AppriseChannel(mail, person.mail)
        if number == 0:
            _check(channel.flaw, MAIL_VARIABLE, thorough=thorough)
        yield person.id, f"mail:{person.key}", channel


def _check(flaw: Callable[[], str], where: str, *, thorough: bool) -> None:
    found = flaw() if thorough else ""
    if found:
        message = f"{where} cannot be used: {found}"
        raise ConfigurationError(message)
