"""The configuration file: who guards a lifecycle, and stages that are called otherwise."""

from __future__ import annotations

import pytest

from tests.wire.configuration_file import edited, faults

AT = "    forward_only: true"
WRONG = [
    pytest.param(
        "    protect_lifecycle: [model-rsk]\n",
        [
            "no group is named model-rsk; the groups are data-science, model-risk; did you mean 'model-risk'?"
        ],
        id="unknown-group",
    ),
    pytest.param(
        "    renamed: {Staging: Production}\n",
        ["Staging is a stage still; one that is renamed is no longer there"],
        id="still-a-stage",
    ),
    pytest.param(
        "    renamed: {Testing: Stagin}\n",
        ["no stage is named Stagin; the stages are None, Staging, Production, Archived"],
        id="no-stage",
    ),
    pytest.param(
        "    renamed: {Live: Production, Serving: Production}\n",
        ["Live and Serving cannot both be called Production: at most one version holds it"],
        id="two-holders",
    ),
    pytest.param(
        "    renamed: {A: B, B: Staging}\n",
        ["no stage is named B; the stages are None, Staging, Production, Archived"],
        id="chain",
    ),
]


@pytest.mark.parametrize(("lines", "expected"), WRONG)
def test_what_cannot_be_is_told_with_its_place(lines: str, expected: list[str]) -> None:
    """Before anything is adopted."""
    found = faults(edited(AT, f"{lines}{AT}"))

    assert expected == [one.partition(": ")[2] for one in found]
    assert all(one.partition(":")[0].isdigit() for one in found)


def test_what_can_be_loads() -> None:
    """Two stages may become one where several versions may hold that."""
    lines = "    protect_lifecycle: [model-risk]\n    renamed: {Testing: Staging, QA: Staging}\n"

    assert [] == faults(edited(AT, f"{lines}{AT}"))


def test_a_group_that_nobody_is_in_guards_nothing() -> None:
    """Nobody could ever consent."""
    text = edited(AT, f"    protect_lifecycle: [nobody]\n{AT}")
    text = text.replace("groups:\n", "groups:\n  nobody: []\n", 1)

    assert ["nobody is in nobody, so nobody could consent to a change"] == [
        one.partition(": ")[2] for one in faults(text)
    ]
