"""The configuration file: what a well-formed one may have wrong."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from stage_functions.domain.error import ConfigurationError
from stage_functions.wire.configuration import load
from tests.wire.configuration_file import DEFAULT, edited, faults

MEANING = [
    pytest.param(
        "\npeople:",
        "  - {alias: demo, type: mlflow, address: http://other}\npeople:",
        ["13:13: the alias 'demo' is there already; it must be unique"],
        id="alias-twice",
    ),
    pytest.param(
        "\npeople:",
        "  - {alias: other, type: mlflow, address: '${MLFLOW_TRACKING_URI}/'}\npeople:",
        ["13:43: registry demo has this address already"],
        id="address-twice",
    ),
    pytest.param(
        "${MLFLOW_TRACKING_URI} ",
        "http://${HOST}:${PORT}/${HOST} ",
        ["7:14: set HOST and PORT, the address of registry demo, in the environment"],
        id="unset",
    ),
    pytest.param(
        "${MLFLOW_TRACKING_URI} ",
        "${MLFLOW-URI} ",
        ["7:14: write ${NAME}, with letters, digits and '_' in the name"],
        id="bad-variable",
    ),
    pytest.param(
        "${MLFLOW_TRACKING_URI} ",
        "sqlite:///mlflow.db ",
        [
            (
                "7:14: the address of an MLflow server is an http or https URL, such as "
                "http://localhost:5000"
            )
        ],
        id="sqlite",
    ),
    pytest.param(
        "${MLFLOW_TRACKING_URI} ",
        "http:// ",
        [
            (
                "7:14: the address of an MLflow server is an http or https URL, such as "
                "http://localhost:5000"
            )
        ],
        id="no-host",
    ),
    pytest.param(
        "${MLFLOW_TRACKING_URI} ",
        "http://mlflow:99999 ",
        [
            (
                "7:14: the address of an MLflow server is an http or https URL, such as "
                "http://localhost:5000"
            )
        ],
        id="port",
    ),
    pytest.param(
        "${MLFLOW_TRACKING_URI} ",
        "https://me:secret@mlflow ",
        ["7:14: the address holds credentials; those come from the environment"],
        id="credentials",
    ),
    pytest.param(
        "${MLFLOW_TRACKING_URI} ",
        "https://mlflow?token=secret ",
        ["7:14: the address of an MLflow server has no query and no fragment"],
        id="query",
    ),
    pytest.param(
        "type: mlflow ",
        "type: azureml ",
        [
            (
                "7:14: the address of an azureml registry is the resource id of a "
                "workspace or registry: "
                "/subscriptions/…/resourceGroups/…/providers/Microsoft.MachineLearningServices/workspaces/…"
            )
        ],
        id="azureml-address",
    ),
    pytest.param(
        "mode: observe ",
        "mode: On ",
        ["8:11: mode must be one of observe, enforce, not 'On'"],
        id="mode-number",
    ),
    pytest.param(
        "{from: None, to: Archived}",
        "{from: None, to: 1}",
        ["46:26: to must be a text, not a whole number; quote it: '1'"],
        id="from-1",
    ),
    pytest.param(
        "says: the job that made it has finished",
        "says: 2026-01-01",
        ["38:15: 2026-01-01 without quotes is a date in YAML; quote it if it is a text"],
        id="date-text",
    ),
    pytest.param(
        (
            "mlflow                       # mlflow | azureml (address: the resource "
            "id of a workspace or registry)\n    address: ${MLFLOW_TRACKING_URI}    # "
            "${NAME} is read from the environment; only `address` may use it\n    "
            "mode: observe                      # observe: show what would happen, "
            'change nothing | enforce\n    watch: ["models/*"]                # '
            "kind/name\n    requests_from: [tag] "
        ),
        (
            "azureml\n    address: "
            "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/"
            "Microsoft.MachineLearningServices/workspaces/w\n "
            "   requests_from: [tag, mlflow_stage] "
        ),
        ["8:5: mlflow_stage is of MLflow servers; Azure ML has no such field"],
        id="azureml-stage",
    ),
    pytest.param(
        '"models/*"',
        '"x*/*"',
        ["9:13: 'x*' matches no kind; the kinds are models, data, environments, components"],
        id="watch-nothing",
    ),
    pytest.param(
        "  model-risk: [",
        "  officer-1: []\n  model-risk: [",
        ["16:3: 'officer-1' is a group too; a person needs a key of their own"],
        id="person-like-group",
    ),
    pytest.param(
        '"github:officer2"',
        '"mlflow:Officer1"',
        ["17:66: 'mlflow:Officer1' is an id of officer-1 already"],
        id="id-twice",
    ),
    pytest.param(
        "model-risk: [officer-1, officer-2]",
        "model-risk: [officer-1, officer-3, data-science]",
        [
            "22:27: nobody under people has the key 'officer-3'; did you mean 'officer-2'?",
            "22:38: 'data-science' is a group; name its people",
        ],
        id="group-member",
    ),
    pytest.param(
        "operators: [operator-1]",
        "operators: [operator-1, nobody-else]",
        ["23:25: nobody under people has the key 'nobody-else'"],
        id="operator",
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), MEANING)
def test_a_fault_of_meaning_is_told_with_its_place(old: str, new: str, told: list[str]) -> None:
    """A name that means nothing, or two things, is refused where it stands."""
    assert faults(edited(old, new)) == told


def test_two_lifecycles_of_one_name_are_refused() -> None:
    """Records name a lifecycle, so its name is unique."""
    other = """\
  - {name: default, applies_to: ["*/*/*"], stages: {None: {initial: true}}, transitions: []}
"""

    line = len(DEFAULT.splitlines()) + 1

    assert faults(DEFAULT + other) == [
        f"{line}:12: the name 'default' is there already; it must be unique"
    ]


@pytest.mark.parametrize("environment", [{}, {"MLFLOW_TRACKING_URI": ""}])
def test_an_unset_variable_is_told_with_what_it_is_for(environment: Mapping[str, str]) -> None:
    """Whoever starts Stageward without the address reads which variable to set."""
    with pytest.raises(ConfigurationError) as caught:
        load(DEFAULT, path="s.yaml", environment=environment, check_rule=lambda *_: "")

    assert str(caught.value) == (
        "1 fault in s.yaml\n"
        "s.yaml:7:14: set MLFLOW_TRACKING_URI, the address of registry demo, in the environment"
    )


@pytest.mark.parametrize(
    "address", ["https://me:secret@mlflow", "mysql://secret", "https://mlflow?secret", "secret"]
)
def test_no_message_repeats_an_address(address: str) -> None:
    """An address may hold a secret by mistake, and messages go to logs."""
    with pytest.raises(ConfigurationError) as caught:
        load(
            DEFAULT,
            path="s.yaml",
            environment={"MLFLOW_TRACKING_URI": address},
            check_rule=lambda *_: "",
        )

    assert "secret" not in str(caught.value)
