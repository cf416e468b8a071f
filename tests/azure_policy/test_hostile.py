"""Rules and resources that are deep, large or made to cost: an answer or an error, soon."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stage_functions.azure_policy import (
    EFFECTS,
    InvalidPolicyError,
    PolicyError,
    PolicyFailedError,
    UnsupportedPolicyError,
    compile_policy,
    evaluate,
)
from stage_functions.azure_policy.functions import FUNCTIONS
from stage_functions.azure_policy.operators import OPERATORS
from tests.azure_policy.rules import rule

LEAF = {"field": "type", "equals": "x"}
SOON = 30.0
"""Seconds of the processor, where each line is measured for coverage; without that, none takes two."""


def nested(times: int, wrap: Callable[[object], object], inner: object) -> object:
    """Return something wrapped many times."""
    for _ in range(times):
        inner = wrap(inner)
    return inner


def value(expression: str) -> dict[str, object]:
    """Return a condition on an expression."""
    return {"value": f"[{expression}]", "equals": "x"}


@pytest.mark.parametrize("name", ["not", "allOf"])
def test_a_rule_nested_ten_thousand_levels_deep_is_refused(name: str) -> None:
    """With its place, and without running out of stack."""
    deep = nested(10_000, lambda inner: {name: inner if name == "not" else [inner]}, LEAF)

    with pytest.raises(UnsupportedPolicyError, match="more than 64 levels deep") as fault:
        compile_policy(rule(deep))

    assert fault.value.place.startswith(f"/if/{name}/")


def test_the_deepest_rule_that_is_read_is_also_evaluated() -> None:
    """At the limit of every kind of nesting at once, with little stack left."""
    expression = "toLower(" * 60 + "'X'" + ")" * 60

    def count(inner: object) -> object:
        return {"count": {"field": "x[*]", "where": inner}, "greater": 0}

    leaf = {"value": f"[concat(field('none'), {expression})]", "equals": "x"}
    deep = nested(59, lambda inner: {"allOf": [inner]}, nested(5, count, leaf))
    limit = sys.getrecursionlimit()
    frames = len(_stack())
    try:
        sys.setrecursionlimit(frames + 700)
        policy = compile_policy(rule(deep))
        found = policy.evaluate({"x": [1]})
    finally:
        sys.setrecursionlimit(limit)

    assert found == "deny"


def _stack() -> list[object]:
    frame, found = sys._getframe(), []  # noqa: SLF001 - how deep the stack is
    while frame is not None:
        found.append(frame)
        frame = frame.f_back  # type: ignore[assignment] # None ends it
    return found


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({"field": "a", "equals": nested(10_000, lambda v: [v], 1)}, "more than 128 levels deep"),
        ({"value": nested(10_000, lambda v: {"a": v}, 1), "equals": 1}, "more than 128 levels"),
        ({"value": nested(100, lambda v: [v], 1), "equals": 1}, "more than 64 levels deep"),
        ({"field": "a", "in": [0] * 40_000}, "more than 32,768 values"),
        (value("toLower(" * 3000 + "'a'" + ")" * 3000), "nested at most 64 levels deep"),
        (value("createArray(1)" + "[0" * 3000 + "]" * 3000), "nested at most 64 levels deep"),
        (value("parameters('p')" + ".a" * 3000), "at most 64 members deep"),
        (value("-" * 5000 + "1"), "expected a function, a text or a number"),
        (value("'" + "a" * 90_000 + "'"), "at most 81,920 characters"),
        (value(f"concat({','.join(['1'] * 129)})"), "takes 0 to 128 arguments, not 129"),
        ({"anyOf": [value("true()")] * 2049}, "calls at most 2048 functions"),
        ({"anyOf": [LEAF] * 4097}, "at most 4,096 conditions"),
        (
            {"anyOf": [{"count": {"field": "a[*]"}, "equals": 1}] * 6},
            "counts the same array at most 5 times",
        ),
        ({"anyOf": [{"count": {"value": []}, "equals": 1}] * 11}, "at most 10 counts of values"),
        ({"field": "a" + "[*]" * 600, "exists": True}, "more than 100 steps"),
        ({"field": "a" * 2049, "exists": True}, "at most 2,048 characters"),
    ],
    ids=range(16),
)
def test_a_rule_beyond_the_limits_is_refused(condition: object, says: str) -> None:
    """Azure's limits where it has some."""
    with pytest.raises(InvalidPolicyError) as fault:
        compile_policy(rule(condition), parameters={"p": {}})

    assert says in str(fault.value)


