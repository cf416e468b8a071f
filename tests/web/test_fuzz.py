"""Whatever is sent to the API, as its own description has it or not, it answers as described."""

from __future__ import annotations

from tests.api_server import Api
from tests.builders import World
from tests.web.fuzzing import fuzz

THERE = {"registry": "demo", "kind": "models", "name": "iris", "version": "1"}
EXAMPLES = 16


def test_whatever_is_sent_is_answered_as_described(it: World, api: Api) -> None:
    """Sent by an operator who is also a voter; `make bench` sends more."""
    it.register("1")
    it.register("2")
    place = "/api/v1/assets/demo/models/iris/versions/1/transitions"
    for target in ("Staging", "Production"):
        asked = api.client("sam").post(place, json={"to": target, "reason": "ready"})

    called = fuzz(api.address, "eve", {**THERE, "approval": asked.json()["approval"]}, EXAMPLES)

    assert len(called) == sum(len(one) for one in api.document["paths"].values())
    assert min(called.values()) >= 1
