"""The site of the documents in a browser, as it is built of this project: whole, and for everybody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from scripts.site.build import build
from tests.browser.test_accessible import violations
from tests.browser.test_pages import SCROLLS

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(300)  # the first of them builds the site
PAGES = (
    "/index.html",
    "/start.html",
    "/concepts.html",
    "/risk-officer.html",
    "/events.html",
    "/adr/index.html",
    "/project/index.html",
    "/reference/command-line.html",
    "/reference/configuration.html",
)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the site, with nothing wrong, and serve it."""
    out = tmp_path_factory.mktemp("site") / "out"
    assert [] == build(ROOT, out)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(out))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def opened(browser: Browser, address: str, width: int, scheme: str) -> Page:
    """Open a window of some width and scheme before the site."""
    context = browser.new_context(
        base_url=address,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    return context.new_page()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_pages_fit_their_window_and_axe_finds_nothing(
    browser: Browser, address: str, width: int, scheme: str
) -> None:
    """No scrolling sideways, no word on the console, no request to another host."""
    page = opened(browser, address, width, scheme)
    said: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    found = {place: violations(page, place) for place in PAGES}
    wide = [place for place in PAGES if page.goto(place) and page.evaluate(SCROLLS)]
    page.context.close()

    assert {place: one for place, one in found.items() if one} == {}
    assert wide == []
    assert said == []
    assert asked == {urlsplit(address).netloc}


def test_every_picture_is_shown_with_words_for_who_cannot_see_it(
    browser: Browser, address: str
) -> None:
    """Each is there, and its text says what is on it."""
    page = opened(browser, address, 1280, "light")
    seen: set[str] = set()
    for place in ("/index.html", "/start.html", "/concepts.html", "/platform-engineer.html"):
        page.goto(place)
        for picture in page.locator("article img").all():
            picture.scroll_into_view_if_needed()
            expect(picture).to_have_js_property("complete", value=True)
            assert picture.evaluate("one => one.naturalWidth") >= 700
            assert len(picture.get_attribute("alt") or "") > 30
            seen.add((picture.get_attribute("src") or "").rpartition("/")[2])
    page.context.close()

    assert {"board.png", "brief.png", "flow.svg", "lifecycle.png", "status.png"} == seen


def test_a_reader_gets_from_the_first_page_to_the_reference_by_clicking(
    browser: Browser, address: str
) -> None:
    """By the navigation, whose groups are those of the project."""
    page = opened(browser, address, 1280, "light")
    page.goto("/index.html")
    groups = [one.lower() for one in page.locator(".sidebar-tree .caption").all_inner_texts()]
    page.get_by_role("link", name="Command line", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Command line")
    expect(page.get_by_role("heading", name="stageward promote")).to_have_count(1)
    page.context.close()

    expected = ["start", "how-to by role", "topics: connect", "reference", "decisions"]
    assert expected == [one for one in groups if one in expected]


def test_words_are_found_without_asking_anybody(browser: Browser, address: str) -> None:
    """The search works in the browser alone."""
    page = opened(browser, address, 1280, "light")
    page.goto("/search.html?q=fingerprint")
    expect(page.locator("#search-results li").first).to_be_visible()
    page.context.close()


def test_every_page_leads_on_and_is_led_to(browser: Browser, address: str) -> None:
    """By its own words, besides the navigation."""
    page = opened(browser, address, 1280, "light")
    page.goto("/index.html")
    tree = page.locator(".sidebar-tree a").evaluate_all("all => all.map(one => one.href)")
    links: dict[str, set[str]] = {}
    for place in {one for one in tree if "/project/" not in one and "/adr/0" not in one}:
        page.goto(place)
        found = page.locator("article a").evaluate_all("all => all.map(one => one.href)")
        links[place] = {one.partition("#")[0] for one in found} - {place}
    page.goto("/index.html")
    first = page.locator("article a").evaluate_all("all => all.map(one => one.href)")
    page.context.close()
    led_to = {one.partition("#")[0] for one in first}.union(*links.values())

    assert [place for place, found in links.items() if not found] == []
    assert [place for place in links if place not in led_to] == []


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("brief", "For risk officers"),
        ("install", "For platform engineers"),
        ("what stood in production", "For auditors"),
        ("ask for a stage", "For ML professionals"),
    ],
)
def test_who_searches_meets_the_page_of_their_role_before_decisions_of_the_builders(
    browser: Browser, address: str, words: str, page: str
) -> None:
    """Decisions and files of the project come last."""
    window = opened(browser, address, 1280, "light")
    window.goto(f"/search.html?q={words}")
    expect(window.locator(".search-summary")).to_contain_text("finished")
    found = window.locator("#search-results li > a")
    names = found.all_inner_texts()
    builders = [
        "/adr/" in (one.get_attribute("href") or "")
        or "/project/" in (one.get_attribute("href") or "")
        for one in found.all()
    ]
    window.context.close()

    assert page in names[:3]
    assert sorted(builders) == builders


@pytest.mark.parametrize(("width", "longest"), [(375, 12), (1280, 100)])
def test_names_in_a_table_of_the_reference_are_not_broken(
    browser: Browser, address: str, width: int, longest: int
) -> None:
    """Each stands on one line, so that it can be read and copied; on a phone all but long ones."""
    window = opened(browser, address, width, "light")
    window.goto("/reference/configuration.html")
    names = window.locator("td:first-child code").all()
    broken = {
        one.inner_text() for one in names if one.evaluate("e => e.getClientRects().length") > 1
    }
    window.context.close()

    assert len(names) > 60
    assert {one for one in broken if len(one) <= longest} == set()
