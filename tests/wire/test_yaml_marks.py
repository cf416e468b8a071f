"""What is read from YAML, and what of its notation a configuration may not use."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stage_functions.wire.faults import Place
from stage_functions.wire.yaml_marks import Plain, read
from tests.wire.configuration_file import edited, faults

NOTATION = [
    pytest.param(
        "version: 1\n",
        "version: 1\n---\n",
        [
            (
                "3:1: this is not YAML: expected a single document in the stream: but "
                "found another document"
            )
        ],
        id="two-documents",
    ),
    pytest.param(
        "    type: mlflow ",
        "\ttype: mlflow ",
        [
            (
                "6:1: this is not YAML: while scanning for the next token: found "
                "character '\\t' that cannot start any token"
            )
        ],
        id="tab",
    ),
    pytest.param(
        'watch: ["models/*"]',
        'watch: ["models/*"',
        [
            (
                "10:5: this is not YAML: while parsing a flow sequence: expected ',' or "
                "']', but got '<scalar>'"
            )
        ],
        id="unclosed",
    ),
    pytest.param(
        'watch: ["models/*"]',
        "watch: *globs",
        ["9:12: this is not YAML: found undefined alias 'globs'"],
        id="unknown-alias",
    ),
    pytest.param(
        "First scientist",
        "First \x07 scientist",
        ["15:29: no file may hold the character U+0007"],
        id="bell",
    ),
    pytest.param(
        "name: First scientist",
        'name: "First \\0 scientist"',
        ["15:23: a text may not hold the character U+0000"],
        id="escape",
    ),
    pytest.param(
        "name: First scientist",
        'name: "First \\ud800 scientist"',
        ["15:23: a text may not hold the character U+D800"],
        id="surrogate",
    ),
    pytest.param(
        "name: First scientist",
        'name: "First \\UFFFFFFFF scientist"',
        ["15:32: no such character exists"],
        id="no-such-character",
    ),
    pytest.param(
        "    mode: observe ",
        "    alias: other\n    mode: observe ",
        ["8:5: 'alias' is there already, in line 5"],
        id="duplicate-key",
    ),
    pytest.param(
        "      Archived: ",
        "      Staging: {}\n      Archived: ",
        ["34:7: 'Staging' is there already, in line 32"],
        id="duplicate-stage",
    ),
    pytest.param(
        "      Staging: ",
        "      On: {}\n      Staging: ",
        ["32:7: On without quotes is true or false in YAML; quote it: 'On'"],
        id="stage-On",
    ),
    pytest.param(
        "      Staging: ",
        "      Null: {}\n      Staging: ",
        ["32:7: Null without quotes is no value in YAML; quote it: 'Null'"],
        id="stage-null",
    ),
    pytest.param(
        "      Staging: ",
        "      1: {}\n      Staging: ",
        ["32:7: 1 without quotes is a number in YAML; quote it: '1'"],
        id="stage-1",
    ),
    pytest.param(
        "      Staging: ",
        "      1.5: {}\n      Staging: ",
        ["32:7: 1.5 without quotes is a fraction in YAML; quote it: '1.5'"],
        id="stage-1.5",
    ),
    pytest.param(
        "      Staging: ",
        "      2026-01-01: {}\n      Staging: ",
        ["32:7: 2026-01-01 without quotes is a date in YAML; quote it: '2026-01-01'"],
        id="stage-date",
    ),
    pytest.param(
        "      Staging: ",
        "      : {}\n      Staging: ",
        [
            (
                "32:7: this is not YAML: while parsing a block mapping: expected <block "
                "end>, but found ':'"
            )
        ],
        id="key-missing",
    ),
    pytest.param(
        "      Staging: ",
        "      [a]: {}\n      Staging: ",
        ["32:7: a key must be a text, not a list or mapping"],
        id="key-list",
    ),
    pytest.param(
        "      Staging: ",
        "      <<: {}\n      Staging: ",
        ["32:7: merge keys are not used here; write the keys out"],
        id="merge",
    ),
    pytest.param(
        "quorum: 2 ",
        "quorum: 1.5 ",
        ["52:19: 1.5 without quotes is a fraction in YAML; quote it if it is a text"],
        id="fraction",
    ),
    pytest.param(
        "quorum: 2 ",
        "quorum: 010 ",
        ["52:19: 010 is no plain whole number; quote it if it is a text"],
        id="octal",
    ),
    pytest.param(
        "name: First scientist",
        "name: 2026-01-01",
        ["15:23: 2026-01-01 without quotes is a date in YAML; quote it if it is a text"],
        id="date",
    ),
    pytest.param(
        "name: First scientist",
        "name: !secret x",
        ["15:23: the tag !secret is not used here; leave it out"],
        id="tag",
    ),
    pytest.param(
        "name: First scientist",
        "name: !!binary eA==",
        ["15:23: the tag !!binary is not used here; leave it out"],
        id="binary",
    ),
    pytest.param(
        "bind: []",
        "bind: !!set {a}",
        ["29:11: the tag !!set is not used here; leave it out"],
        id="set",
    ),
    pytest.param(
        "forward_only: true",
        "forward_only: !!bool perhaps",
        ["28:19: 'perhaps' is neither true nor false"],
        id="bool-tag",
    ),
    pytest.param(
        "bind: []",
        "bind: &a [*a]",
        ["29:11: an alias inside of what it stands for"],
        id="cycle-alias",
    ),
    pytest.param(
        "bind: []",
        "bind: [&a [" + "x," * 30 + "], &b [" + "*a," * 30 + "], [" + "*b," * 30 + "]]",
        ["2:1: the file has more than 20000 values"],
        id="bomb",
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), NOTATION)
def test_a_fault_of_notation_is_told_with_its_place(
    old: str, new: str, expected: list[str]
) -> None:
    """What YAML cannot read, or what programs read differently, is refused where it stands."""
    assert faults(edited(old, new)) == expected


@pytest.mark.parametrize("text", ["", "# nothing\n", "\n\n"])
def test_an_empty_file_says_so(text: str) -> None:
    """A file with nothing in it has one fault, at its beginning."""
    assert faults(text) == ["1:1: the file is empty"]


def test_a_key_that_is_not_there_is_a_fault() -> None:
    """A mapping has no value without a key."""
    assert faults("? \n: value\n") == ["1:2: a key is missing"]


def test_nesting_beyond_reason_is_a_fault_and_no_crash() -> None:
    """A file nested thousands of levels deep is refused."""
    (fault,) = faults(edited("bind: []", "bind: " + "[" * 3000))

    assert fault.startswith("29:")
    assert fault.endswith(": this is nested too deeply")


def test_all_faults_of_notation_are_told_together_in_the_order_of_the_file() -> None:
    """A file with three faults is told three faults, by line."""
    text = "b: 1.5\na: 2026-01-01\nOn: x\n"

    assert faults(text) == [
        "1:4: 1.5 without quotes is a fraction in YAML; quote it if it is a text",
        "2:4: 2026-01-01 without quotes is a date in YAML; quote it if it is a text",
        "3:1: On without quotes is true or false in YAML; quote it: 'On'",
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("None", "None"),
        ("'On'", "On"),
        ("!!str 5", "5"),
        ("7d", "7d"),
        ("5", 5),
        ("-5", -5),
        ("true", True),
        ("No", False),
        ("[]", []),
        ("~", None),
        ("a: null", {"a": None}),
        ("null", None),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("a: &x [1]\nb: *x\n", {"a": [1], "b": [1]}),
        ("? a\n: 1\n", {"a": 1}),
    ],
)
def test_plain_values_are_read(text: str, value: Plain) -> None:
    """Texts, whole numbers, true and false, no value, lists, mappings, aliases."""
    document, found = read(text)

    assert (document.value, found) == (value, ())


def test_an_alias_stands_for_equal_values_that_are_apart() -> None:
    """What an alias stands for is read anew, so no two parts of a configuration share a list."""
    value = read("[&x [1], *x]")[0].value

    assert isinstance(value, list)
    assert value[0] == value[1]
    assert value[0] is not value[1]


def test_places_are_of_the_key_for_a_collection_and_of_the_value_for_the_rest() -> None:
    """Messages point at `a`, at `1`, at a list item, and at the nearest part that is there."""
    document, _ = read("top:\n  a: [1, 2]\n  b: 1\n")

    assert document.place(("top", "a")) == Place(2, 3)
    assert document.place(("top", "a", 1)) == Place(2, 10)
    assert document.place(("top", "b")) == Place(3, 6)
    assert document.place(("top", "c", "d")) == Place(1, 1)
    assert document.place(()) == Place(1, 1)


@settings(deadline=None)
@given(
    st.text(
        st.one_of(st.sampled_from("[]{}:,-?&*!|>'\"%@`#\n \tanull12.~"), st.characters(codec=None))
    )
)
def test_any_text_is_read_or_has_faults(text: str) -> None:
    """No text whatever makes the reader raise."""
    document, found = read(text)

    assert found or document.values
