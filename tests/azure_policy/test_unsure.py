"""Where Azure may fail: the effect is decided all the same, and that it is unsure is told."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from stage_functions.azure_policy import Decision, compile_policy
from tests.azure_policy.rules import rule


def decided(
    condition: object,
    resource: Mapping[str, object] | None = None,
    **given: object,
) -> Decision:
    """Return what comes of a condition, with parameters as given."""
    policy = compile_policy(rule(condition), parameters=given)
    return policy.decide(resource or {}, context={"resourceGroup": {"tags": {}}})


def value(expression: str, operator: str = "equals", right: object = "x") -> dict[str, object]:
    """Return a condition on an expression."""
    return {"value": f"[{expression}]", operator: right}


OWNER = "/if/value: the member 'owner' is not there"


@pytest.mark.parametrize(
    "operator",
    ["equals", "notEquals", "in", "notIn", "contains", "notContains", "like", "notLike", "exists"],
)
def test_no_operator_makes_it_an_allowance(operator: str) -> None:
    """Whatever is asked of it, it is told: the condition does not hold, and Azure may deny."""
    right: object = True if operator == "exists" else ["x"] if operator in {"in", "notIn"} else "x"

    assert Decision(None, OWNER) == decided(value("field('tags').owner", operator, right))


def test_not_makes_it_no_allowance_either() -> None:
    """A match stays one, and is told to be unsure."""
    assert Decision("deny", OWNER.replace("/if", "/if/not")) == decided(
        {"not": value("field('tags').owner")}
    )


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        (value("resourceGroup().tags['none']"), "/if/value: the member 'none'"),
        (value("resourceGroup().nothing"), "/if/value: the member 'nothing'"),
        (value("field('x')[3]"), "/if/value: the element"),
        (value("field('x')['a']"), "/if/value: the member 'a'"),
        (value("parameters('p').none"), "/if/value: the member 'none'"),
        (value("requestContext().apiVersion"), "/if/value: the member 'apiVersion'"),
        (value("coalesce(field('tags').none, '')"), "/if/value: the member 'none'"),
        (value("empty(field('tags').none)", right=True), "/if/value: the member 'none'"),
        (value("if(equals(field('tags').none, 'a'), 1, 2)"), "/if/value: the member 'none'"),
        (value("length(field('none'))"), "/if: what is compared"),
        (
            {"field": "type", "notEquals": "[resourceGroup().tags.none]"},
            "/if/notEquals: the member 'none'",
        ),
        (
            {"field": "type", "notIn": ["[resourceGroup().tags.none]"]},
            "/if/notIn/0: the member 'none'",
        ),
        (
            {"field": "x[*]", "notEquals": "[length(field('none'))]"},
            "/if: what it is compared with",
        ),
        (
            {"count": {"field": "x[*]", "where": value("current('x[*]').none")}, "equals": 0},
            "/if/count/where/value: the member 'none'",
        ),
        (
            {"count": {"value": [1], "name": "n", "where": value("current('n').a")}, "equals": 0},
            "/if/count/where/value: the member 'a'",
        ),
        (value("tryGet(resourceGroup().none.further, 'x')"), "/if/value: the member 'none'"),
    ],
)
def test_it_is_told_wherever_it_is_read(condition: object, told: str) -> None:
    """With its place and its name."""
    found = decided(condition, {"x": [1], "tags": {}}, p={})

    assert f"{told} is not there" == found.unsure


@pytest.mark.parametrize("operator", ["less", "lessOrEquals", "greater", "greaterOrEquals"])
def test_values_without_an_order_are_told(operator: str) -> None:
    """The condition does not hold; the documentation calls it an error, and an error denies."""
    found = decided({"field": "a", operator: 3}, {"a": "many"})

    assert Decision(None, f"/if: {operator} compares text and a number") == found
    assert not decided({"field": "a", operator: 3}, {"a": "4"}).unsure
    assert not decided({"field": "none", operator: 3}).unsure


@pytest.mark.parametrize(
    "condition",
    [
        {"field": "none", "equals": "x"},
        {"field": "tags['none']", "notEquals": "x"},
        {"field": "none[*].further", "equals": "x"},
        value("field('none')"),
        value("tryGet(field('tags'), 'none')"),
        value("coalesce(tryGet(field('tags'), 'none'), '')"),
        value("tryGet(requestContext().identity, 'none')"),
        value("tryIndexFromEnd(field('tags').list, 1)"),
        value("if(contains(field('tags'), 'none'), field('tags').none, '')"),
        {"anyOf": [{"field": "type", "exists": False}, value("field('tags').none")]},
    ],
)
def test_what_is_guarded_or_a_field_is_not(condition: object) -> None:
    """Azure has an answer there: null, or what the guard says."""
    assert not decided(condition, {"tags": {}}).unsure
