"""`stageward policy test`: definitions are tried on resources, and on files of cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stage_functions.wire.policy_definitions import STAGE_TAG, definitions
from tests.cli.console import Done, run
from tests.policies.requests import GOVERNOR, by, tagged

RULE = {
    "if": {"field": "tags['owner']", "exists": False},
    "then": {"effect": "[parameters('effect')]"},
}
DEFINITION = {
    "name": "needs-an-owner",
    "properties": {
        "mode": "All",
        "parameters": {"effect": {"type": "String", "defaultValue": "deny"}},
        "policyRule": RULE,
    },
}
OWNED = {"type": "Microsoft.A/b", "tags": {"owner": "anna"}}
LOST = {"type": "Microsoft.A/b"}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return a folder with a definition and two resources."""
    for name, content in (("owner", DEFINITION), ("owned", OWNED), ("lost", LOST)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content), "utf-8")
    return tmp_path


def tried(folder: Path, *arguments: str) -> Done:
    """Run the command; arguments that are files there are found there."""
    found = [str(folder / one) if (folder / one).exists() else one for one in arguments]
    return run("policy", "test", *found)


def cases(folder: Path, text: str) -> Done:
    """Run it on a file of cases."""
    (folder / "cases.yaml").write_text(text, "utf-8")
    return tried(folder, "owner.json", "--cases", "cases.yaml")


def test_what_nothing_denies_exits_0(here: Path) -> None:
    """The effect is shown for each resource."""
    done = tried(here, "owner.json", "--resource", "owned.json")

    assert (0, "") == (done.code, done.err)
    assert ["needs-an-owner", str(here / "owned.json"), "none"] == done.out.splitlines()[1].split()[
        :3
    ]


def test_what_is_denied_exits_4(here: Path) -> None:
    """As `stageward check` does; one is enough."""
    done = tried(here, "owner.json", "--resource", "owned.json", "--resource", "lost.json")

    assert (4, "") == (done.code, done.err)
    assert ["none", "deny"] == [line.split()[2] for line in done.out.splitlines()[1:]]


def test_what_only_watches_exits_0(here: Path) -> None:
    """By the parameters that an assignment would have, written either way."""
    for number, parameters in enumerate(({"effect": "audit"}, {"effect": {"value": "audit"}})):
        (here / f"p{number}.json").write_text(json.dumps(parameters), "utf-8")
        done = tried(
            here, "owner.json", "--resource", "lost.json", "--parameters", f"p{number}.json"
        )
        assert 0 == done.code
        assert "audit" in done.out


def test_programs_get_json(here: Path) -> None:
    """One object for each definition and resource."""
    done = tried(here, "owner.json", "--resource", "lost.json", "--json")

    assert 4 == done.code
    assert [
        {
            "definition": "needs-an-owner",
            "resource": str(here / "lost.json"),
            "effect": "deny",
            "denies": True,
            "values": {"tags['owner']": "tags['owner'] is not recorded"},
        }
    ] == done.json


def test_a_rendered_policy_is_tried_as_the_page_shows(here: Path) -> None:
    """By who asks, and by what the assignment says."""
    (here / "tag.json").write_text(json.dumps(definitions()[STAGE_TAG]), "utf-8")
    values = {
        "effect": "deny",
        "openStages": ["None"],
        "approvedObjectIds": [GOVERNOR],
        "workspaces": ["dev"],
    }
    (here / "values.json").write_text(json.dumps(values), "utf-8")
    (here / "version.json").write_text(json.dumps(tagged("Production")), "utf-8")
    codes = []
    for who in ("the governor", "a person"):
        (here / "who.json").write_text(json.dumps(by(who)), "utf-8")
        asked = ("--resource", "version.json", "--parameters", "values.json")
        codes.append(tried(here, "tag.json", *asked, "--request-context", "who.json").code)

    assert [0, 4] == codes


