"""What axe-core says of the pages: nothing, in either scheme, on a phone as on a desk."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Looking
from tests.browser.story import Story

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
    found = {place: violations(page, place.format(pending=told.pending)) for place in PLACES}

    assert {place: said for place, said in found.items() if said} == {}


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
