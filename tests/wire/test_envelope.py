"""The wrappings that events come in: both schemas, single and batch, binary mode, handshakes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from stage_functions.application.signal import Signal, Signals
from stage_functions.domain.error import InvalidInputError
from stage_functions.wire.eventgrid import parse, webhook_options
from tests.wire.samples import (
    MODEL_DEPLOYED,
    MODEL_REGISTERED,
    REGISTRIES,
    RUN_COMPLETED,
    WORKSPACE,
    Event,
    as_cloud_event,
)

MODEL = "dev/models/sklearn_regression_model:20"
HEADERS = {
    "CE-SpecVersion": "1.0",
    "ce-type": "Microsoft.MachineLearningServices.ModelRegistered",
    "ce-source": WORKSPACE.replace("{", "%7B").replace("}", "%7D"),
    "ce-id": "1",
    "ce-subject": "models/sklearn_regression_model:20",
    "ce-time": "2017-06-26T18:41:00.9584103Z",
    "Content-Type": "application/json",
}


def encoded(data: object) -> str:
    """Return data as CloudEvents writes it in base64."""
    return base64.b64encode(json.dumps(data).encode()).decode()


def named(read: Signals) -> list[str]:
    """Return the versions that a delivery hints at."""
    return [str(one.version) for one in read.versions]


def as_bytes(body: object) -> bytes:
    """Return JSON as it is on the wire."""
    return json.dumps(body).encode()


class TestDelivery:
    """Both schemas are read alike, however they are wrapped."""

    @pytest.mark.parametrize("event", [MODEL_REGISTERED, as_cloud_event(MODEL_REGISTERED)])
    @pytest.mark.parametrize("encode", [json.dumps, as_bytes, lambda body: body])
    @pytest.mark.parametrize("batch", [False, True])
    def test_every_wrapping_gives_the_same_signal(
        self, *, event: Event, encode: Callable[[object], object], batch: bool
    ) -> None:
        """Single or in a batch, as bytes, text or parsed."""
        body = encode([event] if batch else event)

        assert [MODEL] == named(parse(body, REGISTRIES))

    def test_a_batch_keeps_its_order_and_counts_what_it_leaves(self) -> None:
        """Signals come in order; every other entry leaves one reason."""
        other = {**RUN_COMPLETED, "eventType": "other"}
        body = [RUN_COMPLETED, MODEL_DEPLOYED, "rubbish", other, as_cloud_event(MODEL_REGISTERED)]

        read = parse(body, REGISTRIES)

        expected = ["job AutoML_ad912b2d_5 of dev", "endpoint dev/my-sklearn-service", MODEL]
        assert expected == [str(one) for one in read.signals]
        assert read.ignored == (
            "an entry of the batch is no event",
            "events of the type 'other' are not followed",
        )

    def test_an_empty_batch_is_a_delivery_of_nothing(self) -> None:
        """CloudEvents allows a batch without events."""
        assert Signals() == parse(b"[]", REGISTRIES)

    def test_a_byte_order_mark_is_let_pass(self) -> None:
        """Some senders begin their JSON with one."""
        body = b"\xef\xbb\xbf" + as_bytes(MODEL_REGISTERED)

        assert [MODEL] == named(parse(body, REGISTRIES))

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"\xff\xfe\x00",
            "{",
            "[" * 100_000,
            "null",
            "3",
            '"text"',
            "{}",
            '[{"eventType": ""}, 1]',
            '{"eventType": 7}',
            '{"specversion": "1.0"}',
            None,
            3,
        ],
        ids=lambda body: ascii(body)[:20],
    )
    def test_a_body_that_is_no_event_is_refused(self, body: object) -> None:
        """Not JSON, or JSON without any event in it."""
        with pytest.raises(InvalidInputError, match="the body is"):
            parse(body, REGISTRIES)

    @pytest.mark.parametrize("version", ["0.3", "2.0", 1.0, None])
    def test_another_version_of_cloudevents_is_left_unread(self, version: object) -> None:
        """It is an event, so it is acknowledged; what it means may differ."""
        read = parse({**as_cloud_event(MODEL_REGISTERED), "specversion": version}, REGISTRIES)

        (why,) = read.ignored
        assert "is not read, 1.0 is" in why

    def test_data_in_base64_is_read(self) -> None:
        """CloudEvents may carry data so."""
        event = as_cloud_event(MODEL_REGISTERED)
        event["data_base64"] = encoded(event.pop("data"))

        assert [MODEL] == named(parse({**event, "subject": None}, REGISTRIES))

    @pytest.mark.parametrize("data", ["%%%", "", "AAAA", 7, "ü", encoded([1])])
    def test_data_in_bad_base64_counts_as_none(self, data: object) -> None:
        """The subject still says which version."""
        event = {**as_cloud_event(MODEL_REGISTERED), "data_base64": data}

        assert [MODEL] == named(parse(event, REGISTRIES))


class TestBinaryMode:
    """CloudEvents with their attributes in the headers."""

    def test_headers_and_body_make_one_event(self) -> None:
        """The body is the data; header values are percent-encoded."""
        read = parse(as_bytes(MODEL_REGISTERED["data"]), REGISTRIES, HEADERS)

        expected: Signal = parse(MODEL_REGISTERED, REGISTRIES).versions[0]
        assert Signals((expected,)) == read

    @pytest.mark.parametrize(
        ("media", "body"), [("text/plain", b"plain words"), ("application/json", b"")]
    )
    def test_a_body_may_be_missing_or_foreign(self, media: str, body: bytes) -> None:
        """The attributes are enough."""
        headers = {**HEADERS, "Content-Type": media}

        assert [MODEL] == named(parse(body, REGISTRIES, headers))

    def test_a_body_that_should_be_json_and_is_not_is_refused(self) -> None:
        """Half an event is none."""
        with pytest.raises(InvalidInputError, match="not JSON"):
            parse(b"{", REGISTRIES, HEADERS)

    def test_structured_content_wins_over_stray_headers(self) -> None:
        """The media type says where the event is."""
        headers = {**HEADERS, "Content-Type": "Application/CloudEvents+json; charset=utf-8"}
        body = as_bytes(as_cloud_event(MODEL_DEPLOYED))

        (read,) = parse(body, REGISTRIES, headers).signals
        assert "endpoint dev/my-sklearn-service" == str(read)

    def test_other_headers_change_nothing(self) -> None:
        """Without a `ce-specversion` the event is in the body."""
        headers = {"aeg-event-type": "Notification", "Content-Type": "application/json"}

        assert [MODEL] == named(parse(as_bytes(MODEL_REGISTERED), REGISTRIES, headers))


class TestOptions:
    """The handshake of CloudEvents, an OPTIONS request."""

    @pytest.mark.parametrize(
        ("asked", "answer"), [("120", "120"), ("", "*"), ("0", "*"), ("-3", "*"), ("many", "*")]
    )
    def test_origin_and_rate_are_agreed_to(self, asked: str, answer: str) -> None:
        """Whatever the case of the headers; a rate that is none means any."""
        headers = {"webhook-request-ORIGIN": "eventgrid.azure.net", "WebHook-Request-Rate": asked}

        assert {
            "WebHook-Allowed-Origin": "eventgrid.azure.net",
            "WebHook-Allowed-Rate": answer,
        } == webhook_options(headers)

    @pytest.mark.parametrize("origin", ["", "a\r\nSet-Cookie: x", "a b", "ü.example", "x" * 300])
    def test_without_an_origin_it_is_no_handshake(self, origin: str) -> None:
        """Nor with one that no header can carry."""
        assert {} == webhook_options({"WebHook-Request-Origin": origin})

    def test_other_options_are_no_handshake(self) -> None:
        """Browsers ask with OPTIONS too."""
        assert {} == webhook_options({"Access-Control-Request-Method": "POST"})
