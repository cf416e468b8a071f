"""What a verdict says to people."""

from __future__ import annotations

from stage_functions.domain.rule import ABSENT, Result, Verdict


def test_what_is_missing_is_said_once() -> None:
    """Though it is both what the rule shows and why it errored."""
    missing = f"metrics.accuracy{ABSENT}"
    verdict = Verdict("good", Result.ERRORED, {"metrics.accuracy": missing}, "", missing)

    assert verdict.sentence == f"good errored: {missing}"
