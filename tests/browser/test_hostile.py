"""What a browser is made to do by others, and by people in a hurry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from stage_functions.application import query
from stage_functions.domain.approval import Approval, Status
from stage_functions.settings import SignIn
from tests.api_server import api_over, serving
from tests.browser.people import signed_in
from tests.builders import IRIS, World, lifecycle, world
from tests.web.linked import asked, linked, links_of
from tests.web.strangers import stranger

SCANS = 50
MARKUP = "<script>document.title = 'owned'</script><b>bold</b> & \"quoted\" </textarea>"
LONG = "x" * 100_000


@pytest.fixture
def it() -> Iterator[World]:
    """A world where a personal link is enough on the way to Production."""
    made = world(governed_by=linked())
    yield made
    made.rows.close()


@pytest.fixture
def strict() -> Iterator[World]:
    """A world where one has to sign in to vote."""
    made = world(governed_by=lifecycle())
    yield made
    made.rows.close()


def now(it: World, approval: Approval) -> Approval:
    """Return an approval as it stands."""
    return query.approval(it.context, approval.id).approval


def records(it: World) -> int:
    """Return how many records there are."""
    return it.context.ledger.load(IRIS).head.number


def test_a_scanner_that_opens_a_link_fifty_times_changes_nothing(
    it: World, browser: Browser
) -> None:
    """With scripts, with cookies, following everything; the person after it votes by that link."""
    approval = asked(it, "1")
    with api_over(it, SignIn.TOKENS) as api:
        link, before = links_of(it, api.address).personal(approval, "bob"), records(it)
        for _ in range(SCANS):
            scanner = browser.new_context()
            scanner.new_page().goto(link)
            scanner.close()
        unchanged = records(it)
        person = browser.new_page()
        person.goto(link)
        address = person.url
        person.get_by_role("button", name="Approve").click()
        expect(person.locator("#decide")).to_contain_text("You approved")
        person.close()

    assert unchanged == before
    assert "sig=" not in address
    assert [(one.voter, one.assurance) for one in now(it, approval).votes] == [
        ("person:bob", "link")
    ]


def test_an_expired_link_says_what_became_of_the_request(it: World, browser: Browser) -> None:
    """And offers no vote."""
    approval = asked(it, "1")
    with api_over(it, SignIn.TOKENS) as api:
        link = links_of(it, api.address).personal(approval, "bob")
        it.clock.sleep(timedelta(days=8).total_seconds())
        page = browser.new_page()
        page.goto(link)

        expect(page.locator("main")).to_contain_text("expired")
        expect(page.get_by_role("button", name="Approve")).to_have_count(0)
        page.close()


def test_a_vote_posted_twice_is_one_vote(strict: World, browser: Browser) -> None:
    """The same form, sent again, gets the same answer."""
    approval = asked(strict, "1")
    with api_over(strict) as api, signed_in(browser, api.address, "Bob") as bob:
        bob.goto(f"/approvals/{approval.id}")
        names = ("form_token", "fingerprint", "operation")
        form = {name: bob.locator(f"#decide [name={name}]").first.input_value() for name in names}
        answers = [
            bob.request.post(
                f"/approvals/{approval.id}/votes", form={**form, "decision": "approve"}
            )
            for _ in range(2)
        ]
        text = answers[1].text()

    assert [answer.status for answer in answers] == [200, 200]
    assert "You approved" in text
    assert len(now(strict, approval).votes) == 1


def test_two_browsers_vote_at_the_same_moment(strict: World, browser: Browser) -> None:
    """Both of one person: one vote. Both of two: two, and one grant."""
    approval = asked(strict, "1")
    with ExitStack() as stack:
        address = stack.enter_context(api_over(strict)).address
        names = ("Bob", "Bob", "Eve")
        pages = [stack.enter_context(signed_in(browser, address, name)) for name in names]
        for page in pages:
            page.goto(f"/approvals/{approval.id}")
        for page in pages:
            page.evaluate("setTimeout(() => document.querySelector('button.approve').click(), 50)")
        for page in pages:
            expect(page.locator("#decide, [role=alert]").first).to_be_visible()
            page.wait_for_load_state()

        closed = now(strict, approval)
        pages[0].goto(f"/approvals/{approval.id}")
        expect(pages[0].locator("#decide")).to_contain_text("Approved by")

    assert sorted(vote.voter for vote in closed.votes) == ["person:bob", "person:eve"]
    assert closed.status is Status.APPROVED


def test_a_form_of_another_site_votes_for_nobody(strict: World, browser: Browser) -> None:
    """Though whoever is signed in here looks at it, and it knows everything but the token."""
    approval = asked(strict, "1")
    with api_over(strict) as api, signed_in(browser, api.address, "Bob") as bob:
        target = f"{api.address}/approvals/{approval.id}/votes"
        sent = {"decision": "approve", "fingerprint": approval.fingerprint, "comment": "ha"}
        with serving(stranger(target, sent)) as foreign:
            bob.goto(foreign)
            bob.get_by_role("button", name="Win").click()
            expect(bob.locator("main")).to_contain_text("nothing was changed")

    assert now(strict, approval).votes == ()


def test_no_other_site_frames_a_page(strict: World, browser: Browser) -> None:
    """So nobody clicks what they do not see."""
    approval = asked(strict, "1")
    with api_over(strict) as api, signed_in(browser, api.address, "Bob") as bob:
        place = f"{api.address}/approvals/{approval.id}"
        with serving(stranger(place, {}, framed=True)) as foreign:
            bob.goto(foreign)
            framed = bob.frame_locator("iframe")

            expect(framed.get_by_role("button", name="Approve")).to_have_count(0)


def test_markup_in_a_comment_is_text(strict: World, browser: Browser) -> None:
    """On the brief, on the timeline, and in the form that comes back."""
    approval = asked(strict, "1")
    with api_over(strict) as api, signed_in(browser, api.address, "Bob") as bob:
        bob.goto(f"/approvals/{approval.id}")
        bob.get_by_label("Comment").fill(MARKUP)
        approve(bob)
        expect(bob.locator("main")).to_contain_text(MARKUP)
        bob.goto("/assets/demo/models/iris")
        expect(bob.locator("main")).to_contain_text(MARKUP)

        assert bob.title() != "owned"
        assert bob.locator("main script, main b").count() == 0


def test_a_hundred_thousand_characters_come_back(strict: World, browser: Browser) -> None:
    """Refused in words, with nothing lost from the form."""
    approval = asked(strict, "1")
    with api_over(strict) as api, signed_in(browser, api.address, "Bob") as bob:
        bob.goto(f"/approvals/{approval.id}")
        bob.get_by_label("Comment").fill(LONG)
        approve(bob)

        expect(bob.get_by_role("alert")).to_contain_text("100,000 characters")
        assert bob.get_by_label("Comment").input_value() == LONG
    assert now(strict, approval).votes == ()


def approve(page: Page) -> None:
    """Click it."""
    page.get_by_role("button", name="Approve").click()
