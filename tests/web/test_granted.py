"""Where versions stand by grant, of many models in one call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application.scan import Scanner
from stage_functions.application.transition import request_transition
from stage_functions.client import Client
from stage_functions.domain.error import InvalidInputError, NotFoundError
from stage_functions.domain.state import MISSING_TWICE_SECONDS
from tests.api_server import Api, api_over
from tests.builders import World, cast, world

CALL = "/api/v1/registries/demo/granted"


@pytest.fixture
def it() -> Iterator[World]:
    """A world where version 1 holds Production, 2 is new, and the alias `champion` is kept."""
    made = world()
    known = made.context.configuration
    demo = replace(known.registry("demo"), aliases={"champion": "", "other": "Staging"})
    context = replace(made.context, configuration=replace(known, registries={"demo": demo}))
    here = World(context, made.registry, made.clock, made.rows)
    first = here.register("1")
    here.register("2")
    for stage in ("Staging", "Production"):
        asked = request_transition(context, here.command(first, stage))
    for person in ("ada", "bob"):
        cast(context, asked.approval, person)
    yield here
    made.rows.close()


@pytest.fixture
def api(it: World) -> Iterator[Api]:
    """The API over that world."""
    with api_over(it) as running:
        yield running


def test_tells_of_each_model_what_a_client_of_mlflow_needs(api: Api) -> None:
    """Stages, aliases, versions; of a model that the ledger does not know, what it may become."""
    answer = api.client("sam").post(CALL, json={"names": ["iris", "wine"]})
    iris, wine = answer.json()["models"]

    assert 200 == answer.status_code
    assert {"1": "Production", "2": "None"} == {
        number: version["stage"] for number, version in iris["versions"].items()
    }
    assert all(version["created"] > 0 for version in iris["versions"].values())
    assert (True, "", "default", "None") == tuple(
        iris[key] for key in ("known", "why", "lifecycle", "initial")
    )
    assert (["None", "Staging", "Production", "Archived"], ["Archived"]) == (
        iris["stages"],
        iris["terminal"],
    )
    assert ({"Production": "Archived"}, {"champion": "Production"}) == (
        iris["exclusive"],
        iris["aliases"],
    )
    assert {**iris, "asset": "demo/models/wine", "known": False, "versions": {}} == wine


def test_a_version_that_is_gone_is_not_told_of(it: World, api: Api) -> None:
    """Its number may mean another thing by tomorrow."""
    third = it.register("3")
    sam = api.client("sam")
    before = sam.post(CALL, json={"names": ["iris"]}).json()
    it.registry.remove(third)
    scanner = Scanner(it.context)
    for _ in range(2):
        scanner.scan("demo")
        it.clock.sleep(MISSING_TWICE_SECONDS)
    after = sam.post(CALL, json={"names": ["iris"]}).json()

    assert ["1", "2", "3"] == sorted(before["models"][0]["versions"])
    assert ["1", "2"] == sorted(after["models"][0]["versions"])


def test_what_is_asked_wrongly_is_said(api: Api) -> None:
    """Too many names, a name that no model has, a registry that there is not, a field too many."""
    sam = api.client("sam")
    many = sam.post(CALL, json={"names": ["x"] * 101})
    odd = sam.post(CALL, json={"names": ["a/b"]})
    elsewhere = sam.post(CALL.replace("demo", "else"), json={"names": ["iris"]})
    more = sam.post(CALL, json={"names": [], "kind": "data"})

    assert [422, 422, 404, 422] == [one.status_code for one in (many, odd, elsewhere, more)]
    assert "at most 100" in many.json()["detail"]


def test_the_client_asks_for_any_number_of_models(api: Api) -> None:
    """A hundred to a call; in the order of the names."""
    names = [f"model-{number}" for number in range(250)]
    with Client(api.address, "sam") as sam:
        found = sam.granted("demo", [*names, "iris"])
        with pytest.raises(NotFoundError):
            sam.granted("else", ["iris"])
        with pytest.raises(InvalidInputError):
            sam.granted("demo", ["a/b"])
        registries = sam.registries()

    assert [f"demo/models/{name}" for name in (*names, "iris")] == [one.asset for one in found]
    assert "Production" == found[-1].versions["1"].stage
    assert ["http://m"] == [one.address for one in registries]
