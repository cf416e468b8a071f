"""The pages of the way back: a rollback says first what it will do; a ratification, what it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.transition import request_transition
from stage_functions.domain.approval import Decision
from stage_functions.domain.lifecycle import NotRatified
from stage_functions.settings import SignIn
from tests.api_server import api_over
from tests.builders import IRIS, World, cast
from tests.way_back_world import begun, end, promoted, returning, stages, two, urgent
from tests.web.browser import Browser, Site, site_over
from tests.web.pages.conftest import looked_at

ASSET = "/assets/demo/models/iris"
ROLLBACK = f"{ASSET}/rollback"


@pytest.fixture
def it() -> Iterator[World]:
    """A world where version 2 has taken Production from version 1."""
    yield two(returning())
    end()


@pytest.fixture
def site(it: World) -> Iterator[Site]:
    """Its pages."""
    with site_over(it, SignIn.DEV) as running:
        yield running


@pytest.fixture
def bob(site: Site) -> Iterator[Browser]:
    """A browser where bob has signed in."""
    with Browser(site) as made:
        made.sign_in(person="bob")
        yield made


def test_a_rollback_is_led_to_from_asset_and_holder(it: World) -> None:
    """And from nowhere where there is none."""
    with api_over(it) as api:
        asset, holder, other = (
            looked_at(api, path, "bob", 200)
            for path in (ASSET, f"{ASSET}/versions/2", f"{ASSET}/versions/1")
        )

    assert f"{ROLLBACK}?stage=Production" == asset.links["Roll back Production"]
    assert f"{ROLLBACK}?stage=Production" == holder.links["Roll back Production"]
    assert "Roll back Production" not in other.links


def test_the_page_says_what_will_happen_and_changes_nothing(it: World) -> None:
    """Which version goes where, which comes back, by which approval, until when."""
    number = it.context.ledger.load(IRIS).head.number
    with api_over(it) as api:
        page = looked_at(api, ROLLBACK, "bob", 200)

    assert (
        "Version 1 goes from Archived to Production, and version 2 from Production to Archived"
        in page.text
    )
    assert "Version 1 : Archived → Production" in page.text
    assert "its approvers saw that it displaces version 1" in page.text
    assert "Possible until 2026-01-31 01:00 UTC" in page.text
    assert "Take version 2 out, bring version 1 back" in page.text
    assert number == it.context.ledger.load(IRIS).head.number


def test_the_form_rolls_back_once(it: World, bob: Browser) -> None:
    """And shows what the asset is then; sent again it says that it is done."""
    form = {
        "form_token": str(bob.who()["form"]),
        "operation": "one",
        "stage": "Production",
        "reason": "it fails",
        "mark": "1",
        "expected_holder": "2",
    }
    first = bob.post(ROLLBACK, form)
    count = it.context.ledger.load(IRIS).head.number
    again = bob.post(ROLLBACK, form)

    assert (303, ASSET) == (first.status_code, first.headers["Location"])
    assert 303 == again.status_code
    assert count == it.context.ledger.load(IRIS).head.number
    assert {"1": "Production", "2": "Archived"} == stages(it)
    assert it.context.ledger.versions(IRIS)["2"].marked is not None
    other = bob.post(ROLLBACK, {**form, "operation": "two", "expected_holder": ""})
    assert 409 == other.status_code
    asset, day = bob.get(ASSET).text, f"{it.clock.now():%Y-%m-%d}"
    stood = bob.get(f"{ASSET}?as_of={day}").text
    cause = it.context.ledger.versions(IRIS)["1"].number
    assert "rolled back, " in asset
    assert "; taken out by a rollback" in asset
    assert "Production → Archived, taken out by a rollback to version 1" in asset
    assert "rolled_back" not in asset
    assert f"taken out by a rollback (record {cause})" in stood
    assert "came back to Production by record" in other.text
    assert 422 == bob.post(ROLLBACK, {**form, "reason": " "}).status_code


@pytest.mark.parametrize("then", list(NotRatified))
def test_a_brief_says_that_the_stage_has_changed_already(then: NotRatified) -> None:
    """And what comes of a reject; and afterwards what came of it."""
    here = begun(urgent(then))
    promoted(here, "1")
    version = here.register("2")
    request_transition(here.context, here.command(version, "Staging"))
    command = replace(here.command(version, "Production", "ada"), emergency="INC-1")
    approval = request_transition(here.context, command).approval
    with api_over(here) as api:
        page = looked_at(api, f"/approvals/{approval}", "bob", 200)
        own = looked_at(api, f"/approvals/{approval}", "ada", 200)
        listed = looked_at(api, "/approvals", "bob", 200)
        cast(here.context, approval, "bob", Decision.REJECT, "no")
        closed = looked_at(api, f"/approvals/{approval}", "bob", 200)
        (following, *_) = (*query.approvals(here.context), None)
        if following is not None:
            next_ = looked_at(api, f"/approvals/{following.approval.id}", "bob", 200)
            assert "That was not ratified, so it is not to be deployed" in next_.text
    end()

    assert "Ratify that iris version 2 is at Production?" in page.text
    assert (
        "The stage has changed already. Ada moved version 2 from Staging to Production" in page.text
    )
    assert "Approving changes no stage" in page.text
    assert "Now: not known" not in page.text
    assert "emergency Staging → Production, to be ratified" in listed.text
    assert "Take this emergency back" in own.text
    assert "Not ratified (rejected): iris version 2 at Production" in closed.text
    stands = "Staging" if then is NotRatified.REVERT else "Production"
    assert f"Version 2 stands at {stands} now." in closed.text
    back = "version 2 goes back to Staging, and version 1 comes back to Production"
    assert (then is NotRatified.REVERT) == (back in page.text)
