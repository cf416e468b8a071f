"""What a load costs in Azure, and what gives first: reckoned from what was counted.

`operations.json` says what each kind of event costs at the services behind; this module multiplies.
What it takes for granted about Azure is in `Assumptions`, one by one, with its source; change them
to your own. `docs/operate.md` shows the tables that it prints, and a test holds the two together.

    python -m benchmarks.cost                                     the tables of docs/operate.md
    python -m benchmarks.cost --events 50000 --versions 20000     one load of your own
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.operations import Cost, kept
from stage_functions.triggers.schedules import SCAN_MINUTES, SCAN_SECONDS

DAY_SECONDS = 86_400
MONTH_DAYS = 30
SWEEPS, SCANS = 1440, 288
"""A day: every minute, every five minutes."""
SCANNING = SCANS * SCAN_SECONDS / DAY_SECONDS
"""The share of a day in which a scan may run."""
EACH = 4
"""Versions of an asset."""
LIFE_DAYS = 30
"""A version of the registry is a new one once in so many days: a thirtieth are new each day."""
LIFE: Mapping[str, int] = {
    "registered": 1,
    "granted": 1,
    "approval opens": 1,
    "vote grants, one displaced": 1,
    "no-op": 6,
}
"""A version's way to Production. The no-ops are events that tell of what is known: one of the two
that registering raises, and one for each of the five writes of Stageward's own."""
LIFE_EVENTS, LIFE_CALLS = 8, 2
"""Of these, what arrives as an event, and what as a call of people."""
NEAR = 0.01
"""Below this share of a limit, it is not worth a word."""
LOADS = (
    (100, 1_000),
    (1_000, 10_000),
    (10_000, 100_000),
    (100_000, 100_000),
    (1_000_000, 1_000_000),
    (10_000_000, 1_000_000),
)


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is taken for granted about Azure.

    Attributes:
        table_seconds: a request to Table Storage in the same region (an estimate).
        arm_read_seconds: a read by the resource manager (an estimate).
        arm_write_seconds: a write by it (an estimate).
        tracking_seconds: a call to the tracking server (an estimate).
        publish_seconds: handing an event to the topic (an estimate).
        own_seconds: what Stageward itself takes for an event (`make bench`: 1 ms; with Python's
            and the host's part, an estimate).
        memory_gb: of an instance, as the template sets it.
        instances: at most, as the template sets it.
        scan_minutes: the pause between whole scans (`SCAN_MINUTES`); 5 is none.
        reads_a_second: of the resource manager, for one identity, subscription and region: the
            bucket holds 250 and gets 25 a second ("Understand how Azure Resource Manager throttles
            requests").
        writes_a_second: likewise 200 and 10.
        table_account_a_second: operations of a storage account (scale targets of Table Storage).
        table_partition_a_second: operations of a partition (likewise); markers have 16.
        topic_a_second: events into a topic ("Event Grid quotas and limits").
        gb_second: list price in US dollars, as are all that follow; they differ by region and time.
        million_executions: of Functions.
        ten_thousand_operations: of Table Storage.
        gb_month: of Table Storage, redundant over three zones, as the template has it.
        million_event_operations: of Event Grid: an arrival and each delivery is one.
        log_gb: ingested by Log Analytics.
        log_bytes: written for an execution, with the trace that one in ten of them has.
        audit_bytes: written for each request that writes to the ledger (`LEDGER_LOGS`).
        alerts: all rules together a month: nine queries every five minutes, some metrics.
    """

    table_seconds: float = 0.010
    arm_read_seconds: float = 0.150
    arm_write_seconds: float = 0.400
    tracking_seconds: float = 0.200
    publish_seconds: float = 0.030
    own_seconds: float = 0.010
    memory_gb: float = 2
    instances: int = 40
    scan_minutes: int = SCAN_MINUTES
    reads_a_second: float = 25
    writes_a_second: float = 10
    table_account_a_second: float = 20_000
    table_partition_a_second: float = 2_000
    topic_a_second: float = 5_000
    gb_second: float = 0.000026
    million_executions: float = 0.40
    ten_thousand_operations: float = 0.00036
    gb_month: float = 0.056
    million_event_operations: float = 0.60
    log_gb: float = 2.76
    log_bytes: float = 1_500
    audit_bytes: float = 1_000
    alerts: float = 14


@dataclass(frozen=True, slots=True)
class Load:
    """What arrives.

    Attributes:
        events: of Event Grid, a day.
        versions: that the registries hold.
        each: how many of them an asset has.
    """

    events: float
    versions: float
    each: float = EACH

    @property
    def assets(self) -> float:
        """How many assets those are versions of."""
        return self.versions / self.each

    @property
    def lives(self) -> float:
        """New versions a day that go all the way: no more than the events allow."""
        return min(self.versions / LIFE_DAYS, self.events / LIFE_EVENTS)


@dataclass(frozen=True, slots=True)
class Use:
    """How far a limit of Azure is used.

    Attributes:
        what: the limit.
        share: of it, on average over the day.
    """

    what: str
    share: float


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What a load comes to.

    Attributes:
        load: which.
        executions: of functions, a day.
        operations: of Table Storage as billed, a day.
        reads: of the resource manager a second, on average, without the scan.
        pass_hours: that a scan of all takes, with the reads that are left; infinite where none is.
        money: in US dollars a month, by service.
        uses: of limits, the most used first.
    """

    load: Load
    executions: float
    operations: float
    reads: float
    pass_hours: float
    money: Mapping[str, float]
    uses: Sequence[Use]


def reckon(load: Load, counted: Mapping[str, Cost], given: Assumptions) -> Reckoned:
    """Return what a load costs, and what of Azure it uses up."""
    life = _sum(counted[kind].times(times) for kind, times in LIFE.items())
    quiet = load.events - load.lives * LIFE_EVENTS
    by_events = life.times(load.lives).plus(counted["no-op"].times(quiet))
    sweeps = counted["idle sweep"].times(SWEEPS)
    budget = max(0.0, given.reads_a_second - by_events.reads / DAY_SECONDS)
    pass_seconds = _scan_seconds(load, counted, given, budget)
    passes = _passes(pass_seconds, given)
    scanned = counted["scan, each asset"].times(load.assets * passes)
    everything = by_events.plus(sweeps).plus(scanned)
    executions = load.events + load.lives * LIFE_CALLS + SWEEPS + SCANS
    busy = _seconds(by_events, given) + (load.events + load.lives * LIFE_CALLS) * given.own_seconds
    timers = _seconds(sweeps, given) + _seconds(scanned, given)
    ledger_gb = life.kept * load.lives * 365 / 1e9
    return Reckoned(
        load,
        executions,
        everything.billed,
        by_events.reads / DAY_SECONDS,
        pass_seconds / 3600,
        _money(load, everything, executions, busy, timers, ledger_gb, given),
        _uses(load, by_events, everything, busy, pass_seconds, given),
    )


def _passes(pass_seconds: float, given: Assumptions) -> float:
    """Return how many passes a day has: after each the scan may pause, and a timer goes on."""
    if math.isinf(pass_seconds) or given.scan_minutes <= SCAN_MINUTES:
        return min(SCANS, DAY_SECONDS / pass_seconds)
    rings = math.ceil((pass_seconds / 60 + given.scan_minutes - SCAN_MINUTES) / SCAN_MINUTES)
    return SCANS / rings


def _scan_seconds(
    load: Load, counted: Mapping[str, Cost], given: Assumptions, budget: float
) -> float:
    """Return how long a pass takes: one call after another, and no faster than is allowed."""
    calls = counted["scan, each asset"].times(load.assets)
    if not budget:
        return math.inf
    working = max(_seconds(calls, given), calls.reads / budget)
    return working if working < SCAN_SECONDS else working / SCANNING


def _seconds(cost: Cost, given: Assumptions) -> float:
    return (
        cost.trips * given.table_seconds
        + cost.reads * given.arm_read_seconds
        + cost.writes * given.arm_write_seconds
        + cost.tracking * given.tracking_seconds
        + cost.events * given.publish_seconds
    )


def _money(
    load: Load,
    everything: Cost,
    executions: float,
    busy: float,
    timers: float,
    ledger_gb: float,
    given: Assumptions,
) -> dict[str, float]:
    """Return dollars a month, without free grants.

    An instance is billed while it works, each time for a second at the least; one that has an
    event a second or more is billed without a pause.
    """
    events = load.events + load.lives * LIFE_CALLS
    alone = events * max(1.0, busy / events if events else 0)
    packed = math.ceil(busy / DAY_SECONDS / 0.7) * DAY_SECONDS
    gb_seconds = (min(alone, packed) + timers) * given.memory_gb
    delivered = load.events * 2 + everything.events * 2
    return {
        "Functions": MONTH_DAYS
        * (gb_seconds * given.gb_second + executions / 1e6 * given.million_executions),
        "Table Storage": MONTH_DAYS * everything.billed / 1e4 * given.ten_thousand_operations
        + ledger_gb * given.gb_month,
        "Event Grid": MONTH_DAYS * delivered / 1e6 * given.million_event_operations,
        "logs and alerts": MONTH_DAYS
        * (executions * given.log_bytes + everything.written * given.audit_bytes)
        / 1e9
        * given.log_gb
        + given.alerts,
    }


def _uses(
    load: Load,
    by_events: Cost,
    everything: Cost,
    busy: float,
    pass_seconds: float,
    given: Assumptions,
) -> list[Use]:
    day = DAY_SECONDS
    uses = [
        Use("reads of the resource manager", by_events.reads / day / given.reads_a_second),
        Use("writes of the resource manager", by_events.writes / day / given.writes_a_second),
        Use("instances of the function", busy / day / given.instances),
        Use("a scan within a day", 0 if math.isinf(pass_seconds) else pass_seconds / day),
        Use(
            "operations of the storage account",
            everything.billed / day / given.table_account_a_second,
        ),
        Use(
            "the partitions of markers", load.lives * 10 / day / 16 / given.table_partition_a_second
        ),
        Use("events into a topic", load.events / day / given.topic_a_second),
    ]
    return sorted(uses, key=lambda use: -use.share)


def _sum(costs: Iterable[Cost]) -> Cost:
    total = Cost()
    for cost in costs:
        total = total.plus(cost)
    return total


def table(found: Sequence[Reckoned]) -> str:
    """Return a table in Markdown, a line for each load."""
    head = (
        "events a day",
        "versions",
        "new versions a day",
        "executions a day",
        "table operations a day",
        "ARM reads a second",
        "a scan takes",
        "dollars a month",
        "of it Functions, tables, Event Grid, logs and alerts",
        "gives first",
    )
    lines = [_line(head), _line(["---:"] * (len(head) - 1) + ["---"])]
    return "\n".join([*lines, *(_line(_cells(one)) for one in found)])


def each(counted: Mapping[str, Cost]) -> str:
    """Return a table in Markdown of what each kind of event costs."""
    head = (
        "",
        "requests to Table Storage",
        "operations that it bills",
        "requests that write",
        "ARM reads",
        "ARM writes",
        "calls to tracking",
        "events published",
        "bytes kept",
    )
    lines = [_line(head), _line(["---", *["---:"] * (len(head) - 1)])]
    for kind, cost in counted.items():
        figures = (
            cost.trips,
            cost.billed,
            cost.written,
            cost.reads,
            cost.writes,
            cost.tracking,
            cost.events,
            cost.kept,
        )
        lines.append(_line([kind, *(f"{figure:,g}" for figure in figures)]))
    return "\n".join(lines)


def _cells(found: Reckoned) -> list[str]:
    worst = found.uses[0]
    return [
        f"{found.load.events:,.0f}",
        f"{found.load.versions:,.0f}",
        f"{found.load.lives:,.0f}",
        f"{found.executions:,.0f}",
        f"{found.operations:,.0f}",
        f"{found.reads:,.3f}",
        _hours(found.pass_hours),
        _dollars(sum(found.money.values())),
        ", ".join(_dollars(amount) for amount in found.money.values()),
        f"{worst.what}: {worst.share:.0%}" if worst.share >= NEAR else "nothing comes near",
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _hours(hours: float) -> str:
    if math.isinf(hours):
        return "never ends"
    for unit, size in (("h", 1.0), ("min", 1 / 60)):
        if hours > 2 * size:
            return f"{hours / size:.0f} {unit}"
    return f"{hours * 3600:.0f} s"


def _dollars(amount: float) -> str:
    return f"{amount:,.0f}" if round(amount) else f"{amount:,.2f}"


def main() -> None:
    """Print the table of documented loads, or of one that is given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--events", type=_number, help="that Event Grid delivers, a day")
    parser.add_argument("--versions", type=_number, help="that the registries hold")
    parser.add_argument("--each", type=_number, default=EACH, help="versions that an asset has")
    parser.add_argument("--scan-minutes", type=int, default=SCAN_MINUTES, help="SCAN_MINUTES")
    given = parser.parse_args()
    if (given.events is None) != (given.versions is None):
        parser.error("--events and --versions go together")
    loads = LOADS if given.events is None else ((given.events, given.versions),)
    found = [
        reckon(
            Load(events, versions, given.each),
            kept(),
            Assumptions(scan_minutes=given.scan_minutes),
        )
        for events, versions in loads
    ]
    if given.events is None:
        sys.stdout.write(f"{each(kept())}\n\n")
    sys.stdout.write(f"{table(found)}\n")
    if given.events is not None:
        for use in found[0].uses:
            sys.stdout.write(f"{use.what}: {use.share:.1%}\n")


def _number(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        message = "a number above 0 is wanted"
        raise argparse.ArgumentTypeError(message)
    return value


if __name__ == "__main__":
    main()
