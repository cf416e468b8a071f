"""The shape of the configuration file: every fault of it in words, with its place."""

from __future__ import annotations

import pytest

from stage_functions.domain.error import ConfigurationError
from tests.wire.configuration_file import DEFAULT, edited, faults, loaded

SHAPE = [
    pytest.param(
        "version: 1\n", "version: 2\n", ["2:10: version must be 1, not 2"], id="version-2"
    ),
    pytest.param(
        "version: 1\n", "version: '1'\n", ['2:10: version must be 1, not "1"'], id="version-text"
    ),
    pytest.param(
        "operators: [",
        "operator: [",
        ["23:1: unknown key 'operator'; did you mean 'operators'?"],
        id="unknown-top",
    ),
    pytest.param(
        "{from: None, to: Archived}",
        "{form: None, to: Archived}",
        ["46:9: transitions[1] lacks 'from'", "46:10: unknown key 'form'; did you mean 'from'?"],
        id="unknown-key-near",
    ),
    pytest.param(
        "    bind: []",
        "    zzz: []\n    bind: []",
        [
            (
                "29:5: unknown key 'zzz'; the keys here are name, applies_to, "
                "forward_only, bind, links_despite_exclusions, on_violation, "
                "emergency, protect_lifecycle, renamed, retain_for, stages, rules, calendars, transitions"
            )
        ],
        id="unknown-key-far",
    ),
    pytest.param(
        "alias: demo ",
        "alias: Demo ",
        ["5:12: alias must be lower-case letters, digits and '-', at most 40, not 'Demo'"],
        id="alias",
    ),
    pytest.param(
        "alias: demo ",
        "alias: 12 ",
        ["5:12: alias must be a text, not a whole number; quote it: '12'"],
        id="alias-number",
    ),
    pytest.param(
        "type: mlflow ",
        "type: sagemaker ",
        ["6:11: type must be one of mlflow, azureml, not 'sagemaker'"],
        id="type",
    ),
    pytest.param(
        "mode: observe ",
        "mode: watch ",
        ["8:11: mode must be one of observe, enforce, not 'watch'"],
        id="mode",
    ),
    pytest.param(
        '"models/*"',
        '"model/*"',
        [
            (
                "9:13: watch[0] must be kind/name, the kind one of models, data, "
                "environments, components or a glob, not 'model/*'"
            )
        ],
        id="watch-kind",
    ),
    pytest.param(
        '"models/*"',
        '"models"',
        [
            (
                "9:13: watch[0] must be kind/name, the kind one of models, data, "
                "environments, components or a glob, not 'models'"
            )
        ],
        id="watch-shape",
    ),
    pytest.param(
        "requests_from: [tag]",
        "requests_from: [tag, alias]",
        ["10:26: requests_from[1] cannot be 'alias': that is not available yet"],
        id="requests-alias",
    ),
    pytest.param(
        "requests_from: [tag]",
        "requests_from: [mail]",
        ["10:21: requests_from[0] must be one of tag, mlflow_stage, presence, not 'mail'"],
        id="requests-other",
    ),
    pytest.param(
        "requests_from: [tag]",
        "requests_from: [tag, tag]",
        ["10:26: requests_from has 'tag' twice"],
        id="requests-twice",
    ),
    pytest.param(
        "mirror_to: [tag]",
        "mirror_to: [tag, 'alias:champion', presence, mlflow_stage, mail]",
        [
            "11:64: mirror_to[4] must be one of tag, presence, native_stage, mlflow_stage, "
            "alias:<name>, alias:<name>=<stage>, not 'mail'",
        ],
        id="mirror-alias",
    ),
    pytest.param(
        "stage_edits: forward",
        "stage_edits: allow",
        ["12:18: stage_edits must be one of forward, drift, not 'allow'"],
        id="stage_edits",
    ),
    pytest.param(
        (
            "    address: ${MLFLOW_TRACKING_URI}    # ${NAME} is read from the "
            "environment; only `address` may use it\n"
        ),
        "",
        ["5:5: registries[0] lacks 'address'"],
        id="no-address",
    ),
    pytest.param(
        '"mlflow:scientist1"',
        '"scientist1"',
        [
            (
                "15:47: ids[0] must be provider:id, the provider one of mlflow, upn, "
                "oid, github, app, aml, not 'scientist1'"
            )
        ],
        id="id-provider",
    ),
    pytest.param(
        "  scientist-1: {",
        "  'scientist 1': {",
        ["15:3: 'scientist 1' must be letters, digits, '.', '_' and '-', at most 64"],
        id="person-key",
    ),
    pytest.param(
        "  model-risk: [officer-1, officer-2]",
        "  model-risk:",
        ["22:14: model-risk has no value; it must be a list; [] where it is empty"],
        id="group-none",
    ),
    pytest.param(
        "  model-risk: [officer-1, officer-2]",
        "  model-risk: officer-1",
        ["22:15: model-risk must be a list, not a text"],
        id="group-text",
    ),
    pytest.param(
        "name: First scientist",
        'name: "${USER}"',
        ["15:23: only the address of a registry may use ${…}; write the value itself"],
        id="variable-in-name",
    ),
    pytest.param(
        "alias: demo ",
        "alias: ${ALIAS} ",
        ["5:12: only the address of a registry may use ${…}; write the value itself"],
        id="variable-in-alias",
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), SHAPE)
def test_a_fault_of_shape_is_told_with_its_place(old: str, new: str, expected: list[str]) -> None:
    """A key or value that the format does not have is refused where it stands, in words."""
    assert faults(edited(old, new)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- version: 1\n", ["1:1: the file must be a mapping, not a list"]),
        ("version\n", ["1:1: the file must be a mapping, not a text"]),
        (
            "# one\nversion: 1\nregistries: [{alias: demo, type: mlflow, address: http://x}]\n",
            ["2:1: the file lacks 'lifecycles'"],
        ),
        (
            "version: 1\nregistries: []\nlifecycles: []\n",
            ["2:1: registries must not be empty", "3:1: lifecycles must not be empty"],
        ),
    ],
)
def test_a_fault_of_the_whole_file_is_told(text: str, expected: list[str]) -> None:
    """A file that is no mapping, lacks a section, or has nothing in one says so."""
    assert faults(text) == expected


