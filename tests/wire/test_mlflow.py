"""MLflow's deliveries: who signed them, and what they hint at."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.application.signal import AliasSignal, Signal, Signals
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.error import DeniedError, InvalidInputError
from stage_functions.wire.mlflow import signals, verify

# A delivery as MLflow 3.17.2 sent it.
SECRET = "correct horse battery staple"
DELIVERY = "4839cb7d-52be-479f-a7f3-d5b9c960da37"
SIGNATURE = "v1,S61rZV4sDy7mllmfOYixPtjNVogLGlDUF5jP3Z6+XNA="
BODY = (
    b'{"entity": "model_version_tag", "action": "set", "timestamp": '
    b'"2026-11-24T02:09:59.690196+00:00", "data": {"name": "na\\u00efve iris", "version": "1", '
    b'"key": "stage_request", "value": "Staging: na\\u00efve \\u2192 ok"}}'
)
HEADERS = {
    "host": "127.0.0.1:37799",
    "user-agent": "python-requests/2.34.2",
    "content-type": "application/json",
    "x-mlflow-delivery-id": DELIVERY,
    "x-mlflow-timestamp": "1795486199",
    "x-mlflow-signature": SIGNATURE,
    "content-length": "216",
}
SENT_AT = datetime.fromtimestamp(1795486199, UTC)
IRIS = Version.parse("dev/models/naïve iris:1")


def _signature(delivery: str, sent: str, body: bytes = BODY, secret: str = SECRET) -> str:
    """Sign as MLflow's source says."""
    signed = f"{delivery}.{sent}.{body.decode()}".encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _headers(**changes: str) -> dict[str, str]:
    return {**HEADERS, **{f"x-mlflow-{name.replace('_', '-')}": v for name, v in changes.items()}}


@pytest.mark.parametrize(
    "headers",
    [
        HEADERS,
        {name.upper(): value for name, value in HEADERS.items()},
        {name.title(): f" {value} " for name, value in HEADERS.items()},
        _headers(signature=f"v1,{'A' * 43}= {SIGNATURE}"),
        _headers(signature=f"{SIGNATURE} v2,unknown garbage"),
        _headers(signature=f"\u00e9\udcff {SIGNATURE}"),
    ],
    ids=["as captured", "upper case", "spaces", "second of two", "first of three", "not ASCII"],
)
def test_takes_what_mlflow_signed(headers: Mapping[str, str]) -> None:
    """A delivery that one of its signatures fits is MLflow's, and its id is returned."""
    assert DELIVERY == verify(headers, BODY, SECRET, SENT_AT)


@pytest.mark.parametrize("seconds", [-300, -1, 0, 1, 300])
def test_takes_what_was_signed_lately(seconds: int) -> None:
    """Clocks may differ by five minutes either way."""
    assert DELIVERY == verify(HEADERS, BODY, SECRET, SENT_AT + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-86400, -301, 301, 86400])
def test_denies_what_was_signed_long_ago(seconds: int) -> None:
    """A delivery that is replayed later than five minutes, or comes from the future, is denied."""
    with pytest.raises(DeniedError, match="300 seconds away"):
        verify(HEADERS, BODY, SECRET, SENT_AT + timedelta(seconds=seconds))


@pytest.mark.parametrize("missing", ["delivery-id", "timestamp", "signature"])
def test_denies_what_lacks_a_header(missing: str) -> None:
    """All three headers are needed."""
    headers = {name: value for name, value in HEADERS.items() if not name.endswith(missing)}

    with pytest.raises(DeniedError, match="are all needed"):
        verify(headers, BODY, SECRET, SENT_AT)


