"""Adaptive Cards to workflows of Teams, taken by a real receiver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.adapters.notify_teams import MAX_BYTES, TeamsChannel, card
from stage_functions.adapters.words import escaped
from stage_functions.application.notices import plain as one_line
from stage_functions.application.ports.notifier import Message
from stage_functions.domain.error import SinkRefusedError, SinkUnavailableError
from tests.contracts.notifier import MESSAGE
from tests.markdown import plain, shown
from tests.receiver import CUT, HELD, Answer, Receiver

NASTY = (
    "**bold** [click](https://evil.example.org) ![](https://evil.example.org/pixel.png) "
    "<b>html</b> <https://evil.example.org> `code` # heading > quote ~~gone~~ &lt; &amp; "
    '1. one - two | {"type": "Action.Http"} {{DATE(2026-01-01T00:00:00Z)}} ${x} \\* "'
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a workflow that takes everything, as those of Power Automate do."""
    with Receiver() as running:
        running.always(202)
        yield running


@pytest.fixture
def channel(receiver: Receiver) -> Iterator[TeamsChannel]:
    """Give a channel to it."""
    with closing(TeamsChannel("risk-1", receiver.url, timeout_seconds=5)) as opened:
        yield opened


def content(body: bytes) -> dict[str, Any]:
    """Return the card of an envelope."""
    (attachment,) = json.loads(body)["attachments"]
    card: dict[str, Any] = attachment["content"]
    return card


class TestCard:
    """What is posted."""

    def test_it_is_the_envelope_that_workflows_take(
        self, receiver: Receiver, channel: TeamsChannel
    ) -> None:
        """An Adaptive Card 1.4 with one button, which only opens the page."""
        channel.send(MESSAGE)

        (request,) = receiver.requests
        assert "application/json" == request.headers["content-type"]
        sent = json.loads(request.body)
        (attachment,) = sent["attachments"]
        assert "message" == sent["type"]
        assert "application/vnd.microsoft.card.adaptive" == attachment["contentType"]
        assert attachment["contentUrl"] is None
        assert {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [
                {
                    "type": "TextBlock",
                    "text": "Approve demo/models/iris:3 → Production? (7f3k9m2x)",
                    "wrap": True,
                    "size": "Large",
                    "weight": "Bolder",
                },
                {
                    "type": "TextBlock",
                    "text": "A request for Production waits for your vote.",
                    "wrap": True,
                },
                {
                    "type": "FactSet",
                    "facts": [
                        {"title": "Requested by", "value": "Jörg Müller"},
                        {"title": "Reason", "value": "AUC 0.94 on the Q3 data"},
                    ],
                },
            ],
            "actions": [
                {
                    "type": "Action.OpenUrl",
                    "title": "Review",
                    "url": "https://stageward.example.org/approvals/7f3k9m2x",
                }
            ],
        } == attachment["content"]

    def test_markup_is_shown_as_it_was_written(self) -> None:
        """Title, text and facts: whatever people wrote is text, and no link, image or card."""
        message = Message(
            NASTY, NASTY, ((NASTY, NASTY), ("Reason", NASTY)), "https://s/a", "Review"
        )

        seen = shown(content(card(message)))

        assert [NASTY, NASTY, f"{NASTY}: {NASTY}", f"Reason: {NASTY}", "https://s/a"] == (
            seen.split("\n")
        )

    @given(st.text(max_size=80))
    def test_any_text_is_shown_as_it_was_written(self, text: str) -> None:
        """In one line, as notices are made."""
        line = one_line(text)
        if line:
            assert line == plain(escaped(line))

    @pytest.mark.parametrize("text", ["x" * 2000, "\U0001f600" * 2000, '"\\' * 1000, "*" * 2000])
    def test_it_is_never_too_large_for_teams(self, text: str) -> None:
        """However much there is to say; what it is about and the link are kept."""
        title = "Approve demo/models/iris:3 → Production? (7f3k9m2x)"
        facts = tuple((f"Said by {number}", text) for number in range(25))

        body = card(Message(title, text, facts, "https://s.example.org/approvals/7f3k9m2x"))

        assert len(body) <= MAX_BYTES < 28 * 1024
        assert title in shown(content(body))
        assert "https://s.example.org/approvals/7f3k9m2x" in shown(content(body))

    def test_without_a_page_there_is_no_button(self) -> None:
        """A button must lead somewhere."""
        assert "actions" not in content(card(Message("title", "text")))

    def test_a_note_stands_below_the_text(self) -> None:
        """As text."""
        body = content(card(Message("title", "text", note="to be *known*")))["body"]

        assert [r"to be \*known\*"] == [one["text"] for one in body[2:]]


class TestAnswers:
    """What answers mean."""

    @pytest.mark.parametrize("status", [401, 408, 429, 500, 502, 503])
    def test_what_may_pass_is_tried_again(
        self, receiver: Receiver, channel: TeamsChannel, status: int
    ) -> None:
        """After as long as the other side asks."""
        receiver.answer_next(Answer(status, headers={"Retry-After": "7"}))
        with pytest.raises(SinkUnavailableError, match=f"the workflow answered {status}") as caught:
            channel.send(MESSAGE)

        assert 7 == caught.value.retry_after_seconds

    @pytest.mark.parametrize("status", [302, 400, 403, 404, 410, 413])
    def test_what_will_not_pass_is_refused(
        self, receiver: Receiver, channel: TeamsChannel, status: int
    ) -> None:
        """The workflow was deleted, or its address has changed."""
        receiver.answer_next(status)
        with pytest.raises(SinkRefusedError, match=f"the workflow answered {status}"):
            channel.send(MESSAGE)

    def test_a_cut_connection_is_tried_again(
        self, receiver: Receiver, channel: TeamsChannel
    ) -> None:
        """The message may have arrived, or not."""
        receiver.answer_next(CUT)
        with pytest.raises(SinkUnavailableError, match="the workflow cannot be reached: Remote"):
            channel.send(MESSAGE)

    def test_no_answer_is_waited_for_so_long(self, receiver: Receiver) -> None:
        """Then it is tried again."""
        receiver.answer_next(HELD)
        with (
            closing(TeamsChannel("risk-1", receiver.url, timeout_seconds=0.05)) as impatient,
            pytest.raises(SinkUnavailableError, match="ReadTimeout"),
        ):
            impatient.send(MESSAGE)