def test_a_fault_under_a_key_with_dots_and_brackets_keeps_its_place() -> None:
    """A key that looks like a path does not lead a message astray."""
    text = edited("      Archived: ", "      a.b[0]: {hiden: true}\n      Archived: ")

    assert faults(text) == ["34:16: unknown key 'hiden'; did you mean 'hidden'?"]


def test_two_paths_of_one_name_are_told_apart() -> None:
    """`a` with `b` in it, and `a.b`, each get their own fault."""
    text = edited("      Archived: ", "      a: {b: {}}\n      a.b: {c: {}}\n      Archived: ")

    assert [fault.partition(":")[0] for fault in faults(text)] == ["34", "35"]


def test_a_variable_is_refused_in_keys_and_lists_too() -> None:
    """Wherever a `${` is written, only an address is read from the environment."""
    text = edited("bind: []", "bind: ['${TAG}']").replace("  model-risk: [", "  ${GROUP}: [", 1)

    assert [fault.partition(": ")[0] for fault in faults(text)] == ["22:3", "29:12"]


def test_a_file_with_very_many_faults_is_told_the_first_fifty() -> None:
    """A long list is cut, and the number of all is told."""
    keys = "".join(f"key{index}: 1\n" for index in range(60))

    with pytest.raises(ConfigurationError) as caught:
        loaded(DEFAULT + keys)

    first, *told, last = str(caught.value).split("\n")
    assert (first, len(told), last) == ("60 faults in stageward.yaml", 50, "and 10 more")


def test_the_first_line_is_the_number_of_faults() -> None:
    """One fault is not called faults."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(edited("version: 1", "version: 2"))

    assert str(caught.value) == (
        "1 fault in stageward.yaml\nstageward.yaml:2:10: version must be 1, not 2"
    )
