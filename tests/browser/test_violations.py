"""What violates, what Azure ML's own users have archived, and what was cut off on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from stage_functions.application.query import Filter, assets
from tests.application.guard_world import ONE, SCORING, TWO, at, deploy, guarding, told
from tests.browser.conftest import Looking
from tests.browser.story import Story
from tests.builders import World, world

PLACES = ("/", "/?violating=1", "/assets/demo/models/iris", "/assets/demo/models/iris/versions/1")


@pytest.fixture
def it() -> Iterator[World]:
    """Version 1 is served against its stage; version 2, which is not, was archived by somebody."""
    made = world(governed_by=guarding())
    at(made, "1")
    at(made, "2", "Staging", "Production")
    deploy(made, ONE)
    told(made, SCORING)
    made.registry.archive(TWO)
    yield made
    made.rows.close()


def _opened(it: World, looking: Looking, width: int, scheme: str) -> Page:
    story = Story.__new__(Story)
    story.it = it
    return looking(story, width=width, scheme=scheme)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_violation_is_seen_wherever_its_version_is(
    it: World, looking: Looking, width: int, scheme: str
) -> None:
    """With a badge and the record behind it; axe finds nothing, and nothing is cut off."""
    page = _opened(it, looking, width, scheme)
    (entry,) = assets(it.context, Filter(violating=True)).entries
    assert entry.violation is not None
    for place in PLACES:
        page.goto(place)
        badge = page.locator(".badge.bad", has_text="violates")
        assert (place, 1) == (place, badge.count())
        assert badge.is_visible()
        record = page.get_by_role("link", name=f"record {entry.violation.number}, of version 1")
        assert f"#record-{entry.violation.number}" in str(record.get_attribute("href"))
        assert [] == Axe().run(page).response["violations"]
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert (place, 0) == (place, page.evaluate(wide))
