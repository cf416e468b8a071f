"""A personal link that has come to its end says what became of the request, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application.signatures import Purpose
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, find, vote, withdraw
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.lifecycle import ApprovalPolicy, Assurance, Transition
from stage_functions.settings import SignIn
from tests.builders import IRIS, World, actor, world
from tests.web.browser import Browser, site_over
from tests.web.linked import Case, asked, linked


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


def voted(case: Case, who: str, decision: Decision = Decision.APPROVE) -> None:
    """Let somebody vote."""
    approval = case.approval
    command = VoteCommand(
        approval.id,
        decision,
        "seen <b>",
        approval.fingerprint,
        actor(who),
        f"vote-{who}-{approval.id}",
    )
    vote(case.it.context, command)


def ended(case: Case, browser: Browser, why: str, person: str = "bob") -> None:
    """Assert that a link tells what became of the request, and no more, and how to sign in."""
    token = case.token(person)
    followed = browser.get(case.link(person))
    seen = browser.get(case.page, Cookie=f"stageward_link={token}")
    sent = browser.http.post(case.page, headers={"Cookie": f"stageward_link={token}"})

    for answer in (followed, seen, sent):
        assert answer.status_code == 410
        assert why in answer.text
        assert "Set-Cookie" not in answer.headers
        assert f'href="/sign-in?next=%2Fapprovals%2F{case.approval.id}"' in answer.text
        assert "iris" not in answer.text
        assert "person:" not in answer.text
    assert case.site.sent == []


def test_a_link_to_a_request_that_was_withdrawn_says_so(case: Case, browser: Browser) -> None:
    """By whom, and why."""
    withdraw(case.it.context, case.approval.id, actor("sam"), "w", "found a bug")

    ended(case, browser, "The request was closed: withdrawn by Sam: found a bug.")


def test_a_link_to_a_request_that_was_decided_says_so(case: Case, browser: Browser) -> None:
    """Whoever has not voted sees by whom, and no more."""
    for who in ("ada", "bob"):
        voted(case, who)

    ended(case, browser, "The request was closed: approved by Ada and Bob.", "eve")


def test_whoever_casts_the_last_vote_by_link_is_thanked_and_told_the_outcome(
    case: Case, browser: Browser
) -> None:
    """On the page that they are sent to, and whenever they follow their link again."""
    voted(case, "ada")
    browser.get(case.link())
    page = f"/approvals/{case.approval.id}"
    form = {
        **browser.form(page),
        "fingerprint": case.approval.fingerprint,
        "operation": "one",
        "decision": "approve",
    }

    sent = browser.post(f"{page}/votes", form)
    shown = browser.get(sent.headers["Location"])
    again = browser.get(case.link())
    twice = browser.post(f"{page}/votes", form)

    assert (sent.status_code, sent.headers["Location"]) == (303, page)
    assert (shown.status_code, again.status_code, twice.status_code) == (200, 200, 410)
    for answer in (shown, again, twice):
        assert "<h1>Your approval was counted</h1>" in answer.text
        assert "iris version 1 is now at Production." in answer.text
        assert "You approved at <time" in answer.text
        assert "The request was closed: approved by Ada and Bob." in answer.text
        assert "person:" not in answer.text
        assert "Set-Cookie" not in answer.headers


def test_whoever_rejects_by_link_is_told_that_it_counted(case: Case, browser: Browser) -> None:
    """What they wrote is shown as text; whose approval came to nothing is told by whom."""
    voted(case, "ada")
    voted(case, "bob", Decision.REJECT)

    mine = browser.get(case.link())
    hers = browser.get(case.link("ada"))

    assert "<h1>Your reject was counted</h1>" in mine.text
    assert "It was rejected. iris version 1 is now at Staging." in mine.text
    assert "You rejected at <time" in mine.text
    assert "<h1>You have voted</h1>" in hers.text
    assert "rejected by Bob: seen &lt;b&gt;." in hers.text


def test_whose_vote_came_to_nothing_is_told_why(case: Case, browser: Browser) -> None:
    """It is not said to have counted."""
    voted(case, "bob")
    withdraw(case.it.context, case.approval.id, actor("sam"), "w", "found a bug")

    seen = browser.get(case.link()).text

    assert "<h1>You have voted</h1>" in seen
    assert "It was withdrawn. iris version 1 is now at Staging." in seen
    assert "The request was closed: withdrawn by Sam: found a bug." in seen


def test_who_renews_by_link_is_told_until_when(browser: Browser) -> None:
    """No stage changes by it."""
    shape = linked()
    policy = ApprovalPolicy(
        1, {"risk": 1}, (), timedelta(days=7), assurance=Assurance.LINK, valid_for=timedelta(30)
    )
    ways = (Transition("None", "Staging"), Transition("Staging", "Production", approval=policy))
    it = world(governed_by=replace(shape, transitions=ways))
    with site_over(it, SignIn.TOKENS) as site:
        voted(Case(it, site, asked(it, "1")), "bob")
        command = it.command(Version(IRIS, "1"), "Production")
        renewal = find(it.context, request_transition(it.context, command).approval)[1]
        case = Case(it, site, renewal)
        voted(case, "ada")
        seen = browser.get(case.link("ada")).text
    it.rows.close()

    assert "<h1>Your approval was counted</h1>" in seen
    assert "The approval of iris version 1 for Production was renewed until 2026-01-31" in seen


def test_a_link_can_be_forgotten_by_the_browser(case: Case, browser: Browser) -> None:
    """By a form of the page, and by no other site's; the link itself stays good."""
    browser.get(case.link())
    page = f"/approvals/{case.approval.id}"
    seen = browser.get(page).text
    forged = browser.post(f"{page}/link", {})
    kept = browser.get(page).status_code
    done = browser.post(f"{page}/link", browser.form(page))

    assert "recorded as by link, the weaker proof" in seen
    assert "Forget this link" in seen
    assert (forged.status_code, kept, done.status_code) == (403, 200, 200)
    assert "This browser has forgotten the link" in done.text
    assert browser.get(page).headers["Location"].startswith("/sign-in?next=")
    assert browser.get(case.link()).status_code == 303


