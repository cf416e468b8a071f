"""What axe-core says of the pages: nothing, in either scheme, on a phone as on a desk."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Looking
from tests.browser.story import DAY, Story
from tests.builders import IRIS

PLACES = (
    "/",
    "/?stage=Archived",
    "/?name=nothing+is+called+so",
    "/assets/demo/models/iris",
    "/assets/demo/models/iris/versions/3",
    "/assets/demo/models/iris/versions/4",
    "/approvals",
    "/approvals?show=open",
    "/approvals?show=decided",
    "/approvals/{pending}",
    "/approvals/{given}",
    "/?stage=Foo",
    "/lifecycles",
    "/lifecycles/default",
    "/sign-in",
    "/nothing-is-here",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_axe_finds_nothing_on_any_page(
    told: Story, looking: Looking, width: int, scheme: str
) -> None:
    """With all that is folded away unfolded."""
    page = looking(told, width=width, scheme=scheme)
    given = told.it.context.ledger.load(IRIS, ["3"]).versions["3"].approved_by
    named = {place: place.format(pending=told.pending, given=given) for place in PLACES}
    found = {place: violations(page, address) for place, address in named.items()}

    assert {place: said for place, said in found.items() if said} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_an_approval_has_ended(
    story: Story, looking: Looking, scheme: str
) -> None:
    """On the board, on its asset and version, and on the brief that gave it."""
    story.it.clock.sleep(DAY * 200)
    given = story.it.context.ledger.load(IRIS, ["3"]).versions["3"].approved_by
    iris = "/assets/demo/models/iris"
    page = looking(story, width=320, scheme=scheme)
    places = ("/?name=iris", iris, f"{iris}/versions/3", f"/approvals/{given}")

    assert [said for place in places for said in violations(page, place)] == []


def test_axe_would_find_something(told: Story, looking: Looking) -> None:
    """A page without a title, a language or a label is no success of the test."""
    page = looking(told)
    page.set_content("<html><body><img src=x><input></body></html>")

    assert len(Axe().run(page).response["violations"]) >= 3


def violations(page: Page, place: str) -> list[str]:
    """Return what axe-core finds on a page: its rule, and the first element."""
    page.goto(place)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['target']} {one['nodes'][0]['failureSummary']}"
        for one in found
    ]
