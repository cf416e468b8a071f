"""The concept's own policy says what it says, which is not the order of stages."""

from __future__ import annotations

import pytest

from stage_functions.domain.asset import Kind
from stage_functions.wire.policy_definitions import SAMPLE, definitions
from tests.policies.requests import by, policy, version

PREVENTING = policy(SAMPLE, StageName1="dev", StageName4="prod")
WRITTEN = {
    "allOf": [
        {
            "field": "type",
            "equals": "Microsoft.MachineLearningServices/workspaces/models/versions",
        },
        {
            "field": "Microsoft.MachineLearningServices/workspaces/models/versions/tags",
            "containsKey": "none",
        },
        {
            "allOf": [
                {
                    "field": "Microsoft.MachineLearningServices/workspaces/models/versions/tags",
                    "containsKey": "[parameters('StageName1')]",
                },
                {
                    "field": "Microsoft.MachineLearningServices/workspaces/models/versions/tags",
                    "containsKey": "[parameters('StageName4')]",
                },
            ]
        },
    ]
}
"""The rule as the concept has it."""


def test_its_rule_is_the_one_of_the_concept() -> None:
    """Only the effect is a parameter, so that it can be watched first."""
    properties = definitions()[SAMPLE]["properties"]

    assert isinstance(properties, dict)
    assert WRITTEN == properties["policyRule"]["if"]
    assert {"effect", "StageName1", "StageName4"} == set(properties["parameters"])


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"none": "true", "dev": "true", "prod": "true"}, "deny"),
        ({"none": "", "DEV": "false", "Prod": "no"}, "deny"),
        ({"none": "true", "prod": "true"}, None),
        ({"dev": "true", "prod": "true"}, None),
        ({"prod": "true"}, None),
        ({"stage": "prod"}, None),
        ({}, None),
    ],
)
def test_it_checks_three_keys_at_once(tags: dict[str, str], expected: str | None) -> None:
    """From none to prod in one step is allowed where the old key goes; values say nothing."""
    assert expected == PREVENTING.evaluate(version(tags=tags), request_context=by("a person"))


def test_it_is_about_models_alone() -> None:
    """As written."""
    tags = {"none": "", "dev": "", "prod": ""}

    assert PREVENTING.evaluate(version(Kind.DATA, tags=tags)) is None
