"""`stageward replay`: a table, a sentence, and an exit code for scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stage_functions.application.transition import request_transition
from tests.builders import World, world
from tests.cli.console import Console
from tests.web.test_drafts import DRAFT


@pytest.fixture
def it() -> Iterator[World]:
    """A world in which a version was let through to Staging."""
    made = world()
    version = made.register("1")
    request_transition(made.context, made.command(version, "Staging"))
    yield made
    made.rows.close()


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """A draft that would have refused that."""
    path = tmp_path / "draft.yaml"
    path.write_text(DRAFT.replace("to: Staging, rules: [soaked]", "to: Staging, rules: [measured]"))
    return path


def test_what_would_have_been_otherwise_is_shown_and_exits_4(at: Console, draft: Path) -> None:
    """One row a request, and all of them counted."""
    done = at.run("sam", "replay", "--config", str(draft), "--since", "2026-01-01")

    assert 4 == done.code
    assert "None → Staging" in done.out
    assert (
        "1 requests since 2026-01-01 00:00:00 UTC: 0 as they were decided, 1 otherwise" in done.out
    )


def test_where_nothing_is_otherwise_it_exits_0(at: Console, draft: Path) -> None:
    """As a script wants it; JSON is the answer of the server."""
    draft.write_text(DRAFT)
    done = at.run("sam", "replay", "--config", str(draft), "--since", "2026-01-01", "--json")
    later = at.run("sam", "replay", "--config", str(draft), "--since", "2026-01-02 10:00")

    assert (0, 0) == (done.code, later.code)
    assert {"same": 1, "differs": 0, "unknown": 0, "cases": [], "behind": None} == done.json
    assert later.out.startswith("0 requests since 2026-01-02 10:00:00 UTC: 0 as they were")


def test_faults_of_a_draft_are_told_with_its_name(at: Console, draft: Path) -> None:
    """By line and column."""
    draft.write_text("version: 1\nregistries: 7\n")
    done = at.run("sam", "replay", "--config", str(draft), "--since", "2026-01-01")

    assert 1 == done.code
    assert f"{draft}:2:" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "2026-01-01"),
        ("--config", "absent.yaml", "--since", "2026-01-01"),
    ],
    ids=["no draft", "no such file"],
)
def test_wrong_arguments_are_refused(at: Console, arguments: tuple[str, ...]) -> None:
    """By the command line itself."""
    assert 2 == at.run("sam", "replay", *arguments).code


def test_a_time_that_is_none_is_refused(at: Console, draft: Path) -> None:
    """With how one is written."""
    done = at.run("sam", "replay", "--config", str(draft), "--since", "soon")

    assert (1, True) == (done.code, "'soon' is no time" in done.err)