def test_where_azure_would_fail_it_denies(here: Path) -> None:
    """A template function that fails is shown with its place; the request would be refused."""
    rule = {
        "if": {"value": "[substring(field('name'),0,3)]", "equals": "a"},
        "then": {"effect": "audit"},
    }
    (here / "fails.json").write_text(json.dumps(rule), "utf-8")
    done = tried(here, "fails.json", "--resource", "owned.json")
    told = tried(here, "fails.json", "--resource", "owned.json", "--json").json

    assert 4 == done.code
    assert "fails: Azure denies  /if/value: " in done.out
    assert ("fails", True) == (told[0]["effect"], told[0]["denies"])
    assert told[0]["says"].startswith("/if/value: ")


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ({"if": {"field": "type", "equal": "a"}, "then": {"effect": "deny"}}, "/if"),
        ({"if": {"field": "type", "value": "b", "equals": "a"}, "then": {"effect": "deny"}}, "/if"),
        (
            {"if": {"value": "[nosuch('a')]", "equals": "a"}, "then": {"effect": "deny"}},
            "/if/value",
        ),
        ({"if": {"allOf": {}}, "then": {"effect": "deny"}}, "/if/allOf"),
        ({"then": {"effect": "deny"}}, "/"),
    ],
)
def test_a_definition_that_is_none_is_told_with_its_place(
    here: Path, rule: dict[str, object], place: str
) -> None:
    """The file, and a pointer into it."""
    (here / "wrong.json").write_text(json.dumps(rule), "utf-8")
    done = tried(here, "wrong.json", "--resource", "owned.json")

    assert (1, "") == (done.code, done.out)
    assert done.err.startswith(f"{here / 'wrong.json'}: {place}")


def test_a_parameter_that_is_missing_is_named(here: Path) -> None:
    """It has no default."""
    (here / "tag.json").write_text(json.dumps(definitions()[STAGE_TAG]), "utf-8")
    done = tried(here, "tag.json", "--resource", "owned.json")

    assert 1 == done.code
    assert f"{here / 'tag.json'}: /parameters/" in done.err


USES_A_PARAMETER = {
    "if": {"field": "name", "equals": "[parameters('t')]"},
    "then": {"effect": "deny"},
}


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (USES_A_PARAMETER, "has no value"),
        (
            {"parameters": {"t": {"type": "String"}}, "policyRule": USES_A_PARAMETER},
            "has no value and no default",
        ),
    ],
)
def test_how_to_give_a_value_is_told(here: Path, content: dict[str, object], place: str) -> None:
    """By a file, or in the case."""
    (here / "uses.json").write_text(json.dumps(content), "utf-8")
    (here / "uses.yaml").write_text(
        "definitions: [uses.json]\ncases: [{name: a, resource: {type: x}, expect: none}]", "utf-8"
    )
    told = f"/parameters/t: the parameter 't' {place}; give one "

    assert tried(here, "uses.json", "--resource", "owned.json").err.endswith(
        f'uses.json: {told}by --parameters FILE.json, {{"t": …}}\n'
    )
    assert tried(here, "--cases", "uses.yaml").err.endswith(
        f'{told}under parameters of the case, or by --parameters FILE.json, {{"t": …}}\n'
    )


def test_a_parameter_that_is_not_declared(here: Path) -> None:
    """No value helps: it is the definition that lacks it."""
    content = {"parameters": {"u": {"type": "String"}}, "policyRule": USES_A_PARAMETER}
    (here / "uses.json").write_text(json.dumps(content), "utf-8")
    (here / "values.json").write_text('{"tag": "x"}', "utf-8")
    (here / "u.json").write_text('{"u": "x"}', "utf-8")
    lacking = tried(here, "uses.json", "--resource", "owned.json", "--parameters", "u.json")
    unknown = tried(here, "uses.json", "--resource", "owned.json", "--parameters", "values.json")

    assert "the definition declares no parameter 't'; add it to its `parameters`" in lacking.err
    assert unknown.err.endswith("no definition has a parameter 'tag'; they declare u\n")


