"""What the environment says of signatures is what receivers get."""

from __future__ import annotations

import base64
from contextlib import closing
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from stage_functions.application.anchoring import keep_up
from stage_functions.bootstrap import Application, open_application, open_places, read_anchors
from stage_functions.domain.error import ConfigurationError, SinkUnavailableError
from stage_functions.settings import read_settings, unknown
from tests.adapters.records import history
from tests.receiver import Received, Receiver

ROOT = Path(__file__).parents[1]
ONE, TWO, THREE = (f"whsec_{base64.b64encode(fill * 32).decode()}" for fill in (b"1", b"2", b"3"))


def opened(**more: str) -> Application:
    """Open Stageward over the default file, with no MLflow."""
    environment = {
        "STAGEWARD_CONFIG": str(ROOT / "stageward.yaml"),
        "STAGEWARD_LEDGER": ":memory:",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
        **{f"STAGEWARD_{name}": value for name, value in more.items()},
    }
    return open_application(read_settings(environment))


def taken(secret: str, request: Received) -> dict[str, object]:
    """Return the event of a request, which a receiver with this secret takes."""
    found: dict[str, object] = Webhook(secret).verify(request.body, dict(request.headers))
    return found


def test_each_receiver_gets_what_its_own_secret_verifies(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The second has one, the first has none, and that is told."""
    with (
        Receiver() as plain,
        Receiver() as signed,
        closing(opened(WEBHOOKS=f"{plain.url} {signed.url}", WEBHOOKS_SECRET_2=TWO)) as it,
    ):
        for sink in it.context.sinks.values():
            sink.publish(history("x"))

    assert "webhook-1 has no secret, others have: what it gets is not signed" in caplog.messages
    assert "webhook-signature" not in plain.requests[0].headers
    assert plain.events == [taken(TWO, signed.requests[0])]


def test_an_attempt_that_is_repeated_has_the_same_id_and_is_signed_anew() -> None:
    """So whoever handled the event knows it, and nobody else can repeat it later."""
    with (
        Receiver(503) as receiver,
        closing(opened(WEBHOOKS=receiver.url, WEBHOOKS_SECRET=f"{TWO} {ONE}")) as it,
    ):
        sink = it.context.sinks["webhook-1"]
        with pytest.raises(SinkUnavailableError):
            sink.publish(history("x"))
        sink.publish(history("x", "y"))

    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert ids[0] == ids[1] != ids[2]
    assert 3 == len(
        [taken(secret, one) for secret, one in zip((ONE, TWO, ONE), receiver.requests, strict=True)]
    )


def test_anchors_are_signed_for_the_place_that_has_a_secret(tmp_path: Path) -> None:
    """A folder beside it has none."""
    places = f"{tmp_path} "
    with (
        Receiver() as receiver,
        closing(opened(ANCHORS=places + receiver.url, ANCHORS_SECRET_2=THREE)) as it,
    ):
        keep_up(it.context)
        kept = list(read_anchors(it.settings, "configured"))

    assert "Stageward.Anchored" == taken(THREE, receiver.requests[0])["type"]
    assert 1 == len(kept)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"WEBHOOKS": "https://a.example.org", "WEBHOOKS_SECRET": "x"}, "begins with whsec_"),
        ({"WEBHOOKS_SECRET": ONE}, "STAGEWARD_WEBHOOKS names 0 addresses"),
        ({"ANCHORS_SECRET": ONE}, "STAGEWARD_ANCHORS names 0 addresses"),
    ],
)
def test_a_secret_that_cannot_be_used_ends_the_start(more: dict[str, str], words: str) -> None:
    """Nothing is published unsigned by mistake."""
    with pytest.raises(ConfigurationError, match=words):
        opened(**more)


def test_a_folder_takes_no_signature() -> None:
    """Whoever wrote a secret for it meant another place."""
    environment = {"STAGEWARD_ANCHORS": "/a", "STAGEWARD_ANCHORS_SECRET": ONE}

    with pytest.raises(ConfigurationError, match="STAGEWARD_ANCHORS: there is a secret for a "):
        open_places(read_settings(environment))


def test_a_blank_secret_is_none_and_a_mistyped_one_is_told() -> None:
    """As of every other setting."""
    environment = {"STAGEWARD_WEBHOOKS_SECRET": " ", "STAGEWARD_WEBHOKS_SECRET": ONE}

    assert {} == read_settings(environment).signing
    assert ["STAGEWARD_WEBHOKS_SECRET"] == list(unknown(environment))
