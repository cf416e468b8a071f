"""Pages, API and command line of versions that are copies, or were copied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from stage_functions.domain.asset import Version
from stage_functions.web.pages.addresses import url_for_asset, url_for_version
from tests.api_server import Api, api_over
from tests.cli.console import Console
from tests.copy_world import CopyWorld, copy_world, there
from tests.web.pages.conftest import looked_at
from tests.web.pages.parsed import Parsed


@pytest.fixture(scope="module")
def it() -> Iterator[CopyWorld]:
    """A version that was copied twice, and one that waits between."""
    made = copy_world()
    with closing(made.rows):
        for number in ("3", "4"):
            version = made.register(number)
            made.ask(version, "Staging")
            asked = made.ask(there(version, "test"), "Production").approval
            if number == "3":
                made.approve(asked)
        yield made


@pytest.fixture
def api(it: CopyWorld) -> Iterator[Api]:
    """A server over it."""
    with api_over(it.world()) as running:
        yield running


DEV = Version.parse("dev/models/iris:3")
TEST, SHARED = there(DEV, "test"), there(DEV, "shared")


def test_the_page_of_a_copy_links_the_whole_chain(api: Api) -> None:
    """With where each stands, and that the records prove it."""
    page = looked_at(api, url_for_version(SHARED), "bob", 200)

    assert "Copy of test/models/iris:3 , now at Production" in page.text
    assert "which is a copy of dev/models/iris:3 , now at Staging" in page.text
    assert "grants version 3 Staging, and its hash is right" in page.text
    assert url_for_version(TEST) == page.links[str(TEST)].partition("#")[0]
    assert "begins at Production, as a copy of test/models/iris:3" in page.text
    assert "as it was known when test/models/iris:3 was granted Production" in page.text
    assert "Sam (person:sam)" in page.text


def test_the_page_of_an_original_links_its_copies(api: Api) -> None:
    """And the copies of those."""
    page = looked_at(api, url_for_version(DEV), "bob", 200)

    assert "Copied to test/models/iris:3 , now at Production" in page.text
    assert "and from there to shared/models/iris:3 , now at Production" in page.text
    assert url_for_version(SHARED) == page.links[str(SHARED)]


def test_what_may_be_asked_for_says_that_it_is_copied(it: CopyWorld, api: Api) -> None:
    """On the page of a version, and of the lifecycle."""
    it.register("5")
    page = looked_at(api, url_for_version(Version.parse("dev/models/iris:5")), "bob", 200)
    ways = looked_at(api, "/lifecycles/in-dev", "bob", 200)

    assert "Staging (copied to test)" in page.text
    assert "copied to test" in ways.text


def test_the_timeline_of_a_copys_asset_links_the_record_that_granted_it(api: Api) -> None:
    """By its number, on the page of the original."""
    page = looked_at(api, url_for_asset(SHARED.asset), "bob", 200)

    assert page.links[str(TEST)].startswith(f"{url_for_version(TEST)}#record-")


def test_the_brief_of_a_copy_says_where_it_comes_from_and_where_it_goes(
    it: CopyWorld, api: Api
) -> None:
    """Whoever decides knows that the approval copies it."""
    waiting = it.state(there(Version.parse("dev/models/iris:4"), "test")).approval
    page = Parsed(api.client("bob").get(f"/approvals/{waiting}").text)

    assert "Copy of dev/models/iris:4 record" in page.text
    assert "It is copied to shared/models/iris:4, which begins at Production." in page.text
    assert (
        "In registry shared, as it stands now, shared/models/iris:3 leaves Production for Archived "
        "by that."
    ) in page.text


def test_the_api_and_the_command_line_show_the_chain(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As documents, and in words."""
    client = api.client("bob")
    found = client.get("/api/v1/assets/shared/models/iris/versions/3").json()
    source = client.get("/api/v1/assets/dev/models/iris/versions/3").json()
    shown = Console(api, monkeypatch).run("bob", "show", str(SHARED))
    stood = Console(api, monkeypatch).run("bob", "as-of", str(SHARED.asset))
    original = Console(api, monkeypatch).run("bob", "show", str(DEV))

    assert ("test/models/iris:3", "Production", True) == (
        found["origin"]["version"],
        found["origin"]["stage"],
        found["origin"]["proven"],
    )
    assert ["test/models/iris:3", "dev/models/iris:3"] == [
        one["version"] for one in found["origins"]
    ]
    assert source["origin"] is None
    assert ["test/models/iris:3", "shared/models/iris:3"] == [
        one["version"] for one in source["copies"]
    ]
    assert "copy of dev/models/iris:3" in shown.out
    assert "its hash is right" in shown.out.replace("\n", " ")
    assert "copied to" in original.out
    assert "copied from test/models/iris:3 | person:bob" in " | ".join(stood.out.split("  "))
    assert "shared/models/iris:3, Production, from test/models/iris:3" in original.out


def test_an_approval_says_what_its_copy_displaces(
    it: CopyWorld, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To programs, and at the command line."""
    waiting = it.state(there(Version.parse("dev/models/iris:4"), "test")).approval
    found = api.client("bob").get(f"/api/v1/approvals/{waiting}").json()
    shown = Console(api, monkeypatch).run("bob", "approvals", waiting)

    assert ("shared/models/iris:4", ["shared/models/iris:3"]) == (
        found["copied_to"],
        found["copy_displaces"],
    )
    assert "shared/models/iris:4, displaces shared/models/iris:3" in shown.out
