"""Whatever call a process dies at while it rolls back, the next one finishes what it began."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from stage_functions.application import keys, query
from stage_functions.application.ports.rows import WORK
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import FENCE_SECONDS, sweep
from tests.application.test_crash import NEW, OLD, prepare, run
from tests.builders import IRIS
from tests.crash import context, last_vote, registry_of, rollback, sink_of


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One version at Production, which has displaced another one."""
    folder = tmp_path_factory.mktemp("template")
    prepare(folder)
    on = context(folder)
    waiting = query.approvals(on)[0].approval
    last_vote(on, waiting.id, waiting.fingerprint)
    sweep(on)
    on.ledger.rows.close()
    return folder


@pytest.mark.timeout(600)
def test_a_process_killed_while_it_rolls_back_loses_nothing(template: Path, tmp_path: Path) -> None:
    """Before and after every call of a port and every tag, in turn; then another one recovers."""
    whole = tmp_path / "whole"
    shutil.copytree(template, whole)
    calls = int(run(whole, 0, "before", "rollback").stdout)

    assert calls > 10
    for call in range(1, calls + 1):
        for when in ("before", "after"):
            folder = tmp_path / f"{call}-{when}"
            shutil.copytree(template, folder)
            killed = run(folder, call, when, "rollback")
            assert killed.returncode == -signal.SIGKILL, killed.stderr
            recover(folder)
            check(folder)
            shutil.rmtree(folder)


def recover(folder: Path) -> None:
    """Come back a little later, sweep, hear the signals, and let whoever asked ask again."""
    on = context(folder, ahead=60)
    sweep(on)
    for version in (OLD, NEW):
        follow(on, Signal(version))
    rollback(on)
    on.ledger.rows.close()
    later = context(folder, ahead=FENCE_SECONDS + 120)
    sweep(later)
    later.ledger.rows.close()


def check(folder: Path) -> None:
    """Check what must hold once everything has come to rest."""
    on = context(folder, ahead=FENCE_SECONDS + 180)
    loaded = on.ledger.load(IRIS, ["1", "2"])
    registry, records = registry_of(folder), list(query.all_records(on, IRIS))

    assert query.check_history(on, IRIS) is None
    assert loaded.head.owed == ()
    assert loaded.head.holders == {"Production": ("1",)}
    assert all(not on.ledger.rows.query(WORK, f"outbox-{n:02d}") for n in range(keys.SHARDS))
    assert ("Production", "Archived") == tuple(registry.tags(one)["stage"] for one in (OLD, NEW))
    shown = registry.stages_shown()
    first = next(n for n, stages in enumerate(shown) if "Production" in stages.values())
    assert all("Production" in stages.values() for stages in shown[first:])
    published = list(dict.fromkeys(sink_of(folder).numbers()))
    assert published == [record.number for record in records]
    assert 1 == sum(record.content.get("why") == "rolled_back" for record in records)
    mark = loaded.versions["2"].marked
    assert mark is not None
    assert "marked" in records[mark.number - 1].content
    on.ledger.rows.close()
