"""Records to plain CloudEvents webhooks."""

from __future__ import annotations

import inspect
import logging
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from stage_functions.adapters.events import WebhookSink
from stage_functions.domain.error import (
    ConfigurationError,
    SinkRefusedError,
    SinkUnavailableError,
)
from stage_functions.wire.cloudevent import cloud_event
from stage_functions.wire.signing import ID, SIGNATURE, TIMESTAMP, Signer
from tests.adapters.records import history
from tests.fakes.clock import FakeClock
from tests.receiver import CUT, HELD, Answer, Receiver

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a receiver that takes everything."""
    with Receiver() as running:
        yield running


@pytest.fixture
def sink(receiver: Receiver) -> Iterator[WebhookSink]:
    """Give a sink that posts to the receiver."""
    with closing(WebhookSink("webhook-1", receiver.url, timeout_seconds=5)) as opened:
        yield opened


def failure(url: str, *, timeout_seconds: float = 5) -> Exception:
    """Return the error of publishing one record."""
    with (
        closing(WebhookSink("webhook-1", url, timeout_seconds=timeout_seconds)) as sink,
        pytest.raises((SinkRefusedError, SinkUnavailableError)) as caught,
    ):
        sink.publish(history("x"))
    return caught.value


class TestPublishing:
    """What arrives, and how."""

    def test_each_record_is_posted_by_itself_in_order(
        self, receiver: Receiver, sink: WebhookSink
    ) -> None:
        """Structured mode, exactly as they are, in UTF-8."""
        records = history("first", "second", "dernière")

        sink.publish(records)

        assert [cloud_event(record) for record in records] == receiver.events
        assert 3 == len(receiver.requests)
        assert {"application/cloudevents+json; charset=utf-8"} == {
            request.headers["content-type"] for request in receiver.requests
        }
        assert "dernière".encode() in receiver.requests[2].body

    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    def test_any_success_will_do(self, receiver: Receiver, sink: WebhookSink, status: int) -> None:
        """Receivers of CloudEvents answer 202 as often as 200."""
        receiver.answer_next(status)

        sink.publish(history("x"))

        assert 1 == len(receiver.events)

    def test_it_stops_at_the_first_that_is_not_taken(
        self, receiver: Receiver, sink: WebhookSink
    ) -> None:
        """Order is kept: what follows waits."""
        receiver.answer_next(200, 503)

        with pytest.raises(SinkUnavailableError):
            sink.publish(history("first", "second", "third"))

        assert ["k7m2p9qd/models/iris/1"] == [event["id"] for event in receiver.events]
        assert 2 == len(receiver.requests)

    def test_secrets_travel_in_headers(self) -> None:
        """A bearer token, or whatever header the receiver knows."""
        with (
            Receiver(key="token") as receiver,
            closing(
                WebhookSink("w", receiver.url, bearer="token", headers={"X-Api-Key": "secret"})
            ) as sink,
        ):
            sink.publish(history("x"))

        (request,) = receiver.requests
        assert (200, "secret") == (request.status, request.headers["x-api-key"])

    def test_it_may_be_shared_between_threads(self, receiver: Receiver, sink: WebhookSink) -> None:
        """Nothing is lost or mixed."""
        names = [f"m{number}" for number in range(20)]

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: sink.publish(history("x", asset=f"demo/models/{n}")), names))

        assert sorted(f"models/{name}:3" for name in names) == sorted(
            str(event["subject"]) for event in receiver.events
        )

    def test_a_long_answer_is_not_read_to_its_end(
        self, receiver: Receiver, sink: WebhookSink
    ) -> None:
        """What a receiver chats does not fill the memory; the next record arrives."""
        receiver.answer_next(Answer(200, {}, b"x" * 5_000_000))

        sink.publish(history("first", "second"))

        assert 2 == len(receiver.events)


class TestSigning:
    """Each attempt by itself: what was kept of one is worth nothing later."""

    def test_an_attempt_has_the_id_of_its_event_and_a_time_of_its_own(
        self, receiver: Receiver
    ) -> None:
        """Over the bytes that are sent, whichever script they are in."""
        clock, signer = FakeClock(), Signer((b"a" * 32,))
        receiver.answer_next(503)
        with closing(WebhookSink("w", receiver.url, signer=signer, clock=clock)) as sink:
            with pytest.raises(SinkUnavailableError):
                sink.publish(history("dernière"))
            clock.sleep(400)
            sink.publish(history("dernière"))

        first, second = (
            {name: one.headers[name] for name in (ID, TIMESTAMP, SIGNATURE)}
            for one in receiver.requests
        )
        (event,) = receiver.events
        again = signer.headers(event, receiver.requests[1].body, clock.now())
        assert first[ID] == second[ID]
        assert 400 == int(second[TIMESTAMP]) - int(first[TIMESTAMP])
        assert first[SIGNATURE] != second[SIGNATURE]
        assert again == second

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.sampled_from([200, 503, 401, CUT]), max_size=8))
    def test_who_remembers_ids_handles_each_event_once_and_in_order(
        self, answers: list[int | Answer]
    ) -> None:
        """Whatever is refused, lost or repeated on the way."""
        records, secret = history("first", "second", "third"), (b"a" * 32,)
        handled: dict[str, object] = {}
        with (
            Receiver(*answers) as receiver,
            closing(WebhookSink("w", receiver.url, signer=Signer(secret))) as sink,
        ):
            for _ in range(len(answers) + 1):
                with suppress(SinkUnavailableError):
                    sink.publish(records)
        for request in receiver.requests:
            event = Webhook(secret[0]).verify(request.body, dict(request.headers))
            if request.status in (0, 200):
                handled.setdefault(request.headers["webhook-id"], event)

        assert [cloud_event(record) for record in records] == list(handled.values())

    def test_nothing_is_signed_without_a_secret(
        self, receiver: Receiver, sink: WebhookSink
    ) -> None:
        """Neither of the headers is there."""
        sink.publish(history("x"))

        assert not {ID, TIMESTAMP, SIGNATURE} & set(receiver.requests[0].headers)


class TestFailures:
    """Each is one request and one error of Stageward's own."""

    @pytest.mark.parametrize("status", [401, 408, 429, 500, 503])
    def test_what_may_pass_is_tried_again_later(self, status: int) -> None:
        """After the wait that was asked for."""
        with Receiver(Answer(status, {"Retry-After": "11"}, b"too many")) as receiver:
            error = failure(receiver.url)

        assert isinstance(error, SinkUnavailableError)
        assert 11 == error.retry_after_seconds
        assert f"answered {status}: too many" in str(error)
        assert 1 == len(receiver.requests)

    @pytest.mark.parametrize("status", [302, 307, 400, 403, 404, 410, 413, 415])
    def test_what_will_not_pass_is_refused(self, status: int) -> None:
        """A redirect is not followed: records go where they were sent."""
        with Receiver(Answer(status, {"Location": "/elsewhere"})) as receiver:
            error = failure(receiver.url)

        assert isinstance(error, SinkRefusedError)
        assert 1 == len(receiver.requests)

    @pytest.mark.parametrize(
        "answer",
        [
            CUT,
            Answer(raw=b"garbage\r\n\r\n"),
            Answer(raw=OK + b"Content-Length: 10\r\n\r\nabc"),
            Answer(raw=OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            Answer(raw=OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
        ],
        ids=["cut", "garbage", "short", "chunk", "gzip"],
    )
    def test_an_answer_that_cannot_be_read_is_tried_again_later(self, answer: Answer) -> None:
        """The event may have arrived; its id is the same the next time."""
        with Receiver(answer) as receiver:
            assert isinstance(failure(receiver.url), SinkUnavailableError)

    def test_silence_ends_with_the_timeout(self) -> None:
        """A receiver that never answers does not hold the outbox."""
        with Receiver(HELD) as receiver:
            assert isinstance(failure(receiver.url, timeout_seconds=0.2), SinkUnavailableError)

    def test_nobody_there_is_tried_again_later(self) -> None:
        """The connection is refused."""
        with Receiver() as receiver:
            pass

        assert isinstance(failure(receiver.url), SinkUnavailableError)

    def test_a_breach_of_http_of_our_own_is_refused(self, receiver: Receiver) -> None:
        """A header that has no valid name never will be taken."""
        with (
            closing(WebhookSink("w", receiver.url, headers={"X Key": "x"})) as sink,
            pytest.raises(SinkRefusedError, match="LocalProtocolError"),
        ):
            sink.publish(history("x"))


class TestConfiguration:
    """What cannot work is said at once."""

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "hook",
            "ftp://x/y",
            "https://",
            "https://[x/",
            "http://x:0/",
            "http://x:99999/",
            "http://x/\0",
        ],
    )
    def test_the_address_must_be_a_url(self, url: str) -> None:
        """With a scheme and a host."""
        with pytest.raises(ConfigurationError, match="the address of webhook-1 is no URL"):
            WebhookSink("webhook-1", url)

    @pytest.mark.parametrize(
        ("bearer", "headers"), [("token\n", {}), ("", {"X-Api-Key": ""}), ("schlüssel", {})]
    )
    def test_secrets_must_be_sendable(self, bearer: str, headers: dict[str, str]) -> None:
        """A line break at the end would fail every request."""
        with pytest.raises(ConfigurationError, match="of webhook-1 cannot be sent"):
            WebhookSink("webhook-1", "https://127.0.0.1/", bearer=bearer, headers=headers)


