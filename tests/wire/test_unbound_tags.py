"""A rule about a tag that no rule may see is a fault of the file: it would answer the same always."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from stage_functions.domain.configuration import Configuration
from stage_functions.domain.error import ConfigurationError
from stage_functions.wire.configuration import load
from tests.policies_as_rules import VERSIONS, rule
from tests.wire.configuration_file import RULES

TAGS = f"{VERSIONS}/tags"
FILE = """\
version: 1
registries:
  - {alias: demo, type: mlflow, address: "http://mlflow.example"%s}
lifecycles:
  - name: default
    applies_to: ["*/*/*"]
    bind: %s
    stages: {None: {initial: true}, Production: {}}
    rules:
      unblocked:
        %s
    transitions: [{from: None, to: Production, rules: [unblocked]}]
"""
SHOWN = ", mirror_to: [tag, presence], presence: {Production: prod}"
UNBOUND = "it reads the tag '%s', which no rule sees, since bind has no glob for it; add it to bind"
RESOURCE_TAG = f"a version has none such; write {VERSIONS.replace('models', '<kind>')}/tags"


def told(written: str, bind: str = "[]", more: str = "") -> list[str]:
    """Return the faults of a file with one rule."""
    try:
        _load(FILE % (more, bind, written))
    except ConfigurationError as exc:
        return str(exc).split("\n")[1:]
    return []


def _load(text: str) -> Configuration:
    return load(text, path="x", environment={}, check_rule=RULES.check)


def cel(expression: str, bind: str = "[]", more: str = "") -> list[str]:
    """Return the faults of a file whose rule is an expression."""
    return told(f"cel: {json.dumps(expression)}", bind, more)


def policy(condition: Mapping[str, Any], bind: str = "[]", more: str = "") -> list[str]:
    """Return the faults of a file whose rule is a definition."""
    return told(f"azure_policy: {json.dumps(rule(condition))}", bind, more)


def about(condition: Mapping[str, Any], **parameters: object) -> list[str]:
    """Return the faults of a file whose rule is a definition with parameters."""
    definition = {
        "parameters": {
            name: {"type": "Array" if isinstance(value, list) else "String", "defaultValue": value}
            for name, value in parameters.items()
        },
        "policyRule": rule(condition),
    }
    return told(f"azure_policy: {json.dumps(definition)}")


@pytest.mark.parametrize(
    "expression",
    [
        "!has(version.tags.blocked)",
        "version.tags.blocked != 'yes'",
        "version.tags['blocked'] != 'yes'",
        'version.tags["blocked"] != "yes"',
        "version.tags[r'blocked'] != 'yes'",
        "version['tags']['blocked'] != 'yes'",
        "version.tags.`blocked` != 'yes'",
        "!version.tags.blocked.startsWith('y')",
        "!('blocked' in version.tags)",
        "!(true && 'blocked' in (version.tags))",
        "holder == null || !has(holder.tags.blocked)",
        "holder == null || !('blocked' in holder.tags)",
    ],
)
def test_an_expression_about_an_unbound_tag_is_told(expression: str) -> None:
    """However the key is written; bound, it is sound."""
    assert [f"x:11:14: rule unblocked: {UNBOUND % 'blocked'}"] == cel(expression)
    assert [f"x:11:14: rule unblocked: {UNBOUND % 'blocked'}"] == cel(expression, "[Blocked, b]")
    assert [] == cel(expression, "[blo*]")


@pytest.mark.parametrize(
    "expression",
    [
        "version.tags['blocked-' + request.to] != 'yes'",
        "version.tags[request.to] != 'yes'",
        "('blocked' + request.to) in version.tags",
        "'block' + 'ed' in version.tags",
        "'blocked' in version.tags.team",
        "'blocked' in version.properties",
        "evidence.params.tags == 'blocked'",
        "size(version.tags) > 0",
        "version.tags.all(key, key != 'blocked')",
    ],
)
def test_what_is_worked_out_or_of_something_else_is_not_guessed(expression: str) -> None:
    """Nobody knows the key before there is a version."""
    assert [] == cel(expression, "[team]")


def test_where_nothing_is_bound_no_expression_reads_tags() -> None:
    """There are none, whatever a version carries."""
    assert [
        "x:11:14: rule unblocked: it reads tags, of which no rule sees any: add those that it needs "
        "to bind"
    ] == cel("version.tags.all(key, key != 'blocked')")


def test_what_a_rule_shows_is_looked_at_too() -> None:
    """With its own place."""
    shows = 'cel: "true"\n        shows: [version.stage, version.tags.blocked]'

    assert [f"x:12:32: rule unblocked shows 'version.tags.blocked': {UNBOUND % 'blocked'}"] == told(
        shows
    )


@pytest.mark.parametrize("key", ["stage", "stage_request", "prod", "approval"])
def test_tags_of_stageward_are_not_to_be_bound(key: str) -> None:
    """They change as it answers: the way out is another one."""
    assert [
        f"x:11:14: rule unblocked: it reads the tag '{key}', which Stageward writes itself and no "
        "rule sees; the stage is version.stage"
    ] == cel(f"!has(version.tags.{key})", more=SHOWN)


CONDITIONS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "containsKey": ({"field": TAGS, "containsKey": "blocked"}, "if"),
    "notContainsKey": ({"not": {"field": TAGS, "notContainsKey": "blocked"}}, "if/not"),
    "from the top": ({"field": "properties.tags.blocked", "exists": True}, "if"),
    "below the alias": ({"field": f"{TAGS}.blocked", "exists": True}, "if"),
    "in brackets": ({"field": f"{TAGS}['blocked']", "exists": True}, "if"),
    "member": ({"value": f"[field('{TAGS}').blocked]", "equals": "yes"}, "if/value"),
    "member in brackets": ({"value": f"[field('{TAGS}')['blocked']]", "equals": "y"}, "if/value"),
    "guarded": (
        {"value": f"[coalesce(tryGet(field('{TAGS}'), 'blocked'), '')]", "equals": "yes"},
        "if/value",
    ),
    "asked by a function": (
        {"value": f"[if(contains(field('{TAGS}'), 'blocked'), 'yes', '')]", "equals": "yes"},
        "if/value",
    ),
    "of a guarded object": (
        {"value": f"[coalesce(field('{TAGS}'), createObject()).blocked]", "equals": "yes"},
        "if/value",
    ),
    "the value of tags": ({"value": f"[field('{TAGS}')]", "containsKey": "blocked"}, "if"),
    "on the right": ({"field": "name", "equals": f"[field('{TAGS}').blocked]"}, "if/equals"),
    "of another kind": (
        {"field": TAGS.replace("models", "data"), "containsKey": "blocked"},
        "if",
    ),
}


@pytest.mark.parametrize(("condition", "place"), CONDITIONS.values(), ids=CONDITIONS)
def test_a_definition_about_an_unbound_tag_is_told(
    condition: Mapping[str, Any], place: str
) -> None:
    """With its place in the definition; bound, it is sound, and case does not count."""
    (fault,) = policy(condition)

    assert fault.endswith(f": rule unblocked: /{place}: {UNBOUND % 'blocked'}")
    assert [] == policy(condition, "['Block*']")


@pytest.mark.parametrize(
    ("condition", "parameters"),
    [
        ({"field": TAGS, "containsKey": "[parameters('key')]"}, {"key": "blocked"}),
        (
            {
                "count": {
                    "value": "[parameters('keys')]",
                    "name": "key",
                    "where": {"field": TAGS, "containsKey": "[current('key')]"},
                },
                "greater": 0,
            },
            {"keys": ["stage", "blocked"]},
        ),
        (
            {
                "count": {
                    "value": ["stage", "blocked"],
                    "where": {"field": TAGS, "containsKey": "[current()]"},
                },
                "greater": 0,
            },
            {},
        ),
    ],
)
def test_keys_that_parameters_give_are_told_too(
    condition: Mapping[str, Any], parameters: Mapping[str, object]
) -> None:
    """Alone, or one by one in a count."""
    (fault,) = about(condition, **parameters)

    assert UNBOUND % "blocked" in fault


@pytest.mark.parametrize(
    "condition",
    [
        {"field": TAGS, "containsKey": "stage"},
        {"field": TAGS, "containsKey": "[field('name')]"},
        {"field": TAGS, "exists": True},
        {"field": "Microsoft.Storage/storageAccounts/tags", "containsKey": "blocked"},
        {"field": f"{VERSIONS}/properties", "containsKey": "blocked"},
    ],
)
def test_what_a_policy_sees_or_nobody_knows_is_sound(condition: Mapping[str, Any]) -> None:
    """Its stage as the write would set it; what is worked out; what is not of versions."""
    assert [] == policy(condition)


def test_keys_that_the_write_sets_are_seen_by_policies() -> None:
    """`prod` where a tag stands for the stage; not what only asks."""
    prod, asks = ({"field": TAGS, "containsKey": key} for key in ("prod", "stage_request"))
    (unshown,) = policy(prod)
    (asked,) = policy(asks, more=SHOWN)

    assert [] == policy(prod, more=SHOWN)
    assert UNBOUND % "prod" in unshown
    assert "the tag 'stage_request', which Stageward writes itself" in asked


@pytest.mark.parametrize("field", ["tags['blocked']", "tags.blocked", "tags[blocked]"])
def test_tags_of_the_resource_are_none_of_a_version(field: str) -> None:
    """Azure finds none there either; bound or not."""
    for bind in ("[]", "[blocked]"):
        (fault,) = policy({"field": field, "exists": True}, bind)
        assert RESOURCE_TAG in fault
