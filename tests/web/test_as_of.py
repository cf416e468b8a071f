"""What stood where at a moment, over the API."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.api_server import Api
from tests.builders import World

ASSETS = "/api/v1/assets"
FIRST = f"{ASSETS}/demo/models/iris/versions/1"


def test_the_estate_is_listed_as_of_a_moment_in_pages(it: World, api: Api) -> None:
    """All pages are of the moment that the first one names."""
    for number in ("1", "2", "3"):
        it.register(number)
    before = it.clock.now()
    it.clock.sleep(60)
    sam = api.client("sam")
    sam.post(f"{FIRST}/transitions", json={"to": "Staging"})

    now = sam.get(ASSETS, params={"as_of": "now", "limit": 2}).json()
    rest = sam.get(ASSETS, params={"as_of": now["time"], "cursor": now["cursor"]}).json()
    then = sam.get(ASSETS, params={"as_of": before.isoformat(), "stage": "None"}).json()

    stood = [(one["version"], one["standing"]["stage"]) for one in now["stood"] + rest["stood"]]
    assert [("1", "Staging"), ("2", "None"), ("3", "None")] == stood
    assert rest["cursor"] is None
    assert ["1", "2", "3"] == [one["version"] for one in then["stood"]]


def test_a_moment_to_come_is_answered_with_now(it: World, api: Api) -> None:
    """Of it nothing is known."""
    it.register("1")
    later = it.clock.now() + timedelta(days=365)

    found = api.client("sam").get(ASSETS, params={"as_of": later.isoformat()}).json()

    assert found["time"] < later.isoformat()
    assert 1 == len(found["stood"])


def test_who_owns_it_and_on_what_grounds_is_said_of_one_asset_too(it: World, api: Api) -> None:
    """In the same words."""
    it.register("1")
    sam = api.client("sam")

    one = sam.get(f"{ASSETS}/demo/models/iris/as-of").json()["versions"]["1"]
    (stood,) = sam.get(ASSETS, params={"as_of": "now"}).json()["stood"]

    assert stood["standing"] == one
    assert ("registered", "registered") == (one["why"], one["grounds"])
    assert one["owner"]


@pytest.mark.parametrize(
    "params",
    [
        {"as_of": "yesterday"},
        {"as_of": "2026-01-01T00:00:00"},
        {"as_of": "now", "waiting": "true"},
        {"as_of": "now", "cursor": "nothing such"},
        {"as_of": "now", "kind": "people"},
    ],
)
def test_what_cannot_be_answered_as_of_a_moment_is_refused(
    api: Api, params: dict[str, str]
) -> None:
    """With a reason, and not answered with something else."""
    assert 422 == api.client("sam").get(ASSETS, params=params).status_code


def test_a_registry_that_nobody_knows_is_not_found(api: Api) -> None:
    """As in the present list."""
    found = api.client("sam").get(ASSETS, params={"as_of": "now", "registry": "nowhere"})
    assert 404 == found.status_code
