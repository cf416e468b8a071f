"""The notifier over a real mail server and real receivers, and the one in memory."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from msgspec import Struct
from msgspec.structs import replace

from stage_functions.adapters.notify import Notifications, open_notifications
from stage_functions.application.ports.notifier import Message
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.error import (
    SinkRefusedError,
    SinkUnavailableError,
)
from stage_functions.domain.people import Directory, Person
from tests.builders import DIRECTORY as EVERYBODY
from tests.builders import world
from tests.contracts.notifier import CHANNELS, MESSAGE, NotifierContract, Post
from tests.fakes.clock import FakeClock
from tests.fakes.notifier import MemoryNotifier
from tests.mail_server import MailServer
from tests.markdown import shown
from tests.receiver import Answer, Receiver

DIRECTORY = Directory(
    people={
        "ada": Person("ada", "Ada", mail="ada@example.org"),
        "bob": Person("bob", "Bob"),
    },
    groups={"risk": ("ada", "bob"), "model-risk": ("ada",)},
)
PEOPLE, GROUPS = EVERYBODY.people, EVERYBODY.groups
TOKEN = "open-sesame-7713"


class RealPost(Struct, frozen=True):
    """The real notifier, over a mail server, a workflow of Teams, and a receiver of JSON."""

    notifier: Notifications
    mails: MailServer
    receivers: dict[str, Receiver]

    def arrived(self, channel: str) -> list[str]:
        """Return what arrived over a channel."""
        if channel == "mail:ada":
            return [f"{mail.message['subject']}\n{mail.text}" for mail in self.mails.mails]
        taken = [one for one in self.receivers[channel].requests if one.status == 202]
        texts = [json.loads(request.body) for request in taken]
        if channel == "risk-1":
            return [shown(text["attachments"][0]["content"]) for text in texts]
        return [f"{text['title']}\n{text['message']}" for text in texts]

    def hold(self, channel: str, *, for_good: bool) -> None:
        """Let a channel take nothing."""
        if channel == "mail:ada":
            answer = "550 5.1.1 no such mailbox" if for_good else "451 4.3.0 try again"
            self.mails.answers["ada@example.org"] = answer
        else:
            self.receivers[channel].always(404 if for_good else 503)

    def release(self, channel: str) -> None:
        """Let a channel take everything again."""
        self.mails.answers.clear()
        for receiver in self.receivers.values():
            receiver.always(202)


class MemoryPost(Struct, frozen=True):
    """The notifier in memory."""

    notifier: MemoryNotifier

    def arrived(self, channel: str) -> list[str]:
        """Return what arrived over a channel."""
        told = [message for name, message in self.notifier.told if name == channel]
        return [f"{one.title} {one.text} {one.facts} {one.link}" for one in told]

    def hold(self, channel: str, *, for_good: bool) -> None:
        """Let a channel take nothing."""
        fault = SinkRefusedError("no") if for_good else SinkUnavailableError("away")
        self.notifier.faults[channel] = fault

    def release(self, channel: str) -> None:
        """Let a channel take everything again."""
        self.notifier.faults.clear()


@pytest.fixture
def real() -> Iterator[RealPost]:
    """Return the real notifier with what is behind it."""
    with ExitStack() as stack:
        mails = stack.enter_context(MailServer())
        receivers = {name: stack.enter_context(Receiver()) for name in ("risk-1", "risk-2")}
        for receiver in receivers.values():
            receiver.always(202)
        urls = (
            f"{receivers['risk-1'].url}?sig={TOKEN}",
            f"{receivers['risk-2'].url.replace('http', 'json')}/{TOKEN}",
        )
        opened = open_notifications(DIRECTORY, {"RISK": urls}, mails.url(), FakeClock())
        assert opened is not None
        yield RealPost(stack.enter_context(closing(opened)), mails, receivers)


class TestMemoryNotifier(NotifierContract):
    """The fake does as the real one."""

    @pytest.fixture
    def post(self) -> Post:
        """Return the notifier in memory."""
        reach = {"person:ada": ("mail:ada",), "group:risk": ("risk-1", "risk-2")}
        return MemoryPost(MemoryNotifier(reach))


class TestNotifications(NotifierContract):
    """The real one."""

    @pytest.fixture
    def post(self, real: RealPost) -> Post:
        """Return the real notifier."""
        return real


class TestSecrets:
    """Addresses are secrets, however a channel fails."""

    @pytest.mark.parametrize("channel", CHANNELS)
    @pytest.mark.parametrize("for_good", [True, False])
    def test_neither_errors_nor_logs_show_an_address(
        self, real: RealPost, caplog: pytest.LogCaptureFixture, channel: str, *, for_good: bool
    ) -> None:
        """Not even where everything is logged, and the other side repeats what it was sent."""
        caplog.set_level(logging.CRITICAL, "mail.log")  # the server of this test
        caplog.set_level(logging.DEBUG, "urllib3")
        caplog.set_level(logging.DEBUG)
        logging.getLogger("anything").debug("is heard")
        for name, receiver in real.receivers.items():
            receiver.always(Answer(202, body=f"{receiver.url}/{TOKEN} {name}".encode()))
        real.notifier.send(channel, MESSAGE)
        real.hold(channel, for_good=for_good)
        if channel == "mail:ada":
            real.mails.answers["ada@example.org"] = "550 <ada@example.org> is away"
        with pytest.raises((SinkRefusedError, SinkUnavailableError)) as caught:
            real.notifier.send(channel, MESSAGE)

        said = f"{caught.value!r} {caplog.text}"
        assert "is heard" in said
        assert TOKEN not in said
        assert "ada@example.org" not in said
        assert "/api/events" not in said

    def test_what_the_other_side_repeats_is_hidden(self, real: RealPost) -> None:
        """An error page may name the address that was asked for."""
        page = f"no flow at http://h/api/events?sig={TOKEN}, sig {TOKEN}, for ada@example.org"
        real.receivers["risk-1"].always(Answer(404, body=page.encode()))
        with pytest.raises(SinkRefusedError) as caught:
            real.notifier.send("risk-1", MESSAGE)

        assert "the workflow answered 404: no flow at … sig …, for …" == str(caught.value)


class TestRest:
    """A channel that fails slowly is not waited for again and again."""

    def test_a_slow_channel_rests(self) -> None:
        """A sweep waits for it once; it is tried again when it has rested."""
        clock, slow = FakeClock(), SlowChannel()
        slow.clock = clock
        opened = Notifications({"risk-1": slow}, {"group:risk": ("risk-1",)}, clock)
        said = []
        for _ in range(3):
            with pytest.raises(SinkUnavailableError) as caught:
                opened.send("risk-1", MESSAGE)
            said.append(str(caught.value))
        clock.sleep(31)
        with pytest.raises(SinkUnavailableError):
            opened.send("risk-1", MESSAGE)

        assert 2 == slow.tried
        assert "it answered too late, and is tried again in 31 s" == said[1] == said[2]

    def test_a_channel_that_fails_at_once_is_tried_each_time(self) -> None:
        """It holds up nobody."""
        slow = SlowChannel()
        opened = Notifications({"risk-1": slow}, {}, FakeClock())
        for _ in range(3):
            with pytest.raises(SinkUnavailableError):
                opened.send("risk-1", MESSAGE)

        assert 3 == slow.tried


class SlowChannel:
    """A channel that takes nothing, after a while."""

    def __init__(self) -> None:
        self.clock: FakeClock | None = None
        self.tried = 0

    def send(self, message: Message) -> None:
        """Take nothing."""
        self.tried += 1
        if self.clock is not None:
            self.clock.sleep(9)
        message_ = "away"
        raise SinkUnavailableError(message_)

    def close(self) -> None:
        """Hold nothing open."""


class TestWhole:
    """From a request to a mailbox and a channel of Teams."""

    def test_what_people_wrote_breaks_neither_mail_nor_card(self) -> None:
        """A reason and a name that try to add recipients, headers, links and fields."""
        nasty = 'x\r\nBcc: mallory@example.org\r\n\r\n<b>**[a](https://evil.example.org)**"}]}'
        people = {key: replace(one, mail=f"{key}@example.org") for key, one in PEOPLE.items()}
        directory = Directory({**people, "sam": replace(people["sam"], name=nasty)}, GROUPS)
        with MailServer() as mails, Receiver() as teams:
            opened = open_notifications(directory, {"RISK": (teams.url,)}, mails.url(), FakeClock())
            assert opened is not None
            it = world(notifier=opened)
            configuration = replace(it.context.configuration, directory=directory)
            it = replace(it, context=replace(it.context, configuration=configuration))
            version = it.register("1")
            request_transition(it.context, it.command(version, "Staging"))
            asked = replace(it.command(version, "Production"), reason=nasty)
            request_transition(it.context, asked)
            sweep(it.context)
            opened.close()
            it.rows.close()

        shown_text = " ".join(nasty.split())
        assert sorted(f"{key}@example.org" for key in ("ada", "bob", "eve")) == sorted(
            address for mail in mails.mails for address in mail.recipients
        )
        for mail in mails.mails:
            assert mail.message["bcc"] is None
            assert f"Reason: {shown_text}" in mail.text.splitlines()
            assert f"Requested by: {shown_text}" in mail.text.splitlines()
        (request,) = teams.requests
        (attachment,) = json.loads(request.body)["attachments"]
        assert f"Reason: {shown_text}" in shown(attachment["content"]).splitlines()
