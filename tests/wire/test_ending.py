"""When a key says that it ends."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.wire.ending import ending_of

END = datetime(2027, 3, 1, 8, tzinfo=UTC)


def token(claims: object) -> str:
    """Return a JSON Web Token, with a signature that nobody looks at."""
    parts = ({"alg": "none"}, claims)
    encoded = [
        base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts
    ]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


@pytest.mark.parametrize(
    "key",
    [
        "https://a.blob.core.windows.net/c?sv=2024-11-04&se=2027-03-01T08%3A00%3A00Z&sig=x",
        "https://a.blob.core.windows.net/c?se=2027-03-01T08:00:00Z&sig=x",
        "TableEndpoint=https://a;SharedAccessSignature=sv=1&se=2027-03-01T08:00:00Z&sig=x",
        token({"exp": END.timestamp()}),
        token({"exp": int(END.timestamp()), "sub": "stageward"}),
    ],
)
def test_a_signature_or_token_that_says_when_it_ends_is_believed(key: str) -> None:
    """To the second, in UTC."""
    assert END == ending_of(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a-password",
        "https://hooks.example.org/x?code=secret",
        "AccountName=a;AccountKey=c2U9MjAyNw==",
        "https://a/c?se=never&sig=x",
        token({"exp": "tomorrow"}),
        token({"exp": True}),
        token({"exp": 1e300}),
        token([]),
        "a.b.c",
    ],
)
def test_a_key_that_says_nothing_has_no_end_that_is_known(key: str) -> None:
    """So nothing is said of it."""
    assert ending_of(key) is None


@given(st.text())
def test_no_key_is_a_fault(key: str) -> None:
    """Whatever stands in a variable."""
    ending_of(key)
    ending_of(f"https://a/c?se={key}")
    ending_of(f"aaaa.{key}.cccc")
