"""What answers mean to every sink."""

from __future__ import annotations

import pytest

from stage_functions.adapters.sinks import error_for, retry_after_seconds, sendable
from stage_functions.domain.error import (
    ConfigurationError,
    SinkRefusedError,
    SinkUnavailableError,
)


@pytest.mark.parametrize("status", [401, 408, 425, 429, 500, 502, 503, 504, 507, 599])
def test_what_may_pass_is_tried_again(status: int) -> None:
    """Overload, faults of the server, and credentials that are being changed."""
    error = error_for("sink", status, {"RETRY-AFTER": "7"}, "")

    assert isinstance(error, SinkUnavailableError)
    assert 7 == error.retry_after_seconds


@pytest.mark.parametrize("status", [202, 301, 307, 400, 403, 404, 405, 409, 410, 413, 415, 422])
def test_what_will_not_pass_is_refused(status: int) -> None:
    """The event or the address will never do."""
    assert isinstance(error_for("sink", status, {"Retry-After": "7"}, ""), SinkRefusedError)


def test_the_message_has_the_beginning_of_what_was_said() -> None:
    """On one line, cut."""
    message = str(error_for("webhook-1", 400, {}, "no such\n  topic " + "x" * 5000))

    assert message.startswith("webhook-1 answered 400: no such topic xxx")
    assert len(message) < 250


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "0"}, 0),
        ({"retry-after": " 120 "}, 120),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "9" * 5000}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Tue, 24 Nov 2026 00:01:30 GMT"}, None),
        (
            {
                "Retry-After": "Tue, 24 Nov 2026 00:01:30 GMT",
                "Date": "Tue, 24 Nov 2026 00:00:00 GMT",
            },
            90,
        ),
        (
            {
                "Retry-After": "Tue, 24 Nov 2026 00:00:00 GMT",
                "Date": "Tue, 24 Nov 2026 00:01:30 GMT",
            },
            0,
        ),
        ({"Retry-After": "Tue, 24 Nov 2026 00:00:00 GMT", "Date": "now"}, None),
        ({"Retry-After": f"Tue, {'9' * 30} Nov 2026 00:00:00 GMT", "Date": "now"}, None),
    ],
)
def test_the_wait_is_read_where_the_answer_says(
    headers: dict[str, str], seconds: int | None
) -> None:
    """Seconds, or a date measured from the answer's own."""
    assert seconds == retry_after_seconds(headers)


@pytest.mark.parametrize("secret", ["k", "abc+/=", "Bearer two words"])
def test_a_secret_that_a_header_can_carry_is_returned(secret: str) -> None:
    """Printable ASCII, as it is."""
    assert secret == sendable("the key", secret)


@pytest.mark.parametrize("secret", ["", "hidden\n", " hidden", "hid\r\nden", "hiddén", "hidden\0"])
def test_a_secret_that_cannot_be_sent_is_a_fault_of_the_configuration(secret: str) -> None:
    """A key read from a file often ends with a line break; the message does not repeat it."""
    with pytest.raises(ConfigurationError, match="the key cannot be sent") as caught:
        sendable("the key", secret)

    assert "hid" not in str(caught.value)
