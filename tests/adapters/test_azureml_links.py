"""Where people look at versions of Azure ML."""

from __future__ import annotations

import pytest

from stage_functions.adapters.azureml_cloud import PUBLIC
from stage_functions.adapters.azureml_links import registry_places, workspace_places
from stage_functions.domain.asset import Version
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.places import Places, link
from tests.adapters.azureml_local import connected
from tests.azureml.identity import TENANT

WORKSPACE = (
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/dev"
)
STUDIO = PUBLIC.studio
MADE = Evidence({"job": {"id": "brave_fig_1", "experiment": "0fa9-1"}})


@pytest.mark.parametrize(
    ("version", "page"),
    [
        ("dev/models/iris:3", "model/iris:3/details"),
        ("dev/data/iris:3", "data/iris/3/details"),
        ("dev/environments/sk:1", "environments/sk/version/1"),
        ("dev/components/train:1", "components/train/version/1"),
        ("dev/models/a b?#&:1", "model/a%20b%3F%23%26:1/details"),
    ],
)
def test_shows_each_kind_in_studio(version: str, page: str) -> None:
    """A version of a workspace has its page in studio, with the workspace it is in."""
    places = workspace_places(STUDIO, WORKSPACE, Version.parse(version), Evidence())

    assert Places(f"https://ml.azure.com/{page}?wsid={WORKSPACE}") == places


def test_shows_what_made_a_version() -> None:
    """The job and its experiment have their pages, in the directory that people sign in to."""
    version = Version.parse("dev/models/iris:3")

    places = workspace_places(STUDIO, WORKSPACE, version, MADE, tenant="t-1")

    where = f"?wsid={WORKSPACE}&tid=t-1"
    assert f"https://ml.azure.com/model/iris:3/details{where}" == places.version
    assert f"https://ml.azure.com/runs/brave_fig_1{where}" == places.job
    assert f"https://ml.azure.com/experiments/id/0fa9-1{where}" == places.experiment
    assert "" == places.model


@pytest.mark.parametrize("kind", ["models", "data", "environments", "components"])
def test_shows_what_is_in_a_registry(kind: str) -> None:
    """A version of a registry has its page there, and no job."""
    version = Version.parse(f"shared/{kind}/iris:3")

    places = registry_places(STUDIO, "shared-reg", version)

    page = f"https://ml.azure.com/registries/shared-reg/{kind}/iris/version/3"
    assert Places(page) == places
    assert f"{page}?tid=t" == registry_places(STUDIO, "shared-reg", version, tenant="t").version


def test_signs_in_where_stageward_does() -> None:
    """Once a token was sent, links name its directory; before that nobody is asked for it."""
    version = Version.parse("dev/models/iris:3")
    with connected() as azure:
        azure.local.put_version(azure.dev, "models", "iris", "3", {"modelUri": "https://x/m"})
        first = azure.registry.links(version, Evidence()).version
        azure.read("dev/models/iris:3")
        second = azure.registry.links(version, Evidence()).version
        shared = azure.registries["shared"].links(version, Evidence()).version

    assert f"{first}&tid={TENANT}" == second
    assert "https://ml.azure.com/registries/shared-reg/models/iris/version/3" == shared


def test_a_link_may_always_be_shown() -> None:
    """Whatever the id of a workspace is, its links are http(s) ones of printable ASCII."""
    version = Version.parse("dev/models/naïve 😀:3")

    places = workspace_places(STUDIO, "/a b/<\"'>/ü?&x=1#", version, MADE)

    for one in (places.version, places.job, places.experiment):
        assert one == link(one)
        assert one.isascii()
        assert "#" not in one