def test_a_link_ends_with_the_deadline(case: Case, browser: Browser) -> None:
    """To the moment, before the ledger has recorded it."""
    link = case.link()
    case.it.clock.time = case.approval.deadline - timedelta(seconds=1)
    before = browser.get(link).status_code
    case.it.clock.time = case.approval.deadline

    assert before == 303
    ended(case, browser, "expired: no decision before")


def test_a_link_to_another_brief_says_that_it_is_no_longer_this_one(
    case: Case, browser: Browser
) -> None:
    """The request is open, and may be seen by signing in."""
    other = replace(case.approval, binding=replace(case.approval.binding, evidence="sha256:9"))
    changed = case.link("bob", other)

    answer = browser.get(changed)

    assert (answer.status_code, "Set-Cookie" in answer.headers) == (410, False)
    assert "no longer the one that the link was sent for" in answer.text


def test_a_link_of_somebody_who_left_is_over(case: Case, browser: Browser) -> None:
    """From the moment they are not in the file."""
    link, configuration = case.link(), case.it.context.configuration
    browser.get(link)
    people = {key: one for key, one in configuration.directory.people.items() if key != "bob"}
    directory = replace(configuration.directory, people=people)
    changed = replace(case.it.context, configuration=replace(configuration, directory=directory))

    with site_over(replace(case.it, context=changed), SignIn.TOKENS):
        for path in (link, case.page):
            answer = browser.get(path)
            assert answer.status_code == 410
            assert "somebody who is no longer known here" in answer.text
            assert "Bob" not in answer.text


def test_a_link_where_links_are_not_enough_opens_nothing(case: Case, browser: Browser) -> None:
    """Nobody sends one; a token for it, however right, is told so."""
    surely = asked(case.it, "2", "Archived")
    token = case.signatures.sign(Purpose.LINK, surely.id, "bob", surely.fingerprint)

    answer = browser.get(f"/approvals/{surely.id}/link?sig={token}")

    assert answer.status_code == 410
    assert "a link is not enough to vote on it" in answer.text
