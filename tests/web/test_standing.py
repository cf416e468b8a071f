"""Reviews and acknowledgements over the API, and what it says of versions where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from stage_functions.application.sweep import sweep
from stage_functions.client import Client
from stage_functions.domain.asset import Version
from stage_functions.domain.error import DeniedError, NotAllowedNowError, StaleError
from stage_functions.domain.lifecycle import Lifecycle, WhenUnreviewed
from tests.api_server import Api, api_over
from tests.application.frozen_world import freezing, promote, reviewing
from tests.builders import IRIS, World, world

NAME = "demo/models/iris:1"


def both() -> Lifecycle:
    """Return the lifecycle where Production is frozen and reviewed."""
    return freezing(reviewing(WhenUnreviewed.BLOCK))


@pytest.fixture
def it() -> Iterator[World]:
    """A world with version 1 at Production, frozen and reviewed."""
    made = world(governed_by=both())
    promote(made, made.register("1", {"owner": "ada"}))
    yield made
    made.rows.close()


@pytest.fixture
def api(it: World) -> Iterator[Api]:
    """The API over that world."""
    with api_over(it) as running:
        yield running


def due(it: World, days: float) -> None:
    """Sweep so many days after the first review is due."""
    it.clock.time += timedelta(days=180 + days)
    sweep(it.context)


def test_an_edit_is_shown_and_acknowledged(it: World, api: Api) -> None:
    """The version says the record, until somebody has taken note of it."""
    it.tag(Version(IRIS, "1"), "owner", "eve")
    with Client(api.address, "eve") as eve:
        before, listed = eve.version(NAME), next(eve.versions())
        check = eve.check(NAME, "transition", to="Archived")
        done = eve.acknowledge(NAME, comment="a script of ours", record=before.drifted)
        after = eve.version(NAME)

    assert before.drifted == listed.drifted == done.record - 1
    assert not check.allowed
    assert "edited from outside" in check.detail
    assert (done.version, done.stage) == (NAME, "Production")
    assert after.drifted is None


def test_a_review_is_listed_when_it_is_due_and_made(it: World, api: Api) -> None:
    """Lists can be asked for what is due; a review that lapsed says so until it is made."""
    with Client(api.address, "bob") as bob:
        early = list(bob.versions(review_due=True))
        due(it, 15)
        (late,) = bob.versions(review_due=True)
        shown = bob.version(NAME)
        gate = bob.check(NAME, "deploy", endpoint="demo/scoring")
        done = bob.review(NAME, comment="still sound", key="once")
        again = bob.review(NAME, comment="still sound", key="once")
        after = bob.version(NAME)

    assert early == []
    assert late.review_lapsed
    assert shown.review_lapsed
    assert "stageward review" in gate.detail
    assert done == again
    assert done.detail.startswith("reviewed, next due on 20")
    assert not after.review_lapsed
    assert after.review_due is not None
    assert after.review_due > (shown.review_due or after.review_due)


def test_what_may_not_be_said_is_refused_with_its_reason(api: Api) -> None:
    """Nobody but whoever may, nothing where nothing is to be said, nothing on an old sight."""
    with Client(api.address, "sam") as sam, pytest.raises(DeniedError, match="only risk"):
        sam.review(NAME)
    with Client(api.address, "bob") as bob:
        with pytest.raises(StaleError, match="you saw 1"):
            bob.review(NAME, record=1)
        with pytest.raises(NotAllowedNowError, match="nothing was edited"):
            bob.acknowledge(NAME, comment="what?")
