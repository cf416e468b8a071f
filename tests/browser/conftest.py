"""A browser, and Stageward with a story behind it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from tests.api_server import api_over
from tests.browser.story import Story

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
Looking = Callable[..., Page]


def chromium() -> str | None:
    """Return the path of this machine's Chromium; None for the one that Playwright installed."""
    named = os.environ.get("STAGEWARD_CHROMIUM", "")  # noqa: TID251  # tests have settings too
    return named or next((path for name in CHROMIUM if (path := shutil.which(name))), None)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium without a window, as `make test` installs it.

    It ends with these tests: as long as it is there an event loop runs in this thread, and tests
    that come later start their own.
    """
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu"]
        try:
            started = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        except Error as exc:
            pytest.fail(f"no Chromium starts: `make test` installs one ({exc})")
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
