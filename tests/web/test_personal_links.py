"""Personal links: one approval, for one approver, while it is open; and nothing else, ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.application import tokens
from stage_functions.application.signatures import Purpose
from stage_functions.application.tokens import Token, token_id
from stage_functions.settings import SignIn
from tests.builders import World, world
from tests.web.browser import Browser, site_over
from tests.web.linked import URL, Case, asked, linked, wrong


@pytest.fixture
def it() -> Iterator[World]:
    """A world where links are enough."""
    made = world(governed_by=linked())
    yield made
    made.rows.close()


@pytest.fixture
def case(it: World) -> Iterator[Case]:
    """An approval that waits, where people sign in with tokens."""
    with site_over(it, SignIn.TOKENS) as site:
        yield Case(it, site, asked(it, "1"))


@pytest.fixture
def browser(case: Case) -> Iterator[Browser]:
    """A browser where nobody has signed in."""
    with Browser(case.site) as made:
        yield made


def test_a_link_opens_the_page_of_its_approval(case: Case, browser: Browser) -> None:
    """As the approver, known by the link; at an address without the token."""
    followed = browser.get(case.link())

    assert followed.status_code == 303
    assert followed.headers["Location"] == f"/approvals/{case.approval.id}"
    assert followed.headers["Referrer-Policy"] == "no-referrer"
    assert followed.headers["Cache-Control"] == "no-store"
    who = browser.who(case.page)
    assert (who["id"], who["name"], who["via"]) == ("person:bob", "Bob", "link")
    assert (who["attribution"], who["assurance"]) == ("inferred", "link")
    assert (who["approval"], who["groups"]) == (case.approval.id, ["risk"])


def test_the_browser_keeps_it_for_that_page_and_for_a_while(case: Case, browser: Browser) -> None:
    """Where no script gets it; with https nowhere else."""
    kept = browser.get(case.link()).headers["Set-Cookie"]
    with site_over(case.it, SignIn.TOKENS, URL):
        secure = browser.get(case.link()).headers["Set-Cookie"]

    ends = f"; HttpOnly; Max-Age=43200; Path=/approvals/{case.approval.id}; SameSite=lax"
    assert kept.startswith("stageward_link=")
    assert kept.endswith(ends)
    assert secure.startswith("__Secure-stageward_link=")
    assert secure.endswith(f"{ends}; Secure")


def test_near_the_deadline_it_is_kept_no_longer_than_that(case: Case, browser: Browser) -> None:
    """An hour before the end, for an hour."""
    case.it.clock.time = case.approval.deadline - timedelta(hours=1)

    assert "Max-Age=3599;" in browser.get(case.link()).headers["Set-Cookie"]


def test_a_scanner_that_opens_it_fifty_times_changes_nothing(case: Case, browser: Browser) -> None:
    """Nor does it use it up: a person who comes later finds it as it was."""
    link, before = case.link(), case.number()
    for _ in range(50):
        with Browser(case.site) as scanner:
            assert scanner.get(link).status_code == 303
            assert scanner.get(case.page).status_code == 200
            scanner.http.head(link)
    browser.get(link)

    assert browser.who(case.page)["id"] == "person:bob"
    assert case.number() == before


def test_a_vote_by_link_is_a_vote_by_link(case: Case, browser: Browser) -> None:
    """A form of that page is taken from that visitor, and of nobody else's link."""
    browser.get(case.link())
    form = {"form_token": str(browser.who(case.page)["form"])}
    with Browser(case.site) as eve:
        eve.get(case.link("eve"))
        other = eve.post(case.page, form)

    taken = browser.post(case.page, form)

    assert (taken.status_code, other.status_code, len(case.site.sent)) == (303, 403, 1)


def test_a_link_opens_nothing_else(case: Case, browser: Browser) -> None:
    """Not another approval, even where somebody puts the cookie there; no list; not the API."""
    browser.get(case.link())
    other = asked(case.it, "2")
    moved = f"stageward_link={case.token()}"

    assert browser.get(f"/approvals/{other.id}/test").status_code == 303
    assert browser.get(f"/approvals/{other.id}/test", Cookie=moved).status_code == 303
    assert browser.get("/test", Cookie=moved).status_code == 303
    assert browser.get(f"/api/v1/approvals/{case.approval.id}", Cookie=moved).status_code == 401
    wrong(case, browser.get(f"/approvals/{other.id}/link?sig={case.token()}"))


