"""The board: what it shows, leaves out, and says where there is nothing."""

from __future__ import annotations

import httpx
import pytest
from msgspec.structs import replace

from stage_functions.application import catalog, upkeep
from stage_functions.application.ports.rows import CATALOG, Upsert
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.state import VersionState
from stage_functions.web.pages.addresses import url_for_asset
from tests.api_server import Api, api_over
from tests.browser.story import ODD, Story
from tests.builders import IRIS, World, world
from tests.web.pages.conftest import Get, looked_at
from tests.web.pages.parsed import Parsed


def put(it: World, asset: Asset, *numbers: str, stage: str = "None") -> None:
    """Put versions into the catalog, as if they had been registered."""
    states = {
        number: VersionState(number, "1/x", stage, it.clock.now(), number=1) for number in numbers
    }
    catalog.write(it.rows, asset, states)


def test_an_asset_is_shown_with_who_holds_what_and_what_waits(told: Story, get_told: Get) -> None:
    """The holder by its number, what waits with a link to its approval."""
    page = get_told("/?name=iris&kind=models")

    assert "Production (exclusive) 3" in page.text
    assert "Staging 5 4" in page.text
    assert "waits version 4" in page.text
    assert page.links[f"approval {told.pending}"] == f"/approvals/{told.pending}"
    assert page.links["iris"] == "/assets/demo/models/iris"
    assert page.links["3"] == "/assets/demo/models/iris/versions/3"


def test_hidden_stages_are_left_out_and_counted_and_shown_on_demand(get_told: Get) -> None:
    """The link keeps the other filters."""
    page = get_told("/?name=iris")
    shown = get_told(page.links["show"])

    assert "2 more at Archived" in page.text
    assert "more at Archived" not in shown.text
    assert "Archived 2 1" in shown.text
    assert "churn" not in shown.text


def test_deleted_versions_are_counted_apart(get_told: Get) -> None:
    """They stand nowhere."""
    page = get_told("/?name=churn")

    assert "None 5 versions" in page.text
    assert "1 deleted in the registry" in page.text


def test_the_form_keeps_what_was_asked_and_can_be_cleared(get_told: Get) -> None:
    """Without a script."""
    page = get_told("/?name=IRIS&registry=demo&kind=models&stage=Staging&waiting=1&hidden=1")

    (name,) = [one for one in page.all("input") if one["name"] == "name"]
    chosen = [one for one in page.all("option") if "selected" in one]
    ticked = [one["name"] for one in page.all("input") if "checked" in one]
    assert name["value"] == "IRIS"
    assert len(chosen) == 3
    assert ticked == ["waiting", "hidden"]
    assert page.links["Clear"] == "/"
    assert "iris" in page.links


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name=RIS", {"iris", "iris-train"}),
        ("kind=data", {"iris-train"}),
        ("stage=Production", {"iris", "churn-classifier"}),
        ("waiting=1", {"iris"}),
        ("waiting=1&kind=data", set()),
        ("name=%25", {ODD.name}),
        ("name=gr%C3%96%C3%9Fe", {ODD.name}),
    ],
)
def test_filters_find_what_they_name(get_told: Get, query: str, expected: set[str]) -> None:
    """Parts of names in whatever case; stages, kinds, and what waits."""
    page = get_told(f"/?{query}")

    names = {text for text, href in page.links.items() if href.count("/") == 4}
    assert names & {"iris", "iris-train", "churn-classifier", ODD.name} == expected


def test_odd_names_are_escaped_and_encoded_once(get_told: Get) -> None:
    """The link leads to the asset."""
    page = get_told("/?name=100%25")

    assert page.links[ODD.name] == url_for_asset(ODD)
    assert ODD.name in get_told(page.links[ODD.name]).text
    assert not page.all("b")


def test_pages_follow_each_other_and_every_asset_comes_once(it: World, get: Get) -> None:
    """With their versions whole, whatever lies at the edge of a page."""
    names = [f"model-{n:03d}" for n in range(120)]
    for name in names:
        put(it, replace(IRIS, name=name), "1", "2", "10")
    seen: list[str] = []
    path = "/?kind=models"
    while path:
        page = get(path)
        seen += [text for text in page.links if text.startswith("model-")]
        assert page.text.count("10 2 1") == page.text.count("model-")
        path = page.links.get("Next page", "")

    assert seen == names


def test_a_stopped_version_is_said_with_the_reason(it: World, get: Get) -> None:
    """By a word, not by colour alone."""
    state = VersionState("1", "1/x", "Staging", it.clock.now(), number=1, stopped="another ledger")
    catalog.write(it.rows, IRIS, {"1": state})

    assert "stopped version 1: another ledger" in get("/").text


def test_markup_in_what_people_write_is_shown_as_text(it: World, get: Get) -> None:
    """In a reason that became a status, too."""
    version = it.register("1")
    it.tag(version, "stage_request", "<script>alert(1)</script>: <b>now</b>")

    page = get("/assets/demo/models/iris")

    assert "<script>alert(1)<" in page.text


def test_an_empty_ledger_says_what_to_do(get: Get) -> None:
    """Register something."""
    assert "Nothing is registered yet" in get("/").text


def test_nothing_that_fits_says_so(get_told: Get) -> None:
    """With a way back; and a word of its own where nothing waits."""
    assert get_told("/?name=nowhere").links["Show all assets"] == "/"
    assert "No asset fits" in get_told("/?waiting=1&name=churn").text


def test_nothing_waits_says_how_something_would(it: World, get: Get) -> None:
    """Who wants a stage asks for it."""
    it.register("1")

    assert "Nothing waits for approval" in get("/?waiting=1").text


