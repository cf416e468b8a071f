"""The definitions are what Azure takes: held against its SDK's models, and the documented limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from stage_functions.azure_policy import compile_policy
from stage_functions.wire.policy_definitions import (
    AUDIT,
    DENY,
    EFFECTS,
    MAX_DESCRIPTION,
    MAX_DISPLAY_NAME,
    SAMPLE,
    definitions,
)
from tests.policies.requests import policy

_KNOWN_ALIASES = frozenset(
    f"Microsoft.MachineLearningServices/workspaces/{kind}/versions/{name}"
    for kind in ("models", "data", "environments", "components")
    for name in ("tags", "stage")
)
"""Of the aliases that Azure has, by Microsoft's own list of the middle of 2026
(Azure/azure-policy-linter, ResourceTypesAndAliases). It has none for versions of registries."""
_FIELDS = frozenset({"type", "id"})
_CALLED = "coalesce|contains|current|field|greater|if|length|parameters|requestContext|split|tryGet"
"""Template functions that Azure documents for policies: no other may come in unseen."""
_SAFE = (
    r"\[parameters\('\w+'\)\]",
    r"\[current\('\w+'\)\]",
    r"\[if\(greater\(length\(split\(field\('id'\),'/'\)\),(\d+)\),split\(field\('id'\),'/'\)\[\1\],''\)\]",
    r"\[coalesce\(tryGet\(requestContext\(\)\.identity,'[^']+'\),''\)\]",
    r"\[if\(contains\(coalesce\(field\('([^']+)'\),''\),'(\w+)'\),"
    r"coalesce\(field\('\1'\)\.\2,''\),''\)\]",
)
"""Expressions that have a text for whatever may be absent. That is for Azure, where a member that
is not there fails: evaluated here, the answer is unsure."""
_MAX_METADATA, _MAX_EXPRESSION, _MAX_CONDITIONS, _MAX_VALUE_COUNTS = 1024, 81_920, 4096, 10

NAMES = pytest.mark.parametrize("name", list(definitions()))


def _properties(name: str) -> dict[str, Any]:
    content: Any = definitions()[name]["properties"]
    return dict(content)


def _walked(node: object) -> Iterator[tuple[str, object]]:
    """Return every key with its value, whatever is around it."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from _walked(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walked(value)


def _expressions(name: str) -> list[str]:
    rule = _properties(name)["policyRule"]
    texts = [value for _, value in _walked(rule) if isinstance(value, str)]
    return [text for text in texts if text.startswith("[")]


@NAMES
def test_its_names_are_within_the_limits(name: str) -> None:
    """Those of Azure Policy; a name becomes part of an id."""
    properties = _properties(name)

    assert re.fullmatch(r"[a-z][a-z-]{1,60}", name)
    assert 0 < len(properties["displayName"]) <= MAX_DISPLAY_NAME
    assert 0 < len(properties["description"]) <= MAX_DESCRIPTION
    assert properties["displayName"] != properties["description"]
    assert all(len(str(value)) <= _MAX_METADATA for value in properties["metadata"].values())
    assert re.fullmatch(r"\d+\.\d+\.\d+", properties["metadata"]["version"])
    assert "Machine Learning" == properties["metadata"]["category"]


@NAMES
def test_the_sdk_of_azure_knows_every_property(name: str) -> None:
    """What it does not know, a service ignores or refuses."""
    from azure.mgmt.resource.policy import models

    read = models.PolicyDefinition({"properties": _properties(name)})
    fields = models.PolicyDefinitionProperties()._attr_to_rest_field.values()  # noqa: SLF001

    assert read.properties is not None
    assert set(_properties(name)) <= {field._rest_name for field in fields}  # noqa: SLF001
    assert models.PolicyType.CUSTOM == read.properties.policy_type
    given = read.properties.parameters or {}
    assert given
    types = {models.ParameterType(one.type) for one in given.values()}
    assert types <= {models.ParameterType.STRING, models.ParameterType.ARRAY}


@NAMES
def test_each_parameter_is_used_and_each_that_is_used_is_there(name: str) -> None:
    """With a title, a description, and a default that is allowed."""
    properties = _properties(name)
    used = {
        found
        for text in _expressions(name)
        for found in re.findall(r"parameters\('([^']+)'\)", text)
    }

    assert used == set(properties["parameters"])
    for one in properties["parameters"].values():
        assert {"displayName", "description"} == set(one["metadata"])
        assert "allowedValues" not in one or one["defaultValue"] in one["allowedValues"]


@NAMES
def test_an_effect_watches_by_default_and_can_be_switched_off(name: str) -> None:
    """Preventing is what somebody decides."""
    effect = _properties(name)["parameters"]["effect"]

    assert EFFECTS[name][AUDIT] == effect["defaultValue"]
    assert [EFFECTS[name][AUDIT], EFFECTS[name][DENY], "disabled"] == effect["allowedValues"]


@NAMES
def test_who_is_approved_and_where_has_no_default(name: str) -> None:
    """Nobody is locked out because somebody forgot to say who is not."""
    parameters = _properties(name)["parameters"]

    assert name == SAMPLE or {"approvedObjectIds", "workspaces"} <= {
        key for key, one in parameters.items() if "defaultValue" not in one
    }


@NAMES
def test_it_names_fields_and_aliases_that_azure_has(name: str) -> None:
    """A definition with an alias that is none is refused when it is made."""
    fields = set(policy(name).fields)

    assert fields <= _KNOWN_ALIASES | _FIELDS
    assert "type" in fields


@NAMES
def test_its_rule_is_within_the_limits(name: str) -> None:
    """Of conditions, counts, expressions and what they call."""
    rule = _properties(name)["policyRule"]
    counts = [value for key, value in _walked(rule) if key == "count"]
    conditions = sum(1 for key, _ in _walked(rule["if"]) if key in {"field", "value"})
    called = {found for text in _expressions(name) for found in re.findall(r"([A-Za-z]+)\(", text)}

    assert len(counts) <= _MAX_VALUE_COUNTS
    assert conditions <= _MAX_CONDITIONS
    assert called <= set(_CALLED.split("|"))
    assert all(len(text) <= _MAX_EXPRESSION for text in _expressions(name))


@NAMES
def test_what_may_be_absent_is_never_taken_for_granted(name: str) -> None:
    """A template function that fails denies, and so does a value that is null: these cannot."""
    for text in _expressions(name):
        assert any(re.fullmatch(shape, text) for shape in _SAFE), text


@NAMES
def test_lists_are_asked_by_in_or_counted(name: str) -> None:
    """Azure refuses a parameter that is a list anywhere else."""
    properties = _properties(name)
    lists = {
        f"[parameters('{key}')]"
        for key, one in properties["parameters"].items()
        if one["type"] == "Array"
    }
    where = {
        key
        for key, value in _walked(properties["policyRule"])
        if isinstance(value, str) and value in lists
    }

    assert where <= {"in", "notIn", "value"}


@NAMES
def test_without_the_parameters_that_it_needs_it_cannot_be_assigned(name: str) -> None:
    """Each of those without a default has to be said."""
    needed = [
        key for key, one in _properties(name)["parameters"].items() if "defaultValue" not in one
    ]
    content = definitions()[name]
    given: dict[str, object] = {key: ["a"] for key in needed}

    compile_policy(content, parameters=given)
    for key in needed:
        rest = {other: value for other, value in given.items() if other != key}
        with pytest.raises(ValueError, match=f"/parameters/{key}"):
            compile_policy(content, parameters=rest)
