"""`stageward policy test` says why, of what, and what it knows to be wrong though it can be tried."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stage_functions.wire.policy_definitions import definitions
from tests.cli.console import Done, run
from tests.policies.requests import GOVERNOR

VERSIONS = "Microsoft.MachineLearningServices/workspaces/models/versions"
IS_MODEL = {"field": "type", "equals": VERSIONS}
IS_ACCOUNT = {"field": "type", "equals": "Microsoft.Storage/storageAccounts"}
GUID = "2f0b0c6e-1111-4222-8333-444455556666"
VERSION = {"type": VERSIONS, "properties": {"tags": {"stage": "Production", "note": "x" * 80}}}


def tried(folder: Path, content: Mapping[str, Any], *arguments: str, **files: object) -> Done:
    """Try a definition on a version, with more files by name."""
    for name, file in {"tried": content, "version": VERSION, **files}.items():
        (folder / f"{name}.json").write_text(json.dumps(file), "utf-8")
    found = [str(folder / one) if one.endswith((".json", ".yaml")) else one for one in arguments]
    if "--cases" not in found:
        found += ["--resource", str(folder / "version.json")]
    return run("policy", "test", str(folder / "tried.json"), *found)


def rule(condition: Mapping[str, Any], mode: str = "All", **more: str) -> dict[str, Any]:
    """Return a definition that denies where a condition holds."""
    return {
        **more,
        "properties": {
            "displayName": "No loose models",
            "mode": mode,
            "parameters": {"effect": {"type": "String", "allowedValues": ["deny", "audit"]}},
            "policyRule": {"if": condition, "then": {"effect": "deny"}},
        },
    }


DENY = {"effect": "deny"}


def noted(folder: Path, condition: Mapping[str, Any], mode: str = "All") -> list[str]:
    """Return the notes on a definition that can be tried."""
    done = tried(folder, rule(condition, mode), "--parameters", "values.json", values=DENY)
    assert done.code in (0, 4), done.err
    before = f"Note: {folder / 'tried.json'}: "
    return [line.removeprefix(before) for line in done.err.splitlines()]


def test_what_was_read_is_shown_behind_the_effect(tmp_path: Path) -> None:
    """In short for people, whole for programs."""
    tags = {"field": f"{VERSIONS}/tags", "containsKey": "stage"}
    path = {"field": f"{VERSIONS}/path", "exists": False}
    definition = rule({"allOf": [IS_MODEL, tags, path]})
    done = tried(tmp_path, definition, "--parameters", "values.json", values=DENY)
    (one,) = tried(tmp_path, definition, "--parameters", "values.json", "--json").json

    assert "deny    properties.path is not recorded, properties.tags" in done.out
    assert "type = …/workspaces/models/versions" in " ".join(done.out.split())
    assert "x" * 80 not in done.out
    assert {
        "properties.path": "properties.path is not recorded",
        "properties.tags": json.dumps({"note": "x" * 80, "stage": "Production"}),
        "type": VERSIONS,
    } == one["values"]


@pytest.mark.parametrize(
    ("more", "title", "expected"),
    [
        ({"name": "loose"}, "No loose models", "loose"),
        ({"name": GUID}, "No loose models", "No loose models"),
        ({"name": GUID}, "", "tried"),
        ({}, "No loose models", "No loose models"),
    ],
)
def test_a_definition_is_called_as_people_know_it(
    tmp_path: Path, more: dict[str, str], title: str, expected: str
) -> None:
    """Azure names most of them by GUIDs."""
    definition = rule(IS_MODEL, **more)
    definition["properties"]["displayName"] = title
    done = tried(tmp_path, definition, "--parameters", "values.json", "--json", values=DENY)

    assert [expected] == [one["definition"] for one in done.json]


@pytest.mark.parametrize("called", ["No loose models", GUID, "tried"])
def test_a_case_may_call_a_definition_by_any_of_its_names(tmp_path: Path, called: str) -> None:
    """Its name, its display name, its file."""
    text = f"cases: [{{name: a, definition: {called}, resource: version.json, expect: deny}}]"
    (tmp_path / "cases.yaml").write_text(f"parameters: {{effect: deny}}\n{text}", "utf-8")
    done = tried(tmp_path, rule(IS_MODEL, name=GUID), "--cases", "cases.yaml", "--json")

    assert [("No loose models", "a", "deny")] == [
        (one["definition"], one["case"], one["expected"]) for one in done.json
    ]


def test_a_wrong_value_is_told_in_its_file(tmp_path: Path) -> None:
    """The definition is not at fault; nor is it where a value is missing, but it says so."""
    definition = rule(IS_MODEL)
    wrong = tried(tmp_path, definition, "--parameters", "values.json", values={"effect": "off"})
    missing = tried(tmp_path, definition)

    assert (
        f"{tmp_path / 'values.json'}: effect: the value is none of those allowed, with regard to "
        "case: deny, audit\n"
    ) == wrong.err
    assert f"{tmp_path / 'tried.json'}: /parameters/effect: the parameter" in missing.err


@pytest.mark.parametrize("file", ["tried", "version", "values"])
def test_a_name_twice_in_an_object_is_refused(tmp_path: Path, file: str) -> None:
    """Which of the two Azure takes is not known."""
    definition = rule(IS_MODEL)
    tried(tmp_path, definition, "--parameters", "values.json", values=DENY)
    path = tmp_path / f"{file}.json"
    path.write_text(f'{{"x": 1, "x": 2, {path.read_text("utf-8")[1:]}', "utf-8")
    done = run(
        *("policy", "test", str(tmp_path / "tried.json")),
        *("--resource", str(tmp_path / "version.json")),
        *("--parameters", str(tmp_path / "values.json")),
    )

    assert (1, f"{path} is not JSON: an object has 'x' twice\n") == (done.code, done.err)


IF = "/properties/policyRule/if"
NOTES: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "an alias that is none": (
        {"field": f"{VERSIONS}/descripton", "exists": False},
        f"{IF}: no alias of models in Azure is known as 'descripton'; did you mean 'description'?",
    ),
    "an alias in an expression": (
        {"value": f"[field('{VERSIONS}/descripton')]", "equals": "a"},
        f"{IF}/value: no alias of models in Azure is known as 'descripton'; did you mean "
        "'description'?",
    ),
    "one of another kind that is near": (
        {"field": VERSIONS.replace("models", "data") + "/isAnonymus", "exists": False},
        f"{IF}: no alias of data in Azure is known as 'isAnonymus'; did you mean 'isAnonymous'?",
    ),
    "a field that is none": (
        {"field": "locaton", "exists": False},
        f"{IF}: Azure has no field 'locaton'; below properties it takes aliases only; did you mean "
        "'location'?",
    ),
    "a path": (
        {"field": "properties.description", "exists": False},
        f"{IF}: Azure has no field 'properties.description'; below properties it takes aliases only",
    ),
    "in a text": (
        {"field": "name", "in": "3"},
        f'{IF}: in takes an array, and this is a text; write ["3"]',
    ),
    "two stars": (
        {"not": {"field": "name", "notLike": "*3*"}},
        f"{IF}/not: notLike takes one * in Azure, and '*3*' has more",
    ),
    "a number and a text": (
        {"not": {"count": {"value": [1]}, "less": "many"}},
        f"{IF}/not: less compares a number and a text that is none; Azure may fail",
    ),
}


@pytest.mark.parametrize(("condition", "note"), NOTES.values(), ids=NOTES)
def test_what_azure_would_not_take_is_noted(
    tmp_path: Path, condition: Mapping[str, Any], note: str
) -> None:
    """Beside the answer, each once: Microsoft's list may have grown, so it is no fault."""
    assert [note] == noted(tmp_path, condition)


