"""What is wrong with a definition is said with its place in the JSON, before any resource is asked."""

from __future__ import annotations

import pytest

from stage_functions.azure_policy import (
    InvalidPolicyError,
    UnsupportedPolicyError,
    compile_policy,
    evaluate,
)
from tests.azure_policy.rules import rule

LEAF = {"field": "type", "equals": "x"}


def value(expression: str) -> dict[str, object]:
    """Return a condition on an expression."""
    return {"value": f"[{expression}]", "equals": 1}


INVALID = [
    (LEAF | {"like": "y"}, "/if/like", "a condition has one operator, not equals and like"),
    ({"field": "type", "equal": 1}, "/if/equal", "'equal' is no operator"),
    ({"field": "a", "value": "b", "equals": 1}, "/if/value", "not field and value"),
    ({"field": "a", "count": {}, "equals": 1}, "/if/count", "not field and count"),
    ({"equals": 1}, "/if", "needs one of field, value and count"),
    ({"field": "type"}, "/if", "needs an operator"),
    ({}, "/if", "needs one of field, value and count"),
    ([LEAF], "/if", "a condition must be an object, not an array"),
    ("[true()]", "/if", "a condition must be an object, not text"),
    ({"allOf": LEAF}, "/if/allOf", "allOf must be an array of conditions, not an object"),
    ({"anyOf": "x"}, "/if/anyOf", "anyOf must be an array of conditions, not text"),
    ({"not": [LEAF]}, "/if/not", "a condition must be an object, not an array"),
    ({"anyOf": [LEAF], "field": "x"}, "/if/field", "anyOf stands alone"),
    ({"allOf": [LEAF], "anyOf": [LEAF]}, "/if/anyOf", "allOf stands alone"),
    ({"allOf": [LEAF, {"not": 3}]}, "/if/allOf/1/not", "must be an object, not a number"),
    ({"field": "a", "FIELD": "b", "equals": 1}, "/if", "'field' and 'FIELD' are the same name"),
    ({"field": 3, "equals": 1}, "/if/field", "a field is named by text, not by a number"),
    ({"field": "[add(1, 1)]", "equals": 1}, "/if/field", "a field is named by text"),
    ({"field": "type", "a/b~c": 1}, "/if/a~1b~0c", "'a/b~c' is no operator"),
    ({"field": "a", "exists": "perhaps"}, "/if/exists", "exists takes true or false, not text"),
    ({"field": "a", "in": {"a": 1}}, "/if/in", "in takes an array, not an object"),
    (
        {"field": "a", "equals": "[parameters('list')]"},
        "/if/equals",
        "equals takes one value, and this is an array; use in or notIn",
    ),
    (
        {"field": "a", "notLike": "[parameters('list')]"},
        "/if/notLike",
        "notLike takes one value",
    ),
    ({"count": {}, "equals": 0}, "/if/count", "either a field or a value"),
    ({"count": 3, "equals": 0}, "/if/count", "a count must be an object, not a number"),
    (
        {"count": {"field": "a[*]", "value": []}, "equals": 0},
        "/if/count",
        "either a field or a value",
    ),
    ({"count": {"field": "a"}, "equals": 0}, "/if/count/field", "an array: write a[*]"),
    ({"count": {"field": "a[*].b"}, "equals": 0}, "/if/count/field", "an array: write a"),
    (
        {"count": {"field": "a[*]", "name": "x"}, "equals": 0},
        "/if/count/name",
        "only a count of a value has a name",
    ),
    (
        {"count": {"value": [], "name": 3}, "equals": 0},
        "/if/count/name",
        "the name of a count must be plain text",
    ),
    (
        {"count": {"value": [], "wher": LEAF}, "equals": 0},
        "/if/count/wher",
        "not 'wher'",
    ),
    (
        {"count": {"value": [], "where": {"field": "a"}}, "equals": 0},
        "/if/count/where",
        "needs an operator",
    ),
    ({"count": {"value": [0] * 101}, "equals": 0}, "/if/count/value", "at most 100 items"),
    (value("current()"), "/if/value", "current() has a value only within the `where`"),
    (value("current('a')"), "/if/value", "current() has a value only within"),
    (
        {"count": {"value": [1], "name": "x", "where": value("current('y')")}, "equals": 0},
        "/if/count/where/value",
        "current('y') names no count around it",
    ),
    (
        {"count": {"field": "a[*]", "where": value("current('b[*]')")}, "equals": 0},
        "/if/count/where/value",
        "names no count around it",
    ),
    (
        {"count": {"field": "a[*]", "where": value("current('b..c')")}, "equals": 0},
        "/if/count/where/value",
        "names no count around it",
    ),
    (value("nosuch('a')"), "/if/value", "there is no function nosuch()"),
    (value("resourceId('a')"), "/if/value", "resourceId() may not be used in a policy's rule"),
    (value("reference('a')"), "/if/value", "reference() may not be used"),
    (value("newGuid()"), "/if/value", "newGuid() may not be used"),
    (value("length()"), "/if/value", "length() takes 1 arguments, not 0"),
    (value("substring('a')"), "/if/value", "substring() takes 2 to 3 arguments, not 1"),
    (value("if(true(), 1)"), "/if/value", "if() takes 3 arguments, not 2"),
    (value("field()"), "/if/value", "field() takes 1 arguments"),
    (value("field(3)"), "/if/value", "field() takes a name in quotes, not a number"),
    (value("field('a..b')"), "/if/value", "'a..b' names no field"),
    (value("requestContext(1)"), "/if/value", "requestContext() takes 0 arguments, not 1"),
    (value("resourceGroup('x')"), "/if/value", "resourceGroup() takes 0 arguments"),
    (value("parameters(1)"), "/if/value", "parameters() takes a name in quotes"),
    (value("parameters('x'"), "/if/value", "expected a comma or a closing parenthesis"),
    (value("length('a') 3"), "/if/value", "expected the end of the expression, found '3'"),
    (value("concat('a',)"), "/if/value", "expected a function, a text or a number, found ')'"),
    (value("concat('a'"), "/if/value", "found the end"),
    (value("'it"), "/if/value", "character 1 has no closing quote"),
    (value("bare"), "/if/value", "'bare' at character 1 of the expression is neither a call"),
    (value("split('a','b')[0"), "/if/value", "expected a closing bracket"),
    (value("requestContext()."), "/if/value", "expected the name of a member"),
    (value("concat('a' & 'b')"), "/if/value", "the expression has '&' at character 12"),
    (value("1e999"), "/if/value", "is too large"),
    (value("9" * 60), "/if/value", "is too long"),
    (value("-'a'"), "/if/value", "expected a function, a text or a number"),
    ({"field": "a", "in": ["ok", "[oops(]"]}, "/if/in/1", "expected a function, a text"),
    (
        {"field": "a", "equals": {"x/y": ["[oops()]"]}},
        "/if/equals/x~1y/0",
        "there is no function oops()",
    ),
]


