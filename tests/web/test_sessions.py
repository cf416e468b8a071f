"""Signing in by a browser: the form, the session, and where one comes out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import tokens
from stage_functions.application.tokens import Token, token_id
from stage_functions.settings import SignIn
from stage_functions.web.pages.sign_in import local
from tests.builders import World
from tests.web.browser import FORM, Browser, Site, site_over

RIGHT = "stw_right"


@pytest.fixture
def site(it: World) -> Iterator[Site]:
    """Pages where people sign in with tokens; sam has one, for ten days."""
    now = it.clock.now()
    token = Token(token_id(RIGHT), "sam", now, now + timedelta(days=10))
    tokens.create(it.context.ledger.rows, token)
    with site_over(it, SignIn.TOKENS) as running:
        yield running


@pytest.fixture
def browser(site: Site) -> Iterator[Browser]:
    """A browser that nobody has used."""
    with Browser(site) as made:
        yield made


def test_a_page_leads_to_the_form_and_back(browser: Browser) -> None:
    """With the query, to the letter."""
    asked = browser.get("/test?a=b%20c&d=%2F")
    form = browser.get(asked.headers["Location"])
    entered = browser.sign_in(token=RIGHT, to="/test?a=b%20c&d=%2F")

    assert asked.status_code == 303
    assert asked.headers["Location"] == "/sign-in?next=%2Ftest%3Fa%3Db%2520c%26d%3D%252F"
    assert 'name="next" value="/test?a=b%20c&amp;d=%2F"' in form.text
    assert "stageward token create" in form.text
    assert (entered.status_code, entered.headers["Location"]) == (303, "/test?a=b%20c&d=%2F")
    assert browser.who()["id"] == "person:sam"


def test_who_has_signed_in_is_proven_and_greeted_by_name(browser: Browser) -> None:
    """As the API would have it, but for the way."""
    browser.sign_in(token=f"  {RIGHT}\n")

    who = browser.who()

    assert (who["name"], who["attribution"], who["via"]) == ("Sam", "proven", "page")
    assert (who["assurance"], who["approval"]) == ("signed_in", "")


def test_the_session_is_a_cookie_that_scripts_and_other_sites_do_not_get(browser: Browser) -> None:
    """It names the token, by its hash only in a signed text, and never holds it."""
    cookies = browser.sign_in(token=RIGHT).headers.get_list("Set-Cookie")
    (session,) = [one for one in cookies if one.startswith("stageward=")]

    assert "HttpOnly; Max-Age=43200; Path=/; SameSite=lax" in session
    assert RIGHT not in session


def test_with_https_the_cookies_are_of_this_host_and_of_https_alone(it: World, site: Site) -> None:
    """By their names too, which browsers enforce."""
    with site_over(it, SignIn.TOKENS, "https://stageward.example.org"), Browser(site) as browser:
        asked = browser.get("/sign-in")
        nonce = asked.headers["Set-Cookie"].partition(";")[0]
        token = asked.text.partition('name="form_token" value="')[2].partition('"')[0]
        entered = browser.post(
            "/sign-in", {"form_token": token, "token": RIGHT}, {**FORM, "Cookie": nonce}
        )
        session = entered.headers.get_list("Set-Cookie")[0]
        seen = browser.get("/test", Cookie=session.partition(";")[0])

    assert session.startswith("__Host-stageward=")
    assert "; Path=/; SameSite=lax; Secure" in session
    assert "; SameSite=strict; Secure" in asked.headers["Set-Cookie"]
    assert seen.json()["id"] == "person:sam"


@pytest.mark.parametrize("token", ["stw_wrong", "", "sam", token_id(RIGHT), "x" * 100_000, "\0é"])
def test_a_wrong_token_gets_the_form_again(browser: Browser, token: str) -> None:
    """401, what was typed not repeated, nobody signed in."""
    answer = browser.sign_in(token=token, to="/test")

    assert answer.status_code == 401
    assert "The token is unknown, expired or revoked" in answer.text
    assert '<code class="command">stageward token create &lt;person&gt;</code>.' in answer.text
    assert not token or f'value="{token}"' not in answer.text
    assert 'name="next" value="/test"' in answer.text
    assert browser.get("/test").status_code == 303


def test_a_session_lasts_twelve_hours(it: World, browser: Browser) -> None:
    """Then one signs in again."""
    browser.sign_in(token=RIGHT)

    it.clock.time += timedelta(hours=12, seconds=-2)
    before = browser.get("/test").status_code
    it.clock.time += timedelta(seconds=2)

    assert (before, browser.get("/test").status_code) == (200, 303)


def test_revoking_a_token_ends_its_sessions_at_once(it: World, browser: Browser) -> None:
    """Those of others go on."""
    browser.sign_in(token=RIGHT)
    now, other = it.clock.now(), Browser(browser.site)
    tokens.create(it.context.ledger.rows, Token(token_id("stw_bob"), "bob", now))
    with other:
        other.sign_in(token="stw_bob")
        tokens.revoke(it.context.ledger.rows, token_id(RIGHT))

        assert browser.get("/test").status_code == 303
        assert other.get("/test").status_code == 200


def test_a_session_ends_when_its_token_does(it: World, browser: Browser) -> None:
    """Though it began shortly before."""
    it.clock.time += timedelta(days=10, hours=-1)
    browser.sign_in(token=RIGHT)
    before = browser.get("/test").status_code
    it.clock.time += timedelta(hours=1)

    assert (before, browser.get("/test").status_code) == (200, 303)


def test_a_session_of_somebody_who_left_is_over(it: World, browser: Browser) -> None:
    """The configuration says who is there."""
    browser.sign_in(token=RIGHT)
    configuration = it.context.configuration
    people = {key: one for key, one in configuration.directory.people.items() if key != "sam"}
    directory = replace(configuration.directory, people=people)
    changed = replace(it.context, configuration=replace(configuration, directory=directory))

    with site_over(replace(it, context=changed), SignIn.TOKENS):
        assert browser.get("/test").status_code == 303


def test_who_had_a_session_is_told_why_it_is_over(it: World, browser: Browser) -> None:
    """Who never had one, or has signed out, is told nothing."""
    never = browser.get("/sign-in").text
    browser.sign_in(token=RIGHT)
    it.clock.time += timedelta(hours=12)
    old = browser.get("/sign-in?next=%2Ftest").text
    browser.sign_in(token=RIGHT)
    tokens.revoke(it.context.ledger.rows, token_id(RIGHT))
    revoked = browser.get("/sign-in?next=%2Ftest").text
    wrong = browser.sign_in(token="stw_wrong").text

    assert 'role="status"' not in never
    assert "Your session has ended; sign in again." in old
    assert "What you signed in with is revoked or over" in revoked
    assert "revoked or over" not in wrong


@pytest.mark.parametrize("cookie", ["", "x", "1.x.y.z", "1..", "\u00ff", "stw_right", "a" * 9000])
def test_a_forged_session_is_none(browser: Browser, cookie: str) -> None:
    """Whatever is in it."""
    answer = browser.http.get(
        "/test", headers=[(b"Cookie", f"stageward={cookie}".encode("latin-1"))]
    )

    assert answer.status_code == 303


def test_the_api_takes_no_session(browser: Browser) -> None:
    """So no other site's page can make it do anything."""
    browser.sign_in(token=RIGHT)

    assert browser.get("/api/v1/assets").status_code == 401


