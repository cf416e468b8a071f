"""People before a browser: they sign in by the form, and click."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect

VERSION = "/assets/demo/models/iris/versions/{}"


@contextmanager
def signed_in(browser: Browser, address: str, name: str) -> Iterator[Page]:
    """Sign in as somebody, in a browser window of their own."""
    context = browser.new_context(base_url=address)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("radio", name=name).check()
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Assets")
    expect(page.get_by_role("button", name="Sign out")).to_have_count(1)
    try:
        yield page
    finally:
        context.close()


def ask(page: Page, number: str, stage: str, reason: str) -> None:
    """Ask for a stage on the page of a version."""
    page.goto(VERSION.format(number))
    page.get_by_text("Ask for another stage").click()
    page.get_by_label("Stage", exact=True).select_option(stage)
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Ask", exact=True).click()


def waiting(page: Page) -> None:
    """Go to the one approval that waits for somebody, by clicking."""
    page.goto("/")
    page.get_by_role("link", name="Approvals").click()
    page.locator("main").get_by_role("link", name="iris").first.click()


def decide(page: Page, decision: str, comment: str = "") -> None:
    """Vote on the brief that is open."""
    page.get_by_label("Comment").fill(comment)
    page.get_by_role("button", name=decision, exact=True).click()


def stage(page: Page, number: str) -> str:
    """Return where a version stands, as its page says."""
    page.goto(VERSION.format(number))
    return page.locator("dl.facts dd").first.inner_text()
