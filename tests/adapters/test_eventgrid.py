"""Records to Event Grid: Microsoft's own client against a receiver."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from azure.core import exceptions as core
from azure.core.credentials import AccessToken, AzureKeyCredential, AzureSasCredential

from stage_functions.adapters.eventgrid import (
    MAX_BATCH_BYTES,
    MAX_BATCH_EVENTS,
    UNANSWERED,
    EventGridSink,
    batches,
    translated,
)
from stage_functions.domain.error import (
    ConfigurationError,
    SinkRefusedError,
    SinkUnavailableError,
)
from stage_functions.wire.cloudevent import cloud_event
from tests.adapters.records import history
from tests.receiver import CUT, HELD, Answer, Receiver

KEY = "topic-key"
OK = b"HTTP/1.1 200 OK\r\n"


class Token:
    """A credential that gives tokens."""

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        """Return a token that never ends."""
        return AccessToken("token", 2**40)


@pytest.fixture
def topic() -> Iterator[Receiver]:
    """Run a receiver that knows the key, as a topic does."""
    with Receiver(key=KEY) as receiver:
        yield receiver


@pytest.fixture
def sink(topic: Receiver) -> Iterator[EventGridSink]:
    """Give a sink that publishes to the topic."""
    with closing(EventGridSink(topic.url, KEY, timeout_seconds=5)) as opened:
        yield opened


def failure(endpoint: str, *, timeout_seconds: float = 5) -> Exception:
    """Return the error of publishing one record."""
    with (
        closing(EventGridSink(endpoint, KEY, timeout_seconds=timeout_seconds)) as sink,
        pytest.raises((SinkRefusedError, SinkUnavailableError)) as caught,
    ):
        sink.publish(history("x"))
    return caught.value


class TestPublishing:
    """What arrives, and how."""

    def test_records_arrive_as_one_batch_of_cloud_events(
        self, topic: Receiver, sink: EventGridSink
    ) -> None:
        """In order, with the key, exactly as they are."""
        records = history("first", "second", "dernière")

        sink.publish(records)

        (request,) = topic.requests
        assert (
            "application/cloudevents-batch+json; charset=utf-8" == (request.headers["content-type"])
        )
        assert KEY == request.headers["aeg-sas-key"]
        assert [cloud_event(record) for record in records] == request.events

    def test_nothing_to_publish_is_no_request(self, topic: Receiver, sink: EventGridSink) -> None:
        """An empty batch would be a fault."""
        sink.publish([])

        assert [] == topic.requests

    def test_large_batches_are_cut_in_order(self, topic: Receiver, sink: EventGridSink) -> None:
        """Every request stays below what Event Grid takes, escaped characters counted."""
        records = history(*["é" * 2000] * 200)

        sink.publish(records)

        assert len(topic.requests) > 2
        assert all(len(request.body) <= MAX_BATCH_BYTES for request in topic.requests)
        assert [record.number for record in records] == [
            int(str(event["id"]).rpartition("/")[2]) for event in topic.events
        ]

    def test_an_event_that_is_too_large_by_itself_is_refused(
        self, topic: Receiver, sink: EventGridSink
    ) -> None:
        """Event Grid says so; those before it have arrived."""
        with pytest.raises(SinkRefusedError, match="answered 413"):
            sink.publish(history("before", "x" * 1_200_000, "after"))

        assert ["k7m2p9qd/models/iris/1"] == [event["id"] for event in topic.events]

    def test_what_follows_a_failure_is_not_sent(self, topic: Receiver, sink: EventGridSink) -> None:
        """Order is kept: the second batch waits for the first."""
        topic.answer_next(503)

        with pytest.raises(SinkUnavailableError):
            sink.publish(history(*["x" * 900_000] * 2))

        assert 1 == len(topic.requests)

    def test_it_may_be_shared_between_threads(self, topic: Receiver, sink: EventGridSink) -> None:
        """Nothing is lost or mixed."""
        names = [f"m{number}" for number in range(20)]

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: sink.publish(history("x", asset=f"demo/models/{n}")), names))

        assert sorted(f"models/{name}:3" for name in names) == sorted(
            str(event["subject"]) for event in topic.events
        )

    @pytest.mark.parametrize(
        ("credential", "header", "value"),
        [
            (AzureKeyCredential("k"), "aeg-sas-key", "k"),
            (AzureSasCredential("r=x&s=y"), "aeg-sas-token", "r=x&s=y"),
        ],
    )
    def test_credentials_of_the_sdk_are_taken(
        self, credential: AzureKeyCredential | AzureSasCredential, header: str, value: str
    ) -> None:
        """A key or a signature."""
        with Receiver() as topic, closing(EventGridSink(topic.url, credential)) as sink:
            sink.publish(history("x"))

        assert value == topic.requests[0].headers[header]

    def test_it_is_called_eventgrid(self, sink: EventGridSink) -> None:
        """The name is part of outbox rows."""
        assert "eventgrid" == sink.name


class TestFailures:
    """Each is one request and one error of Stageward's own."""

    @pytest.mark.parametrize("status", [401, 408, 429, 500, 503])
    def test_what_may_pass_is_tried_again_later(self, status: int) -> None:
        """Not by the client: the outbox does, after the wait that was asked for."""
        with Receiver(Answer(status, {"Retry-After": "11"})) as topic:
            error = failure(topic.url)

        assert isinstance(error, SinkUnavailableError)
        assert 11 == error.retry_after_seconds
        assert f"answered {status}" in str(error)
        assert 1 == len(topic.requests)

    @pytest.mark.parametrize("status", [201, 202, 204, 302, 307, 400, 403, 404, 409, 413])
    def test_what_will_not_pass_is_refused(self, status: int) -> None:
        """Only 200 is Event Grid's own success; a redirect is not followed."""
        with Receiver(Answer(status, {"Location": "/elsewhere"})) as topic:
            error = failure(topic.url)

        assert isinstance(error, SinkRefusedError)
        assert f"answered {status}" in str(error)
        assert 1 == len(topic.requests)

    def test_a_denial_by_policy_is_refused_in_its_own_words(self) -> None:
        """The service's code and message are in the error."""
        said = {"error": {"code": "RequestDisallowedByPolicy", "message": "no public access"}}
        answer = Answer(403, {"Content-Type": "application/json"}, json.dumps(said).encode())
        with Receiver(answer) as topic:
            error = failure(topic.url)

        assert isinstance(error, SinkRefusedError)
        assert "answered 403: (RequestDisallowedByPolicy) no public access" in str(error)

    def test_a_wrong_key_is_tried_again_later(self) -> None:
        """It may have been rotated; the event is not at fault."""
        with Receiver(key="another") as topic:
            assert isinstance(failure(topic.url), SinkUnavailableError)

    @pytest.mark.parametrize(
        "answer",
        [
            CUT,
            Answer(raw=b"garbage\r\n\r\n"),
            Answer(raw=OK + b"Content-Length: 10\r\n\r\nabc"),
            Answer(raw=OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            Answer(raw=OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
            Answer(200, {"Content-Type": "application/json"}, b"{bad"),
            Answer(302, {"Location": "http://[bad"}),
        ],
        ids=["cut", "garbage", "short", "chunk", "gzip", "json", "location"],
    )
    def test_an_answer_that_cannot_be_read_is_tried_again_later(self, answer: Answer) -> None:
        """The events may have arrived; their ids are the same the next time."""
        with Receiver(answer) as topic:
            assert isinstance(failure(topic.url), SinkUnavailableError)

    def test_a_server_fault_with_an_unreadable_body_keeps_its_status(self) -> None:
        """What the body is does not matter then."""
        with Receiver(Answer(400, {"Content-Type": "application/json"}, b"{bad")) as topic:
            assert isinstance(failure(topic.url), SinkRefusedError)

    def test_silence_ends_with_the_timeout(self) -> None:
        """A topic that never answers does not hold the outbox."""
        with Receiver(HELD) as topic:
            assert isinstance(failure(topic.url, timeout_seconds=0.2), SinkUnavailableError)

    def test_nobody_there_is_tried_again_later(self) -> None:
        """The connection is refused."""
        with Receiver() as topic:
            pass

        assert isinstance(failure(topic.url), SinkUnavailableError)


class TestConfiguration:
    """What cannot work is said at once."""

    @pytest.mark.parametrize("endpoint", ["", "topic", "ftp://x/y", "https://", "https://[x/"])
    def test_the_endpoint_must_be_a_url(self, endpoint: str) -> None:
        """With a scheme and a host."""
        with pytest.raises(ConfigurationError, match="no endpoint of an Event Grid topic"):
            EventGridSink(endpoint, KEY)

    def test_a_token_needs_tls(self) -> None:
        """The client would refuse every single event."""
        with pytest.raises(ConfigurationError, match="no TLS"):
            EventGridSink("http://127.0.0.1/api/events", Token())

    def test_a_token_with_tls_is_taken(self) -> None:
        """Nothing is sent before something is published."""
        EventGridSink("https://127.0.0.1/api/events", Token()).close()

    def test_a_key_must_be_sendable(self) -> None:
        """A line break at its end would fail every request."""
        with pytest.raises(ConfigurationError, match="cannot be sent"):
            EventGridSink("https://127.0.0.1/api/events", "key\n")


class TestNoise:
    """The client warns of our options once an event; only that is muted."""

    def test_publishing_warns_of_nothing(
        self, sink: EventGridSink, caplog: pytest.LogCaptureFixture
    ) -> None:
        """No option of the request is reported as an unknown attribute."""
        with caplog.at_level(logging.DEBUG):
            sink.publish(history("x", "y"))

        assert [] == [entry for entry in caplog.records if entry.levelno >= logging.WARNING]

    @pytest.mark.parametrize(
        ("text", "args"),
        [
            ("%s is not a known attribute of class %s and will be ignored", ("other", "Event")),
            ("%s is read-only", ("retry_total",)),
            ("plain", ()),
        ],
    )
    def test_other_warnings_pass(
        self,
        sink: EventGridSink,
        caplog: pytest.LogCaptureFixture,
        text: str,
        args: tuple[str, ...],
    ) -> None:
        """Whatever else that part of the client has to say."""
        logger = logging.getLogger("azure.eventgrid._legacy._generated._serialization")

        logger.warning(text, *args)

        assert [text % args] == caplog.messages


def exceptions_of_azure_core() -> set[type[Exception]]:
    """Return every exception that azure.core defines."""
    return {
        value
        for value in vars(core).values()
        if inspect.isclass(value) and issubclass(value, Exception)
    } - {Exception}


def test_all_exceptions_of_azure_core_are_mapped() -> None:
    """When the SDK grows an exception, someone must say what it means."""
    assert set() == exceptions_of_azure_core() - set(UNANSWERED)


@pytest.mark.parametrize(
    ("exc", "error"),
    [
        (core.ClientAuthenticationError("no identity"), SinkUnavailableError),
        (core.ResourceNotFoundError("gone"), SinkRefusedError),
        (core.ServiceRequestTimeoutError("slow"), SinkUnavailableError),
        (core.SerializationError("not JSON"), SinkRefusedError),
        (ConnectionResetError("reset"), SinkUnavailableError),
    ],
)
def test_an_exception_without_an_answer_has_a_meaning(
    exc: Exception, error: type[Exception]
) -> None:
    """Its type decides; the message names the sink."""
    read = translated(exc, "Event Grid at topic")

    assert error is type(read)
    assert str(read).startswith(f"Event Grid at topic: {type(exc).__name__}: ")


def test_a_batch_holds_no_more_events_than_event_grid_takes() -> None:
    """However small they are."""
    events: list[dict[str, object]] = [{"id": str(number)} for number in range(12_000)]

    cut = list(batches(events))

    assert [MAX_BATCH_EVENTS, MAX_BATCH_EVENTS, 2000] == [len(batch) for batch in cut]
    assert events == [event for batch in cut for event in batch]
