"""`stageward policy test` never calls allowed what Azure denies, or may deny."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stage_functions.wire.policy_definitions import definitions
from tests.cli.console import Done, run
from tests.policies.requests import ABSENT, by, policy, version

ANY = {"field": "type", "exists": True}
READS_A_TAG = {"value": "[field('tags').owner]", "notEquals": "risk"}


def tried(folder: Path, rule: object, *arguments: str, parameters: object = None) -> Done:
    """Try a rule or a definition on a resource without tags."""
    (folder / "tried.json").write_text(json.dumps(rule), "utf-8")
    (folder / "it.json").write_text(json.dumps({"type": "A/b", "tags": {}}), "utf-8")
    found = [str(folder / "tried.json"), "--resource", str(folder / "it.json"), *arguments]
    if parameters is not None:
        (folder / "values.json").write_text(json.dumps(parameters), "utf-8")
        found += ["--parameters", str(folder / "values.json")]
    return run("policy", "test", *found)


def cases(folder: Path, rule: object, text: str) -> Done:
    """Try a rule on a file of cases."""
    (folder / "tried.json").write_text(json.dumps(rule), "utf-8")
    (folder / "cases.yaml").write_text(f"definitions: [tried.json]\n{text}", "utf-8")
    return run("policy", "test", "--cases", str(folder / "cases.yaml"))


@pytest.mark.parametrize("spelled", ["deny", "Deny", "DENY", "denyaction", "DenyAction"])
def test_what_is_denied_exits_4_however_it_is_spelled(tmp_path: Path, spelled: str) -> None:
    """Microsoft's built-in definitions say "Deny" as often as "deny"."""
    done = tried(tmp_path, {"if": ANY, "then": {"effect": spelled}}, "--json")

    assert 4 == done.code
    assert [True] == [one["denies"] for one in done.json]
    assert done.json[0]["effect"] in {"deny", "denyAction"}


def test_cases_expect_an_effect_however_it_is_spelled(tmp_path: Path) -> None:
    """On either side."""
    rule = {"if": ANY, "then": {"effect": "AuditIfNotExists", "details": {"type": "A/c"}}}
    text = "cases: [{name: a, resource: {type: x}, expect: auditifnotexists}]"

    assert 0 == cases(tmp_path, rule, text).code


@pytest.mark.parametrize("effect", ["deny", "audit"])
def test_a_member_that_is_not_there_may_be_denied(tmp_path: Path, effect: str) -> None:
    """The condition does not hold, and Azure may fail on it: that is not called allowed."""
    done = tried(tmp_path, {"if": READS_A_TAG, "then": {"effect": effect}}, "--json")

    assert 4 == done.code
    assert ("fails", True) == (done.json[0]["effect"], done.json[0]["denies"])
    assert (
        "/if/value: the member 'owner' is not there, where Azure may fail;" in done.json[0]["says"]
    )
    assert done.json[0]["says"].endswith("(else: none)")


def test_cases_do_not_call_it_allowed_either(tmp_path: Path) -> None:
    """Whoever knows what Azure does there expects that it fails."""
    rule = {"if": READS_A_TAG, "then": {"effect": "deny"}}
    text = (
        "cases:\n"
        "  - {name: allowed, resource: {type: x, tags: {}}, expect: none}\n"
        "  - {name: denied, resource: {type: x, tags: {}}, expect: fails}\n"
    )
    done = cases(tmp_path, rule, text)

    assert 1 == done.code
    assert "1 of 2 are as expected" in done.out


DEFINITION = {
    "Properties": {
        "Parameters": {"effect": {"type": "String", "defaultValue": "audit"}},
        "PolicyRule": {"if": ANY, "then": {"effect": "[parameters('effect')]"}},
    }
}
VALUE = {"effect": {"value": "deny"}}


@pytest.mark.parametrize(
    "parameters",
    [
        {"effect": "deny"},
        {"Effect": "deny"},
        VALUE,
        {"properties": {"policyDefinitionId": "/x", "parameters": VALUE}},
        {"$schema": "s", "contentVersion": "1.0.0.0", "parameters": VALUE},
    ],
)
def test_values_are_found_wherever_azure_keeps_them(tmp_path: Path, parameters: object) -> None:
    """Plainly, in an assignment, in a file of parameters; names without regard to case."""
    assert 4 == tried(tmp_path, DEFINITION, parameters=parameters).code


def test_a_rule_alone_takes_values_too(tmp_path: Path) -> None:
    """It says nothing of its parameters, so none of them is unknown."""
    rule = {
        "if": {"field": "type", "equals": "[parameters('wanted')]"},
        "then": {"effect": "deny"},
    }

    assert 4 == tried(tmp_path, rule, parameters={"wanted": "A/b"}).code
    assert 0 == tried(tmp_path, rule, parameters={"wanted": "A/c"}).code


def test_the_values_of_a_case_win(tmp_path: Path) -> None:
    """Over those for all cases, without regard to case."""
    text = (
        "parameters: {effect: deny}\n"
        "cases: [{name: a, parameters: {EFFECT: audit}, resource: {type: x}, expect: audit}]"
    )

    assert 0 == cases(tmp_path, DEFINITION, text).code


def test_files_of_windows_are_read(tmp_path: Path) -> None:
    """They may begin with a mark of their byte order."""
    (tmp_path / "bom.json").write_text(json.dumps(DEFINITION), "utf-8-sig")
    (tmp_path / "it.json").write_text('{"type": "A/b"}', "utf-8-sig")
    done = run(
        "policy", "test", str(tmp_path / "bom.json"), "--resource", str(tmp_path / "it.json")
    )

    assert (0, "") == (done.code, done.err)


TAGS: list[object] = [ABSENT, None, {}, {"stage": "None"}, {"Stage": "Production"}, "text"]


@pytest.mark.parametrize("name", list(definitions()))
@pytest.mark.parametrize("who", ["the governor", "a person", "an identity without claims"])
def test_no_definition_of_ours_reads_what_may_not_be_there(name: str, who: str) -> None:
    """So nobody is denied, and no trial unsure, because a tag or a claim is absent."""
    resources = [*(version(tags=tags) for tags in TAGS), {}, {"type": "A/b", "id": "/x"}]

    for resource in resources:
        for request in (by(who), {}):
            assert not policy(name).decide(resource, request_context=request).unsure
