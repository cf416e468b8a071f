"""Whole definitions: their forms, their parameters, their effects."""

from __future__ import annotations

import pytest

from stage_functions.azure_policy import (
    EFFECTS,
    InvalidPolicyError,
    PolicyFailedError,
    UnsupportedPolicyError,
    canonical_effect,
    compile_policy,
    evaluate,
)
from tests.azure_policy.rules import rule

ALWAYS = {"value": "[true()]", "equals": True}


def defined(
    parameters: dict[str, object] | None = None, condition: object = ALWAYS
) -> dict[str, object]:
    """Return the properties of a definition."""
    return {"mode": "All", "parameters": parameters or {}, "policyRule": rule(condition, "audit")}


def compared(kind: str, **more: object) -> dict[str, object]:
    """Return a definition that compares its one parameter with the field x."""
    condition = {"field": "x", "in": ["[parameters('p')]"]}
    return defined({"p": {"type": kind} | more}, condition)


@pytest.mark.parametrize(
    "given",
    [
        rule(ALWAYS, "audit"),
        defined(),
        {"properties": defined()},
        {"id": "/x", "type": "Microsoft.Authorization/policyDefinitions", "properties": defined()},
        {"policyRule": rule(ALWAYS, "audit"), "mode": "indexed"},
        {"PolicyRule": {"IF": ALWAYS, "THEN": {"EFFECT": "audit"}}, "mode": None},
        rule(ALWAYS, "audit") | {"comment": "kept out"},
    ],
)
def test_a_rule_is_found_in_each_form(given: dict[str, object]) -> None:
    """The rule alone, the properties, the whole definition; names without regard to case."""
    assert evaluate(given, {}) == "audit"


@pytest.mark.parametrize(
    ("kind", "value", "resource"),
    [
        ("String", "a", "a"),
        ("string", "", ""),
        ("Boolean", True, True),
        ("Integer", 3, 3),
        ("Integer", 3.0, 3),
        ("Float", 2.5, 2.5),
        ("dateTime", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("Array", ["a"], ["a"]),
        ("Object", {"a": 1}, {"a": 1}),
    ],
)
def test_a_parameter_has_the_value_that_is_given(
    kind: str, value: object, resource: object
) -> None:
    """Plainly, as an assignment has it, or by default."""
    for given in ({"p": value}, {"P": {"value": value}}):
        assert evaluate(compared(kind), {"x": resource}, parameters=given) == "audit"
    assert evaluate(compared(kind, defaultValue=value), {"x": resource}) == "audit"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("String", 1),
        ("String", None),
        ("Boolean", "true"),
        ("Integer", "3"),
        ("Integer", 2.5),
        ("Integer", True),
        ("Float", "2.5"),
        ("DateTime", "yesterday"),
        ("DateTime", ""),
        ("DateTime", 3),
        ("Array", "a"),
        ("Array", {}),
        ("Object", []),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, value: object) -> None:
    """With the place of the parameter's value, or of its default."""
    with pytest.raises(InvalidPolicyError, match=f"must be of type {kind}") as fault:
        evaluate(compared(kind), {}, parameters={"p": value})
    assert fault.value.place == "/parameters/p"

    if value is not None:
        with pytest.raises(InvalidPolicyError, match=f"must be of type {kind}") as fault:
            evaluate(compared(kind, defaultValue=value), {})
        assert fault.value.place == "/parameters/p/defaultValue"


def test_allowed_values_are_compared_with_regard_to_case() -> None:
    """As Azure does when a definition is assigned; of an array, each value must be allowed."""
    one = compared("String", allowedValues=["Deny", "Audit"])
    many = compared("Array", allowedValues=["Windows", "Linux"])

    assert evaluate(one, {"x": "deny"}, parameters={"p": "Deny"}) == "audit"
    assert evaluate(many, {}, parameters={"p": ["Linux"]}) is None
    with pytest.raises(InvalidPolicyError, match="none of those allowed, with regard to case: Den"):
        evaluate(one, {}, parameters={"p": "deny"})
    with pytest.raises(InvalidPolicyError, match="none of those allowed"):
        evaluate(many, {}, parameters={"p": ["Linux", "linux"]})
    with pytest.raises(InvalidPolicyError, match="none of those allowed") as fault:
        evaluate(compared("String", allowedValues=["a"], defaultValue="b"), {})
    assert fault.value.place == "/parameters/p/defaultValue"


def test_a_value_that_is_too_deep_to_be_compared_is_refused() -> None:
    """It is held against the allowed ones."""
    deep: object = {}
    for _ in range(1000):
        deep = {"a": deep}

    with pytest.raises(InvalidPolicyError, match="more than 128 levels deep") as fault:
        evaluate(compared("Object", allowedValues=[{}]), {}, parameters={"p": deep})

    assert fault.value.place == "/parameters/p"


@pytest.mark.parametrize(
    ("parameters", "given", "place", "says"),
    [
        ({"p": {"type": "String"}}, {}, "/parameters/p", "has no value and no default"),
        ({}, {"a/b": 1}, "/parameters/a~1b", "the definition has no parameter 'a/b'"),
        ({"p": {}}, {}, "/parameters/p/type", "a parameter's type is one of array"),
        ({"p": {"type": "secret"}}, {}, "/parameters/p/type", "a parameter's type is one of"),
        ({"p": []}, {}, "/parameters/p", "the parameter 'p' must be an object"),
        (
            {"p": {"type": "String", "allowedValues": "a"}},
            {"p": "a"},
            "/parameters/p/allowedValues",
            "allowedValues must be an array",
        ),
        ([], {}, "/parameters", "parameters must be an object, not an array"),
        ({"p": {"type": "String"}}, {"p": "a", "P": "b"}, "/parameters", "are the same name"),
        ({"p": {"type": "String"}}, ["p"], "/parameters", "the parameters must be an object"),
    ],
)
def test_wrong_parameters_are_refused_with_their_place(
    parameters: object, given: object, place: str, says: str
) -> None:
    """Before any resource is asked."""
    definition = {"parameters": parameters, "policyRule": rule(ALWAYS)}

    with pytest.raises(InvalidPolicyError) as fault:
        compile_policy(definition, parameters=given)  # type: ignore[arg-type] # that is the point

    assert place == fault.value.place
    assert says in str(fault.value)


