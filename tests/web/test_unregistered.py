"""What nobody has registered, over the API, on the command line and on its pages."""

from __future__ import annotations

import pytest

from tests.api_server import Api
from tests.application.unregistered_world import (
    NAMELESS,
    OUTPUT,
    anonymous,
    ends,
    leave,
    register,
    told,
)
from tests.builders import World
from tests.cli.console import Console
from tests.web.pages.conftest import looked_at

HOW = (
    "az ml model create --name <name> --path azureml://jobs/job_1/outputs/model --type mlflow_model"
)


@pytest.fixture
def noted(it: World) -> World:
    """A world with an output and a version that nobody has registered."""
    leave(it)
    ends(it)
    told(it, anonymous(it))
    told(it, register(it, content="azureml://d"))
    return it


def path(kind: str = "models", name: str = OUTPUT.asset.name, number: str = "1") -> str:
    """Return the path of a version."""
    return f"/assets/demo/{kind}/{name}/versions/{number}"


@pytest.mark.usefixtures("noted")
def test_the_api_lists_them_where_they_are_asked_for(api: Api) -> None:
    """With the job, the author, and since when; otherwise not."""
    sam = api.client("sam")
    plain, these, everything = (
        sam.get(f"/api/v1/assets{query}").json()["versions"]
        for query in ("", "?stage=Unregistered", "?unregistered=true")
    )

    assert [one["asset"] for one in plain] == ["demo/models/iris"]
    assert [one["job"] for one in these] == [None, "job_1"]
    assert [one["author"] for one in these] == ["person:sam", "person:sam"]
    assert {one["stage"] for one in these} == {"Unregistered"}
    assert {one["record"] for one in these} == {0}
    assert everything == [*plain, *these]


@pytest.mark.usefixtures("noted")
def test_the_api_refuses_every_transition_of_one(api: Api) -> None:
    """409, and how to register it; a check says the same."""
    sam = api.client("sam")
    for version in (path(), path(name=NAMELESS.asset.name, number=NAMELESS.number)):
        refused = sam.post(f"/api/v1{version}/transitions", json={"to": "Staging"})
        question = {"action": "transition", "to": "Staging"}
        checked = sam.post(f"/api/v1{version}/checks", json=question)

        assert refused.status_code == 409
        assert "is Unregistered: register it first" in refused.json()["detail"]
        assert refused.json()["decision"]["stage"] == "Unregistered"
        assert checked.json()["detail"] == refused.json()["detail"]


@pytest.mark.usefixtures("noted")
def test_the_api_shows_one_with_what_is_known_of_it(api: Api) -> None:
    """Though no registry has such a version."""
    found = api.client("sam").get(f"/api/v1{path()}").json()

    assert (found["stage"], found["registered"], found["allowed"]) == ("Unregistered", False, [])
    assert found["evidence"]["job"] == {"id": "job_1"}
    assert HOW in found["status"]


@pytest.mark.usefixtures("noted")
def test_the_command_line_lists_shows_and_refuses_them(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ls --stage Unregistered` and `--all` list them; `promote` ends with 4."""
    at = Console(api, monkeypatch)
    plain, these, everything = (
        at.run("sam", "ls", *more) for more in ((), ("--stage", "Unregistered"), ("--all",))
    )
    refused = at.run("sam", "promote", str(OUTPUT), "Staging")
    shown = at.run("sam", "show", str(OUTPUT))

    assert str(OUTPUT) not in plain.out
    assert "job_1" in these.out
    assert "person:sam" in these.out
    assert "output model of job job_1; register it first" in everything.out
    assert (refused.code, shown.code) == (4, 0)
    assert HOW in refused.out
    assert HOW in " ".join(shown.out.split())


def test_a_history_says_on_the_command_line_where_it_begins(
    it: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From Unregistered, with the output and its job."""
    leave(it)
    ends(it)
    told(it, register(it))
    told(it, anonymous(it))
    told(it, register(it, "2", "azureml://c"))
    leave(it, "job_2", "azureml://e")
    ends(it, "job_2")
    told(it, register(it, "3", "azureml://f", "job_2"))
    done = Console(api, monkeypatch).run("sam", "history", "demo/models/iris", "--verify")

    said = " ".join(done.out.split())
    assert "Registered Unregistered → None: output model of job job_1: registered" in said
    assert f"Registered Unregistered → None: {NAMELESS}: registered" in said
    assert "Registered Unregistered → None: something of job job_2: registered" in said


@pytest.mark.usefixtures("noted")
def test_the_board_counts_them_and_leads_to_their_list(api: Api) -> None:
    """Each with its job and a page of its own; filters hold."""
    board = looked_at(api, "/", "bob", 200)
    these = looked_at(api, board.links["2 unregistered"], "bob", 200)
    none = looked_at(api, "/?stage=Unregistered&name=nothing", "bob", 200)
    narrow = looked_at(api, "/?name=iris", "bob", 200)

    assert board.links["2 unregistered"] == "/?stage=Unregistered"
    assert these.links["output model"] == path()
    assert "job_1" in these.text
    assert "iris" not in these.links
    assert "Nothing unregistered fits the filter" in none.text
    assert "2 unregistered" not in narrow.links


@pytest.mark.usefixtures("it")
def test_a_board_without_any_does_not_speak_of_them(api: Api) -> None:
    """A registry that has none is not made to look as if it had."""
    assert "nregistered" not in looked_at(api, "/", "bob", 200).text


@pytest.mark.usefixtures("noted")
def test_the_page_of_one_says_what_it_is_and_how_to_register_it(api: Api) -> None:
    """With a link to its job, and nothing to ask with."""
    page = looked_at(api, path(), "bob", 200)
    nameless = looked_at(api, path(name=NAMELESS.asset.name, number=NAMELESS.number), "bob", 200)

    assert page.links["job_1"] == "https://registry.example/jobs/job_1"
    assert HOW in page.text
    assert "Unregistered output model of job job_1" in page.text
    assert "is listed for 90 days" in page.text
    assert "90 days" not in nameless.text
    assert [form["action"] for form in page.all("form")] == ["/sign-out"]
    assert "made by its registry" in nameless.text


def test_the_pages_of_a_version_say_where_it_comes_from(it: World, api: Api) -> None:
    """In its records and in those of its asset."""
    leave(it)
    ends(it)
    told(it, register(it))
    for place in ("/assets/demo/models/iris", "/assets/demo/models/iris/versions/1"):
        page = looked_at(api, place, "bob", 200)
        assert "registered at None, from Unregistered: output model of job job_1" in page.text


def test_their_list_goes_on_over_pages(it: World, api: Api) -> None:
    """Fifty on each."""
    for number in range(51):
        leave(it, f"job_{number:02d}", f"azureml://{number}")
        ends(it, f"job_{number:02d}")
    first = looked_at(api, "/?stage=Unregistered", "bob", 200)
    second = looked_at(api, first.links["Next page"], "bob", 200)

    assert ("job_49" in first.text, "job_50" in first.text) == (True, False)
    assert ("job_49" in second.text, "job_50" in second.text) == (False, True)
    assert second.links["First page"] == "/?stage=Unregistered"
