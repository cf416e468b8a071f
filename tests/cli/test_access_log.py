"""The log of requests keeps no token of a personal link."""

from __future__ import annotations

import logging

import pytest

from stage_functions.cli.access_log import WithoutTokens


def logged(path: str) -> str:
    """Return the line that uvicorn writes for a request."""
    record = logging.LogRecord(
        "uvicorn.access",
        logging.INFO,
        __file__,
        1,
        '%s - "%s %s HTTP/%s" %d',
        ("127.0.0.1:5", "GET", path, "1.1", 303),
        None,
    )
    assert WithoutTokens().filter(record)
    return record.getMessage()


@pytest.mark.parametrize(
    "query",
    [
        "sig=1.secret.x",
        "a=b&sig=1.secret.x",
        "%73ig=1.secret.x",
        "SIG=1.secret.x",
        "next=/l?sig=secret",
        "token=secret",
        "access_token=secret",
    ],
)
def test_a_query_with_a_token_is_left_out(query: str) -> None:
    """However its name is written; the rest of the line stays."""
    assert logged(f"/approvals/7f3k9m2x/link?{query}") == (
        '- - "GET /approvals/7f3k9m2x/link?REDACTED HTTP/1.1" 303'
    )


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/assets?stage=Production&limit=5"])
def test_any_other_address_is_logged_as_it_is(path: str) -> None:
    """Whoever looks for a fault needs it."""
    assert f"GET {path} HTTP" in logged(path)


def test_a_line_without_an_address_is_left_alone() -> None:
    """Whatever else that logger may be told."""
    record = logging.LogRecord("uvicorn.access", logging.INFO, __file__, 1, "ready?sig", None, None)

    assert WithoutTokens().filter(record)
    assert record.getMessage() == "ready?sig"