def test_a_bearer_signs_in_on_pages_too(site: Site) -> None:
    """For whoever reads them by a program."""
    with Browser(site, Authorization=f"Bearer {RIGHT}") as browser:
        assert browser.who()["id"] == "person:sam"


def test_signing_out_ends_the_session(browser: Browser) -> None:
    """By the form in the head of each page, which needs its token."""
    browser.sign_in(token=RIGHT)
    bare = browser.post("/sign-out", {})
    form = browser.form("/test/header")

    out = browser.post("/sign-out", form)

    assert bare.status_code == 403
    assert (out.status_code, out.headers["Location"]) == (303, "/sign-in")
    assert browser.get("/test").status_code == 303


def test_who_has_signed_in_is_not_asked_again(browser: Browser) -> None:
    """The form leads on."""
    browser.sign_in(token=RIGHT)

    assert browser.get("/sign-in?next=/approvals").headers["Location"] == "/approvals"


def test_another_site_cannot_sign_a_browser_in(site: Site, browser: Browser) -> None:
    """As itself, to see what is done there: the form belongs to the browser that asked for it."""
    with Browser(site) as attacker:
        form = attacker.form("/sign-in")
    browser.get("/sign-in")

    for headers in ({"Origin": "null"}, {}):
        answer = browser.post("/sign-in", {**form, "token": RIGHT}, headers)
        assert (answer.status_code, answer.headers.get("Set-Cookie")) == (403, None)


def test_a_second_form_does_not_spoil_the_first(browser: Browser) -> None:
    """Two tabs, one browser."""
    first = browser.form("/sign-in")
    browser.form("/sign-in")

    assert browser.post("/sign-in", {**first, "token": RIGHT}).status_code == 303


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example.org",
        "///evil.example.org",
        "/\\evil.example.org",
        "\\\\evil.example.org",
        "/a\\b",
        "https://evil.example.org",
        "javascript:alert(1)",
        "evil.example.org",
        "",
        " /a",
        "/\t/evil.example.org",
        "/a\r\nSet-Cookie: x=y",
        "/a\n",
        "/\u2028",
        "/é",
        "/" + "a" * 2000,
    ],
)
def test_after_sign_in_nobody_is_sent_elsewhere(browser: Browser, address: str) -> None:
    """Only to a path of ours; else to the first page."""
    assert local(address) == "/"
    assert browser.sign_in(token=RIGHT, to=address).headers["Location"] == "/"


@pytest.mark.parametrize(
    "address", ["/", "/approvals/7f3k9m2x", "/?a=//b&c=d:e", "/%2F%2Fe", "/.//e"]
)
def test_a_path_of_ours_is_gone_to(address: str) -> None:
    """As it is."""
    assert local(address) == address


@pytest.fixture
def dev(it: World) -> Iterator[Browser]:
    """A browser before pages in development."""
    with site_over(it, SignIn.DEV) as running, Browser(running) as made:
        yield made


def test_in_development_one_chooses_who_one_is(dev: Browser) -> None:
    """Of the people of the file."""
    form = dev.get("/sign-in")
    wrong = dev.sign_in(person="zoe")
    dev.sign_in(person="bob")

    assert 'value="ada"' in form.text
    assert "only on this machine" in form.text
    assert wrong.status_code == 401
    assert dev.who()["id"] == "person:bob"


def test_in_development_another_host_name_is_refused(dev: Browser) -> None:
    """In words, and not by asking for a sign-in that would not help."""
    dev.sign_in(person="bob")
    answer = dev.get("/sign-in", Host="evil.example.org")

    assert answer.status_code == 403
    assert "answers only on this machine" in answer.text
    assert dev.get("/test", Host="evil.example.org").status_code == 303


def test_a_session_of_development_is_none_where_tokens_are_asked_for(
    it: World, dev: Browser
) -> None:
    """Though the ledger, and so the key, is the same."""
    dev.sign_in(person="bob")

    with site_over(it, SignIn.TOKENS):
        assert dev.get("/test").status_code == 303