def test_a_sign_in_wins_over_a_link(case: Case, browser: Browser) -> None:
    """Whoever is surely known acts as that."""
    rows, now = case.it.context.ledger.rows, case.it.clock.now()
    tokens.create(rows, Token(token_id("stw_eve"), "eve", now))
    browser.get(case.link())
    browser.sign_in(token="stw_eve")
    followed = browser.get(case.link())

    who = browser.who(case.page)

    assert (who["id"], who["assurance"]) == ("person:eve", "signed_in")
    assert "Set-Cookie" not in followed.headers


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?",
        "?sig=",
        "?sig=x",
        "?sig=1.x.y.z",
        "?SIG=<token>",
        "?sig=<token>&sig=<token>",
        "?sig=%00",
    ],
)
def test_an_address_without_its_token_opens_nothing(
    case: Case, browser: Browser, query: str
) -> None:
    """403, without any detail."""
    wrong(case, browser.get(case.link().partition("?")[0] + query.replace("<token>", case.token())))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)
@given(data=st.data())
def test_a_token_that_is_cut_or_changed_opens_nothing(
    case: Case, browser: Browser, data: st.DataObject
) -> None:
    """Wherever it is; as a cookie neither."""
    token = case.token()
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("AZaz09-_.").filter(lambda one: one != token[at]))
    forged = data.draw(st.sampled_from([token[:at], token[:at] + other + token[at + 1 :]]))

    wrong(case, browser.get(f"/approvals/{case.approval.id}/link?sig={forged}"))
    seen = browser.get(case.page, Cookie=f"stageward_link={forged}")
    assert seen.headers["Location"].startswith("/sign-in?next=")


def test_what_was_signed_for_something_else_opens_nothing(case: Case, browser: Browser) -> None:
    """A form's token, a session's; or a link of another ledger."""
    parts = (case.approval.id, "bob", case.approval.fingerprint)
    made = [case.signatures.sign(purpose, *parts) for purpose in (Purpose.FORM, Purpose.SESSION)]
    elsewhere = world(governed_by=linked())
    elsewhere.clock.count = 500  # its keys come from other chances
    made.append(Case(elsewhere, case.site, case.approval).token())
    elsewhere.rows.close()

    for token in made:
        wrong(case, browser.get(f"/approvals/{case.approval.id}/link?sig={token}"))


def test_an_approval_that_is_not_there_is_not_told_from_a_forged_link(
    case: Case, browser: Browser
) -> None:
    """The ledger may have been put back."""
    gone = replace(case.approval, id="zzzzzzzz")

    wrong(case, browser.get(case.link("bob", gone)))


def test_a_link_outlives_the_change_of_its_key(case: Case, browser: Browser) -> None:
    """Though another one signs by then; after two changes it is forgotten."""
    case.token()
    case.it.clock.time += timedelta(days=24)
    second = asked(case.it, "2")
    link = case.link("bob", second)
    case.it.clock.time += timedelta(days=6, hours=12)
    newer = case.link("eve", second)
    seen = [browser.get(one).status_code for one in (link, newer)]
    for _ in range(2):
        case.it.clock.time += timedelta(days=31)
        case.link("bob", second)

    assert "sig=1." in link
    assert "sig=2." in newer
    assert seen == [303, 303]
    wrong(case, browser.get(link))


def test_in_development_a_link_answers_only_on_this_machine(case: Case, browser: Browser) -> None:
    """As everything else does."""
    with site_over(case.it, SignIn.DEV):
        here = browser.get(case.link())
        elsewhere = browser.get(case.link(), Host="evil.example.org")

    assert (here.status_code, elsewhere.status_code) == (303, 303)
    assert elsewhere.headers["Location"].startswith("/sign-in?next=")
    assert "Set-Cookie" not in elsewhere.headers


def test_no_page_of_a_link_is_signed_out_of(case: Case, browser: Browser) -> None:
    """There is nothing to sign out of, and no list to go to."""
    browser.get(case.link())
    seen = browser.get(f"/approvals/{case.approval.id}/test/header")

    assert "Sign out" not in seen.text
    assert "Bob" in seen.text
