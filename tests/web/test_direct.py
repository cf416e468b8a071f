"""A route that is called directly answers as the framework would."""

from __future__ import annotations

import pytest

from tests.api_server import Api
from tests.builders import World

CHECKS = "/api/v1/assets/demo/models/iris/versions/1/checks"
FRAMEWORK = "application/json; charset=utf-8"
"""What only the framework reads; the other spelling is answered directly where it is right."""
BODIES = [
    b'{"action": "transition", "to": "Staging"}',
    b'{"action": "transition", "to": "Staging", "reason": "\\u00e9\\ud83d\\ude00 \xc3\xa9"}',
    b'{"action": "delete", "action": "transition", "to": "Staging"}',
    b' \n{"action": "transition", "to": "Staging", "endpoint": null}\n ',
    b'\xef\xbb\xbf{"action": "transition", "to": "Staging"}',
    '{"action": "transition", "to": "Staging"}'.encode("utf-16"),
    b'{"action": "transition"}',
    b'{"action": "transition", "to": "Nowhere"}',
    b'{"action": "transition", "to": 7}',
    b'{"action": "transition", "to": "Staging", "too": 1}',
    b'{"action": "transition", "to": "\\ud800"}',
    b'{"action": "transition", "to": NaN}',
    b'{"action": "fly"}',
    b'{"action": "transition", "to": "Staging"',
    b'{"action": "transition", "to": "Sta\xff"}',
    b"[]",
    b"null",
    b"",
]


@pytest.mark.parametrize("body", BODIES)
def test_both_ways_answer_alike(it: World, api: Api, body: bytes) -> None:
    """The status, and every word."""
    it.register("1")
    client = api.client("ada")

    directly, through = (
        client.post(CHECKS, content=body, headers={"Content-Type": kind})
        for kind in ("application/json", FRAMEWORK)
    )

    assert directly.status_code == through.status_code
    assert directly.json() == through.json()
    assert directly.headers["Content-Type"] == through.headers["Content-Type"]