def test_the_condition_on_another_resource_has_a_limit_of_its_own() -> None:
    """128 conditions; so is Azure's."""
    then = {
        "effect": "auditIfNotExists",
        "details": {"existenceCondition": {"anyOf": [LEAF] * 129}},
    }

    with pytest.raises(InvalidPolicyError, match="at most 128 conditions") as fault:
        compile_policy({"if": LEAF, "then": then})

    assert fault.value.place == "/then/details/existenceCondition/anyOf/128"


DEEP = {"a": nested(10_000, lambda inner: {"a": [inner]}, 1)}
WIDE = {f"k{number}": number for number in range(200_000)}
BIG = {"a": [{"b": [{"c": list(range(100))}] * 100}] * 1000}


@pytest.mark.parametrize(
    ("condition", "resource", "says"),
    [
        ({"field": "a", "equals": {"a": 1}}, DEEP, "more than 128 levels deep"),
        ({"value": "[field('a')]", "equals": {"a": 1}}, DEEP, "more than 128 levels deep"),
        (
            {"count": {"field": "b[*]"}, "in": "[field('a')]"},
            {"a": ["a" * 40_000_000]},
            "500,000 steps",
        ),
        (value("string(field('a'))"), {"a": MappingProxyType({})}, "a value here is no JSON"),
        (value("string(field('a'))"), DEEP, "string() failed: a value here is nested"),
        (value("union(field('a'), field('a'))"), DEEP, "union() failed: a value here is nested"),
        (value("string(field('a'))"), {"a": [[0] * 200] * 200}, "more than 32,768 values"),
        (value("concat(field('a'), field('a'))"), {"a": [0] * 20_000}, "more than 32,768 values"),
        (value("replace(field('a'), 'a', field('a'))"), {"a": "a" * 1000}, "131,072 characters"),
        (value("concat(field('a'), field('a'))"), {"a": "a" * 100_000}, "131,072 characters"),
        (value("toLower(field('a'))"), {"a": "a" * 200_000}, "131,072 characters"),
        (value("flatten(field('a'))"), {"a": [[0] * 9000] * 9}, "32,768 items"),
        ({"field": "a", "like": "9*"}, {"a": 10**5000}, "too many digits"),
        (value("float(field('a'))"), {"a": 10**5000}, "too large"),
        (value("add(field('a'), 1)"), {"a": 10**500}, "does not fit into 64 bits"),
        (value("int(field('a'))"), {"a": float("inf")}, "is no number"),
        (value("base64(field('a'))"), {"a": "\ud800"}, "half of a character"),
        ({"anyOf": [{"field": "zz", "exists": True}] * 4096}, WIDE, "500,000 steps"),
        ({"field": "a[*].b[*].c[*]", "notEquals": "z"}, BIG, "500,000 steps"),
        (
            {"count": {"field": "a[*].b[*].c[*]", "where": {"value": 1, "equals": 2}}, "equals": 9},
            BIG,
            "500,000 steps",
        ),
        (
            {"anyOf": [{"field": "a", "like": "*a*b*c*d*e?"}] * 4096},
            {"a": "abcd" * 30_000},
            "500,000 steps",
        ),
        (
            {"field": "a", "like": "*" + "a?" * 3000 + "*b"},
            {"a": "a" * 100_000},
            "500,000 steps",
        ),
        (
            {"anyOf": [{"field": "a", "contains": "ab" * 500}] * 4096},
            {"a": "a" * 1_000_000},
            "500,000 steps",
        ),
        (
            {"anyOf": [{"field": "a", "in": ["y" * 100_000] * 300}] * 4096},
            {"a": "x" * 100_000},
            "500,000 steps",
        ),
    ],
    ids=range(24),
)
def test_what_costs_too_much_fails_soon(
    condition: object, resource: dict[str, object], says: str
) -> None:
    """It is an error with its place, never an answer and never a long wait."""
    policy = compile_policy(rule(condition))
    begun = time.process_time()

    with pytest.raises(PolicyFailedError) as fault:
        policy.evaluate(resource)

    assert says in str(fault.value)
    assert fault.value.place.startswith("/if")
    assert time.process_time() - begun < SOON


