"""Whatever call a process dies at while it takes a version out, the next one finishes that."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from stage_functions.application import keys, query
from stage_functions.application.ports.rows import WORK
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import FENCE_SECONDS, sweep
from stage_functions.application.transition import TransitionRequest, request_transition
from tests.application.test_crash import NEW, OLD, prepare, run
from tests.builders import IRIS, actor
from tests.crash import context, last_vote, registry_of, reject, rollback, sink_of


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
    for folder in killed(template, tmp_path, "rollback"):
        recover(folder)
        check(folder, "rolled_back")
        on = context(folder, ahead=FENCE_SECONDS + 180)
        mark = on.ledger.load(IRIS, ["2"]).versions["2"].marked
        assert mark is not None
        assert "marked" in list(query.all_records(on, IRIS))[mark.number - 1].content
        on.ledger.rows.close()


@pytest.mark.timeout(600)
def test_a_process_killed_while_it_puts_an_emergency_back_loses_nothing(
    hurried: Path, tmp_path: Path
) -> None:
    """Whoever would not ratify says so again: what was displaced is back, once."""
    for folder in killed(hurried, tmp_path, "reject"):
        recover(folder, "reject")
        check(folder, "reverted", 2)


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One version at Production by an emergency that nobody has ratified."""
    folder = tmp_path_factory.mktemp("hurried")
    prepare(folder)
    on = context(folder)
    operation = on.clock.operation_id()
    command = TransitionRequest(NEW, "Production", "now", actor("sam"), operation)
    request_transition(on, replace(command, emergency="INC-1"))
    sweep(on)
    on.ledger.rows.close()
    return folder


def killed(template: Path, tmp_path: Path, what: str) -> Iterator[Path]:
    """Yield what each process left behind that was killed at a call, before and after it."""
    whole = tmp_path / "whole"
    shutil.copytree(template, whole)
    calls = int(run(whole, 0, "before", what).stdout)

    assert calls > 10
    for call in range(1, calls + 1):
        for when in ("before", "after"):
            folder = tmp_path / f"{call}-{when}"
            shutil.copytree(template, folder)
            died = run(folder, call, when, what)
            assert died.returncode == -signal.SIGKILL, died.stderr
            yield folder
            shutil.rmtree(folder)


def recover(folder: Path, what: str = "rollback") -> None:
    """Come back a little later, sweep, hear the signals, and let whoever asked ask again."""
    on = context(folder, ahead=60)
    sweep(on)
    for version in (OLD, NEW):
        follow(on, Signal(version))
    if what == "rollback":
        rollback(on)
    for waiting in query.approvals(on) if what == "reject" else ():
        reject(on, waiting.approval.id, waiting.approval.fingerprint)
    on.ledger.rows.close()
    later = context(folder, ahead=FENCE_SECONDS + 120)
    sweep(later)
    later.ledger.rows.close()


def check(folder: Path, why: str, count: int = 1) -> None:
    """Check what must hold once everything has come to rest."""
    on = context(folder, ahead=FENCE_SECONDS + 180)
    loaded = on.ledger.load(IRIS, ["1", "2"])
    registry, records = registry_of(folder), list(query.all_records(on, IRIS))

    assert query.check_history(on, IRIS) is None
    assert loaded.head.owed == ()
    assert loaded.head.holders == {"Production": ("1",)}
    assert all(not on.ledger.rows.query(WORK, f"outbox-{n:02d}") for n in range(keys.SHARDS))
    other = "Archived" if why == "rolled_back" else "Staging"
    assert ("Production", other) == tuple(registry.tags(one)["stage"] for one in (OLD, NEW))
    shown = registry.stages_shown()
    first = next(n for n, stages in enumerate(shown) if "Production" in stages.values())
    assert all("Production" in stages.values() for stages in shown[first:])
    published = list(dict.fromkeys(sink_of(folder).numbers()))
    assert published == [record.number for record in records]
    assert count == sum(record.content.get("why") == why for record in records)
    on.ledger.rows.close()