TYPO = (
    "there is no 'utcnov' but resourceGroup, subscription, policy, claims, utcNow, requestContext; "
    "did you mean 'utcNow'?"
)
NO_TIME = " is no time; write one such as 2026-01-31T12:00:00Z, in quotes"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no definition is given"),
        (("owner.json",), "nothing is given to try it on"),
        (("none.json", "--resource", "owned.json"), "cannot read none.json: "),
        (("owner.json", "--resource", "text.txt"), "text.txt is not JSON: "),
        (("owner.json", "--resource", "list.json"), "list.json holds a list; an object is wanted"),
        (("deep.json", "--resource", "owned.json"), "deep.json: nested more than 256 levels deep"),
        (("d257.json", "--resource", "owned.json"), "d257.json: nested more than 256 levels deep"),
        (("owner.json", "--resource", "owned.json", "--context", "typo.json"), TYPO),
        (("owner.json", "--resource", "owned.json", "--context", "noon.json"), NO_TIME),
        (("owner.json", "--resource", "owned.json", "--context", "five.json"), NO_TIME),
        (("--cases", "typo.yaml"), f"typo.yaml: cases[0].context: {TYPO}"),
        (
            ("assigned.json", "--resource", "owned.json"),
            "assigned.json holds assignments, and no definition; give it by --parameters ",
        ),
        (
            ("owner.json", "--resource", "owned.json", "--cases", "cases.yaml"),
            "the resources of --cases are in its file",
        ),
        (("--cases", "one.yaml"), "names no definitions"),
        (("--cases", "cases.yaml"), "cases.yaml: cases: there is none; write a list of them"),
        (("owner.json", "--resource", "blank.json"), "blank.json is empty; an object is wanted"),
        (("owner.json", "--resource", "nan.json"), "nan.json: x: nan is no number that JSON has"),
        (
            ("half.json", "--resource", "owned.json"),
            r"name: the text '\ud800' has half of a character",
        ),
        (("owner.json", "--resource", "latin.json"), "latin.json: it is no text in UTF-8"),
        (("owner.json", "--resource", "."), ": is a directory"),
    ],
)
def test_wrong_arguments_are_told(here: Path, arguments: tuple[str, ...], message: str) -> None:
    """What is missing, or which file is not what it should be."""
    (here / "text.txt").write_text("type: a", "utf-8")
    (here / "list.json").write_text("[]", "utf-8")
    (here / "deep.json").write_text("[" * 100_000, "utf-8")
    (here / "d257.json").write_text(f'{{"a": {"[" * 256}{"]" * 256}}}', "utf-8")
    (here / "typo.json").write_text('{"utcnov": "2026-01-31"}', "utf-8")
    (here / "noon.json").write_text('{"UtcNow": "noon"}', "utf-8")
    (here / "five.json").write_text('{"utcNow": 5}', "utf-8")
    (here / "typo.yaml").write_text(
        "cases: [{name: a, resource: {}, expect: none, context: {utcnov: x}}]", "utf-8"
    )
    (here / "assigned.json").write_text('[{"name": "a", "definition": "b"}]', "utf-8")
    (here / "cases.yaml").write_text("cases: []", "utf-8")
    (here / "one.yaml").write_text("cases: [{name: a, resource: {}, expect: none}]", "utf-8")
    (here / "blank.json").write_text("\n", "utf-8")
    (here / "nan.json").write_text('{"x": NaN}', "utf-8")
    (here / "half.json").write_text('{"name": "\\ud800"}', "utf-8")
    (here / "latin.json").write_bytes(b'{"x": "\xe9"}')
    done = tried(here, *arguments)

    assert 1 == done.code
    assert message in done.err


def test_a_resource_without_a_type_is_noted(here: Path) -> None:
    """What was pasted from somewhere else is no resource, mostly."""
    (here / "bare.json").write_text("{}", "utf-8")
    done = tried(here, "owner.json", "--resource", "bare.json")

    assert f"Note: {here / 'bare.json'} has no type" in done.err


GOOD = """\
parameters: {effect: deny}
cases:
  - name: an owner is enough
    resource: {type: Microsoft.A/b, tags: {owner: anna}}
    expect: none
  - name: nobody is not
    resource: lost.json
    expect: Deny
  - name: watched first
    definition: needs-an-owner
    resource: lost.json
    parameters: {effect: audit}
    expect: audit
"""


