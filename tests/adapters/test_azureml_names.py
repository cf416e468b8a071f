"""How names and contents of Azure ML are read."""

from __future__ import annotations

import pytest

from stage_functions.adapters.azureml_content import content, output_place
from stage_functions.adapters.azureml_reference import Names
from stage_functions.domain.asset import Kind

_PROVIDER = "providers/Microsoft.MachineLearningServices"
DEV = f"/subscriptions/s1/resourceGroups/rg/{_PROVIDER}/workspaces/dev"
TEST = f"/subscriptions/s1/resourceGroups/rg/{_PROVIDER}/workspaces/test-ws"
SHARED = f"/subscriptions/s2/resourceGroups/rg9/{_PROVIDER}/registries/shared-reg"
NAMES = Names(
    "dev", {DEV: "dev", TEST: "test", SHARED.lower(): "shared", "http://mlflow": "mlflow"}
)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("azureml:iris-data:3", Kind.DATA, "dev/data/iris-data:3"),
        ("iris-data:3", Kind.DATA, "dev/data/iris-data:3"),
        ("azureml:iris-data:3", None, None),
        ("azureml:iris-data@latest", Kind.DATA, None),
        (f"{DEV}/models/iris/versions/1", None, "dev/models/iris:1"),
        (f"azureml:{DEV}/models/iris/versions/1", Kind.DATA, "dev/models/iris:1"),
        (f"{DEV.lower()}/models/Iris/versions/1", None, "dev/models/Iris:1"),
        (f"{TEST}/environments/sk.learn/versions/v1", None, "test/environments/sk.learn:v1"),
        (f"{DEV}/codes/abc/versions/1", None, None),
        (f"{DEV}/models/iris/labels/latest", None, None),
        (f"{DEV}2/models/iris/versions/1", None, None),
        (
            "azureml://subscriptions/s1/resourcegroups/RG/workspaces/dev/data/iris/versions/2",
            None,
            "dev/data/iris:2",
        ),
        ("azureml://registries/Shared-Reg/models/iris/versions/7", None, "shared/models/iris:7"),
        ("azureml://registries/azureml/models/gpt/versions/7", None, None),
        ("azureml://registries/shared-reg/models/iris/labels/latest", None, None),
        ("azureml://locations/x/workspaces/GUID/data/iris/versions/2", None, "dev/data/iris:2"),
        ("azureml://locations/x/workspaces/other/data/iris/versions/2", None, None),
        ("azureml://datastores/ws/paths/a:1", Kind.DATA, None),
        ("https://somewhere/a:1", Kind.DATA, None),
        ("", Kind.DATA, None),
        ("a:b:1", Kind.DATA, None),
        (f"{DEV}/models/a\x00b/versions/1", None, None),
    ],
)
def test_knows_the_versions_that_are_governed(
    text: str, kind: Kind | None, expected: str | None
) -> None:
    """A name of a version of a known registry is that version; any other name is none."""
    found = NAMES.version(text, kind, "guid")

    assert expected == (str(found) if found else None)


def test_does_not_guess_whose_an_unknown_workspace_is() -> None:
    """As long as the own workspace's id is not known, a name by such an id says nothing."""
    assert NAMES.version("azureml://locations/x/workspaces//data/iris/versions/2") is None
    assert NAMES.version("azureml://locations/x/workspaces/guid/data/iris/versions/2") is None


_LONG = "azureml://subscriptions/s1/resourcegroups/rg/workspaces/dev"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("azureml://datastores/ds/paths/m/1", "azureml://datastores/ds/paths/m/1"),
        ("azureml://datastores/ds/paths/m/1/", "azureml://datastores/ds/paths/m/1"),
        (f"{_LONG}/datastores/ds/paths/m/1/", "azureml://datastores/ds/paths/m/1"),
        (
            f"azureml:/{DEV}/datastores/ds/paths/m/1",
            "azureml://datastores/ds/paths/m/1",
        ),
        (
            f"{_LONG}2/datastores/ds/paths/M/1",
            f"{_LONG}2/datastores/ds/paths/M/1",
        ),
        (
            "azureml://jobs/j1/outputs/artifacts/paths/model/",
            "azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.j1/model",
        ),
        (
            "runs:/j1/model",
            "azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.j1/model",
        ),
        (
            "azureml://datastores/workspaceartifactstore/ExperimentRun/dcid.j1/model",
            "azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.j1/model",
        ),
        (
            "azureml://jobs/j1/outputs/trained/paths/",
            "azureml://datastores/workspaceblobstore/paths/azureml/j1/trained",
        ),
        (
            "azureml://jobs/j1/outputs/trained",
            "azureml://datastores/workspaceblobstore/paths/azureml/j1/trained",
        ),
        ("https://reg.blob.core.windows.net/a/b", "https://reg.blob.core.windows.net/a/b"),
        (
            "azureml://registries/r/models/m/versions/1",
            "azureml://registries/r/models/m/versions/1",
        ),
        ("datastores/ds/paths/a", "datastores/ds/paths/a"),
        ("", ""),
    ],
)
def test_has_one_form_for_each_content(uri: str, expected: str) -> None:
    """However the place of a content is written, it is the same content; and once is enough."""
    found = content(uri, DEV)

    assert expected == found
    assert expected == content(found, DEV)


def test_a_registry_has_no_datastores_of_its_own() -> None:
    """What a registry names by a workspace stays named by it."""
    assert f"{_LONG}/datastores/ds/paths/m" == content(f"{_LONG}/datastores/ds/paths/m", "")


def test_knows_where_outputs_are_put() -> None:
    """An output without a place is where Azure ML puts it by default."""
    assert content("azureml://jobs/j/outputs/m", DEV) == output_place("j", "m")
    assert content("runs:/j/m", DEV) == output_place("j", "artifacts", "m")
