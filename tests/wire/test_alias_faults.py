"""The configuration file: aliases of MLflow, and MLflow's own stage, under `mirror_to`."""

from __future__ import annotations

import pytest

from stage_functions.domain.configuration import Mirror
from tests.wire.configuration_file import edited, faults, loaded

AZURE = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/"
    "Microsoft.MachineLearningServices/workspaces/w"
)


def file(mirror: str, *changes: tuple[str, str]) -> str:
    """Return the default file with other mirrors, and other changes."""
    text = edited("mirror_to: [tag]", f"mirror_to: [{mirror}]")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def test_an_alias_is_read_with_its_stage_or_without() -> None:
    """It is no place of the stage like the others: those stay what they are."""
    registry = loaded(file("tag, 'alias:champion', 'alias:best-1=Production', mlflow_stage"))

    found = registry.registries["demo"]
    assert {"champion": "", "best-1": "Production"} == found.aliases
    assert (Mirror.TAG, Mirror.MLFLOW_STAGE) == found.mirror_to


ONE_MORE = (
    "      Archived: ",
    "      Canary: {exclusive: true, displaced_to: None}\n      Archived: ",
)
NONE_EXCLUSIVE = ("Production: {exclusive: true, displaced_to: Archived, ", "Production: {")
OF_AZURE = ("type: mlflow ", "type: azureml ")

FAULTS = [
    ("alias:latest", (), "22", "MLflow takes no alias 'latest': it means a version to it"),
    ("alias:Latest", (), "22", "MLflow takes no alias 'Latest': it means a version to it"),
    ("alias:v1", (), "22", "MLflow takes no alias 'v1': it means a version to it"),
    ("alias:V12=Production", (), "22", "MLflow takes no alias 'V12': it means a version to it"),
    ("alias:", (), "22", "must be one of tag, presence, native_stage, mlflow_stage, alias:<name>"),
    (
        "alias:a b",
        (),
        "22",
        "must be one of tag, presence, native_stage, mlflow_stage, alias:<name>",
    ),
    (
        "alias:a=",
        (),
        "22",
        "must be one of tag, presence, native_stage, mlflow_stage, alias:<name>",
    ),
    ("alias:a=Prodction", (), "22", "has the stage Prodction; did you mean 'Production'?"),
    ("alias:a=Staging", (), "22", "Staging is not exclusive: several versions may hold it"),
    ("alias:a', 'alias:A", (), "33", "'A' and 'a' differ in case only"),
    ("alias:a', 'alias:a=Production", (), "33", "the alias 'a' is there already"),
    ("alias:a', 'alias:a", (), "33", "mirror_to has 'alias:a' twice"),
    ("alias:a", (ONE_MORE,), "22", "exclusive stages, Production, Canary: say whose the alias is"),
    ("alias:a", (NONE_EXCLUSIVE,), "22", "the alias a needs an exclusive stage, and no lifecycle"),
    ("alias:a", (OF_AZURE,), "22", "aliases are of MLflow servers; Azure ML has none"),
    ("mlflow_stage", (OF_AZURE,), "22", "mlflow_stage is of MLflow servers; Azure ML has native"),
    (
        "mlflow_stage",
        (ONE_MORE,),
        "22",
        "MLflow has the stages None, Staging, Production, Archived",
    ),
]


@pytest.mark.parametrize(("mirror", "changes", "column", "told"), FAULTS)
def test_what_mlflow_or_a_lifecycle_cannot_have_is_refused_where_it_stands(
    mirror: str, changes: tuple[tuple[str, str], ...], column: str, told: str
) -> None:
    """By line and column, in words."""
    found = [one for one in faults(file(f"tag, '{mirror}'", *changes)) if told in one]

    assert len(found) == 1, faults(file(f"tag, '{mirror}'", *changes))
    assert found[0].startswith(f"11:{column}: ")


@pytest.mark.parametrize("mirror", ["alias:a=Canary", "alias:champion=Production"])
def test_where_several_stages_are_exclusive_one_is_named(mirror: str) -> None:
    """Then it is kept there."""
    assert not [one for one in faults(file(f"'{mirror}'", ONE_MORE)) if one.startswith("11:")]
