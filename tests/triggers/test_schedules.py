"""The timers' work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.context import Context
from stage_functions.application.ledger import open_ledger
from stage_functions.application.pace import Pace
from stage_functions.application.ports.rows import LEDGER, Row
from stage_functions.application.process import Facts, Process
from stage_functions.application.scan import Scanned, Scanner
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import RegistryConfiguration, RegistryType
from stage_functions.domain.error import (
    SinkUnavailableError,
    StagewardError,
    StoreUnavailableError,
)
from stage_functions.triggers import schedules
from tests.builders import IRIS, World, world
from tests.fakes.rows import LossyRows


class WatchedRows(LossyRows):
    """A store that calls somebody before each query."""

    def watch(self, watcher: Callable[[str], None]) -> None:
        """Call this with the partition from now on."""
        self._watcher = watcher

    def query(
        self,
        table: str,
        partition: str,
        *,
        start: str = "",
        end: str | None = None,
        limit: int = 1000,
    ) -> list[Row]:
        """Return rows of a range."""
        self._watcher(partition)
        return super().query(table, partition, start=start, end=end, limit=limit)


class TimedScanner(Scanner):
    """A scanner that scans nothing, and remembers how long it was given."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.given: dict[str, float] = {}

    def scan(self, alias: str, *, seconds: float = 0, parent: str = "") -> Scanned:
        """Remember."""
        self.given[alias] = seconds
        return Scanned(alias)


@pytest.fixture
def here() -> Iterator[World]:
    """Return a new world over SQLite in memory."""
    made = world()
    yield made
    made.rows.close()


def watched(here: World, watcher: Callable[[str], None]) -> World:
    """Return the same world with an eye on its store."""
    rows = WatchedRows(here.rows)
    rows.watch(watcher)
    ledger = open_ledger(rows, here.clock)
    return replace(here, context=replace(here.context, ledger=ledger))


def answers(here: World) -> int:
    """Return how many answers to operation ids the ledger keeps for iris."""
    partition = keys.asset_partition(IRIS)
    end = keys.after(keys.OPERATION)
    return len(here.rows.query(LEDGER, partition, start=keys.OPERATION, end=end))


def first_shard(here: World, moment: datetime) -> str:
    """Return which shard a sweep at that moment visits first."""
    visited: list[str] = []
    here.clock.time = moment
    schedules.sweep(watched(here, visited.append).context)
    assert keys.SHARDS == len({one for one in visited if one.startswith("outbox-")})
    return next(one for one in visited if one.startswith("outbox-"))


def test_a_sweep_finishes_what_is_owed(here: World) -> None:
    """Tags that could not be written are written by it."""
    version = Version(IRIS, "1")

    def refuse(call: str) -> None:
        if call == "write_tags":
            message = "away"
            raise SinkUnavailableError(message)

    here.registry.before = refuse
    with suppress(SinkUnavailableError):
        here.register("1")
    assert "stage" not in here.registry.tags(version)

    here.registry.before = lambda _: None
    here.clock.time += timedelta(hours=2)
    schedules.sweep(here.context)

    assert "None" == here.registry.tags(version)["stage"]


def test_every_minute_another_shard_comes_first(here: World) -> None:
    """So that none is forgotten, however little time there is; nobody has to remember which."""
    start = datetime(2026, 1, 1, tzinfo=UTC)

    firsts = [first_shard(here, start + timedelta(minutes=minute)) for minute in range(keys.SHARDS)]

    assert keys.SHARDS == len(set(firsts))


def test_a_sweep_that_fails_is_a_failure_of_the_function(here: World) -> None:
    """So that the host counts it; the timer fires again in a minute."""

    def fail(_: str) -> None:
        message = "the store is away"
        raise StoreUnavailableError(message)

    with pytest.raises(StoreUnavailableError, match="the store is away"):
        schedules.sweep(watched(here, fail).context)


def test_answers_that_cannot_be_forgotten_are_a_failure_too(here: World) -> None:
    """They are forgotten a day later."""

    def fail(partition: str) -> None:
        if partition == keys.ASSETS_PARTITION:
            message = "the store is away"
            raise StoreUnavailableError(message)

    here.clock.time = datetime(2026, 1, 20, schedules.FORGET_HOUR, tzinfo=UTC)
    scanner = TimedScanner(here.context)

    with pytest.raises(StoreUnavailableError, match="the store is away"):
        schedules.scan(watched(here, fail).context, scanner)


def test_a_registry_that_cannot_be_scanned_holds_up_no_other(
    here: World,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Every registry of the configuration is scanned, or the log says why not; then it fails."""
    other = RegistryConfiguration("another", RegistryType.AZUREML, "/subscriptions/somewhere")
    registries = {"another": other, **here.context.configuration.registries}
    configuration = replace(here.context.configuration, registries=registries)
    context = replace(here.context, configuration=configuration)
    here.registry.register(Version(IRIS, "1"), here.clock.now())

    with pytest.raises(StagewardError, match="another"):
        schedules.scan(context, Scanner(context))

    assert "registry another: " in caplog.text
    assert {"1"} == set(context.ledger.versions(IRIS))


def test_registries_share_the_time_of_a_scan(here: World) -> None:
    """The timer fires every five minutes, however many there are."""
    others = {alias: RegistryConfiguration(alias, RegistryType.MLFLOW, alias) for alias in "abc"}
    configuration = replace(here.context.configuration, registries=others)
    scanner = TimedScanner(here.context)

    schedules.scan(replace(here.context, configuration=configuration), scanner)

    assert dict.fromkeys("abc", schedules.SCAN_SECONDS / 3) == scanner.given
    assert sum(scanner.given.values()) < schedules.SCAN_MINUTES * 60


def test_a_registry_that_was_scanned_is_left_alone_for_as_long_as_it_is_set(here: World) -> None:
    """The answers of old requests are forgotten all the same, and a scan by hand does not wait."""
    process = Process(Facts(pace=Pace.of(60, 0)))
    context = replace(here.context, process=process)
    schedules.scan(context, Scanner(context))
    here.clock.time += timedelta(minutes=54)
    early, due = TimedScanner(context), TimedScanner(context)

    schedules.scan(context, early)
    here.clock.time += timedelta(minutes=2)
    schedules.scan(context, due)

    assert ({}, {"demo": schedules.SCAN_SECONDS}) == (early.given, due.given)
    assert Scanner(context).scan("demo").complete


@pytest.mark.parametrize(
    ("hour", "minute", "kept"),
    [(2, 59, True), (3, 0, False), (3, 4, False), (3, 5, True), (15, 0, True)],
)
def test_old_answers_are_forgotten_once_a_day(
    here: World, hour: int, minute: int, *, kept: bool
) -> None:
    """By the one scan that fires in the first five minutes of an hour of the night."""
    version = here.register("1")
    request_transition(here.context, here.command(version, "Staging"))
    assert answers(here) == 1
    here.clock.time = datetime(2026, 1, 20, hour, minute, tzinfo=UTC)

    schedules.scan(here.context, TimedScanner(here.context))

    assert kept == answers(here)
