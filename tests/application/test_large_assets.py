"""Assets with more versions than a batch of the ledger holds rows, or a page of its work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from stage_functions.application import upkeep
from stage_functions.application.importing import SETTLE_SECONDS, ImportCommand, import_registry
from stage_functions.application.ledger import LEASE_SECONDS, PAGE
from stage_functions.application.ports.rows import MAX_BATCH_ROWS, WORK
from stage_functions.application.registries import RegistryState
from stage_functions.application.sweep import sweep
from stage_functions.domain.asset import Asset, Kind, Version
from tests.builders import IRIS, World, actor, world
from tests.fakes.sink import MemorySink

COMMAND = ImportCommand("demo", {}, (), "as it was", actor("eve"))
MANY = MAX_BATCH_ROWS + 20


class _CrashError(BaseException):
    """The process ends here."""


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry had versions before Stageward came."""
    made = world(sinks=(MemorySink("events"),))
    made.context.states.update("demo", lambda _: RegistryState())
    yield made
    made.rows.close()


def registered(it: World, count: int) -> None:
    """Make so many versions of iris."""
    for number in range(1, count + 1):
        it.registry.register(Version(IRIS, str(number)), it.clock.now(), tags={"team": "risk"})


def crash(it: World) -> None:
    """Import, and end before any tag is written."""

    def end(call: str) -> None:
        if call == "read":
            raise _CrashError

    it.registry.before = end
    with pytest.raises(_CrashError):
        import_registry(it.context, COMMAND)
    it.registry.before = lambda _: None
    it.clock.time += timedelta(seconds=LEASE_SECONDS + 1)


def owing(it: World) -> list[str]:
    """Return the versions that do not show their stage."""
    versions = it.context.ledger.versions(IRIS)
    return [n for n in versions if "stage" not in it.registry.tags(Version(IRIS, n))]


def markers(it: World) -> int:
    """Return how many markers say that something is owed."""
    return sum(len(it.context.ledger.rows.query(WORK, f"outbox-{n:02d}")) for n in range(16))


@pytest.mark.parametrize("count", [MANY, PAGE // 3 + 20])
def test_what_a_crash_has_left_of_a_large_asset_is_done_by_the_sweep(it: World, count: int) -> None:
    """However many of its versions are owed at once; nothing is forgotten."""
    registered(it, count)
    crash(it)
    waiting = len(owing(it))
    for _ in range(3):
        swept = sweep(it.context)
        assert () == swept.failed

    assert (count, 0) == (waiting, len(owing(it)))
    assert [] == upkeep.outbox(it.context)
    assert 0 == markers(it)


def test_a_large_asset_is_imported_in_one_go(it: World) -> None:
    """Each version is read, written, and read again, and no more."""
    registered(it, MANY)
    it.registry.calls.clear()
    import_registry(it.context, COMMAND)

    assert [] == owing(it)
    assert [] == upkeep.outbox(it.context)
    assert ["versions", *["read", "write_tags", "read"] * MANY] == it.registry.calls


def test_whoever_imports_is_answered_in_time(it: World) -> None:
    """What is not written by then is left to the sweep, which is bounded as well."""
    names = [f"model-{number}" for number in range(6)]
    for name in names:
        version = Version(Asset("demo", Kind.MODELS, name), "1")
        it.registry.register(version, it.clock.now())
    it.registry.before = lambda call: it.clock.sleep(SETTLE_SECONDS / 2 if call == "read" else 0)
    done = import_registry(it.context, COMMAND)
    at_once = it.registry.calls.count("write_tags")
    it.clock.time += timedelta(seconds=LEASE_SECONDS + 1)
    swept = [sweep(it.context, seconds=1) for _ in range(4 * len(names))]

    assert (True, 1) == (done.done, at_once)
    assert not swept[0].complete
    assert [] == upkeep.outbox(it.context)
    assert len(names) == it.registry.calls.count("write_tags")
