"""Whatever call a process dies at, the next one finishes what it began."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stage_functions.application import keys, query
from stage_functions.application.adoption import adopt
from stage_functions.application.context import Context
from stage_functions.application.ports.rows import WORK
from stage_functions.application.scan import found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import FENCE_SECONDS, sweep
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.domain.asset import Version
from tests.builders import IRIS, actor, cast
from tests.crash import context, last_vote, registry_of, sink_of

OLD, NEW = Version(IRIS, "1"), Version(IRIS, "2")
FOREIGN = {"team": "risk ÄÖ", "stage_note": " kept "}


def ask(on: Context, version: Version, target: str) -> str:
    """Ask for a transition; return the approval's id."""
    operation = on.clock.operation_id()
    command = TransitionRequest(version, target, "because", actor("sam"), operation)
    return request_transition(on, command).approval


def prepare(folder: Path) -> None:
    """Put one version at Production, and the next one a vote away from it."""
    on = context(folder)
    adopt(on)
    found_empty(on, "demo")
    for version in (OLD, NEW):
        registry = registry_of(folder)
        registry.register(version, on.clock.now(), tags=FOREIGN, author="mlflow:sam")
        follow(on, Signal(version))
        ask(on, version, "Staging")
    approval = ask(on, OLD, "Production")
    cast(on, approval, "bob")
    cast(on, approval, "eve")
    cast(on, ask(on, NEW, "Production"), "bob")
    on.ledger.rows.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One version at Production, and the next one a vote away from it."""
    folder = tmp_path_factory.mktemp("template")
    prepare(folder)
    return folder


def run(folder: Path, call: int, when: str, what: str = "vote") -> subprocess.CompletedProcess[str]:
    """Cast the last vote, or roll back, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tests.crash", str(folder), str(call), when, what],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent.parent,
    )


@pytest.mark.timeout(600)
def test_a_process_killed_at_any_call_loses_nothing(template: Path, tmp_path: Path) -> None:
    """Before and after every call of a port and every tag, in turn; then another one recovers."""
    whole = tmp_path / "whole"
    shutil.copytree(template, whole)
    calls = int(run(whole, 0, "before").stdout)

    assert calls > 10
    for call in range(1, calls + 1):
        for when in ("before", "after"):
            folder = tmp_path / f"{call}-{when}"
            shutil.copytree(template, folder)
            killed = run(folder, call, when)
            assert killed.returncode == -signal.SIGKILL, killed.stderr
            recover(folder)
            check(folder)
            shutil.rmtree(folder)


def recover(folder: Path) -> None:
    """Come back a little later, sweep, hear the signals, and let the voter ask again."""
    on = context(folder, ahead=60)
    sweep(on)
    for version in (OLD, NEW):
        follow(on, Signal(version))
    opened = query.approvals(on, None)
    newest = max(opened, key=lambda view: view.approval.opened).approval
    last_vote(on, newest.id, newest.fingerprint)
    on.ledger.rows.close()
    later = context(folder, ahead=FENCE_SECONDS + 120)
    sweep(later)
    later.ledger.rows.close()


def check(folder: Path) -> None:
    """Check what must hold once everything has come to rest."""
    on = context(folder, ahead=FENCE_SECONDS + 180)
    loaded = on.ledger.load(IRIS, ["1", "2"])
    registry, records = registry_of(folder), list(query.all_records(on, IRIS))
    old, new = (registry.read(version) for version in (OLD, NEW))

    assert query.check_history(on, IRIS) is None
    assert loaded.head.owed == ()
    assert loaded.head.holders == {"Production": ("2",)}
    assert all(not on.ledger.rows.query(WORK, f"outbox-{n:02d}") for n in range(keys.SHARDS))
    assert old is not None
    assert new is not None
    assert (old.tags["stage"], new.tags["stage"]) == ("Archived", "Production")
    for snapshot in (old, new):
        number = snapshot.version.number
        assert loaded.versions[number].base["stage"] == snapshot.tags["stage"]
        assert {key: snapshot.tags[key] for key in FOREIGN} == FOREIGN
    shown = registry.stages_shown()
    first = next(n for n, stages in enumerate(shown) if "Production" in stages.values())
    assert all("Production" in stages.values() for stages in shown[first:])
    published = list(dict.fromkeys(sink_of(folder).numbers()))
    assert published == [record.number for record in records]
    promoted = [record for record in records if record.content.get("to") == "Production"]
    assert len([record for record in promoted if record.type == "StageChanged"]) == 2
    on.ledger.rows.close()