def test_a_parameter_that_is_not_declared_is_refused_where_it_is_used() -> None:
    """In a definition at its use, in a rule alone at the value that is missing."""
    condition = {"value": "[parameters('p')]", "equals": 1}

    with pytest.raises(
        InvalidPolicyError, match="the definition declares no parameter 'p'"
    ) as fault:
        compile_policy(defined(condition=condition))
    assert fault.value.place == "/policyRule/if/value"
    with pytest.raises(InvalidPolicyError, match="the parameter 'p' has no value") as fault:
        compile_policy(rule(condition))
    assert fault.value.place == "/parameters/p"


def test_the_schema_of_a_parameter_is_refused_by_name() -> None:
    """It is not held against the value, so nothing is said of it."""
    definition = defined({"p": {"type": "Object", "schema": {"type": "object"}}})

    with pytest.raises(UnsupportedPolicyError, match="the schema of the parameter 'p'") as fault:
        compile_policy(definition, parameters={"p": {}})

    assert fault.value.place == "/parameters/p/schema"


def test_texts_that_look_like_expressions_can_be_escaped() -> None:
    """Also in defaults; a value that is given stands for itself."""
    assert evaluate(compared("String", defaultValue="[[x]"), {"x": "[x]"}) == "audit"
    assert evaluate(compared("String"), {"x": "[y()]"}, parameters={"p": "[y()]"}) == "audit"
    assert evaluate(rule({"field": "x", "equals": "[[x]"}), {"x": "[x]"}) == "deny"
    assert evaluate(rule({"field": "x", "equals": "[x"}), {"x": "[x"}) == "deny"
    assert evaluate(rule({"field": "x", "equals": ["[[a]"]}), {"x": ["[a]"]}) == "deny"
    assert evaluate(rule({"field": "x", "equals": {"a": "[toLower('A')]"}}), {"x": {"a": "a"}})


@pytest.mark.parametrize("effect", sorted(EFFECTS.values()))
def test_each_effect_is_told_as_the_rule_spells_it(effect: str) -> None:
    """Azure takes any spelling; `disabled` comes to nothing."""
    shouted = effect.upper()
    expected = None if effect == "disabled" else shouted
    given = {"if": ALWAYS, "then": {"effect": shouted, "details": {"type": "x"}}}

    assert expected == evaluate(given, {})
    assert effect == canonical_effect(shouted)


def test_an_effect_may_be_worked_out() -> None:
    """From a parameter, or from the resource."""
    by_parameter = rule(ALWAYS, "[parameters('effect')]")
    by_resource = rule(ALWAYS, "[if(equals(field('x'), 1), 'deny', field('x'))]")

    assert evaluate(by_parameter, {}, parameters={"effect": "Modify"}) == "Modify"
    assert evaluate(by_parameter, {}, parameters={"effect": "DISABLED"}) is None
    assert evaluate(by_resource, {"x": 1}) == "deny"
    with pytest.raises(InvalidPolicyError, match="'stop' is no effect") as fault:
        compile_policy(by_parameter, parameters={"effect": "stop"})
    assert fault.value.place == "/then/effect"
    with pytest.raises(PolicyFailedError, match="'stop' is no effect") as failed:
        evaluate(by_resource, {"x": "stop"})
    assert failed.value.place == "/then/effect"


def test_what_follows_may_have_details() -> None:
    """They are not evaluated: whether another resource exists is not known here."""
    given = rule(ALWAYS) | {
        "then": {
            "effect": "deployIfNotExists",
            "details": {
                "type": "Microsoft.Insights/diagnosticSettings",
                "existenceCondition": {"field": "name", "equals": "x"},
                "deployment": {"properties": {"template": {"x": "[resourceId('a')]"}}},
            },
        }
    }

    assert evaluate(given, {}) == "deployIfNotExists"


def test_conditions_are_asked_in_their_order() -> None:
    """What comes after the answer is known is not asked, and cannot fail."""
    fails = {"value": "[int(field('x'))]", "equals": 1}
    never = {"value": 1, "equals": 2}

    assert evaluate(rule({"allOf": [never, fails]}), {"x": "a"}) is None
    assert evaluate(rule({"anyOf": [ALWAYS, fails]}), {"x": "a"}) == "deny"
    with pytest.raises(PolicyFailedError, match="int\\(\\) failed") as fault:
        evaluate(rule({"allOf": [fails, never]}), {"x": "a"})
    assert fault.value.place == "/if/allOf/0/value"


def test_nothing_and_all_of_nothing() -> None:
    """All of no conditions hold, and none of them does."""
    assert evaluate(rule({"allOf": []}), {}) == "deny"
    assert evaluate(rule({"anyOf": []}), {}) is None
    assert evaluate(rule({"not": {"anyOf": []}}), {}) == "deny"


def test_a_policy_is_read_once_and_asked_often() -> None:
    """It keeps nothing of one resource for the next."""
    policy = compile_policy(rule({"field": "x[*]", "equals": 1}))

    answers = [policy.evaluate({"x": [1] * n}) for n in (0, 1, 2)]

    assert answers == ["deny", "deny", "deny"]
    assert policy.evaluate({"x": [1, 2]}) is None
    assert policy.evaluate({}) is None
