"""What pages say of violations that stand, of archived versions, and of where a page is."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from stage_functions.domain.evidence import Evidence
from tests.api_server import Api, api_over
from tests.application.guard_world import HOURS, ONE, TWO, at, deploy, guarding
from tests.application.guard_world import told as told_of
from tests.browser.story import Story
from tests.builders import World, world
from tests.copy_world import copy_world
from tests.web.pages.conftest import looked_at

PAGE = "/assets/demo/models/iris/versions/1"
WHY = "deployment blue: deployed to demo/scoring while at None, which is not deployable to it"


@pytest.fixture
def it() -> Iterator[World]:
    """A version that is served against its stage."""
    made = world(governed_by=guarding())
    at(made, "1")
    deploy(made, ONE)
    told_of(made)
    yield made
    made.rows.close()


def look(api: Api, path: str) -> str:
    """Return the text of a page, as bob sees it."""
    return looked_at(api, path, "bob", 200).text


def test_a_violation_stands_on_the_board_the_asset_and_the_version(it: World) -> None:
    """In the same words, with the record; and the board finds it by its filter."""
    with api_over(it) as api:
        for place in ("/", "/?violating=1", "/assets/demo/models/iris", PAGE):
            text = look(api, place)
            assert WHY in text, place
            assert ", record 2" in text, place


def test_what_was_put_right_stands_nowhere_but_in_the_timeline(it: World) -> None:
    """The board says of the filter that nothing stands."""
    at(it, "2", "Staging", "Production")
    it.clock.sleep(HOURS)
    deploy(it, TWO)
    told_of(it)
    with api_over(it) as api:
        board, asset, version = (
            look(api, place) for place in ("/?violating=1", "/assets/demo/models/iris", PAGE)
        )

    assert "No violation stands, as far as is known." in board
    assert "violates" not in asset + version
    assert "Violated" in asset


def test_a_stranger_stands_out_after_it_was_refused() -> None:
    """In a registry that takes only copies; its last answer hides nothing."""
    it = copy_world(copies_only=("shared",))
    stranger = it.register(alias="shared")
    it.ask(stranger, "Staging")
    with api_over(it.world()) as api:
        board = look(api, "/?violating=1&registry=shared")
        version = look(api, "/assets/shared/models/iris/versions/1")
    it.rows.close()

    assert "only copies that Stageward makes belong" in board
    assert "violates only copies that Stageward makes belong in registry shared" in version
    assert "refused: " in version


def test_what_somebody_has_archived_in_the_registry_is_said(it: World) -> None:
    """And who did: what Stageward hides by its stage is its own doing."""
    it.registry.archive(ONE)
    for number in ("2", "3"):
        at(it, number, "Staging", "Production")
    it.registry.archive(TWO)  # as Azure ML is asked to when 3 displaces it
    with api_over(it) as api:
        by_hand = look(api, PAGE)
        client = api.client("sam").get("/api/v1/assets/demo/models/iris/versions/1").json()
        hidden = look(api, "/assets/demo/models/iris/versions/2")

    assert "Archived in registry demo by somebody else, not by Stageward" in by_hand
    assert client["archived"] is True
    assert "Archived in registry demo by Stageward: the stage is a hidden one" in hidden


def test_a_page_says_in_which_registry_it_is(told: Story) -> None:
    """Versions of one name and number in two registries do not look alike."""
    headers = {"Authorization": "Bearer bob"}
    with api_over(told.it) as api:
        place = f"{api.address}/assets/demo/models/iris"
        asset = httpx.get(place, headers=headers).text
        version = httpx.get(f"{place}/versions/3", headers=headers).text

    assert "<title>iris in demo · Stageward</title>" in asset
    assert "<title>iris 3 in demo · Stageward</title>" in version
    assert "of iris in demo</span></h1>" in version


def test_lineage_and_evidence_know_the_same_environment() -> None:
    """Whatever a registry calls it: what is evidence is not said to be unrecorded."""
    it = world()
    it.registry.evidences[ONE] = Evidence({"environment": {"asset": "azureml:sklearn@latest"}})
    it.register("1")
    with api_over(it) as api:
        text = look(api, PAGE)
    it.rows.close()

    assert 2 <= text.count("asset azureml:sklearn@latest")
    assert "Environment not recorded" not in text


def test_a_demand_is_no_result(told: Story) -> None:
    """It says what must be, not what is."""
    with api_over(told.it) as api:
        text = look(api, "/assets/demo/models/iris/versions/4")

    assert "Production , which demands: rule job-finished must pass; rule accurate must" in text


def test_programs_are_told_what_stands(it: World) -> None:
    """In lists, by a filter, and of the version itself; null where nothing does."""
    at(it, "2")
    with api_over(it) as api:
        client = api.client("sam")
        every = client.get("/api/v1/assets").json()["versions"]
        found = client.get("/api/v1/assets?violating=true").json()["versions"]
        version = client.get("/api/v1/assets/demo/models/iris/versions/1").json()

    assert {"1": True, "2": False} == {one["version"]: bool(one["violation"]) for one in every}
    assert ["1"] == [one["version"] for one in found]
    assert ("demo/scoring", "blue", 2) == tuple(
        found[0]["violation"][key] for key in ("endpoint", "deployment", "record")
    )
    assert [found[0]["violation"]] == version["violations"]
