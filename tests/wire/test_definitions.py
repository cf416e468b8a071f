"""Definitions of Azure Policy come from their files into the text of the lifecycle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.domain.error import ConfigurationError, InvalidInputError
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.record import canonical, digest
from stage_functions.wire.configuration import load
from stage_functions.wire.definitions import (
    MAX_DEFINITION_CHARACTERS,
    MAX_DEFINITIONS_CHARACTERS,
    definition_of,
    named_files,
    path_fault,
)
from tests.policies_as_rules import FILE, FILES, OWNER, files
from tests.wire.configuration_file import RULES

NOT_JSON = {
    "": "it is not JSON: Expecting value (line 1, column 1)",
    "if: {}": "it is not JSON: Expecting value (line 1, column 1)",
    '{\n  "if": }': "it is not JSON: Expecting value (line 2, column 9)",
    '{"a": 1, "a": 2}': "an object has 'a' twice",
    '{"a": NaN}': "NaN is no number of JSON",
    '{"a": 1e999}': "/a: no number may be as large",
    '{"a": [{"b/c": 9007199254740992}]}': "/a/0/b~1c: no whole number here may be of 9007199254740992",
    '{"a": ' + "9" * 5000 + "}": "it is not JSON",
    '{"a": "\\u0000"}': "/a: a text may not hold the character U+0000",
    '{"a": "\\ud800"}': "/a: a text may not hold the character U+D800",
    '{"a": {"\\u0007": 1}}': "/a: a text may not hold the character U+0007",
    "[]": "it is no JSON object",
    "{}": "it is no JSON object",
    "null": "it is no JSON object",
    '{"a": ' * 101 + "1" + "}" * 101: "it is nested deeper than 100 levels",
    "[" * 100_000: "it is nested deeper than 100 levels",
    '{"a": "' + "x" * MAX_DEFINITION_CHARACTERS + '"}': "it has more than 200,000 characters",
}
OUTSIDE = ["/etc/policy.json", "../policy.json", "a/../../b.json", "C:/policy.json", "a\\b.json"]


def governed(known: Mapping[str, str], text: str = FILE) -> Lifecycle:
    """Return the lifecycle of a configuration whose files are these."""
    found = load(text, path="x", environment={}, check_rule=RULES.check, read_file=files(known))
    return found.lifecycles[0]


def written(definition: object, **layout: int) -> dict[str, str]:
    """Return the files, the definition among them, laid out in some way."""
    return {"policies/owner.json": json.dumps(definition, **layout)}  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "said"), NOT_JSON.items(), ids=lambda text: text[:20])
def test_what_is_no_definition_is_told_with_its_place(text: str, said: str) -> None:
    """Whatever a file holds: a reason, and soon."""
    with pytest.raises(InvalidInputError) as caught:
        definition_of(text)

    assert said in str(caught.value)


@given(st.text(max_size=50) | st.binary(max_size=50).map(lambda raw: raw.decode("latin-1")))
def test_no_text_is_too_strange(text: str) -> None:
    """It is read, and can be kept; or it is refused in words."""
    with suppress(InvalidInputError):
        assert canonical(dict(definition_of(text)))


def test_a_file_of_windows_is_read() -> None:
    """The mark that some editors write before a text means nothing."""
    assert OWNER == definition_of("\ufeff" + json.dumps(OWNER, indent=2).replace("\n", "\r\n"))


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_path_leads_out_of_the_folder(path: str) -> None:
    """Nor is one written as only one system reads it."""
    assert path_fault(path)


@pytest.mark.parametrize("path", ["a.json", "policies/a.json", "./a.json", "a..b/c.json"])
def test_a_path_goes_down_from_the_configuration(path: str) -> None:
    """It is as it stands in an address."""
    assert not path_fault(path)


def test_the_text_of_a_lifecycle_has_the_definition_in_place_of_its_path() -> None:
    """So that its digest says which rules decided."""
    text = json.loads(json.dumps(governed(FILES).text))

    assert OWNER == text["rules"]["owned"]["azure_policy"]
    assert "policies/owner.json" == text["rules"]["owned"]["file"]
    assert governed(FILES).digest == digest(text)


def test_another_definition_is_another_lifecycle() -> None:
    """Though the configuration file is the same."""
    changed = json.loads(json.dumps(OWNER))
    changed["properties"]["policyRule"]["if"]["allOf"][2]["notContainsKey"] = "Owner"

    assert governed(FILES).digest != governed(written(changed)).digest


def test_blanks_and_the_order_of_keys_change_no_digest() -> None:
    """As in the configuration file itself."""
    turned = {"properties": dict(reversed(OWNER["properties"].items()))}

    assert governed(FILES).digest == governed(written(turned, indent=4)).digest


def test_a_lifecycle_without_definitions_keeps_its_text() -> None:
    """The digests of what was adopted before are as they were."""
    plain = FILE.replace("azure_policy: policies/owner.json", 'cel: "true"')
    plain = plain.replace("        parameters: {effect: deny}\n", "")
    rules = governed({}, plain).text["rules"]

    assert {"cel": "true", "says": "it names its owner"} == rules["owned"]  # type: ignore[call-overload,index]


def test_all_definitions_together_have_a_limit() -> None:
    """A configuration is not a store."""
    count = MAX_DEFINITIONS_CHARACTERS // MAX_DEFINITION_CHARACTERS + 2
    large = json.dumps({**OWNER, "metadata": "x" * (MAX_DEFINITION_CHARACTERS - 5000)})
    lines = "".join(f"      r{n}: {{azure_policy: {n}.json}}\n" for n in range(count))
    text = FILE.replace("    transitions:", f"{lines}    transitions:", 1)
    known = {**FILES, **{f"{n}.json": large for n in range(count)}}

    with pytest.raises(ConfigurationError, match="all files have more than 1,000,000 characters"):
        governed(known, text)


@pytest.mark.parametrize(
    "content", [None, [], {"lifecycles": {}}, {"lifecycles": [1, {"rules": 3}]}]
)
def test_files_are_looked_for_in_any_shape(content: object) -> None:
    """A draft is sent before it is checked."""
    assert () == named_files(content)


def test_each_named_file_is_named_once() -> None:
    """However many rules name it; what is written in its place is none."""
    rules = {"a": {"azure_policy": "x.json"}, "b": {"azure_policy": "x.json"}}
    others = {"c": {"azure_policy": {"if": {}}}, "d": {"cel": "true"}, "e": 3}

    assert ("x.json",) == named_files({"lifecycles": [{"rules": {**rules, **others}}]})
