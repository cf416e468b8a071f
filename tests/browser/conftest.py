"""A browser, and Stageward with a story behind it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.api_server import api_over
from tests.browser.story import Story

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
Looking = Callable[..., Page]


def chromium() -> str:
    """Return the path of a Chromium, or "" where there is none."""
    named = os.environ.get("STAGEWARD_CHROMIUM", "")  # noqa: TID251  # tests have settings too
    return named or next((path for name in CHROMIUM if (path := shutil.which(name))), "")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium without a window; where there is none the test is skipped, unless it must run.

    It ends with these tests: as long as it is there an event loop runs in this thread, and tests
    that come later start their own.
    """
    path = chromium()
    if not path:
        why = f"no Chromium: set STAGEWARD_CHROMIUM, or put one of {', '.join(CHROMIUM)} on PATH"
        if os.environ.get("STAGEWARD_REQUIRE_BROWSER") == "1":  # noqa: TID251  # see above
            pytest.fail(why)
        pytest.skip(why)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu"]
        started = playwright.chromium.launch(executable_path=path, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="package")
def told() -> Iterator[Story]:
    """A story that is told once; tests that change it take `story` instead."""
    made = Story()
    yield made
    made.it.rows.close()


@pytest.fixture
def story() -> Iterator[Story]:
    """A story of the test's own."""
    made = Story()
    yield made
    made.it.rows.close()


@pytest.fixture
def looking(browser: Browser) -> Iterator[Looking]:
    """Open a page of a story's own server, as somebody, in a window of some width and scheme."""
    with ExitStack() as stack:

        def look(
            story: Story, person: str = "bob", width: int = 1440, scheme: str = "light"
        ) -> Page:
            served = stack.enter_context(api_over(story.it))
            context = browser.new_context(
                base_url=served.address,
                viewport={"width": width, "height": 900},
                color_scheme="dark" if scheme == "dark" else "light",
                extra_http_headers={"Authorization": f"Bearer {person}"},
            )
            stack.callback(context.close)
            return context.new_page()

        yield look
