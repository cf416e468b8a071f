"""The configuration file: where stages are shown, and the keys of tags that stand for them."""

from __future__ import annotations

import re

import pytest

from stage_functions.domain.configuration import Mirror, Source
from tests.wire.configuration_file import DEFAULT, edited, faults, loaded


def file(mirror: str = "[tag]", requests: str = "[tag]", more: str = "", bind: str = "") -> str:
    """Return the default file with other mirrors, sources, keys and bound tags."""
    text = edited("requests_from: [tag]", f"requests_from: {requests}")
    text = text.replace("mirror_to: [tag]", f"mirror_to: {mirror}", 1)
    text = text.replace("\npeople:", f"    {more}\n\npeople:" if more else "\npeople:", 1)
    return text.replace("bind: []", f"bind: [{bind}]", 1)


def test_every_mirror_and_source_that_the_shipped_file_names_can_be_had() -> None:
    """Its comments list no more than works, and say which is of one product only."""
    named = {}
    for key in ("requests_from", "mirror_to"):
        found = re.search(rf"{key}: \[tag\] +# ([^:\n]+)", DEFAULT)
        assert found is not None
        named[key] = [name.split()[0] for name in found[1].split("|")]

    assert [*Source] == sorted(named["requests_from"], key=[*Source].index)
    assert [*Mirror, "alias"] == named["mirror_to"]
    everything = "[tag, presence, mlflow_stage, 'alias:champion']"
    assert [] == faults(file(everything, "[tag, presence, mlflow_stage]"))
    assert "models of Azure ML" in faults(file("[tag, native_stage]"))[0]


def test_keys_that_stand_for_stages_are_read() -> None:
    """A stage without a key of its own has its name in small letters."""
    registry = loaded(
        file("[tag, presence]", "[tag, presence]", "presence: {Production: prod}")
    ).registries["demo"]

    assert registry.mirror_to == (Mirror.TAG, Mirror.PRESENCE)
    assert registry.requests_from == (Source.TAG, Source.PRESENCE)
    assert registry.presence == {"Production": "prod"}


FAULTS = [
    pytest.param(
        file("[native_stage]"),
        ["native_stage is the field that models of Azure ML have; MLflow has mlflow_stage"],
        id="native-stage-of-mlflow",
    ),
    pytest.param(
        file(more="presence: {Production: prod}"),
        ["no tag stands for a stage: put presence into mirror_to or requests_from"],
        id="neither-shown-nor-asked",
    ),
    pytest.param(
        file("[presence]", more="presence: {Prodction: prod}"),
        ["no lifecycle of demo has the stage Prodction; did you mean 'Production'?"],
        id="no-such-stage",
    ),
    pytest.param(
        file("[presence]", more="presence: {Staging: prod, Production: prod}"),
        ["'prod' stands for Staging already; give Production another key under presence"],
        id="twice",
    ),
    pytest.param(
        file(requests="[presence]", more="presence: {Staging: None}"),
        ["'None' stands for None already; give Staging another key under presence"],
        id="twice-but-for-case",
    ),
    pytest.param(
        file("[presence]", more="presence: {Staging: Approval, Production: stage_request}"),
        [
            "'Approval' is a tag with another meaning; give Staging another key under presence",
            "'stage_request' is a tag with another meaning; give Production another key under presence",
        ],
        id="other-tags",
    ),
    pytest.param(
        file("[presence]").replace("      Archived: ", "      Approval: {}\n      Archived: "),
        [
            "'approval' is a tag with another meaning; give Approval another key under presence",
            "no transition leads to Approval",
        ],
        id="a-stage-called-approval",
    ),
    pytest.param(
        file("[presence]", bind='"team", "pro*"'),
        [
            "'pro*' binds the tag production, which says the stage in registry demo and changes "
            "as Stageward answers"
        ],
        id="bound",
    ),
    pytest.param(
        file(requests="[presence]", bind='"stagin?"'),
        [
            "'stagin?' binds the tag staging, which says the stage in registry demo and changes "
            "as Stageward answers"
        ],
        id="bound-though-only-asked",
    ),
    pytest.param(
        file("[presence]", bind='"approval"'),
        [
            "'approval' binds the tag approval, which says the stage in registry demo and changes "
            "as Stageward answers"
        ],
        id="approval-bound",
    ),
]


@pytest.mark.parametrize(("text", "told"), FAULTS)
def test_a_key_means_one_stage_and_nothing_else(text: str, told: list[str]) -> None:
    """Whatever would mean two things, or none, is refused."""
    assert [re.sub(r"^\d+:\d+: ", "", fault) for fault in faults(text)] == told


def test_a_fault_is_told_where_the_key_is() -> None:
    """The line and the column of the key; of a default one, those of the mirror."""
    given = faults(file("[presence]", more="presence: {Staging: prod, Production: prod}"))
    default = faults(
        file("[presence]").replace("      Archived: ", "      Approval: {}\n      Archived: ")
    )

    assert given[0].startswith("13:43: ")
    assert default[0].startswith("11:5: ")


def test_keys_that_nobody_uses_may_be_bound() -> None:
    """`staging` is a tag like any other where no tag stands for a stage."""
    assert faults(file(bind='"staging", "approval"')) == []
