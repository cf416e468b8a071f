"""The commands that say something of a version where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from stage_functions.application.sweep import sweep
from stage_functions.domain.asset import Version
from tests.application.frozen_world import freezing, promote, reviewing
from tests.builders import IRIS, World, world
from tests.cli.console import Console

FIRST = "demo/models/iris:1"


@pytest.fixture
def it() -> Iterator[World]:
    """A world with version 1 at Production, frozen and reviewed."""
    made = world(governed_by=freezing(reviewing()))
    promote(made, made.register("1", {"owner": "ada"}))
    yield made
    made.rows.close()


def test_what_was_edited_is_listed_and_acknowledged(it: World, at: Console) -> None:
    """The list, the version and the history say it; a comment is needed."""
    it.tag(Version(IRIS, "1"), "owner", "eve")
    listed, shown = at.run("eve", "ls"), at.run("eve", "show", FIRST)
    refused = at.run("sam", "promote", FIRST, "Archived")
    silent = at.run("eve", "acknowledge", FIRST)
    barred = at.run("sam", "acknowledge", FIRST)
    done = at.run("eve", "acknowledge", FIRST, "-m", "a script of ours")
    history = at.run("eve", "history", "demo/models/iris")

    assert "edited from outside (record" in listed.out
    assert "not acknowledged" in shown.out
    assert refused.code == 4
    assert "a comment is needed" in silent.err
    assert "may acknowledge it" in barred.err
    assert (done.code, done.out.strip().endswith("is acknowledged")) == (0, True)
    assert "~ tag owner: ada → eve" in history.out
    assert "a script of ours" in history.out


def test_what_is_due_is_listed_and_reviewed(it: World, at: Console) -> None:
    """And not listed any more then."""
    early = at.run("bob", "ls", "--review-due")
    it.clock.time += timedelta(days=181)
    sweep(it.context)
    due, shown = at.run("bob", "ls", "--review-due"), at.run("bob", "show", FIRST)
    done = at.run("bob", "review", FIRST, "-m", "still sound", "--json")
    after = at.run("bob", "ls", "--review-due")

    assert FIRST not in early.out
    assert FIRST in due.out
    assert "review due" in shown.out
    assert done.json["detail"].startswith("reviewed, next due on")
    assert FIRST not in after.out
