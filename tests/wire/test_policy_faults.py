"""What may be wrong with a rule that is a definition of Azure Policy, told where it is written."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from stage_functions.domain.error import ConfigurationError
from stage_functions.wire.configuration import load
from tests.policies_as_rules import FILE, FILES, IS_MODEL, OWNER, VERSIONS, files, rule
from tests.wire.configuration_file import RULES

OWNED = "azure_policy: policies/owner.json"
PARAMETERS = "        parameters: {effect: deny}\n"
SECONDS = 5
"""However hostile a definition is; a slow machine is no fault."""


def faults(text: str, known: Mapping[str, str] = FILES) -> list[str]:
    """Return the faults of a configuration, each as `line:column: message`."""
    try:
        load(text, path="x", environment={}, check_rule=RULES.check, read_file=files(known))
    except ConfigurationError as exc:
        return [line.removeprefix("x:") for line in str(exc).split("\n")[1:]]
    return []


def of_file(definition: Mapping[str, Any], parameters: str = "") -> list[str]:
    """Return the faults where the file has another definition."""
    return faults(
        FILE.replace(PARAMETERS, parameters), {"policies/owner.json": json.dumps(definition)}
    )


def inline(written: str) -> list[str]:
    """Return the faults where the definition is written in place."""
    return faults(FILE.replace(OWNED, written).replace(PARAMETERS, ""), {})


def test_a_sound_one_has_none() -> None:
    """In whichever of its forms."""
    whole, body = OWNER, OWNER["properties"]
    plain = rule({"allOf": [IS_MODEL, {"field": f"{VERSIONS}/tags", "containsKey": "owner"}]})

    assert [] == faults(FILE)
    assert [[], []] == [of_file(one, PARAMETERS) for one in (whole, body)]
    assert [] == of_file(plain)
    assert [] == inline(f"azure_policy: {json.dumps(plain)}")


SHAPES = {
    "both": (
        OWNED,
        f'{OWNED}\n        cel: "true"',
        "17:7: owned has 'cel' and 'azure_policy', of which it takes one",
    ),
    "neither": (f"        {OWNED}\n", "", "17:7: owned lacks 'cel' or 'azure_policy'"),
    "a number": (OWNED, "azure_policy: 3", "18:23: azure_policy must be a text or a mapping"),
    "empty": (OWNED, 'azure_policy: ""', "18:23: azure_policy must not be empty"),
    "nothing": (OWNED, "azure_policy: {}", "18:9: azure_policy must not be empty"),
    "a list of parameters": (
        "parameters: {effect: deny}",
        "parameters: [deny]",
        "19:9: parameters must be a mapping, not a list",
    ),
    "unknown key": (OWNED, f"{OWNED}\n        effect: deny", "19:9: unknown key 'effect'"),
    "parameters of an expression": (
        'soaked: {cel: "now >= in_stage_since"',
        'soaked: {cel: "now >= in_stage_since", parameters: {a: 1}',
        "21:46: rule soaked: parameters are of azure_policy; write values into the expression",
    ),
    "shows": (
        "says: it names its owner",
        "shows: [evidence.job.id]",
        "20:9: rule owned: shows is of rules in cel; a policy shows the fields it reads",
    ),
    "missing file": (
        "policies/owner.json",
        "policies/none.json",
        "18:23: rule owned: policies/none.json: there is no such file",
    ),
    "outside": (
        "policies/owner.json",
        "../owner.json",
        "18:23: rule owned: ../owner.json: a definition is in the folder of the configuration file "
        "or below it; write the path from there, such as policies/deny.json",
    ),
    "a value that is not allowed": (
        "{effect: deny}",
        "{effect: Deny}",
        "19:30: rule owned: 'effect': the value is none of those allowed",
    ),
    "unknown parameter": (
        "{effect: deny}",
        "{effect: deny, stage: x}",
        "19:43: rule owned: the definition has no parameter 'stage'; did you mean 'stages'?",
    ),
}


@pytest.mark.parametrize(("old", "new", "told"), SHAPES.values(), ids=SHAPES)
def test_what_is_wrong_in_the_file_is_told_with_line_and_column(
    old: str, new: str, told: str
) -> None:
    """In the words of every other fault."""
    assert old in FILE
    (found, *more) = faults(FILE.replace(old, new, 1))

    assert found.startswith(told)
    assert [] == more


def test_without_a_folder_the_definition_is_to_be_written_in_place() -> None:
    """Where a configuration is only a text."""
    with pytest.raises(ConfigurationError, match="write the definition itself in its place"):
        load(FILE, path="x", environment={}, check_rule=RULES.check)


def test_a_file_that_is_no_json_is_told_with_its_place() -> None:
    """Of the file that names it, and in its own."""
    (found,) = faults(FILE, {"policies/owner.json": '{\n  "if": }'})

    assert (
        "18:23: rule owned: policies/owner.json: it is not JSON: Expecting value (line 2" in found
    )


def test_every_fault_is_told_at_once() -> None:
    """Of several files, and of the rest."""
    text = FILE.replace("now >=", "then >=").replace(
        "    transitions:", ("      other: {azure_policy: other.json}\n    transitions:"), 1
    )
    found = faults(text, {"policies/owner.json": "[]"})

    assert ["18:23", "21:21", "22:29"] == [one.partition(": ")[0] for one in found]


DEFINITIONS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "unknown operator": (rule({**IS_MODEL, "equal": 1}), "/if"),
    "two left-hand sides": (rule({"field": "type", "value": 1, "equals": "a"}), "/if"),
    "wrong nesting": (rule({"allOf": {"field": "type", "equals": "a"}}), "/if/allOf"),
    "unknown function": (rule({"value": "[nosuch()]", "equals": 1}), "/if"),
    "no then": ({"if": IS_MODEL}, "/"),
    "no if": ({"then": {"effect": "deny"}}, "/"),
    "neither": ({"hello": 1}, "/"),
    "another kind of document": ({"properties": {"policyDefinitions": []}}, "/"),
}


@pytest.mark.parametrize(("definition", "place"), DEFINITIONS.values(), ids=DEFINITIONS)
def test_what_is_no_definition_is_told_with_its_json_pointer(
    definition: Mapping[str, Any], place: str
) -> None:
    """The line is that of the rule, and the file is named."""
    (found,) = of_file(definition)

    assert found.startswith(f"18:23: rule owned: policies/owner.json: {place}")


def test_of_a_definition_that_is_written_in_place_the_line_is_told() -> None:
    """Down to the condition that is wrong."""
    (found,) = inline(
        "azure_policy:\n"
        "          if:\n"
        "            allOf:\n"
        "              - {field: type, equals: a}\n"
        "              - {field: name, equal: b}\n"
        "          then: {effect: deny}"
    )

    assert found.startswith("22:")
    assert "/if/allOf/1" in found


MEANT: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "a parameter without a value": (
        {
            "parameters": {"tag": {"type": "String"}},
            "policyRule": rule({"field": f"{VERSIONS}/tags", "containsKey": "[parameters('tag')]"}),
        },
        "the definition's parameter 'tag' has no default: give it a value under parameters",
    ),
    "Indexed": ({"mode": "Indexed", "policyRule": rule(IS_MODEL)}, "its mode is Indexed, in which"),
    "a mode of deployments": (
        {"mode": "Microsoft.MachineLearningServices.v2.Data", "policyRule": rule(IS_MODEL)},
        "its mode is Microsoft.MachineLearningServices.v2.Data, in which",
    ),
    "deletions": (
        {
            "if": IS_MODEL,
            "then": {"effect": "denyAction", "details": {"actionNames": ["delete"]}},
        },
        "its effect is denyAction, which is about deletions",
    ),
    "who writes": (
        rule({"value": "[requestContext().identity.appid]", "notEquals": "x"}),
        "it reads requestContext()",
    ),
    "where it is": (
        rule({"value": "[resourceGroup().location]", "equals": "x"}),
        "it reads resourceGroup(), which is known only where Azure is asked to write",
    ),
    "an alias that no approval is bound to": (
        rule({"field": f"{VERSIONS}/modelUri", "like": "azureml://registries/*"}),
        f"it reads {VERSIONS}/modelUri, which no rule sees, since no approval is bound to it; of "
        "models there are description, isAnonymous, isArchived, properties, tags, jobName, modelType",
    ),
    "one of the namespace": (
        rule({"field": "Microsoft.MachineLearningServices/modelUri", "exists": False}),
        "it reads Microsoft.MachineLearningServices/modelUri, which no rule sees",
    ),
    "all properties": (
        rule({"value": "[field('properties').modelUri]", "equals": "x"}),
        "it reads all properties, of which no rule sees most",
    ),
    "a path from the top": (
        rule({"field": "Properties.modelUri", "equals": "x"}),
        "it reads Properties.modelUri, which no rule sees",
    ),
    "of another kind": (
        rule({"field": VERSIONS.replace("models", "data") + "/dataUri", "exists": False}),
        "of data there are description, isAnonymous, isArchived, properties, tags",
    ),
    "a computed name": (
        rule({"field": "[concat('tags', '.', utcNow())]", "exists": False}),
        "it reads a field whose name is computed",
    ),
}


@pytest.mark.parametrize(("definition", "told"), MEANT.values(), ids=MEANT)
def test_what_would_look_checked_and_never_be_is_refused(
    definition: Mapping[str, Any], told: str
) -> None:
    """Azure has more to look at than a rule: what a rule is not shown is never a silent pass."""
    (found,) = of_file(definition)

    assert told in found


def deep(levels: int) -> dict[str, Any]:
    """Return a condition within a condition, so many times."""
    found: dict[str, Any] = dict(IS_MODEL)
    for _ in range(levels):
        found = {"not": found}
    return found


LONG = "x" * 100_000
HOSTILE: Mapping[str, Mapping[str, Any]] = {
    "deep": rule(deep(90)),
    "many": rule({"allOf": [IS_MODEL] * 4_000 + [{"field": "name", "equals": "a"}] * 200}),
    "a long key": rule({LONG: [1] * 40_000}),
    "many keys": {f"k{n}": n for n in range(15_000)},
    "brackets": rule({"value": "[" + "concat(" * 5000 + ")" * 5000 + "]", "equals": 1}),
    "a long text": rule({"value": f"[concat('{LONG}', '{LONG[:50_000]}')]", "equals": 1}),
    "quotes": rule({"value": "[" + "'" * 99_999 + "]", "equals": 1}),
    "a path": rule({"field": "a" + ".b" * 50_000, "equals": 1}),
    "stars": rule({"field": "name", "like": "*a" * 50_000}),
}


@pytest.mark.parametrize("definition", HOSTILE.values(), ids=HOSTILE)
def test_hostile_definitions_are_refused_soon(definition: Mapping[str, Any]) -> None:
    """With a reason, or they are sound after all: never a crash, and never a long wait."""
    begun = time.perf_counter()
    found = of_file(definition)

    assert time.perf_counter() - begun < SECONDS
    assert all(len(one) < 1000 for one in found)


@pytest.mark.parametrize("levels", [50, 95, 200, 400, 5000])
def test_a_configuration_that_is_nested_deeply_is_refused(levels: int) -> None:
    """Whatever it is that is written so."""
    found = inline("azure_policy: {if: " + "{not: " * levels + "1" + "}" * levels + "}")

    assert found
    assert all("azure_policy" in one or "deep" in one or "rule owned" in one for one in found)