@pytest.mark.parametrize(
    "headers",
    [
        _headers(signature=""),
        _headers(signature="v1,"),
        _headers(signature=SIGNATURE.removeprefix("v1,")),
        _headers(signature=SIGNATURE.replace("v1", "v1a")),
        _headers(signature=SIGNATURE.replace(",", " ")),
        _headers(signature=SIGNATURE.lower()),
        _headers(signature=SIGNATURE[:-1]),
        _headers(timestamp="1795486200"),
        _headers(timestamp="+1795486199"),
        _headers(timestamp="1795486199.0"),
        _headers(timestamp="٣"),
        _headers(timestamp="9" * 400),
        _headers(timestamp="soon", signature=_signature(DELIVERY, "soon")),
        _headers(delivery_id=DELIVERY.upper()),
        _headers(delivery_id=""),
        _headers(delivery_id="a b", signature=_signature("a b", "1795486199")),
        _headers(delivery_id="x" * 201, signature=_signature("x" * 201, "1795486199")),
        _headers(signature=_signature(DELIVERY, "1795486199", secret="another")),
        _headers(signature=_signature(DELIVERY, "1795486199", body=BODY + b" ")),
    ],
)
def test_denies_what_is_garbled(headers: Mapping[str, str]) -> None:
    """A header that is changed in any way, or never was MLflow's, makes the delivery nobody's."""
    with pytest.raises(DeniedError):
        verify(headers, BODY, SECRET, SENT_AT)


@pytest.mark.parametrize("body", [b"", BODY + b"\n", BODY.replace(b"Staging", b"Archive")])
def test_denies_another_body(body: bytes) -> None:
    """The signature is over every byte of the body."""
    with pytest.raises(DeniedError, match="does not fit"):
        verify(HEADERS, body, SECRET, SENT_AT)


def test_denies_everything_without_a_secret() -> None:
    """An empty secret, which anybody can sign with, lets nothing in."""
    headers = _headers(signature=_signature(DELIVERY, "1795486199", secret=""))

    with pytest.raises(DeniedError, match="no secret is set"):
        verify(headers, BODY, "", SENT_AT)


@given(st.binary(), st.dictionaries(st.sampled_from(sorted(HEADERS)), st.text()))
def test_lets_nothing_else_in(body: bytes, changes: dict[str, str]) -> None:
    """Whatever else arrives is denied, and breaks nothing."""
    if body == BODY:
        return
    with pytest.raises(DeniedError):
        verify({**HEADERS, **changes}, body, SECRET, SENT_AT)


def test_hints_at_the_version_of_a_tag() -> None:
    """The captured delivery is a signal for its version, naming the tag and the time."""
    at = datetime(2026, 11, 24, 2, 9, 59, 690196, tzinfo=UTC)

    assert Signals(
        (Signal(IRIS, ("stage_request",), at=at, value="Staging: naïve → ok"),)
    ) == signals(BODY, "dev")


def _event(entity: str, action: str, data: object = None, **more: object) -> bytes:
    return json.dumps({"entity": entity, "action": action, "data": data, **more}).encode()


VERSION = {"name": "naïve iris", "version": "1"}
KEYS = ["entity", "action", "timestamp", "data", "name", "version", "key"]


@pytest.mark.parametrize(
    ("event", "keys"),
    [
        (_event("model_version", "created", {**VERSION, "source": "s3://x", "run_id": None}), ()),
        (_event("model_version", "created", {**VERSION, "version": 1}), ()),
        (_event("model_version", "transitioned", VERSION), ()),
        (_event("model_version_tag", "set", {**VERSION, "key": "stage"}), ("stage",)),
        (_event("model_version_tag", "deleted", {**VERSION, "key": "stage"}), ("stage",)),
        (
            _event("model_version_tag", "deleted", {**VERSION, "key": "stage", "value": "x"}),
            ("stage",),
        ),
        (_event("model_version_tag", "set", {**VERSION, "key": "stage", "value": 7}), ("stage",)),
        (_event("model_version_tag", "set", {**VERSION, "value": "x"}), ()),
        (_event("model_version", "created", {**VERSION, "new": [{}]}, workspace="a", x=1), ()),
        (_event("model_version", "created", VERSION, timestamp="yesterday"), ()),
        (_event("model_version", "created", VERSION, timestamp=12), ()),
    ],
)
def test_follows_what_may_have_changed_a_version(event: bytes, keys: tuple[str, ...]) -> None:
    """Whatever happened to a version or to a tag that asks is followed, known action or not."""
    assert Signals((Signal(IRIS, keys),)) == signals(event, "dev")


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-24T02:09:59+00:00", datetime(2026, 11, 24, 2, 9, 59, tzinfo=UTC)),
        ("2026-11-24T03:09:59+01:00", datetime(2026, 11, 24, 2, 9, 59, tzinfo=UTC)),
        ("2026-11-24T02:09:59", datetime(2026, 11, 24, 2, 9, 59, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_reads_the_time(written: str, moment: datetime | None) -> None:
    """A time is UTC, without an offset too; one that cannot be is none."""
    (signal,) = signals(
        _event("model_version", "created", VERSION, timestamp=written), "dev"
    ).versions

    assert moment == signal.at


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (_event("model_version_tag", "set", {**VERSION, "key": "team"}), "'team'"),
        (_event("model_version_tag", "set", {**VERSION, "key": "Stage"}), "'Stage'"),
        (
            _event("model_version_alias", "created", {**VERSION, "alias": "a"}),
            "the alias 'a' is none that is kept",
        ),
        (_event("model_version_alias", "deleted", {"name": "iris"}), "the alias ''"),
        (_event("prompt_alias", "created", {**VERSION, "alias": "champion"}), "prompt_alias"),
        (_event("registered_model", "created", {"name": "iris"}), "registered_model"),
        (_event("prompt", "created", None), "prompt"),
        (_event("of tomorrow", "made", []), "of tomorrow"),
    ],
)
def test_acknowledges_the_rest_unread(event: bytes, why: str) -> None:
    """Other tags and other entities are counted as ignored, with the reason."""
    read = signals(event, "dev", aliases={"champion"})

    assert ((), 1) == (read.signals, len(read.ignored))
    assert why in read.ignored[0]