@pytest.mark.parametrize(
    "condition",
    [
        IS_MODEL,
        {"field": f"{VERSIONS}/tags", "exists": True},
        {"field": "name", "equals": "3"},
        {"field": "type", "like": "Microsoft.MachineLearningServices/*"},
        {"field": "type", "notEquals": "Microsoft.Storage/storageAccounts"},
        {"not": IS_ACCOUNT},
    ],
)
def test_a_mode_in_which_it_is_never_asked_is_noted(
    tmp_path: Path, condition: Mapping[str, Any]
) -> None:
    """Versions have no location."""
    assert [
        "/properties/mode: in the mode Indexed Azure never evaluates versions of assets, which have "
        "no tags of a resource and no location; write All"
    ] == noted(tmp_path, condition, "Indexed")
    assert [] == noted(tmp_path, {"field": "type", "equals": "Microsoft.Storage/x"}, "Indexed")


@pytest.mark.parametrize(
    "condition",
    [
        {"field": "tags[stage]", "equals": "Production"},
        {"field": "tags['stage']", "equals": "Production"},
        {"field": "tags.stage", "equals": "Production"},
        {"field": "tags", "containsKey": "stage"},
        {"value": "[field('tags')]", "containsKey": "stage"},
        {"allOf": [IS_MODEL, {"field": "tags.stage", "exists": True}]},
        {
            "allOf": [
                {"field": "Type", "like": "*/Versions"},
                {"field": "Tags.stage", "exists": True},
            ]
        },
    ],
)
def test_tags_that_versions_do_not_have_are_noted(
    tmp_path: Path, condition: Mapping[str, Any]
) -> None:
    """Their tags are among their properties: the rule would never find one."""
    (note,) = noted(tmp_path, condition)

    assert ": versions of assets have no tags of a resource, and '" in note
    assert note.endswith(f"; theirs are {VERSIONS}/tags")


