"""A fuzzer that reads the served description, and calls everything in it with values of all kinds.

Some fit, some do not; half of the time they are about what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
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

load_all_checks()
HELD: list[Any] = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    ]
)
"""No fault of the server, and no status, media type or shape that the description lacks."""


def fuzz(address: str, bearer: str, there: Mapping[str, str], examples: int) -> dict[str, int]:
    """Call every operation; return how many answers each gave.

    Args:
        address: of the server.
        bearer: as whom.
        there: values of path parameters that name something.
        examples: of each operation, and of each way of making values for it.

    Raises:
        Exception: an answer is a fault, or not as described; it says which.
    """
    described = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
    called: dict[str, int] = {}
    for found in described.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        called[operation.label] = sum(
            _fuzz(operation, mode, bearer, there, examples)
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        )
    return called


def _fuzz(
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    bearer: str,
    there: Mapping[str, str],
    examples: int,
) -> int:
    answers = 0

    @given(case=operation.as_strategy(generation_mode=mode), real=booleans())
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Case[Any], *, real: bool) -> None:
        """Send it."""
        nonlocal answers
        if real:
            parts = case.path_parameters
            parts.update({name: there[name] for name in parts if name in there})
        headers = {"Authorization": f"Bearer {bearer}"}
        case.call_and_validate(headers=headers, checks=HELD, timeout=30)
        answers += 1

    with suppress(Unsatisfiable):  # a call that takes nothing cannot be given what does not fit
        send()
    return answers
