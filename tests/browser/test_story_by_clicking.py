"""The story of `make demo`, by people who click: each signs in, asks, reads, decides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect

from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.asset import Version
from tests.api_server import api_over
from tests.browser.people import ask, decide, signed_in, stage, waiting
from tests.builders import IRIS, World, world

THIRD = Version(IRIS, "3")


@pytest.fixture
def it() -> Iterator[World]:
    """A world with three versions, as the demonstration has them."""
    made = world()
    for number in ("1", "2", "3"):
        made.register(number)
    yield made
    made.rows.close()


def test_the_story_of_the_demonstration_by_clicking(it: World, browser: Browser) -> None:
    """From registration to Production: refused, sponsored, approved, displaced, put back."""
    with ExitStack() as stack:
        address = stack.enter_context(api_over(it)).address
        sam, bob, eve, ada = (
            stack.enter_context(signed_in(browser, address, name))
            for name in ("Sam", "Bob", "Eve", "Ada")
        )

        assert stage(sam, "1") == "None"
        ask(sam, "1", "Staging", "ready for tests")
        assert stage(sam, "1") == "Staging"

        ask(sam, "1", "Production", "accurate enough for the pilot")
        expect(sam.get_by_role("heading", level=1)).to_contain_text("Production?")
        expect(sam.locator("#decide")).to_contain_text("nobody approves their own work")
        expect(sam.get_by_role("button", name="Approve")).to_have_count(0)

        waiting(bob)
        expect(bob.locator("main")).to_contain_text("accurate enough for the pilot")
        decide(bob, "Approve", "evidence is complete")
        expect(bob.locator("#decide")).to_contain_text("You approved")
        assert stage(bob, "1") == "Staging"
        waiting(eve)
        expect(eve.locator("#decide")).to_contain_text("Yours is the last vote that is needed")
        decide(eve, "Approve")
        expect(eve.locator("#decide")).to_contain_text("Approved by Bob and Eve")
        assert stage(eve, "1") == "Production"

        ask(sam, "2", "Staging", "next")
        ask(sam, "2", "Production", "better")
        expect(sam.locator("main")).to_contain_text("Version 1 holds Production")
        for officer in (bob, eve):
            waiting(officer)
            decide(officer, "Approve")
        assert (stage(bob, "1"), stage(bob, "2")) == ("Archived", "Production")

        ask(sam, "3", "Staging", "try it")
        it.tag(THIRD, "stage_request", "Production: the best so far")
        for officer in (bob, eve):
            waiting(officer)
            expect(officer.locator("#decide")).to_contain_text("Nobody is known for certain")
            decide(officer, "Approve")
        assert stage(bob, "3") == "Staging"
        ada.goto("/approvals?show=open")
        ada.locator("main").get_by_role("link", name="iris").first.click()
        ada.get_by_role("button", name="Sponsor this request").click()
        expect(ada.locator("#decide")).to_contain_text("Approved by Bob and Eve")
        assert stage(ada, "3") == "Production"

        it.registry.set_tags(THIRD, {"stage": "Staging"})
        follow(it.context, Signal(THIRD))
        assert stage(ada, "3") == "Production"
        ada.goto("/assets/demo/models/iris")
        expect(ada.locator("main")).to_contain_text("it showed Staging")
        expect(ada.locator("main")).to_contain_text("displaced by version 3")


def test_a_reject_needs_a_word_and_closes(it: World, browser: Browser) -> None:
    """What was typed is kept, and what is missing is said where the reader looks first."""
    with ExitStack() as stack:
        address = stack.enter_context(api_over(it)).address
        sam = stack.enter_context(signed_in(browser, address, "Sam"))
        bob = stack.enter_context(signed_in(browser, address, "Bob"))
        ask(sam, "1", "Staging", "ready")
        ask(sam, "1", "Production", "now")
        waiting(bob)

        decide(bob, "Reject")
        expect(bob.get_by_role("alert")).to_contain_text("a reject needs a comment")
        decide(bob, "Reject", "the test data are of last year")

        expect(bob.locator("#decide")).to_contain_text("the test data are of last year")
        sam.reload()
        expect(sam.locator("#decide")).to_contain_text("Rejected by Bob")


def test_who_asked_takes_it_back(it: World, browser: Browser) -> None:
    """By the page, with a reason."""
    with ExitStack() as stack:
        address = stack.enter_context(api_over(it)).address
        sam = stack.enter_context(signed_in(browser, address, "Sam"))
        ask(sam, "1", "Staging", "ready")
        ask(sam, "1", "Production", "now")

        sam.get_by_text("Withdraw this request").click()
        sam.get_by_label("Why").fill("too early")
        sam.get_by_role("button", name="Withdraw").click()

        expect(sam.locator("#decide")).to_contain_text("too early")
        sam.goto("/approvals")
        expect(sam.locator("main")).to_contain_text("Nothing waits for you")
