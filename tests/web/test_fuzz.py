"""Whatever is sent to the API, as its own description has it or not, it answers as described.

A fuzzer reads the served description, and calls everything in it with values that fit and values
that do not.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import booleans
from schemathesis import Case
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation

from tests.api_server import Api
from tests.builders import World

load_all_checks()
HELD: list[Any] = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    ]
)
THERE = {"registry": "demo", "kind": "models", "name": "iris", "version": "1"}
EXAMPLES = 16
"""Of each call, and of each way of making values for it."""


def test_whatever_is_sent_is_answered_as_described(it: World, api: Api) -> None:
    """No fault of the server, and no status, media type or shape that the description lacks."""
    it.register("1")
    it.register("2")
    place = "/api/v1/assets/demo/models/iris/versions/1/transitions"
    for target in ("Staging", "Production"):
        asked = api.client("sam").post(place, json={"to": target, "reason": "ready"})
    there = {**THERE, "approval": asked.json()["approval"]}
    described = schemathesis.openapi.from_url(f"{api.address}/api/v1/openapi.json")
    called = []

    for found in described.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        called.append(operation.label)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            fuzz(operation, mode, there)

    assert len(called) == sum(len(one) for one in api.document["paths"].values())


def fuzz(
    operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, there: dict[str, str]
) -> None:
    """Call one operation with values of one kind, half of the time about what is there."""

    @given(case=operation.as_strategy(generation_mode=mode), real=booleans())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Case[Any], *, real: bool) -> None:
        """Send it, as an operator who is also a voter."""
        if real:
            parts = case.path_parameters
            parts.update({name: there[name] for name in parts if name in there})
        headers = {"Authorization": "Bearer eve"}
        case.call_and_validate(headers=headers, checks=HELD, timeout=30)

    with suppress(Unsatisfiable):  # a call that takes nothing cannot be given what does not fit
        send()
