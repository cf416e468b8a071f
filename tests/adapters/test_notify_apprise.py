"""Mail to a real server, and messages to real receivers, by Apprise."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from html import escape

import pytest
from markdown_it import MarkdownIt

from stage_functions.adapters.notify_apprise import AppriseChannel
from stage_functions.application.ports.notifier import Message
from stage_functions.domain.error import SinkRefusedError, SinkUnavailableError
from tests.contracts.notifier import MESSAGE
from tests.mail_server import MailServer
from tests.receiver import HELD, Receiver

ADA = "ada@example.org"


@pytest.fixture
def server() -> Iterator[MailServer]:
    """Run a mail server."""
    with MailServer() as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a receiver."""
    with Receiver() as running:
        yield running


def failure(channel: AppriseChannel) -> Exception:
    """Return the error of sending a message."""
    with pytest.raises((SinkRefusedError, SinkUnavailableError)) as caught:
        channel.send(MESSAGE)
    return caught.value


class TestMail:
    """What people get."""

    def test_it_is_plain_text_to_one_person(self, server: MailServer) -> None:
        """The link stands on a line of its own, before what may be long."""
        AppriseChannel(server.url(), ADA).send(MESSAGE)

        (mail,) = server.mails
        assert (ADA,) == mail.recipients
        assert ADA in mail.message["to"]
        assert "stageward@example.org" in mail.message["from"]
        assert "Approve demo/models/iris:3 → Production? (7f3k9m2x)" == mail.message["subject"]
        assert "text/plain" == mail.message.get_content_type()
        assert [
            "A request for Production waits for your vote.",
            "",
            "Review:",
            "https://stageward.example.org/approvals/7f3k9m2x",
            "",
            "Requested by: Jörg Müller",
            "Reason: AUC 0.94 on the Q3 data",
        ] == mail.text.splitlines()

    @pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\v", "\f", "\x85", "\u2028"])
    def test_no_text_can_add_a_header(self, server: MailServer, ending: str) -> None:
        """Even if it were not in one line."""
        title = f"Approve?{ending}Bcc: mallory@example.org{ending}{ending}<b>body</b>"
        AppriseChannel(server.url(), ADA).send(Message(title, title, ((title, title),)))

        (mail,) = server.mails
        assert (ADA,) == mail.recipients
        assert mail.message["bcc"] is None
        assert 1 == len(mail.message.get_all("subject", []))

    @pytest.mark.parametrize("answer", ["550 5.1.1 no such user", "552 full", "553 never"])
    def test_a_mailbox_that_will_never_do_is_refused(self, server: MailServer, answer: str) -> None:
        """What the server says is shown, the address is not."""
        server.answers[ADA] = answer
        found = failure(AppriseChannel(server.url(), ADA))

        assert isinstance(found, SinkRefusedError)
        assert f"the mail server answered {answer.replace(' ', ': ', 1)}" == str(found)

    @pytest.mark.parametrize("answer", ["421 too busy", "450 later", "451 later", "530 sign in"])
    def test_a_server_that_asks_for_patience_is_tried_again(
        self, server: MailServer, answer: str
    ) -> None:
        """As is one that lets nobody in: passwords are changed."""
        server.answers[ADA] = answer
        found = failure(AppriseChannel(server.url(), ADA))

        assert isinstance(found, SinkUnavailableError)
        assert answer[:3] in str(found)

    def test_a_server_that_is_away_is_tried_again(self) -> None:
        """Nobody listens there."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        found = failure(AppriseChannel(f"mailto://127.0.0.1:{port}?from=a@example.org", ADA))

        assert isinstance(found, SinkUnavailableError)
        assert "Connection refused" in str(found)

    def test_a_server_that_says_nothing_is_waited_for_so_long(self) -> None:
        """Then it is tried again."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"mailto://127.0.0.1:{silent.getsockname()[1]}?from=a@example.org"
            found = failure(AppriseChannel(url, ADA, timeout_seconds=0.05))

        assert isinstance(found, SinkUnavailableError)
        assert "it was not taken: Connection unexpectedly closed: timed out" == str(found)