@pytest.mark.parametrize(("condition", "place", "says"), INVALID, ids=repr)
def test_a_wrong_condition_is_refused_with_its_place(
    condition: object, place: str, says: str
) -> None:
    """Azure would refuse it too; each message says what is wrong or what to write instead."""
    with pytest.raises(InvalidPolicyError) as fault:
        compile_policy(rule(condition), parameters={"list": ["a"]})

    assert place == fault.value.place
    assert str(fault.value).startswith(f"{place}: ")
    assert says in str(fault.value)


@pytest.mark.parametrize(
    ("condition", "place", "says"),
    [
        (value("guid('a')"), "/if/value", "guid() is not evaluated here: how Azure makes"),
        (value("uniqueString('a')"), "/if/value", "uniqueString() is not evaluated here"),
        (value("map(createArray(), lambda('x', 1))"), "/if/value", "lambda() is not evaluated"),
        (value("parameters(field('a'))"), "/if/value", "parameters() with a name that is worked"),
        (
            {"count": {"field": "[field('a')]"}, "equals": 0},
            "/if/count/field",
            "a count of a field that an expression names",
        ),
    ],
)
def test_what_is_not_evaluated_is_refused_by_name(condition: object, place: str, says: str) -> None:
    """Azure takes it; here nothing is guessed."""
    with pytest.raises(UnsupportedPolicyError) as fault:
        compile_policy(rule(condition))

    assert place == fault.value.place
    assert says in str(fault.value)


