"""A form changes something only where a page of ours was sent by the visitor it was made for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

import httpx
import pytest

from stage_functions.settings import SignIn
from tests.builders import World
from tests.web.browser import FORM, HTML, Browser, Site, site_over

URL = "https://stageward.example.org"


@pytest.fixture
def site(it: World) -> Iterator[Site]:
    """Pages in development, reached by a name of their own."""
    with site_over(it, SignIn.DEV) as running:
        yield running


@pytest.fixture
def bob(site: Site) -> Iterator[Browser]:
    """A browser where bob has signed in."""
    with Browser(site) as made:
        made.sign_in(person="bob")
        yield made


def token(browser: Browser) -> str:
    """Return what a form of theirs carries."""
    return str(browser.who()["form"])


def refused(site: Site, answer: httpx.Response, why: str) -> None:
    """Assert that a form was refused in words, as a page, and changed nothing."""
    assert (answer.status_code, site.sent) == (403, [])
    assert "The form is refused and nothing was changed" in answer.text
    assert why in answer.text
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "headers",
    [
        FORM,
        HTML,
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "<site>"},
        {"Origin": "<site>", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_form_of_ours_is_taken(site: Site, bob: Browser, headers: Mapping[str, str]) -> None:
    """Whatever a browser, old or new, says of a page that is to name no origin."""
    named = {name: value.replace("<site>", site.address) for name, value in headers.items()}

    answer = bob.post("/test", {"form_token": token(bob), "comment": "é & <b>"}, named)

    assert answer.status_code == 303
    assert [one["comment"] for one in site.sent] == ["é & <b>"]


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Origin": "https://evil.example.org"}, "a page of https://evil.example.org"),
        ({"Origin": "http://127.0.0.1"}, "a page of http://127.0.0.1"),
        ({"Origin": "http://127.0.0.1:1"}, "a page of"),
        ({"Origin": "ftp://<host>"}, "a page of"),
        ({"Origin": "http://<host>.evil.example.org"}, "a page of"),
        ({"Origin": ""}, "a page of"),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, "Sec-Fetch-Site: cross-site"),
        ({"Origin": "null", "Sec-Fetch-Site": "same-site"}, "Sec-Fetch-Site: same-site"),
        ({"Origin": "http://<host>", "Sec-Fetch-Site": "cross-site"}, "comes from elsewhere"),
        ({"Sec-Fetch-Site": "anything"}, "comes from elsewhere"),
        ({"Sec-Fetch-Site": ""}, "comes from elsewhere"),
    ],
)
def test_a_form_of_another_site_is_refused(
    site: Site, bob: Browser, headers: Mapping[str, str], why: str
) -> None:
    """Even with the right token: 403, a page in words, nothing changed."""
    host = site.address.removeprefix("http://")
    named = {name: value.replace("<host>", host) for name, value in headers.items()}

    refused(site, bob.post("/test", {"form_token": token(bob)}, named), why)


def test_two_origins_are_none(site: Site, bob: Browser) -> None:
    """Whichever is ours."""
    headers = [("Origin", site.address), ("Origin", "https://evil.example.org")]
    answer = bob.http.post("/test", data={"form_token": token(bob)}, headers=headers)

    refused(site, answer, "a page of")


@pytest.mark.parametrize("sent", ["", "1.x.y.z", "\0", "<script>", "x" * 5000])
def test_a_form_without_its_token_is_refused(site: Site, bob: Browser, sent: str) -> None:
    """However well the browser speaks of it."""
    refused(site, bob.post("/test", {"form_token": sent}), "it was not made for you")
    refused(site, bob.post("/test", {}), "it was not made for you")


def test_a_form_of_somebody_else_is_refused(site: Site, bob: Browser) -> None:
    """Who signs in meanwhile sends no form of who was there before."""
    before = token(bob)
    with Browser(site) as eve:
        eve.sign_in(person="eve")

        refused(site, eve.post("/test", {"form_token": before}), "it was not made for you")


def test_a_form_lasts_a_day(it: World, site: Site, bob: Browser) -> None:
    """Longer than a session; who signed in anew reloads it."""
    made = token(bob)

    it.clock.time += timedelta(hours=23, minutes=59)
    bob.sign_in(person="bob")
    taken = bob.post("/test", {"form_token": made}).status_code
    site.sent.clear()
    it.clock.time += timedelta(minutes=1)

    assert taken == 303
    refused(site, bob.post("/test", {"form_token": made}), "older than a day")


def test_what_is_no_form_is_said_so(site: Site, bob: Browser) -> None:
    """422, and too many fields as well."""
    bodies = (b'{"form_token": "x"}', b"\xff\xfe", "&".join(["a=b"] * 51).encode())
    answers = [bob.http.post("/test", content=body, headers=FORM) for body in bodies]

    assert [answer.status_code for answer in answers] == [422] * 3
    assert "The form cannot be read" in answers[0].text
    assert site.sent == []


def test_a_form_of_nobody_asks_to_sign_in(site: Site) -> None:
    """401, a page that leads there, nothing changed."""
    with Browser(site) as browser:
        answer = browser.post("/approvals/7f3k9m2x/test", {"comment": "long"})

    assert (answer.status_code, site.sent) == (401, [])
    assert "Nothing was changed" in answer.text
    assert 'href="/sign-in?next=%2Fapprovals%2F7f3k9m2x"' in answer.text


@pytest.mark.parametrize("url", [URL, f"{URL}:443", f"{URL.upper()}/below"])
def test_the_address_that_others_use_is_ours(it: World, site: Site, url: str) -> None:
    """Where a proxy in front calls Stageward by another name."""
    with site_over(it, SignIn.DEV, url.lower()), Browser(site, Authorization="Bearer bob") as bob:
        form = {"form_token": token(bob)}

        assert bob.post("/test", form, {"Origin": URL}).status_code == 303
        assert bob.post("/test", form, {"Origin": f"{URL}:8443"}).status_code == 403
        assert bob.post("/test", form, {"Origin": URL.replace("s:", ":")}).status_code == 403


@pytest.mark.parametrize(
    "url", ["nonsense", "http://[", "ftp://h", "http://h:port", "http://[::1]:1"]
)
def test_an_address_that_is_none_is_nobodys(it: World, site: Site, url: str) -> None:
    """The Host header is left to say who we are."""
    with site_over(it, SignIn.DEV, url), Browser(site, Authorization="Bearer bob") as bob:
        form = {"form_token": token(bob)}

        assert bob.post("/test", form, {"Origin": site.address}).status_code == 303
        assert bob.post("/test", form, {"Origin": "http://h"}).status_code == 403


def test_in_a_browser_what_is_not_there_and_what_fails_are_pages(bob: Browser) -> None:
    """Without any detail of the inside."""
    missing = bob.get("/nowhere")
    wrong = bob.http.delete("/test", headers=HTML)
    failed = bob.get("/test/fault")  # the last: the server then closes the connection

    assert (missing.status_code, failed.status_code, wrong.status_code) == (404, 500, 405)
    for answer in (missing, failed, wrong):
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Nothing is at this address" in missing.text
    assert "secret detail" not in failed.text


@pytest.mark.parametrize("accept", ["text/html", "Text/HTML", "text/html,*/*;q=0.8"])
@pytest.mark.parametrize("path", ["/nonsense", "/nonsense/x", "/eventsx", "/healthzz"])
def test_an_address_that_only_begins_as_one_of_programs_is_a_page(
    site: Site, path: str, accept: str
) -> None:
    """Nobody need be signed in."""
    missing = httpx.get(f"{site.address}{path}", headers={"Accept": accept}, timeout=30)

    assert (404, "text/html; charset=utf-8") == (
        missing.status_code,
        missing.headers["Content-Type"],
    )


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/webhooks/nowhere", "/events/x"])
def test_programs_get_problems_whatever_they_say_they_take(bob: Browser, path: str) -> None:
    """And so does everybody who does not ask for a page."""
    for answer in (bob.get(path), bob.http.get("/nowhere"), bob.http.get("/test/fault")):
        assert answer.headers["Content-Type"] == "application/problem+json"