def test_a_registry_that_is_only_observed_is_said_on_top_with_what_to_do() -> None:
    """Its versions are counted as observed."""
    it = world(Mode.OBSERVE)
    version = Version(IRIS, "1")
    it.registry.register(version, it.clock.now(), author="mlflow:sam")
    follow(it.context, Signal(version))
    with api_over(it) as api:
        page = looked_at(api, "/", "bob", 200)
    it.rows.close()

    assert "Registry demo is only observed" in page.text
    assert "set mode: enforce in the configuration, and restart; then an operator" in page.text
    assert "stageward import demo --dry-run" in page.text
    assert "Observed 1 version" in page.text
    assert "/assets/demo/models/iris#versions" == page.links["1 version"]


def test_a_stopped_or_unreadable_registry_is_said_on_top(it: World, get: Get) -> None:
    """With the command that helps."""
    it.context.states.update(
        "demo", lambda state: replace(state, stopped="it is another's", unreadable="HTTP 500")
    )

    text = get("/").text

    assert "is stopped: it is another's" in text
    assert "stageward resolve demo" in text
    assert "could not be read at the last scan: HTTP 500" in text


def test_a_registry_that_waits_for_its_import_is_said_on_top(it: World, get: Get) -> None:
    """So is a scan that has halted."""
    it.context.states.update(
        "demo", lambda state: replace(state, imported=False, halted="half of it is missing")
    )

    text = get("/").text

    assert "its stages were never taken over" in text
    assert "The scan of demo has halted: half of it is missing." in text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/?kind=pets", 422),
        ("/?registry=none", 404),
        ("/?cursor=elsewhere", 422),
        ("/?cursor=demo:models", 422),
        ("/assets/demo/models/none", 404),
        ("/assets/none/models/iris", 404),
        ("/assets/demo/pets/iris", 422),
        ("/assets/demo/models/iris/versions/99", 404),
        ("/lifecycles/none", 404),
    ],
)
def test_what_cannot_be_shown_is_a_page_that_says_why(
    get_told: Get, path: str, status: int
) -> None:
    """Not a bare document."""
    page = get_told(path, status=status)

    assert {"Back to the assets", "Approvals"} <= set(page.links)
    assert "`" not in page.text


def test_an_approval_that_there_is_not_leads_to_those_that_there_are(get_told: Get) -> None:
    """By a link, where the command line names its command."""
    page = get_told("/approvals/zzz", status=404)

    assert "No approval has the id 'zzz'; the page of approvals lists them." in page.text
    assert "/approvals" == page.links["the page of approvals"] == page.links["All approvals"]
    assert "/lifecycles" == get_told("/lifecycles/none", status=404).links["All lifecycles"]


def test_an_address_that_is_none_is_told_in_the_frame_of_whoever_looks(api: Api) -> None:
    """Whoever is nobody yet may sign in."""
    looks = [{"Accept": "text/html"}, {"Accept": "text/html", "Authorization": "Bearer bob"}]
    nobody, bob = (
        Parsed(httpx.get(f"{api.address}/nowhere", headers=one, timeout=30).text) for one in looks
    )

    assert "Approvals" in bob.links
    assert "Sign in" not in bob.links
    assert "Approvals" not in nobody.links
    assert "/sign-in?next=%2F" == nobody.links["Sign in"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/assets/demo/models/iris",
        "/assets/demo/models/iris/versions/1",
        "/approvals",
        "/lifecycles",
        "/lifecycles/default",
    ],
)
def test_nobody_sees_anything_without_signing_in(it: World, api: Api, path: str) -> None:
    """Not even a name."""
    it.register("1")
    answer = httpx.get(f"{api.address}{path}")

    assert answer.status_code in (303, 401)
    assert "Staging" not in answer.text


def test_the_board_is_rebuilt_with_the_catalog(it: World, get: Get) -> None:
    """It reads nothing else."""
    version = it.register("1")
    request_transition(it.context, it.command(version, "Staging"))
    before = get("/").text
    catalog.clear(it.rows, "demo", Kind.MODELS)
    emptied = get("/").text
    upkeep.rebuild_catalog(it.context)

    assert "Nothing is registered" in emptied
    assert get("/").text == before


def test_a_name_that_is_too_long_for_a_key_is_found_by_its_part(it: World, get: Get) -> None:
    """Its key is cut, its row is not."""
    put(it, replace(IRIS, name="x" * 500 + "needle"), "1")

    assert "needle" in get("/?name=NEEDLE").text
    assert it.rows.query(CATALOG, "demo:models")[0].key.count("~") == 1


def test_an_asset_without_a_stage_that_shows_is_counted(it: World, get: Get) -> None:
    """And shown on demand."""
    put(it, IRIS, "1", stage="Archived")
    page = get("/")

    assert "1 asset more has only deleted versions, or versions at hidden stages" in page.text
    assert "iris" in get(page.links["show"]).links


def test_a_damaged_row_of_the_catalog_is_an_error_page(it: World, get: Get) -> None:
    """Not half a board."""
    it.rows.commit(CATALOG, "demo:models", [Upsert("iris:1", {"format": 1, "body0": b"{"})])

    get("/", status=500)


def test_a_stage_that_no_lifecycle_has_is_shown_as_what_is_filtered_by(get_told: Get) -> None:
    """The control says what the list does."""
    page = get_told("/?stage=Foo")

    assert "Foo (no such stage)" in page.text
    assert {"value": "Foo", "selected": ""} in page.all("option")
    assert "No asset fits the filter" in page.text
