"""What a dead letter says, in either schema; and what of it is believed: nothing but the hint."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.application.signal import Signal
from stage_functions.domain.configuration import Mode, RegistryConfiguration, RegistryType
from stage_functions.domain.error import InvalidInputError
from stage_functions.wire.dead_letter import read
from tests.wire.samples import MODEL_REGISTERED, WORKSPACE, Event, as_cloud_event, resource_event

DEV = {"dev": RegistryConfiguration("dev", RegistryType.AZUREML, WORKSPACE, Mode.ENFORCE)}
WRITTEN = f"{WORKSPACE}/models/iris/versions/3"


def died(event: Event) -> Event:
    """Return an event as Event Grid keeps it: in lower case what it adds to CloudEvents."""
    added = {
        "deadLetterReason": "MaxDeliveryAttemptsExceeded",
        "deliveryAttempts": 30,
        "lastDeliveryOutcome": "GatewayTimeout",
        "publishTime": "2026-01-25T22:12:19.4556811Z",
        "lastDeliveryAttemptTime": "2026-01-26T22:12:19Z",
    }
    lower = "specversion" in event
    return {**event, **{(name.lower() if lower else name): one for name, one in added.items()}}


@pytest.mark.parametrize("batch", [False, True], ids=["single", "array"])
@pytest.mark.parametrize("schema", [dict, as_cloud_event], ids=["event-grid", "cloud-events"])
def test_it_says_why_it_was_given_up_and_what_it_was_about(
    schema: type[Event], *, batch: bool
) -> None:
    """Without the subscription and the group, which are long and the same everywhere."""
    event = died(schema(resource_event(WRITTEN)))
    letter = read(json.dumps([event] if batch else event).encode(), DEV)
    (told,) = letter.told

    assert ("MaxDeliveryAttemptsExceeded", "GatewayTimeout", 30) == (
        told.reason,
        told.outcome,
        told.attempts,
    )
    assert "Microsoft.MachineLearningServices/workspaces/" in told.subject
    assert "subscriptions" not in told.subject.lower()
    assert datetime(2026, 1, 26, 22, 12, 19, tzinfo=UTC) == told.attempted
    assert told.published is not None


@pytest.mark.parametrize("schema", [dict, as_cloud_event], ids=["event-grid", "cloud-events"])
def test_nothing_that_it_claims_of_whoever_wrote_is_kept(schema: type[Event]) -> None:
    """Whoever can write to the container could claim anything."""
    letter = read(json.dumps([died(schema(resource_event(WRITTEN)))]).encode(), DEV)
    (signal,) = letter.signals.signals

    assert isinstance(signal, Signal)
    assert "dev/models/iris:3" == str(signal.version)
    assert ("", (), None, False) == (
        signal.actor,
        signal.names,
        signal.at,
        signal.authenticated,
    )


@pytest.mark.parametrize("attempts", ["many", True, -1, 1.5, 10**9, None])
def test_fields_of_another_kind_than_documented_are_left_out(attempts: object) -> None:
    """They are shown to an operator, line by line."""
    event = {
        **MODEL_REGISTERED,
        "deadLetterReason": {"a": 1},
        "deliveryAttempts": attempts,
        "lastDeliveryOutcome": "x\x1b[31m\n" + "y" * 500,
        "publishTime": 7,
    }
    (told,) = read(json.dumps(event).encode(), DEV).told

    assert ("", 0, None) == (told.reason, told.attempts, told.published)
    assert told.attempts is not False
    assert "\n" not in told.outcome
    assert "\x1b" not in told.outcome
    assert len(told.outcome) < 130


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b"7", b'"x"', b"[[]]", b"\xff\xfe", b"{}"]
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    """It is named, and kept."""
    with pytest.raises(InvalidInputError):
        read(body, DEV)


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Anybody who can write there may have written them."""
    try:
        letter = read(body, DEV)
    except InvalidInputError:
        return
    assert all(not getattr(one, "authenticated", False) for one in letter.signals.signals)