@pytest.mark.parametrize(
    "type_", [{"equals": "Microsoft.Storage/a"}, {"in": ["a/b"]}, {"like": "Microsoft.Storage/*"}]
)
@pytest.mark.parametrize(
    "left", [{"field": "type"}, {"value": "[field('type')]"}], ids=["field", "value"]
)
def test_tags_of_other_resources_are_not_noted(
    tmp_path: Path, type_: Mapping[str, Any], left: Mapping[str, Any]
) -> None:
    """A rule about others has every right to ask for theirs."""
    assert [] == noted(
        tmp_path, {"allOf": [{**left, **type_}, {"field": "tags.stage", "exists": True}]}
    )


@pytest.mark.parametrize(
    "condition",
    [
        IS_MODEL,
        {"field": f"{VERSIONS}/intellectualProperty.publisher", "exists": True},
        {"field": VERSIONS.replace("models", "components") + "/componentSpec", "exists": True},
        {"allOf": [IS_ACCOUNT, {"field": "tags['a*b*']", "like": "a*"}]},
        {"field": "identity.type", "in": ["None"]},
        {"field": "Microsoft.Storage/storageAccounts/anything", "exists": True},
        {"count": {"value": [1]}, "less": "3"},
        {"value": "a", "less": "b"},
    ],
)
def test_what_is_right_or_not_known_is_not_noted(
    tmp_path: Path, condition: Mapping[str, Any]
) -> None:
    """A note is worth reading."""
    assert [] == noted(tmp_path, condition)


@pytest.mark.parametrize("name", list(definitions()))
def test_nothing_is_noted_of_our_own(tmp_path: Path, name: str) -> None:
    """They are for Azure."""
    values = {"approvedObjectIds": [GOVERNOR], "workspaces": ["dev"]}
    stages = {"openStages": ["None"], "deletableStages": ["None"]}
    known: Any = definitions()[name]
    given = {
        key: value
        for key, value in {**values, **stages}.items()
        if key in known["properties"]["parameters"]
    }
    done = tried(tmp_path, known, "--parameters", "values.json", values=given)

    assert "" == done.err
