"""What pages say of edits and reviews, and the forms by which somebody answers them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace

from stage_functions.application.sweep import sweep
from stage_functions.domain.asset import Version
from tests.api_server import Api, api_over
from tests.application.frozen_world import freezing, promote, reviewing, types
from tests.builders import IRIS, World, world
from tests.web.pages.conftest import looked_at

ASSET = "/assets/demo/models/iris"
FIRST = f"{ASSET}/versions/1"


@pytest.fixture
def it() -> Iterator[World]:
    """A world with version 1 at Production, frozen and reviewed."""
    made = world(governed_by=freezing(reviewing()))
    promote(made, made.register("1", {"owner": "ada"}))
    yield made
    made.rows.close()


@pytest.fixture
def api(it: World) -> Iterator[Api]:
    """The API over that world."""
    with api_over(it) as running:
        yield running


def send(api: Api, person: str, form: str, comment: str) -> httpx.Response:
    """Send one of the forms of a version's page."""
    page = httpx.get(f"{api.address}{FIRST}", headers={"Authorization": f"Bearer {person}"}).text
    part = page.split(f'action="{FIRST}/{form}"', 1)[1].split("</form>", 1)[0]
    hidden = {
        one.split('"', 1)[0]: one.split('value="', 1)[1].split('"', 1)[0]
        for one in part.split('type="hidden" name="')[1:]
    }
    return httpx.post(
        f"{api.address}{FIRST}/{form}",
        data={**hidden, "comment": comment},
        headers={"Authorization": f"Bearer {person}"},
    )


def test_an_edit_is_shown_everywhere_and_acknowledged_by_the_form(it: World, api: Api) -> None:
    """On the board, at the asset and at the version; the form is only for whoever may."""
    it.tag(Version(IRIS, "1"), "owner", "eve")
    board, asset = looked_at(api, "/", "eve", 200), looked_at(api, ASSET, "eve", 200)
    page, others = looked_at(api, FIRST, "eve", 200), looked_at(api, FIRST, "sam", 200)
    sent = send(api, "eve", "acknowledgement", "a script of ours")
    after = looked_at(api, FIRST, "eve", 200)

    assert "edited from outside" in board.text
    assert "edited from outside" in asset.text
    assert "~ tag owner: ada → eve" in page.text
    assert "Acknowledge" in page.text
    assert "Acknowledged by operators or risk or science; not by" in others.text
    assert (sent.status_code, sent.headers["Location"]) == (303, FIRST)
    assert types(it)[-1] == "Acknowledged"
    assert "Nothing is granted to it" not in after.text


def test_a_review_is_shown_everywhere_and_made_by_the_form(it: World, api: Api) -> None:
    """Whoever may not is told why."""
    calm, none = looked_at(api, FIRST, "bob", 200), looked_at(api, "/?due=1", "bob", 200)
    it.clock.time += timedelta(days=181)
    sweep(it.context)
    board, asset = looked_at(api, "/?due=1", "bob", 200), looked_at(api, ASSET, "bob", 200)
    barred = looked_at(api, FIRST, "sam", 200)
    it.clock.time += timedelta(days=14)
    sweep(it.context)
    lapsed = looked_at(api, FIRST, "bob", 200)
    sent = send(api, "bob", "review", "still sound")

    assert "every 180 days at Production" in calm.text
    assert "No review is due." in none.text
    assert "review due version 1" in board.text
    assert "review due since" in asset.text
    assert "You may not review it: only risk may review it." in barred.text
    assert "not made in time" in lapsed.text
    assert sent.status_code == 303
    assert types(it)[-1] == "Reviewed"


@pytest.mark.parametrize(
    ("every", "said"), [(timedelta(hours=12), "12 hours"), (timedelta(minutes=1), "1 minute")]
)
def test_how_often_is_said_in_a_unit_that_fits(every: timedelta, said: str) -> None:
    """Reviews that are less than a day apart are not said to be days apart."""
    plain = reviewing()
    production = plain.stages["Production"]
    assert production.review is not None
    often = replace(production, review=replace(production.review, every=every))
    it = world(governed_by=replace(plain, stages={**plain.stages, "Production": often}))
    promote(it, it.register("1"))
    with api_over(it) as api:
        page = looked_at(api, FIRST, "bob", 200).text
    it.rows.close()

    assert f"every {said} at Production" in page
    assert f"the next review is due {said} from now" in page
