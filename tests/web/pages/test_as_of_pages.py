"""What the page of an asset shows as of a day."""

from __future__ import annotations

from tests.builders import World
from tests.web.pages.conftest import Get

PAGE = "/assets/demo/models/iris"


def test_the_page_of_an_asset_says_where_versions_stood_as_a_day_closed(
    it: World, get: Get
) -> None:
    """Approved by whom, on what grounds; today is as it is now."""
    it.register("1")
    it.clock.sleep(3 * 86_400)
    it.register("2")

    closed = get(f"{PAGE}?as_of=2026-01-01").text
    today = get(f"{PAGE}?as_of=2026-01-04").text

    assert "As known at" in closed
    assert 1 == closed.split("As known at")[1].split("Timeline")[0].count("registered")
    assert 2 == today.split("As known at")[1].split("Timeline")[0].count("registered")


def test_a_day_on_which_nothing_stood_and_what_is_no_day_are_told(it: World, get: Get) -> None:
    """In words, on the same page."""
    it.register("1")

    assert "No version stood anywhere at" in get(f"{PAGE}?as_of=2020-01-01").text
    assert "is no day: write 2026-03-31" in get(f"{PAGE}?as_of=<b>soon").text
    assert "As known at" not in get(PAGE).text