class TestServices:
    """What goes over the services that Apprise knows."""

    def test_text_arrives_as_text(self, receiver: Receiver) -> None:
        """Programs get what was written."""
        AppriseChannel(receiver.url.replace("http", "json")).send(
            Message("*title* @all", "<b>text</b>", (("Reason", "[a](b) @here"),), "https://s/a")
        )

        (request,) = receiver.requests
        sent = json.loads(request.body)
        assert "*title* @all" == sent["title"]
        assert "<b>text</b>\n\nReview:\nhttps://s/a\n\nReason: [a](b) @here" == sent["message"]

    def test_where_markdown_is_shown_text_is_shown_as_it_was_written(
        self, receiver: Receiver
    ) -> None:
        """And the link is one."""
        nasty = "**b** [click](https://evil.example.org) <b>x</b> `c` # h_i_j 1. x"
        url = f"{receiver.url.replace('http', 'json')}?format=markdown"
        link = "https://stageward.example.org/approvals/7f3k9m2x"
        AppriseChannel(url).send(Message("title", nasty, (("Reason", nasty),), link))

        (request,) = receiver.requests
        html = MarkdownIt("commonmark").render(json.loads(request.body)["message"])
        text = escape(nasty, quote=False)
        assert (
            f'<p>{text}</p>\n<p><a href="{link}">Review</a></p>\n'
            f"<ul>\n<li>Reason: {text}</li>\n</ul>\n"
        ) == html

    @pytest.mark.parametrize(
        ("format_", "said"),
        [
            ("text", "text\n\nReview:\nhttps://s/a\n*Yours.*\n\nReason: r"),
            ("markdown", "text\n\n[Review](https://s/a)\n\n\\*Yours.\\*\n\n- Reason: r"),
        ],
    )
    def test_a_note_stands_right_below_the_link(
        self, receiver: Receiver, format_: str, said: str
    ) -> None:
        """As text."""
        url = f"{receiver.url.replace('http', 'json')}?format={format_}"
        message = Message("title", "text", (("Reason", "r"),), "https://s/a", note="*Yours.*")
        AppriseChannel(url).send(message)

        (request,) = receiver.requests
        assert said == json.loads(request.body)["message"]

    def test_no_text_calls_everybody(self, receiver: Receiver) -> None:
        """A chat may take `@everyone` for a call; here it is a word."""
        url = receiver.url.replace("http://", "mmost://").replace("/api/events", "/tokentoken")
        AppriseChannel(url).send(Message("for @everyone", "and @here", (("Reason", "@all"),)))

        (request,) = receiver.requests
        assert b"@everyone" not in request.body
        assert b"@here" not in request.body
        assert b"@all" not in request.body
        assert "@\u200beveryone" in json.loads(request.body)["text"]

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (401, SinkUnavailableError),
            (429, SinkUnavailableError),
            (500, SinkUnavailableError),
            (400, SinkRefusedError),
            (404, SinkRefusedError),
            (410, SinkRefusedError),
        ],
    )
    def test_a_status_means_what_it_means_to_sinks(
        self, receiver: Receiver, status: int, kind: type[Exception]
    ) -> None:
        """Apprise says yes or no; the reason is read from what it logs."""
        receiver.always(status)
        found = failure(AppriseChannel(receiver.url.replace("http", "json")))

        assert isinstance(found, kind)
        assert f"the service answered {status}" == str(found)

    def test_a_service_that_does_not_answer_is_waited_for_so_long(self, receiver: Receiver) -> None:
        """Then it is tried again."""
        receiver.answer_next(HELD)
        url = receiver.url.replace("http", "json")
        found = failure(AppriseChannel(url, timeout_seconds=0.05))

        assert isinstance(found, SinkUnavailableError)
        assert "127.0.0.1" not in str(found)


def test_nothing_is_loaded_until_something_is_sent() -> None:
    """Neither Apprise nor what it posts by: an event does not wait for them."""
    code = (
        "import sys; from stage_functions.adapters.notify import open_notifications\n"
        "from stage_functions.domain.people import Directory\n"
        "from tests.fakes.clock import FakeClock\n"
        "open_notifications(Directory(groups={'r': ()}), {'R': ('slack://a',)}, '',"
        " FakeClock(), thorough=False)\n"
        "print([name for name in ('apprise', 'requests', 'smtplib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout
