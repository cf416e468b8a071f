"""What goes to webhooks is signed so that the library of Standard Webhooks takes it."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from stage_functions.domain.error import ConfigurationError
from stage_functions.wire.signing import ID, SIGNATURE, TIMESTAMP, Signer, message_id, signers

EVENT = {"source": "/stageward/registries/demo", "id": "k7m2p9qd/models/iris/12", "data": {}}
HOOKS = ("https://one.example.org/in", "https://two.example.org/in")
URLS = {"STAGEWARD_WEBHOOKS": HOOKS, "STAGEWARD_ANCHORS": ("/mnt/anchors", HOOKS[0])}


def secret(fill: str = "a", size: int = 32) -> str:
    """Return a secret as it is set."""
    return f"whsec_{base64.b64encode(fill.encode() * size).decode()}"


def verified(key: str, headers: dict[str, str], body: bytes) -> bool:
    """Tell whether a receiver with this secret takes a delivery."""
    try:
        Webhook(key).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


@given(
    source=st.text(),
    name=st.text(),
    more=st.dictionaries(st.text(), st.text()),
    size=st.integers(24, 64),
)
def test_whatever_is_signed_the_library_takes_with_the_same_secret_alone(
    source: str, name: str, more: dict[str, str], size: int
) -> None:
    """Any event, in any script, under a secret of any length."""
    event = {"source": source, "id": name, "data": more}
    body = json.dumps(event).encode()
    (signer,) = signers({"S": ("u",)}, {"S_SECRET": secret("a", size)})["S"].values()

    headers = signer.headers(event, body, datetime.now(UTC))  # noqa: TID251  # the library's clock

    assert verified(secret("a", size), headers, body)
    assert not verified(secret("b", size), headers, body)
    assert not verified(secret("a", size), headers, body + b" ")
    assert not verified(secret("a", size), {**headers, ID: "evt_other"}, body)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_attempt_of_another_time_is_not_taken(minutes: int) -> None:
    """So what somebody kept cannot be sent again."""
    at = datetime.now(UTC) + timedelta(minutes=minutes)  # noqa: TID251  # the library's clock
    signer = Signer((b"a" * 32,))

    assert not verified(secret(), signer.headers(EVENT, b"{}", at), b"{}")


def test_while_a_secret_is_changed_both_count() -> None:
    """Whichever a receiver has, the delivery fits."""
    given_ = {"STAGEWARD_WEBHOOKS_SECRET": f"{secret('n')}  {secret('o')}"}
    signer = signers(URLS, given_)["STAGEWARD_WEBHOOKS"][1]

    headers = signer.headers(EVENT, b"{}", datetime.now(UTC))  # noqa: TID251  # the library's clock

    assert 2 == len(headers[SIGNATURE].split(" "))
    assert [True, True, False] == [verified(secret(one), headers, b"{}") for one in "nox"]


def test_the_form_is_the_one_of_the_specification() -> None:
    """With a secret, a moment and a body that are known, the signature is known."""
    at = datetime(2026, 11, 23, 22, 31, 9, 999999, UTC)
    headers = Signer((b"a" * 32,)).headers(EVENT, b'{"a": 1}', at)

    assert str(int(at.timestamp())) == headers[TIMESTAMP]
    assert Webhook(secret()).sign(headers[ID], at, '{"a": 1}') == headers[SIGNATURE]


@given(one=st.tuples(st.text(), st.text()), other=st.tuples(st.text(), st.text()))
def test_the_id_is_the_same_for_the_same_event_and_for_no_other(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    """It has no full stop, which would part the text that is signed elsewhere."""
    quoted = [tuple(part.replace("\n", "%0A") for part in both) for both in (one, other)]
    ids = [message_id({"source": source, "id": name}) for source, name in quoted]

    assert (quoted[0] == quoted[1]) == (ids[0] == ids[1])
    assert re.fullmatch("evt_[0-9a-f]{64}", ids[0])


def test_each_address_has_its_own_secret_by_its_place() -> None:
    """An address without one is not signed for."""
    given_ = {
        "STAGEWARD_WEBHOOKS_SECRET_2": secret("b"),
        "STAGEWARD_ANCHORS_SECRET_2": secret("c"),
    }
    found = signers(URLS, given_)

    assert {2: (b"b" * 32,)} == {k: v.keys for k, v in found["STAGEWARD_WEBHOOKS"].items()}
    assert {2: (b"c" * 32,)} == {k: v.keys for k, v in found["STAGEWARD_ANCHORS"].items()}


def test_one_receiver_may_have_one_secret_for_events_and_anchors() -> None:
    """It could sign towards nobody but itself."""
    given_ = {"STAGEWARD_WEBHOOKS_SECRET": secret(), "STAGEWARD_ANCHORS_SECRET_2": secret()}

    assert {1, 2} == {place for one in signers(URLS, given_).values() for place in one}


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"": "between us"}, r"_SECRET: a secret begins with whsec_; .*STAGEWARD_WEBHOOK_SECRET\)"),
        ({"": "whsec_not base64"}, "_SECRET: a secret is base64 behind whsec_"),
        ({"": "whsec_?"}, "_SECRET: a secret is base64 behind whsec_"),
        ({"": "whsec_ä"}, "_SECRET: a secret is base64 behind whsec_"),
        ({"": secret("a", 23)}, "has 24 to 64 bytes, not 23"),
        ({"": secret("a", 65)}, "has 24 to 64 bytes, not 65"),
        ({"_2": f"{secret()} whsec_"}, "_SECRET_2: a secret has 24 to 64 bytes, not 0; .*openssl"),
        ({"_3": secret()}, "_SECRET_3 is a secret of nobody: STAGEWARD_WEBHOOKS names 2 addresses"),
        ({"_1": secret()}, "the secret of the first address is STAGEWARD_WEBHOOKS_SECRET$"),
        ({"S": secret()}, "STAGEWARD_WEBHOOKS_SECRETS is a secret of nobody"),
        ({"": secret(), "_2": secret()}, "_SECRET_2 has a secret of STAGEWARD_WEBHOOKS_SECRET too"),
    ],
)
def test_what_cannot_be_a_secret_is_said_without_repeating_it(
    given_: dict[str, str], words: str
) -> None:
    """By the name of its variable."""
    named = {f"STAGEWARD_WEBHOOKS_SECRET{place}": value for place, value in given_.items()}

    with pytest.raises(ConfigurationError, match=words) as caught:
        signers(URLS, named)

    assert [] == [one for one in given_.values() if one in str(caught.value)]


def test_a_secret_of_two_settings_must_be_of_one_address() -> None:
    """Who is told of events could else forge anchors towards somebody else."""
    given_ = {"STAGEWARD_WEBHOOKS_SECRET_2": secret(), "STAGEWARD_ANCHORS_SECRET_2": secret()}

    with pytest.raises(ConfigurationError, match="STAGEWARD_ANCHORS_SECRET_2 has a secret of "):
        signers(URLS, given_)
