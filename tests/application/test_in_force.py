"""Whatever decides or shows asks which lifecycle is in force, and not what the file says."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from stage_functions.application.following import follow_any
from stage_functions.application.signal import Signal
from stage_functions.domain.asset import Version
from tests.application.rules_world import law, process, rules_world
from tests.builders import IRIS

SOURCES = Path(__file__).parents[2] / "stage_functions"
THE_FILES_OWN = {
    "application/adoption.py",
    "application/context.py",
    "application/laws.py",
    "application/link_keys.py",
    "application/reach.py",
    "application/upkeep.py",
    "application/validating.py",
    "web/pages/lifecycles.py",
}
"""What judges the file, and what is told of it before anything is in force."""
READS = re.compile(r"configuration\.lifecycles?\b")


def test_nobody_else_reads_the_lifecycles_of_the_file() -> None:
    """`context.lifecycles` and `context.governing` are those in force."""
    found = {
        str(path.relative_to(SOURCES))
        for folder in ("application", "web", "triggers")
        for path in (SOURCES / folder).rglob("*.py")
        if READS.search(path.read_text("utf-8"))
    }

    assert THE_FILES_OWN == found


def test_a_process_without_a_sweep_follows_with_a_call_after_a_minute() -> None:
    """The calls in between cost nothing more."""
    it = rules_world()
    version = it.register("1")
    newer = law(forward_only=True)
    process(it, newer)
    follow_any(it.context, Signal(version))
    assert it.context.lifecycles[0].digest == law().digest
    it.clock.sleep(timedelta(seconds=61).total_seconds())
    follow_any(it.context, Signal(Version(IRIS, "1")))

    assert newer.digest == it.context.lifecycles[0].digest
    it.rows.close()