def test_a_large_resource_is_no_fault_where_little_of_it_is_read() -> None:
    """What is not looked at costs nothing."""
    assert evaluate(rule(LEAF), WIDE | DEEP | {"type": "X"}) == "deny"


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from([
        "type", "x[*]", "x[*].y", "tags['a']", "A/b/c", "[", "[[x]", "[field('x')]",
        "[parameters('p')]", "[current('x')]", "[length(field('x[*]'))]", "deny", "[utcNow()]",
        "[concat(", "[if(true(), 1, 2)]", "[requestContext().apiVersion]", "*a?", "##",
    ]),
)  # fmt: skip
NAMES = st.one_of(
    st.sampled_from([
        "if", "then", "effect", "allOf", "anyOf", "not", "field", "value", "count", "where",
        "name", "policyRule", "parameters", "properties", "type", "defaultValue", "details",
        "existenceCondition", "mode", "x", "y", "tags", *(one.name for one in OPERATORS.values()),
    ]),
    st.text(max_size=4),
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=20,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(policy=JSON, resource=JSON, parameters=JSON, context=JSON)
def test_arbitrary_json_gives_an_answer_or_a_fault(
    policy: object, resource: object, parameters: object, context: object
) -> None:
    """Nothing but an effect, None or a fault with a place comes out, whatever goes in."""
    assert _asked(policy, resource, parameters, context) != "no place"


CONDITIONS = st.recursive(
    st.builds(
        lambda left, right, operator, wanted: {left: right, operator: wanted},
        st.sampled_from(["field", "value"]),
        SCALARS,
        st.sampled_from([one.name for one in OPERATORS.values()]),
        JSON,
    ),
    lambda inner: st.one_of(
        st.builds(lambda one: {"not": one}, inner),
        st.builds(lambda name, ones: {name: ones}, st.sampled_from(["allOf", "anyOf"]),
                  st.lists(inner, max_size=3)),
        st.builds(
            lambda one, many: {"count": {"field": "x[*]", "where": one}, "greater": many},
            inner,
            st.integers(0, 2),
        ),
    ),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(condition=CONDITIONS, resource=st.dictionaries(NAMES, JSON, max_size=4))
def test_conditions_of_every_shape_give_an_answer_or_a_fault(
    condition: object, resource: dict[str, object]
) -> None:
    """The same question has the same answer, and its opposite the opposite one."""
    first = _asked(rule(condition), resource, {"p": ["a"]}, {})

    assert first == _asked(rule(condition), resource, {"p": ["a"]}, {})
    opposite = _asked(rule({"not": condition}), resource, {"p": ["a"]}, {})
    assert {first, opposite} == {"deny", None} or "fault" in {first, opposite}
    assert (first == "fault") is (opposite == "fault")
    assert "no place" not in {first, opposite}


ARGUMENTS = st.sampled_from(
    [
        "'a'", "''", "'10.0.0.0/8'", "'2024-01-31T00:00:00Z'", "'P1M'", "'{0}'", "'http://x/y'",
        "null()", "true", "false", "0", "-1", "2.5", "9007199254740993", "field('x')",
        "field('x[*]')", "createArray('a', 1, null())", "createObject('a', 1)", "json('[[1]]')",
        "field('none')", "createArray()", "requestContext().none",
    ]
)  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(sorted(one.name for one in FUNCTIONS.values())),
    arguments=st.lists(ARGUMENTS, max_size=4),
    x=JSON,
)
def test_every_function_takes_or_refuses_every_argument(
    name: str, arguments: list[str], x: object
) -> None:
    """No function throws anything but a fault of the policy."""
    condition = {"value": f"[{name}({', '.join(arguments)})]", "notEquals": "x"}

    assert _asked(rule(condition), {"x": x}, {}, {}) in {"deny", None, "fault"}


def _asked(policy: object, resource: object, parameters: object, context: object) -> str | None:
    """Return the effect, None, or "fault"; anything else is thrown on."""
    try:
        found = evaluate(
            policy,  # type: ignore[arg-type] # that is the point
            resource,  # type: ignore[arg-type] # and of this too
            parameters=parameters,  # type: ignore[arg-type] # and of this
            context=context,  # type: ignore[arg-type] # and of this
        )
    except PolicyError as fault:
        return "fault" if str(fault).startswith(f"{fault.place or '/'}: ") else "no place"
    assert found is None or found.casefold() in EFFECTS
    return found
