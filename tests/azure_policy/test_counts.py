"""Counts of arrays in the resource and of arrays that the rule has."""

from __future__ import annotations

import pytest

from stage_functions.azure_policy import InvalidPolicyError, PolicyFailedError, compile_policy
from tests.azure_policy.rules import holds, rule

RULES = {
    "rules": [
        {"name": "ssh", "access": "Allow", "ports": ["22", "2222"]},
        {"name": "web", "access": "Allow", "ports": ["443"]},
        {"name": "old", "access": "Deny", "ports": []},
    ]
}
SUBNET = "Microsoft.Network/virtualNetworks/subnets[*]"
NETWORK = {
    "type": "Microsoft.Network/virtualNetworks",
    "properties": {
        "subnets": [
            {"name": "a", "properties": {"ipConfigurations": [{"id": "1"}, {"id": ""}, {}]}},
            {"name": "b", "properties": {"ipConfigurations": [{"id": "2"}, {"id": "3"}]}},
            {"name": "c"},
        ]
    },
}


def counted(count: dict[str, object], number: object) -> bool:
    """Say whether a count comes to a number."""
    return holds({"count": count, "equals": number}, RULES)


@pytest.mark.parametrize(
    ("count", "number"),
    [
        ({"field": "rules[*]"}, 3),
        ({"field": "missing[*]"}, 0),
        ({"field": "rules[*].ports[*]"}, 3),
        ({"field": "rules[*]", "where": {"field": "rules[*].access", "equals": "allow"}}, 2),
        ({"field": "rules[*]", "where": {"field": "rules[*].ports[*]", "like": "22*"}}, 2),
        ({"field": "rules[*].ports[*]", "where": {"field": "rules[*].ports[*]", "equals": 443}}, 1),
        (
            {
                "field": "rules[*].ports[*]",
                "where": {"field": "rules[*].name", "equals": "ssh"},
            },
            2,
        ),
        ({"field": "rules[*]", "where": {"value": "[current().name]", "equals": "web"}}, 1),
        (
            {
                "field": "rules[*]",
                "where": {"value": "[current('rules[*].name')]", "equals": "web"},
            },
            1,
        ),
        (
            {
                "field": "rules[*]",
                "where": {"value": "[length(current('rules[*].ports[*]'))]", "equals": 2},
            },
            1,
        ),
        (
            {
                "field": "rules[*]",
                "where": {"value": "[first(field('rules[*].name'))]", "equals": "old"},
            },
            1,
        ),
        ({"field": "rules[*]", "where": {"value": "[length(field('rules[*]'))]", "equals": 1}}, 3),
        ({"field": "rules[*]", "where": {"value": "[current('rules').name]", "equals": "web"}}, 1),
        ({"value": ["a", "b"]}, 2),
        ({"value": []}, 0),
        ({"value": ["a", "b"], "where": {"value": "[current()]", "equals": "A"}}, 1),
        (
            {
                "value": ["a", "b"],
                "name": "It",
                "where": {"value": "[current('it')]", "equals": "A"},
            },
            1,
        ),
        (
            {
                "value": [{"k": {"x": [1]}}, {}],
                "name": "it",
                "where": {"value": "[current('it.k.x[0]')]", "equals": 1},
            },
            1,
        ),
        (
            {
                "value": [{"k": 1}],
                "name": "it",
                "where": {"value": "[current('it').k]", "equals": 1},
            },
            1,
        ),
    ],
)
def test_a_count_comes_to(count: dict[str, object], number: int) -> None:
    """How many elements there are of which `where` holds."""
    assert counted(count, number)
    assert not counted(count, number + 1)


def test_counts_stand_within_counts() -> None:
    """The inner one sees the element of the outer one, each by its name."""
    condition = {
        "count": {
            "value": "[parameters('wanted')]",
            "name": "port",
            "where": {
                "count": {
                    "field": "rules[*]",
                    "where": {
                        "allOf": [
                            {"field": "rules[*].access", "equals": "Allow"},
                            {
                                "value": "[current('rules[*].ports')]",
                                "contains": "[current('port')]",
                            },
                        ]
                    },
                },
                "greater": 0,
            },
        },
        "equals": "[length(parameters('wanted'))]",
    }

    assert holds(condition, RULES, parameters={"wanted": ["22", "443"]})
    assert not holds(condition, RULES, parameters={"wanted": ["22", "80"]})


def test_a_count_within_an_array_goes_on_from_its_element() -> None:
    """Subnets with two configurations or more that have an id."""
    condition = {
        "count": {
            "field": SUBNET,
            "where": {
                "count": {
                    "field": f"{SUBNET}.ipConfigurations[*]",
                    "where": {
                        "value": f"[empty(first(field('{SUBNET}.ipConfigurations[*].id')))]",
                        "equals": False,
                    },
                },
                "greaterOrEquals": 2,
            },
        },
        "equals": 1,
    }

    assert holds(condition, NETWORK)


def test_a_count_within_a_count_of_the_same_array_goes_through_all_of_it() -> None:
    """The inner one is not about the one element."""
    inner = {"count": {"field": "rules[*]"}, "equals": 3}

    assert counted({"field": "rules[*]", "where": inner}, 3)


def test_the_place_of_elements_is_forgotten_after_a_count() -> None:
    """What follows a count is about the whole array again."""
    condition = {
        "allOf": [
            {
                "count": {
                    "field": "rules[*]",
                    "where": {"field": "rules[*].name", "equals": "ssh"},
                },
                "equals": 1,
            },
            {"value": "[length(field('rules[*].name'))]", "equals": 3},
        ]
    }

    assert holds(condition, RULES)


def test_values_are_gone_through_a_hundred_times_at_most() -> None:
    """One count within another multiplied, as Azure has it."""
    condition = {
        "count": {
            "value": "[parameters('a')]",
            "where": {"count": {"value": "[parameters('a')]"}, "greater": 0},
        },
        "greater": 0,
    }

    assert holds(condition, {}, parameters={"a": list(range(10))})
    with pytest.raises(PolicyFailedError, match="at most 100 items") as fault:
        holds(condition, {}, parameters={"a": list(range(11))})
    assert fault.value.place == "/if/count/where/count"


def test_a_name_that_is_worked_out_must_be_that_of_a_count() -> None:
    """Which one it is, is known only of a resource."""

    def condition(key: str) -> dict[str, object]:
        where = {"value": f"[current(concat({key}))]", "equals": "a"}
        count = {"value": ["a"], "name": "it", "where": {"count": {"field": "x[*]", "where": where},
                                                         "equals": 1}}  # fmt: skip
        return {"count": count, "equals": 1}

    assert holds(condition("field('key')"), {"x": [1], "key": "it"})
    with pytest.raises(PolicyFailedError, match="current\\('that'\\) names no count around it"):
        holds(condition("field('key')"), {"x": [1], "key": "that"})
    numbered = {"value": "[current(length(field('x[*]')))]", "equals": 1}
    with pytest.raises(PolicyFailedError, match="current\\('1'\\) names no count around it"):
        holds({"count": {"value": ["a"], "where": numbered}, "equals": 1}, {"x": [1]})


def test_a_count_of_what_is_no_array_fails() -> None:
    """Where it is known only of the resource; else it is refused at once."""
    with pytest.raises(PolicyFailedError, match="goes through an array, not text"):
        holds({"count": {"value": "[field('name')]"}, "equals": 0}, {"name": "x"})
    with pytest.raises(InvalidPolicyError, match="goes through an array, not text"):
        compile_policy(rule({"count": {"value": "text"}, "equals": 0}))
