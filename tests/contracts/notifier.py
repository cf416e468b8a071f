"""What every notifier must do.

A notifier passes by a class of its own that supplies the `post` fixture: a notifier by which
`person:ada` has the channel `mail:ada`, and `group:risk` has `risk-1` and `risk-2`, with a way to
look behind it and to break it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import pytest

from stage_functions.application.ports.notifier import Message, Notifier
from stage_functions.domain.error import SinkRefusedError, SinkUnavailableError

CHANNELS = ("mail:ada", "risk-1", "risk-2")
MESSAGE = Message(
    "Approve demo/models/iris:3 → Production? (7f3k9m2x)",
    "A request for Production waits for your vote.",
    (("Requested by", "Jörg Müller"), ("Reason", "AUC 0.94 on the Q3 data")),
    "https://stageward.example.org/approvals/7f3k9m2x",
)


class Post(Protocol):
    """A notifier, and what is behind it."""

    @property
    def notifier(self) -> Notifier:
        """The notifier."""
        ...

    def arrived(self, channel: str) -> list[str]:
        """Return what arrived over a channel, each message as a text with all of it."""
        ...

    def hold(self, channel: str, *, for_good: bool) -> None:
        """Let a channel take nothing, for now or for good."""
        ...

    def release(self, channel: str) -> None:
        """Let a channel take everything again."""
        ...


class NotifierContract:
    """The behaviours that telling counts on."""

    def test_channels_are_found_by_whom_they_reach(self, post: Post) -> None:
        """And nobody else has any."""
        assert ("mail:ada",) == post.notifier.channels("person:ada")
        assert ("risk-1", "risk-2") == post.notifier.channels("group:risk")
        assert () == post.notifier.channels("person:risk")
        assert () == post.notifier.channels("group:nobody")

    def test_only_mail_to_a_person_is_personal(self, post: Post) -> None:
        """A channel may have many readers."""
        assert [True, False, False] == [post.notifier.personal(name) for name in CHANNELS]

    @pytest.mark.parametrize("channel", CHANNELS)
    def test_a_message_arrives_whole_once_and_there_alone(self, post: Post, channel: str) -> None:
        """Title, text, facts and link."""
        post.notifier.send(channel, MESSAGE)

        (arrived,) = post.arrived(channel)
        said = (MESSAGE.title, MESSAGE.text, MESSAGE.link, "Jörg Müller", "AUC 0.94")
        assert [] == [words for words in said if words not in arrived]
        assert all(not post.arrived(other) for other in CHANNELS if other != channel)

    @pytest.mark.parametrize("channel", CHANNELS)
    def test_a_message_without_link_and_facts_arrives(self, post: Post, channel: str) -> None:
        """There may be no page to show."""
        post.notifier.send(channel, Message("Only this", "and that"))

        (arrived,) = post.arrived(channel)
        assert "Only this" in arrived
        assert "and that" in arrived

    @pytest.mark.parametrize("channel", CHANNELS)
    def test_a_channel_that_is_away_is_said_to_be(self, post: Post, channel: str) -> None:
        """It takes the next message once it is back; the others never notice."""
        post.hold(channel, for_good=False)
        with pytest.raises(SinkUnavailableError):
            post.notifier.send(channel, MESSAGE)
        for other in CHANNELS:
            if other != channel:
                post.notifier.send(other, MESSAGE)
        post.release(channel)
        post.notifier.send(channel, MESSAGE)

        assert [1, 1, 1] == [len(post.arrived(name)) for name in CHANNELS]

    @pytest.mark.parametrize("channel", CHANNELS)
    def test_a_channel_that_refuses_for_good_is_said_to(self, post: Post, channel: str) -> None:
        """It is not worth trying again by itself."""
        post.hold(channel, for_good=True)

        with pytest.raises(SinkRefusedError) as caught:
            post.notifier.send(channel, MESSAGE)
        assert [] == post.arrived(channel)
        assert str(caught.value)

    def test_several_may_send_at_once(self, post: Post) -> None:
        """Each message arrives once."""
        wanted = [(name, str(number)) for name in CHANNELS for number in range(8)]

        def send(one: tuple[str, str]) -> None:
            """Send one of them."""
            post.notifier.send(one[0], Message(f"number {one[1]}!", "of 8"))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(send, wanted))

        arrived = {name: sorted(post.arrived(name)) for name in CHANNELS}
        for name, number in wanted:
            assert 1 == sum(f"number {number}!" in text for text in arrived[name])
