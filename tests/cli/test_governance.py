"""Consent, history and a file held against the ledger, from a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_server import api_over
from tests.application.rules_world import law, lax, process, rules_world
from tests.builders import World
from tests.cli.console import Console
from tests.wire.configuration_file import DEFAULT


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    """A terminal before a Stageward where a change of a lifecycle waits."""
    made = rules_world()
    it = World(process(made, lax()), made.registry, made.clock, made.rows)
    with api_over(it) as running:
        yield Console(running, monkeypatch)
    made.rows.close()


def test_what_waits_is_shown_and_named_by_who_consents(at: Console) -> None:
    """A program that sees nothing must say what it means."""
    shown = at.run("bob", "lifecycle", "adopt", "default")
    done = at.run("bob", "lifecycle", "adopt", "default", "--digest", lax().digest, "-m", "seen")
    again = at.run("bob", "lifecycle", "adopt", "default")

    assert (1, f"what waits for 1 of risk: {lax().digest}") == (
        shown.code,
        shown.out.splitlines()[0],
    )
    assert "  loosens: Staging → Production: approval: quorum: 1 must approve instead of 2" in (
        shown.out
    )
    assert f"--digest {lax().digest}" in shown.err
    assert 0 == done.code, done.err
    assert "record 3 says that person:bob consented" in done.out
    assert (1, "no change of the lifecycle default waits\n") == (again.code, again.err)


def test_who_says_yes_has_seen_it(at: Console) -> None:
    """It is printed before."""
    done = at.run("bob", "lifecycle", "adopt", "default", "--yes")

    assert 0 == done.code, done.err
    assert "  changes: ~ transitions[2].approval.quorum: 2 → 1" in done.out


def test_others_are_told_who_may(at: Console) -> None:
    """Exit 1."""
    done = at.run("sam", "lifecycle", "adopt", "default", "--digest", lax().digest)

    assert 1 == done.code
    assert "only a member of risk may consent to it" in done.err


def test_the_history_is_told(at: Console) -> None:
    """For people, and as JSON."""
    told = at.run("sam", "lifecycle", "history")
    records = at.run("sam", "lifecycle", "history", "--json").json

    assert "1  LifecycleAdopted" in told.out
    assert "  needs: 1 of risk" in told.out
    assert ["LifecycleAdopted", "LifecycleProposed"] == [one["type"] for one in records]


def test_a_file_is_held_against_the_ledger(at: Console, tmp_path: Path) -> None:
    """Exit 0 while nothing is stranded; faults name the file."""
    file = tmp_path / "stageward.yaml"
    file.write_text(DEFAULT.replace("${MLFLOW_TRACKING_URI}", "http://m"), "utf-8")
    done = at.run("sam", "lifecycle", "validate", str(file), "--against-ledger")
    found = at.run("sam", "lifecycle", "validate", str(file), "--against-ledger", "--json").json
    file.write_text(file.read_text("utf-8").replace("quorum: 2 ", "quorum: 0 "), "utf-8")
    wrong = at.run("sam", "lifecycle", "validate", str(file), "--against-ledger")

    assert 0 == done.code, done.err
    assert "lifecycle default would wait for 1 of risk; it loosens:" in done.out
    assert "nothing is stranded" in done.out
    assert found["sound"]
    assert 1 == wrong.code
    assert f"{file}:" in wrong.err
    assert law().digest in at.run("sam", "lifecycle", "history").out
