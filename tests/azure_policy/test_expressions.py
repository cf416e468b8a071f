"""Expressions: how they reach into values, what they read, and what is missing in them."""

from __future__ import annotations

import json

import pytest

from stage_functions.azure_policy import UnsupportedPolicyError
from tests.azure_policy.rules import holds, worked_out

GIVEN = {
    "greeting": "one,two,three",
    "list": ["one", "two", "three"],
    "object": {"one": "a", "three": {"x": 1}, "Two": "b"},
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("parameters('object').TWO", "b"),
        ("parameters('object')['two']", "b"),
        ("parameters('object').three.x", 1),
        ("parameters('list')[0]", "one"),
        ("parameters('LIST')[2]", "three"),
        ("parameters('list')[add(0, 1)]", "two"),
        ("createObject('a', createArray(createObject('b', 3))).a[0]['b']", 3),
        ("'it''s'", "it's"),
        ("  concat (\n 'a' , -1 , 2.5e1 )", "a-125"),
        ("TRUE", True),
        ("null", None),
    ],
)
def test_expressions_reach_into_values(expression: str, expected: object) -> None:
    """Names of members are without regard to case; a quote in a text is doubled."""
    assert expected == json.loads(worked_out(expression, parameters=GIVEN))


@pytest.mark.parametrize(
    "expression",
    [
        "parameters('object').none",
        "parameters('object').none.further['x'][0]",
        "parameters('list')[9]",
        "parameters('list')[sub(0, 1)]",
        "parameters('list')[true]",
        "parameters('list').one",
        "parameters('greeting').one",
        "toLower(parameters('object').none)",
        "length(null())",
    ],
)
def test_what_is_missing_stays_missing(expression: str) -> None:
    """A member that is not there is no fault, and neither is what is made of it."""
    assert worked_out(expression, parameters=GIVEN) == "missing"


@pytest.mark.parametrize("operator", ["equals", "notEquals", "notIn", "notLike", "notContains"])
def test_a_condition_on_a_missing_value_does_not_hold(operator: str) -> None:
    """Whatever the operator: the built-in "inherit a tag" relies on it where the group has none."""
    condition = {"value": "[resourceGroup().tags['x']]", operator: ""}

    assert not holds(condition, context={"resourceGroup": {"tags": {}}})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("field('name')", "vm"),
        ("field('none')", None),
        ("concat('<', field('none'), '>')", "<>"),
        ("if(equals(field('none'), ''), 0, int(field('none')))", 0),
        ("field('items[*]')", [{"a": 1}, {"a": 2}, {}]),
        ("field('items[*].a')", [1, 2]),
        ("field('none[*]')", []),
        ("field(concat('na', 'me'))", "vm"),
        ("field(field('which'))", "vm"),
    ],
)
def test_field_reads_the_resource(expression: str, expected: object) -> None:
    """Null where a field is missing, which text functions take for an empty text."""
    resource = {"name": "vm", "which": "name", "items": [{"a": 1}, {"a": 2}, {}]}

    assert expected == json.loads(worked_out(expression, resource))


def test_what_the_context_gives_is_read() -> None:
    """No clock, no subscription: each is what the caller says."""
    context = {
        "utcNow": "2026-11-26T09:00:00Z",
        "subscription": {"subscriptionId": "s", "displayName": "Prod"},
        "resourceGroup": {"name": "rg"},
        "policy": {"assignmentId": "/x"},
        "claims": {"approved": True},
    }
    expression = (
        "concat(utcNow(), subscription().subscriptionId, resourceGroup().name, "
        "policy().assignmentId, string(claims().approved))"
    )

    assert worked_out(expression, context=context) == '"2026-11-26T09:00:00Zsrg/xtrue"'


@pytest.mark.parametrize("name", ["utcNow", "subscription", "resourceGroup", "policy", "claims"])
def test_what_the_context_does_not_give_is_refused_by_name(name: str) -> None:
    """Nothing is made up."""
    with pytest.raises(UnsupportedPolicyError, match=rf"{name}\(\) is not known here; give"):
        worked_out(f"{name}()")


def test_what_is_known_of_a_request_is_read() -> None:
    """Given beside the context or within it; where nothing is known, a condition does not hold."""
    condition = {"value": "[requestContext().identity.idtyp]", "equals": "app"}
    request = {"identity": {"idtyp": "app"}}

    assert holds(condition, request_context=request)
    assert holds(condition, context={"requestContext": request})
    assert not holds(condition)


def test_a_built_in_that_asks_for_a_second_factor() -> None:
    """Of the shape of Microsoft's: claims that are missing are no factor."""
    condition = {
        "allOf": [
            {"value": "[requestContext().identity.idtyp]", "equals": "user"},
            {
                "value": "mfa",
                "notIn": "[split(tryGet(requestContext().identity, 'http://amr'), ',')]",
            },
            {"value": "p1", "notIn": "[split(requestContext().identity.acrs, ',')]"},
        ]
    }

    def denied(**identity: str) -> bool:
        return holds(condition, request_context={"identity": {"idtyp": "user"} | identity})

    assert denied()
    assert denied(acrs="p2,p3")
    assert not denied(acrs="p1,p2")
    assert not denied(**{"http://amr": "pwd,mfa"})


@pytest.mark.parametrize(
    ("port", "expected"),
    [("22", True), ("*", True), ("10-30", True), ("80-443", False), ("80", False), (None, False)],
)
def test_a_built_in_that_looks_for_an_open_port(port: str | None, expected: object) -> None:
    """Of the shape of Microsoft's: `if` leaves out what would fail."""
    alias = "Microsoft.Network/networkSecurityGroups/securityRules/destinationPortRange"
    ends = f"int(first(split(field('{alias}'), '-'))), int(last(split(field('{alias}'), '-')))"
    first, last = ends.split(", int(last")
    within = f"and(lessOrEquals({first}, 22), greaterOrEquals(int(last{last}, 22))"
    condition = {
        "anyOf": [
            {"field": alias, "in": ["*", "22"]},
            {
                "value": f"[if(contains(field('{alias}'), '-'), {within}, 'false')]",
                "equals": "true",
            },
        ]
    }
    resource = {
        "type": "Microsoft.Network/networkSecurityGroups/securityRules",
        "properties": {"destinationPortRange": port},
    }

    assert expected is holds(condition, resource)