@pytest.mark.parametrize(
    ("action", "data", "number"),
    [("created", {**VERSION, "alias": "champion"}, VERSION["version"]), ("deleted", {}, "")],
)
def test_a_kept_alias_is_of_the_asset(action: str, data: Mapping[str, object], number: str) -> None:
    """Who has got it is what the event says, and no more; one that was deleted names nobody."""
    named = {"name": VERSION["name"], "alias": "champion", **data}
    read = signals(_event("model_version_alias", action, named), "dev", aliases={"champion"})

    asset = Asset("dev", Kind.MODELS, str(VERSION["name"]))
    assert (AliasSignal(asset, "champion", str(number)),) == read.signals


@pytest.mark.parametrize("data", [{"alias": "champion"}, {"alias": "champion", "version": "x"}])
def test_refuses_an_alias_of_nothing(data: Mapping[str, object]) -> None:
    """An event that names no model, or a version that is none, is no event of MLflow."""
    event = _event("model_version_alias", "created", data)
    with pytest.raises(InvalidInputError):
        signals(event, "dev", aliases={"champion"})


def test_follows_tags_that_count_in_a_registry() -> None:
    """Where tags stand for stages; elsewhere they are anybody's."""
    event = _event("model_version_tag", "deleted", {**VERSION, "key": "staging"})

    assert () == signals(event, "dev").signals
    assert Signals((Signal(IRIS, ("staging",)),)) == signals(event, "dev", {"staging"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"no JSON",
        b"[" * 100_000,
        b"null",
        b"[]",
        b"[{}]",
        b"{}",
        b'"model_version"',
        b'{"entity": "model_version"}',
        b'{"entity": 1, "action": 2}',
        _event("model_version", "created"),
        _event("model_version", "created", []),
        _event("model_version", "created", {"name": "iris"}),
        _event("model_version", "created", {"version": "1"}),
        *(
            _event("model_version", "created", {"name": "iris", "version": number})
            for number in ("", "x", "0", "-1", "1.0", 0, 1.0, True, None, [1], 2**31, 10**4000)
        ),
        *(
            _event("model_version", "created", {"name": name, "version": "1"})
            for name in ("", "a/b", "a:1", "x" * 1001, "\ud800", 7, None)
        ),
    ],
    ids=lambda body: ascii(body[-45:]),
)
def test_refuses_what_is_no_event(body: bytes) -> None:
    """A body that is not an event, or names no version where it must, is refused."""
    with pytest.raises(InvalidInputError):
        signals(body, "dev")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
    )
)
def test_survives_any_json(content: object) -> None:
    """Any JSON is signals, ignored, or refused as input; nothing else is raised."""
    with suppress(InvalidInputError):
        read = signals(json.dumps(content), "dev")
        assert read.signals or read.ignored
