"""Values that no JSON has, numbers at their ends, and truth values that are no numbers."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pytest

from stage_functions.azure_policy import (
    InvalidPolicyError,
    PolicyFailedError,
    UnsupportedPolicyError,
    evaluate,
)
from tests.azure_policy.rules import holds, rule, worked_out

LEAF = {"field": "type", "exists": False}


@pytest.mark.parametrize(
    ("policy", "place"),
    [
        ({1: 2, "if": LEAF}, "/"),
        ({None: 1}, "/"),
        (rule({("a",): 1, "field": "a", "equals": 1}), "/if"),
        (rule({"value": {1: "[field('a')]"}, "equals": {}}), "/if/value"),
        (rule({"field": "a", "equals": {2.5: 1}}), "/if/equals"),
        ({"if": LEAF, "then": {None: "deny", "effect": "deny"}}, "/then"),
    ],
)
def test_names_that_are_no_text_are_refused(policy: object, place: str) -> None:
    """With their place; JSON has none, YAML and Python do."""
    with pytest.raises(InvalidPolicyError, match="no text; put it in quotes") as fault:
        evaluate(policy, {})  # type: ignore[arg-type] # that is the point

    assert place == (fault.value.place or "/")


def test_names_of_parameters_that_are_no_text_are_refused() -> None:
    """Those of the values as those of the definition."""
    with pytest.raises(InvalidPolicyError, match=r"^/parameters: "):
        evaluate(rule(LEAF), {}, parameters={1: 2})  # type: ignore[dict-item] # that is the point


@pytest.mark.parametrize("strange", [{1}, b"x", bytearray(b"x"), Decimal(1), dt.date.min])
@pytest.mark.parametrize(
    "expression", ["union(createArray(field('a')), createArray(1))", "string(field('a'))"]
)
def test_what_is_no_json_fails(strange: object, expression: str) -> None:
    """As a fault of the evaluation, with its place."""
    with pytest.raises(
        PolicyFailedError, match=r"/if/value: \w+\(\) failed: a value here is no JSON"
    ):
        holds({"value": f"[{expression}]", "equals": "x"}, {"a": strange})


def test_members_whose_names_are_no_text_cannot_be_listed() -> None:
    """They have no order."""
    with pytest.raises(PolicyFailedError, match=r"items\(\) failed: a key here is no text"):
        holds({"value": "[items(field('a'))]", "equals": "x"}, {"a": {1: 2, "b": 3, None: 4}})


@pytest.mark.parametrize("operator", ["less", "lessOrEquals", "greater", "greaterOrEquals"])
@pytest.mark.parametrize("other", [1, "2", math.nan])
def test_nan_has_no_order(operator: str, other: object) -> None:
    """Neither less nor greater than anything, nor equal to it."""
    assert not holds({"field": "a", operator: other}, {"a": math.nan})


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        (f"int('{'9' * 399}')", "does not fit into 64 bits"),
        ("dateTimeAdd('0001-01-01T00:00:00+05:00', 'PT0S', 'u')", "beyond the years 1 to 9999"),
        ("and(true, 'true')", "each argument must be true or false, not text"),
        ("or(false, 1)", "each argument must be true or false, not a number"),
        ("not('false')", "its argument must be true or false, not text"),
    ],
)
def test_what_a_function_cannot_take_fails(expression: str, says: str) -> None:
    """Azure denies there, so it must not come out as an answer."""
    with pytest.raises(PolicyFailedError, match=says):
        worked_out(expression)


def test_exists_is_asked_with_a_truth_value_also_where_it_is_worked_out() -> None:
    """Anything else is no `false`."""
    condition = {"field": "none", "exists": "[field('wanted')]"}

    assert holds(condition, {"wanted": "False"})
    with pytest.raises(PolicyFailedError, match="exists takes true or false"):
        holds(condition, {"wanted": "maybe"})


@pytest.mark.parametrize("number", [1, 0, 1.0, 0.0], ids=repr)
@pytest.mark.parametrize("truth", [True, False])
def test_a_truth_value_is_no_number(number: float, truth: bool) -> None:  # noqa: FBT001 # both
    """Though Python has them equal."""
    for operator, right in (("equals", number), ("in", [number]), ("like", number)):
        assert not holds({"field": "a", operator: right}, {"a": truth})
    assert not holds({"field": "a", "contains": number}, {"a": [truth]})
    assert not holds({"field": "a", "equals": {"b": number}}, {"a": {"b": truth}})
    assert "[true,1]" == worked_out("union(createArray(true), createArray(1))")
    assert "[]" == worked_out("intersection(createArray(true), createArray(1))")
    with pytest.raises(InvalidPolicyError, match=r"none of those allowed|must be of type"):
        evaluate(
            {
                "parameters": {"p": {"type": "Integer", "allowedValues": [0, 1]}},
                "policyRule": rule(LEAF),
            },
            {},
            parameters={"p": truth},
        )


def test_a_default_that_is_an_expression_is_refused_by_name() -> None:
    """Unless a value is given."""
    definition = {
        "parameters": {"p": {"type": "String", "defaultValue": "[concat('a', 'b')]"}},
        "policyRule": rule({"value": "[parameters('p')]", "equals": "ab"}),
    }

    with pytest.raises(UnsupportedPolicyError, match="the default of the parameter 'p'") as fault:
        evaluate(definition, {})
    assert "/parameters/p/defaultValue" == fault.value.place
    assert "deny" == evaluate(definition, {}, parameters={"p": {"value": "ab"}})


@pytest.mark.parametrize("name", ["default", "one/default", "Default"])
def test_the_alias_of_a_resource_that_there_is_one_of_has_its_name(name: str) -> None:
    """As Microsoft's built-in definitions spell those of SQL servers and of Cosmos DB."""
    kind = "Microsoft.Sql/servers/vulnerabilityAssessments"
    field = f"{kind}/default.recurringScans.isEnabled"
    scanned = {"type": kind, "name": name, "properties": {"recurringScans": {"isEnabled": True}}}
    own = {"type": kind, "name": name, "properties": {"default": {"recurringScans": {}}}}

    assert holds({"field": field, "equals": True}, scanned)
    assert not holds({"field": field, "exists": True}, {**scanned, "name": "another"})
    assert not holds({"field": field, "exists": True}, own)