class TestSecrets:
    """What stands behind `?` may be a secret."""

    def test_it_is_in_no_message(self) -> None:
        """Errors name the address without it."""
        with Receiver(400) as receiver:
            error = failure(f"{receiver.url}?code=secret")

        assert f"webhook-1 at {receiver.url} answered 400" == str(error)
        assert receiver.requests[0].path.endswith("?code=secret")

    def test_it_is_in_no_log(self, receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
        """Not even in what httpx writes of every request."""
        url = f"{receiver.url}?code=secret"
        with caplog.at_level(logging.INFO), closing(WebhookSink("w", url)) as sink:
            sink.publish(history("x"))

        assert f'HTTP Request: POST {receiver.url} "HTTP/1.1 200 OK"' in caplog.messages
        assert "secret" not in caplog.text

    def test_other_addresses_are_logged_as_ever(
        self, receiver: Receiver, sink: WebhookSink, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Only the sink's own is changed."""
        with caplog.at_level(logging.INFO), httpx.Client() as client:
            client.post(f"{receiver.url}?name=iris")

        assert f"{receiver.url}?name=iris" in caplog.text


class TestReceiver:
    """What stands in for the other side keeps to its part."""

    def test_it_answers_the_handshake_of_cloud_events(self, receiver: Receiver) -> None:
        """An OPTIONS request is agreed to."""
        asked = {"WebHook-Request-Origin": "stageward.example", "WebHook-Request-Rate": "120"}

        answer = httpx.options(receiver.url, headers=asked)

        assert "stageward.example" == answer.headers["WebHook-Allowed-Origin"]
        assert "120" == answer.headers["WebHook-Allowed-Rate"]

    def test_it_needs_no_pytest(self) -> None:
        """Demonstrations use it too."""
        code = "import sys, tests.receiver; sys.exit('pytest' in sys.modules)"

        assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_a_webhook_needs_no_sdk() -> None:
    """Who publishes to webhooks alone does not pay for Event Grid's client."""
    code = (
        "import sys, stage_functions.adapters.events;"
        "sys.exit(any(name.partition('.')[0] == 'azure' for name in sys.modules))"
    )

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_httpx_raises_nothing_that_is_not_mapped() -> None:
    """Whatever a request can raise is a RequestError; the rest cannot come from sending."""
    others = {
        name
        for name, value in vars(httpx).items()
        if inspect.isclass(value)
        and issubclass(value, Exception)
        and not issubclass(value, httpx.RequestError)
    }

    assert others == {
        "CookieConflict",
        "HTTPError",
        "HTTPStatusError",
        "InvalidURL",
        "RequestNotRead",
        "ResponseNotRead",
        "StreamClosed",
        "StreamConsumed",
        "StreamError",
    }
