"""Every page in a browser: narrow and wide, light and dark."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from stage_functions.web.pages.addresses import url_for_asset, url_for_version
from tests.browser.conftest import Looking
from tests.browser.story import LONG, ODD, Story

PATHS = (
    "/",
    "/?hidden=1&name=iris",
    "/?name=nothing-is-called-so",
    "/?stage=Unregistered",
    "/assets/demo/models/azureml_sleepy_plum_8x2k1_output_model/versions/1",
    "/assets/demo/components/azureml_anonymous/versions/b0e17849-2f1c",
    "/assets/demo/models/iris",
    "/assets/demo/models/iris/versions/4",
    "/assets/demo/models/iris/versions/1",
    "/assets/demo/models/churn-classifier",
    "/assets/demo/models/churn-classifier/versions/3",
    url_for_asset(ODD),
    url_for_version(ODD, "1"),
    url_for_asset(LONG),
    url_for_version(LONG, "1"),
    "/approvals",
    "/approvals?show=mine",
    "/approvals?show=open",
    "/approvals?show=decided",
    "/lifecycles",
    "/lifecycles/default",
)
SCROLLS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1440, 1920])
def test_every_page_fits_its_window_and_asks_nobody_else(
    told: Story, looking: Looking, width: int, scheme: str
) -> None:
    """No scrolling sideways, no word on the console, no request to another host."""
    page = looking(told, width=width, scheme=scheme)
    said: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    for path in (*PATHS, f"/approvals/{told.pending}"):
        answer = page.goto(path)
        assert answer is not None
        assert (path, answer.status) == (path, 200)
        assert (path, page.evaluate(SCROLLS)) == (path, 0)

    assert said == []
    assert asked == {urlsplit(page.url).netloc}


def test_the_keyboard_reaches_the_content_first_and_every_region_that_scrolls(
    told: Story, looking: Looking
) -> None:
    """The skip link comes first; what is wider than the window can be focused."""
    page = looking(told, width=320)
    page.goto("/assets/demo/models/iris")
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    wide = page.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth)"
        ".every(one => one.tabIndex === 0)"
    )

    assert first == "Skip to the content"
    assert page.evaluate("document.activeElement.id") == "main"
    assert wide is True


def test_what_is_to_be_touched_is_large_enough(told: Story, looking: Looking) -> None:
    """Buttons and navigation 44 pixels high, and nothing in a form below 20."""
    page = looking(told, width=320)
    page.goto("/")
    heights = page.evaluate(
        "[...document.querySelectorAll('button, nav a, select, input[type=search]')]"
        ".map(one => one.getBoundingClientRect().height)"
    )

    assert min(heights) >= 44


def test_the_board_is_filtered_and_cleared_by_clicking(told: Story, looking: Looking) -> None:
    """Without a script."""
    page = looking(told)
    page.goto("/")
    page.get_by_label("Name").fill("churn")
    page.get_by_role("button", name="Filter").click()
    names = page.get_by_role("heading", level=2).all_inner_texts()
    page.get_by_role("link", name="Clear").click()

    assert names == ["churn-classifier"]
    assert page.get_by_role("heading", level=2).count() == 5


def test_a_stage_is_asked_for_on_the_page_of_the_version(story: Story, looking: Looking) -> None:
    """What is granted at once is shown there."""
    page = looking(story, person="sam")
    page.goto("/assets/demo/models/churn-classifier/versions/7")
    page.get_by_text("Ask for another stage").click()
    page.get_by_label("Stage").select_option("Staging")
    page.get_by_label("Reason").fill("smoke tests are green")
    page.get_by_role("button", name="Ask").click()

    assert page.url.endswith("/assets/demo/models/churn-classifier/versions/7")
    assert page.get_by_text("granted: None → Staging").count() >= 1


@pytest.mark.parametrize("width", [320, 375])
def test_tables_of_lists_are_blocks_on_a_phone(told: Story, looking: Looking, width: int) -> None:
    """Nothing of them is cut off, and each value says what it is of."""
    page = looking(told, width=width)
    for place in ("/assets/demo/models/iris", "/approvals?show=decided", "/?stage=Unregistered"):
        page.goto(place)
        for table in page.locator("table.blocks").all():
            fits = table.evaluate("one => one.parentElement.scrollWidth <= one.clientWidth + 40")
            assert fits, place
            label = "one => getComputedStyle(one.querySelector('td'), '::before').content"
            assert ": " in table.evaluate(label)
            assert table.get_by_role("columnheader").count() == 5


def test_a_picture_gives_way_to_a_list_where_it_would_be_cut(told: Story, looking: Looking) -> None:
    """On a phone the same boxes stand below each other, with where their arrows lead."""
    for width, drawn in ((375, False), (1440, True)):
        page = looking(told, width=width)
        for place in ("/lifecycles/default", "/assets/demo/models/iris/versions/3"):
            page.goto(place)
            steps = page.locator("ol.steps").first
            assert drawn == page.locator("svg.drawing").first.is_visible()
            assert drawn != steps.is_visible()
        page.goto("/lifecycles/default")
        said = page.locator("ol.steps li", has_text="Staging").nth(1).text_content() or ""
        assert "→ Production: 2 rules + 2 approvals" in " ".join(said.split())
