"""The nineteen operators: what they say of values of each kind, and of what is not there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.azure_policy.operators import OPERATORS
from tests.azure_policy.rules import holds

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False), st.text(max_size=5)
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.text(max_size=3), SCALARS, max_size=3),
)
NEGATIONS = {
    "notEquals": "equals",
    "notIn": "in",
    "notContains": "contains",
    "notContainsKey": "containsKey",
    "notLike": "like",
    "notMatch": "match",
    "notMatchInsensitively": "matchInsensitively",
}

FITS = [
    ("equals", "Value", "vALUE"),
    ("equals", 443, "443"),
    ("equals", "443", 443),
    ("equals", "443.0", 443),
    ("equals", True, "TRUE"),
    ("equals", "false", False),
    ("equals", None, ""),
    ("equals", None, None),
    ("equals", "straße", "STRASSE"),
    ("equals", 1, 1.0),
    ("equals", {"a": [1]}, {"a": [1.0]}),
    ("notEquals", True, 1),
    ("notEquals", "x", 1),
    ("notEquals", None, False),
    ("notEquals", ["a"], "a"),
    ("in", "B", ["a", "b"]),
    ("in", 80, ["80"]),
    ("in", "a", "A"),
    ("notIn", "c", ["a", "b"]),
    ("notIn", None, [None, ""]),
    ("notIn", "x", []),
    ("contains", "my-prod-vm", "PROD"),
    ("contains", "anything", ""),
    ("contains", ["a", "b"], "B"),
    ("contains", {"Owner": 1}, "owner"),
    ("contains", 8080, "08"),
    ("notContains", "abc", "d"),
    ("notContains", None, ""),
    ("containsKey", {"Owner": 1}, "owner"),
    ("notContainsKey", {"Owner": 1}, "stage"),
    ("notContainsKey", "owner", "owner"),
    ("like", "vm-prod-1", "VM-*"),
    ("like", "vm-1", "vm-?"),
    ("like", "a-b-c", "*-b-*"),
    ("like", "aab", "*ab"),
    ("like", "", "*"),
    ("like", 443, "4*"),
    ("notLike", "vm", "vm-*"),
    ("notLike", "abc", "ab"),
    ("notLike", "ab", "ab*b"),
    ("match", "vm-01", "vm-##"),
    ("match", "Ax9!", "??#."),
    ("notMatch", "VM-01", "vm-##"),
    ("notMatch", "vm-1", "vm-##"),
    ("notMatch", "é", "?"),
    ("matchInsensitively", "VM-01", "vm-##"),
    ("notMatchInsensitively", "vm-x1", "vm-##"),
    ("less", 2, 10),
    ("less", "9", 10),
    ("less", "Apple", "banana"),
    ("less", "2019-06-01-preview", "2020-01-01"),
    ("less", False, True),
    ("lessOrEquals", "HELLO", "hello"),
    ("greater", 10, "9"),
    ("greaterOrEquals", 10, 10.0),
    ("exists", "", True),
    ("exists", [], "true"),
    ("exists", {}, "True"),
    ("exists", False, True),
    ("exists", None, False),
]


@pytest.mark.parametrize(("operator", "left", "right"), FITS, ids=repr)
def test_an_operator_fits(operator: str, left: object, right: object) -> None:
    """Case, spelling of numbers and of truth values do not matter, save to `match`."""
    assert holds({"field": "x", operator: right}, {"x": left})


@pytest.mark.parametrize(
    ("operator", "left", "right"),
    [
        ("less", "text", 5),
        ("greater", "text", 5),
        ("greaterOrEquals", [1], 0),
        ("lessOrEquals", None, 1),
        ("greater", True, 0),
        ("containsKey", ["owner"], "owner"),
        ("like", {"a": 1}, "*"),
        ("in", None, [None]),
        ("equals", "0", None),
    ],
    ids=repr,
)
def test_values_of_different_kinds_do_not_fit(operator: str, left: object, right: object) -> None:
    """What cannot be compared does not hold; nothing is thrown."""
    assert not holds({"field": "x", operator: right}, {"x": left})


@pytest.mark.parametrize(
    ("operator", "right", "expected"),
    [
        ("equals", "", False),
        ("equals", None, True),
        ("notEquals", "x", True),
        ("notEquals", None, False),
        ("in", ["a"], False),
        ("in", ["a", None], True),
        ("notIn", ["a"], True),
        ("notIn", [None], False),
        ("contains", "a", False),
        ("notContains", "a", True),
        ("containsKey", "a", False),
        ("notContainsKey", "a", True),
        ("like", "*", False),
        ("notLike", "*", True),
        ("match", "a", False),
        ("notMatch", "a", True),
        ("matchInsensitively", "a", False),
        ("notMatchInsensitively", "a", True),
        ("less", 1, False),
        ("lessOrEquals", 1, False),
        ("greater", 1, False),
        ("greaterOrEquals", 1, False),
        ("exists", True, False),
        ("exists", False, True),
    ],
    ids=repr,
)
def test_a_missing_field_fits_the_negative_operators(
    operator: str,
    right: object,
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """`notEquals` fires on what is not there, `equals` only for null, comparisons never."""
    assert expected is holds({"field": "x", operator: right}, {})


def test_all_nineteen_operators_are_here() -> None:
    """Each of the documentation's, by its name."""
    assert len(OPERATORS) == 19


@pytest.mark.parametrize("spelling", ["NOTIN", "notin", "NotIn"])
def test_names_of_operators_are_without_regard_to_case(spelling: str) -> None:
    """Microsoft's own definitions write `notin`."""
    assert holds({"FIELD": "x", spelling: ["a"]}, {"x": "b"})


@pytest.mark.parametrize(("negative", "positive"), NEGATIONS.items())
@given(left=VALUES, right=VALUES)
def test_a_negative_operator_says_the_opposite(
    negative: str, positive: str, left: object, right: object
) -> None:
    """Of any two values, exactly one of the pair holds."""
    negation, affirmation = OPERATORS[negative.lower()], OPERATORS[positive.lower()]

    assert negation.test(left, right) is not affirmation.test(left, right)


@given(left=VALUES, right=VALUES)
def test_equality_has_no_direction(left: object, right: object) -> None:
    """Whichever side a value stands on."""
    equals = OPERATORS["equals"].test

    assert equals(left, right) is equals(right, left)


@given(left=st.one_of(st.integers(), st.text(max_size=4)), right=st.integers())
def test_an_order_has_at_most_one_answer(left: object, right: object) -> None:
    """Less, equal and greater exclude each other; the weak ones are the strict ones or equal."""
    less, greater = OPERATORS["less"].test(left, right), OPERATORS["greater"].test(left, right)

    assert not (less and greater)
    assert OPERATORS["lessorequals"].test(left, right) or not less
    assert OPERATORS["greaterorequals"].test(left, right) or not greater


@given(
    text=st.text(alphabet="ab", max_size=8),
    pattern=st.text(alphabet="ab?*", max_size=6),
)
def test_like_is_what_its_wildcards_say(text: str, pattern: str) -> None:
    """The same as trying every way to cut the text up."""
    assert _like(text, pattern) is OPERATORS["like"].test(text, pattern)


def _like(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_like(text[cut:], pattern[1:]) for cut in range(len(text) + 1))
    return bool(text) and pattern[0] in {"?", text[0]} and _like(text[1:], pattern[1:])