@pytest.mark.parametrize(
    ("given", "place", "says"),
    [
        ({}, "", "there is no rule here"),
        ({"then": {"effect": "deny"}}, "", "the rule has no if"),
        ({"if": LEAF}, "", "the rule has no then"),
        ({"if": LEAF, "then": {}}, "/then", "then has no effect"),
        ({"if": LEAF, "then": "deny"}, "/then", "then must be an object, not text"),
        ({"if": LEAF, "then": {"effect": 3}}, "/then/effect", "a number is no effect"),
        ({"if": LEAF, "then": {"effect": "forbid"}}, "/then/effect", "'forbid' is no effect"),
        ({"if": LEAF, "then": {"effect": "[add(1,2)]"}}, "/then/effect", "is no effect"),
        (
            {
                "if": LEAF,
                "then": {"effect": "auditIfNotExists", "details": {"existenceCondition": {}}},
            },
            "/then/details/existenceCondition",
            "needs one of field",
        ),
        (
            {"if": LEAF, "then": {"effect": "AuditIfNotExists"}},
            "/then",
            "AuditIfNotExists needs details that say which resource must exist",
        ),
        (
            {"if": LEAF, "then": {"effect": "deployIfNotExists", "Details": []}},
            "/then/Details",
            "deployIfNotExists needs details",
        ),
        ({"IF": {"not": 3}, "Then": {"effect": "deny"}}, "/IF/not", "must be an object"),
        ([], "", "a policy must be an object, not an array"),
        (None, "", "a policy must be an object, not null"),
        ({"properties": []}, "/properties", "properties must be an object"),
        ({"properties": {}}, "/properties", "there is no rule here"),
        ({"policyRule": []}, "/policyRule", "policyRule must be an object"),
        (
            {"properties": {"policyRule": {"if": {"not": 3}, "then": {"effect": "deny"}}}},
            "/properties/policyRule/if/not",
            "must be an object, not a number",
        ),
        ({"policyRule": {}, "mode": "Some"}, "/mode", "the mode must be All, Indexed"),
    ],
)
def test_what_is_no_policy_is_refused(given: object, place: str, says: str) -> None:
    """Whatever was given, the place is one in it."""
    with pytest.raises(InvalidPolicyError) as fault:
        compile_policy(given)  # type: ignore[arg-type] # that is the point

    assert place == fault.value.place
    assert says in str(fault.value)


def test_an_initiative_is_refused_by_name() -> None:
    """It is made of definitions, which can be given one by one."""
    with pytest.raises(
        UnsupportedPolicyError, match="an initiative is not evaluated here"
    ) as fault:
        compile_policy({"properties": {"policyDefinitions": []}})

    assert fault.value.place == "/properties/policyDefinitions"


def test_the_mode_of_a_resource_provider_is_refused_by_name() -> None:
    """Its rules are about other things than resources of Resource Manager."""
    given = {"mode": "Microsoft.Kubernetes.Data", "policyRule": rule(LEAF)}

    with pytest.raises(UnsupportedPolicyError, match=r"'Microsoft\.Kubernetes\.Data'") as fault:
        compile_policy(given)

    assert fault.value.place == "/mode"


@pytest.mark.parametrize("resource", [None, [], "x", 3])
def test_a_resource_is_an_object(resource: object) -> None:
    """Anything else is refused, not searched."""
    with pytest.raises(InvalidPolicyError, match="the resource must be an object"):
        evaluate(rule(LEAF), resource)  # type: ignore[arg-type] # that is the point


@pytest.mark.parametrize("name", ["context", "request_context"])
def test_a_context_is_an_object(name: str) -> None:
    """Anything else is refused."""
    with pytest.raises(InvalidPolicyError, match="context must be an object, not an array"):
        evaluate(rule(LEAF), {}, **{name: []})  # type: ignore[arg-type] # that is the point
