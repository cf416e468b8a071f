"""What compares or looks through much is paid for: nothing grows with the square of what is given."""

from __future__ import annotations

import time
from functools import reduce

import pytest

from stage_functions.azure_policy import PolicyFailedError, compile_policy, evaluate
from stage_functions.azure_policy.run import STEPS, weight
from tests.azure_policy.rules import rule

SOON = 30.0
"""Seconds of the processor, where each line is measured for coverage; without that, none takes
three. Before they were bounded, each took minutes or hours."""


def value(expression: str) -> dict[str, object]:
    """Return a condition on an expression."""
    return {"value": f"[{expression}]", "equals": "x"}


WIDE = {f"k{number}": 0 for number in range(32_000)}
DEEP = {"a": [[0] * 32_000]}


@pytest.mark.parametrize(
    ("condition", "resource"),
    [
        ({"field": "a", "in": [{} for _ in range(32_000)]}, {"a": WIDE}),
        ({"field": "a", "in": [{"a": [1]} for _ in range(10_000)]}, {"a": {"a": [0] * 30_000}}),
        ({"field": "a", "contains": {"a": [0] * 30_000}}, {"a": [{"a": [0]}] * 10_000}),
        ({"field": "a", "in": ["a"] * 32_000}, {"a": "x" * 4_000_000}),
    ],
)
def test_one_of_many_is_found_soon(condition: object, resource: dict[str, object]) -> None:
    """What is compared with each of them is looked at once."""
    begun = time.process_time()

    assert evaluate(rule(condition), resource) is None
    assert time.process_time() - begun < SOON


@pytest.mark.parametrize(
    ("condition", "resource"),
    [
        ({"field": "a", "contains": {"a": [0] * 30_000}}, {"a": [{"a": [0] * 300}] * 100_000}),
        ({"anyOf": [value("union(field('a'), field('a'))")] * 600}, DEEP),
        ({"anyOf": [value("intersection(field('a'), field('a'))")] * 600}, DEEP),
        ({"anyOf": [value("string(field('a'))")] * 1000}, DEEP),
        (
            {
                "count": {
                    "field": "x[*]",
                    "where": {"field": "x[*]", "equals": {"a": [[0] * 30_000]}},
                },
                "greater": 0,
            },
            {"x": [{"a": [[0] * 30_000]}] * 100_000},
        ),
        (
            value("length(split(field('a'), field('d')))"),
            {"a": "a" * 131_072, "d": [f"b{number}" for number in range(30_000)]},
        ),
        ({"anyOf": [value("format('" + "{0}" * 20_000 + "', field('b'))")] * 500}, {"b": 1}),
        ({"anyOf": [value("indexOf(field('a'), 'zz')")] * 1000}, {"a": "a" * 130_000}),
    ],
    ids=range(8),
)
def test_what_is_within_arrays_and_objects_is_paid_for(
    condition: object, resource: dict[str, object]
) -> None:
    """And so are delimiters and placeholders."""
    policy = compile_policy(rule(condition))
    begun = time.process_time()

    with pytest.raises(PolicyFailedError, match="500,000 steps"):
        policy.evaluate(resource)

    assert time.process_time() - begun < SOON


def test_what_is_shared_a_million_million_times_is_not_looked_at_whole() -> None:
    """Forty levels of two: the weight is more than there are steps, and known soon."""
    shared: list[object] = reduce(lambda inner, _: [inner, inner], range(40), [0])

    assert STEPS < weight([shared]) < 4 * STEPS


def test_arrays_within_arrays_within_counts_fail_before_the_stack_ends() -> None:
    """Ten counts, each through 98 levels."""
    condition: dict[str, object] = {"field": "z", "exists": False}
    for number in range(10):
        condition = {"count": {"field": f"a{number}{'[*]' * 98}", "where": condition}, "greater": 0}
    deep = reduce(lambda inner, _: [inner], range(98), 1)  # type: ignore[arg-type,return-value] # deeper each time

    with pytest.raises(PolicyFailedError, match="nested too deeply"):
        evaluate(rule(condition), {f"a{number}": deep for number in range(10)})


def test_many_values_of_a_parameter_are_held_against_many_allowed() -> None:
    """Each list is gone through once."""
    many = [{"a": number} for number in range(10_000)]
    definition = {
        "parameters": {"p": {"type": "Array", "allowedValues": many}},
        "policyRule": rule({"value": "[length(parameters('p'))]", "equals": 10_000}),
    }
    begun = time.process_time()

    assert evaluate(definition, {}, parameters={"p": many[::-1]}) == "deny"
    assert time.process_time() - begun < SOON