def test_cases_that_come_out_as_expected_exit_0(here: Path) -> None:
    """Though something is denied: that is what was expected."""
    done = cases(here, GOOD)

    assert (0, "", "3 of 3 are as expected\n") == (done.code, done.err, done.out)


def test_cases_that_do_not_are_shown(here: Path) -> None:
    """With both effects."""
    done = cases(here, GOOD.replace("Deny", "audit").replace("expect: none", "expect: fails"))
    told = tried(here, "owner.json", "--cases", "cases.yaml", "--json")

    assert (1, 1) == (done.code, told.code)
    assert "an owner is enough  needs-an-owner  fails     none" in done.out
    assert "nobody is not       needs-an-owner  audit     deny" in done.out
    assert "1 of 3 are as expected" in done.out
    assert [("fails", "none"), ("audit", "deny"), ("audit", "audit")] == [
        (one["expected"], one["effect"]) for one in told.json
    ]


def test_a_file_of_cases_may_name_the_definitions(here: Path) -> None:
    """Beside itself, wherever it is called from."""
    (here / "cases.yaml").write_text(f"definitions: [owner.json]\n{GOOD}", "utf-8")

    assert 0 == tried(here, "--cases", "cases.yaml").code


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cases: [", ":1:9: this is not YAML: "),
        ("[]", "a mapping is wanted, and there is a list"),
        ("{}", "there are no cases"),
        ("cases: {}", "cases: a list is wanted, and there is a mapping"),
        ("cases: [{name: a}]", "cases[0]: a case has a resource; it is missing"),
        ("cases: [{resource: {}, expect: none}]", "cases[0]: a case has a name; it is missing"),
        (
            "cases: [{name: a, resource: {}, expects: none}]",
            "cases[0]: there is no 'expects' but name, definition, resource, parameters, "
            "request_context, context, expect; did you mean 'expect'?",
        ),
        (
            "cases: [{name: a, resource: {}, expect: denied}]",
            "cases[0].expect: 'denied' is neither an effect, nor none or fails; did you mean 'deny'?",
        ),
        ("cases: [{name: a, resource: 3, expect: none}]", "cases[0].resource: write a resource"),
        (
            "cases: [{name: a, resource: {at: 2024-01-01}, expect: none}]",
            "cases[0].resource.at: a date is nothing that JSON has; put it in quotes",
        ),
        ("cases: [{name: a, resource: {1: b}, expect: none}]", "the key 1 is no text"),
        ("cases: [{name: 3, resource: {}, expect: none}]", "cases[0].name: a text is wanted"),
        ("parameters: []\ncases: [{name: a, resource: {}, expect: none}]", "parameters: a mapping"),
        (
            "cases: [{name: a, definition: other, resource: {}, expect: none}]",
            "the case 'a': it is about other; there are: needs-an-owner",
        ),
        (
            "cases: [{name: a, parameters: {efect: deny}, resource: {}, expect: none}]",
            "the case 'a': no definition has a parameter 'efect'; did you mean 'effect'?",
        ),
        (
            "cases: [{name: a, parameters: {effect: off}, resource: {}, expect: none}]",
            "the case 'a': ",
        ),
        ("cases: [{name: a, resource: {x: .inf}, expect: none}]", "cases[0].resource.x: inf is no"),
        ("cases: [{name: a, resource: none.json, expect: none}]", "cannot read "),
        ("a: &a [1]\nb: &b [*a,*a]\ncases: []", "there is no 'a' but definitions"),
    ],
)
def test_a_file_that_holds_no_cases_is_told(here: Path, text: str, message: str) -> None:
    """Where, and what is wanted instead."""
    done = cases(here, text)

    assert (1, "") == (done.code, done.out)
    assert message in done.err


def test_a_file_that_grows_by_its_aliases_is_refused(here: Path) -> None:
    """Each use counts."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    done = cases(here, "\n".join(lines))

    assert 1 == done.code
    assert "more than 200000 values" in done.err
