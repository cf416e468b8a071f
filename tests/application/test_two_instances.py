"""Two instances of Stageward act on one ledger at once, on SQLite and on real Table Storage."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.adapters.tables import TableRows, table_service
from stage_functions.application import catalog, keys, query
from stage_functions.application.adoption import adopt
from stage_functions.application.answer import Answer, AnswerKind
from stage_functions.application.context import Context
from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.rows import LEDGER, WORK, Rows
from stage_functions.application.reconcile import mirrors
from stage_functions.application.scan import Scanner, found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import FENCE_SECONDS, Swept, sweep
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.chain import verify
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import NotAllowedNowError, RetryableError, TerminalError
from stage_functions.domain.lifecycle import Lifecycle, WhenInvalid
from stage_functions.domain.record import Record, RecordType
from tests.azurite import connection_string
from tests.builders import IRIS, actor, context_over, lifecycle, timed, unguarded
from tests.fakes.clock import LaterClock
from tests.fakes.registry import MemoryRegistry
from tests.fakes.sink import MemorySink

Result = Answer | TerminalError
TRIES = 10
DAY_SECONDS = 86_400
LEASES_OVER, FENCES_OVER = 60, FENCE_SECONDS + 120


@pytest.fixture(params=["sqlite", "azurite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Rows]]:
    """How an instance opens a store of its own, the same for all and empty at first."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            path = tmp_path / "ledger.db"
            yield lambda: stack.enter_context(closing(SQLiteRows(path)))
            return
        address = connection_string(request.getfixturevalue("azurite"))
        prefix = f"t{uuid4().hex}"

        def tables() -> Rows:
            return stack.enter_context(closing(TableRows(table_service(address), prefix=prefix)))

        with closing(TableRows(table_service(address), prefix=prefix)) as first:
            first.create_tables()
        yield tables


@dataclass(frozen=True, slots=True)
class Pair:
    """Two instances over one store, one registry and one sink, and whoever comes later.

    Attributes:
        first: one instance.
        second: the other one.
        registry: what both watch.
        sink: what both publish to.
        later: makes an instance so many seconds later.
    """

    first: Context
    second: Context
    registry: MemoryRegistry
    sink: MemorySink
    later: Callable[[float], Context]

    @property
    def both(self) -> tuple[Context, Context]:
        """Both instances."""
        return self.first, self.second

    def staged(self, count: int) -> list[Version]:
        """Return so many versions of sam's at Staging."""
        versions = [Version(IRIS, str(number)) for number in range(1, count + 1)]
        now = self.first.clock.now()
        for n, version in enumerate(versions):
            made_at = now + timedelta(seconds=n)
            self.registry.register(version, made_at, author="mlflow:sam")
            follow(self.first, Signal(version))
            request_transition(self.first, wish(version, "Staging"))
        return versions

    def records(self) -> list[Record]:
        """Return the history."""
        return list(query.all_records(self.first, IRIS))

    def types(self) -> list[RecordType]:
        """Return the types of the records."""
        return [record.type for record in self.records()]

    def come_to_rest(self) -> None:
        """Let a later instance finish what is owed, and find that nothing is left to do."""
        for seconds in (LEASES_OVER, FENCES_OVER):
            later = self.later(seconds)
            sweep(later)
            for number in later.ledger.versions(IRIS):
                follow(later, Signal(Version(IRIS, number)))
        count = len(self.records())
        for context in self.both:
            for number in context.ledger.versions(IRIS):
                follow(context, Signal(Version(IRIS, number)))
        assert len(self.records()) == count


Made = Callable[[Lifecycle], Pair]


@pytest.fixture
def pair_over(store: Callable[[], Rows]) -> Made:
    """What makes two instances under a lifecycle."""

    def made(governed_by: Lifecycle) -> Pair:
        registry, sink = MemoryRegistry("demo"), MemorySink("events")

        def instance(clock: Clock) -> Context:
            return context_over(
                store(), registry, clock, Mode.ENFORCE, (sink,), governed_by=governed_by
            )

        pair = Pair(
            instance(LaterClock(0)),
            instance(LaterClock(0)),
            registry,
            sink,
            lambda seconds: instance(LaterClock(seconds)),
        )
        adopt(pair.first)
        found_empty(pair.first, "demo")
        return pair

    return made


@pytest.fixture
def approving(pair_over: Made) -> Pair:
    """Two instances where Production demands two approvals."""
    return pair_over(lifecycle())


@pytest.fixture
def open_to_all(pair_over: Made) -> Pair:
    """Two instances where anyone may take Production from whoever holds it."""
    return pair_over(unguarded())


def wish(version: Version, target: str, operation: str = "") -> TransitionRequest:
    """Return sam's request."""
    chosen = operation or uuid4().hex
    return TransitionRequest(version, target, "because", actor("sam"), chosen)


def ballot(answer: Answer, person: str, operation: str = "") -> VoteCommand:
    """Return somebody's vote for an approval."""
    chosen = operation or uuid4().hex
    return VoteCommand(
        answer.approval, Decision.APPROVE, "", answer.fingerprint, actor(person), chosen
    )


def insist(act: Callable[[], Answer]) -> Result:
    """Ask again, as clients do, while the answer is to ask again."""
    for _ in range(TRIES):
        try:
            return act()
        except RetryableError:
            continue
        except TerminalError as exc:
            return exc
    return act()


def at_once(*acts: Callable[[], Answer]) -> list[Result]:
    """Let a thread each begin at the same moment; return what they came to, in order."""
    barrier = threading.Barrier(len(acts))

    def begin(act: Callable[[], Answer]) -> Result:
        barrier.wait(10)
        return insist(act)

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(begin, acts))


def kinds(results: list[Result]) -> list[AnswerKind]:
    """Return how commands ended, none of them by an error."""
    return [result.kind for result in results if isinstance(result, Answer)]


def check(pair: Pair) -> None:
    """Check what must hold once everything has come to rest."""
    check_history(pair)
    check_ledger(pair)
    check_outside(pair)


def check_history(pair: Pair) -> None:
    """It is whole; Production has one holder at most at any time; an operation is one commit."""
    records = pair.records()
    assert query.check_history(pair.second, IRIS) is None
    standing: dict[str, str] = {}
    commits: dict[str, set[object]] = {}
    for number, record in enumerate(records):
        if "to" in record.content and record.type in (
            RecordType.REGISTERED,
            RecordType.STAGE_CHANGED,
        ):
            assert standing.get(record.version) == record.content.get("from")
            standing[record.version] = str(record.content["to"])
        commits.setdefault(str(record.content["operation"]), set()).add(record.content["commit"])
        following = records[number + 1 : number + 2]
        if [record.content["commit"]] != [next_.content["commit"] for next_ in following]:
            assert list(standing.values()).count("Production") <= 1
    assert all(len(made) == 1 for made in commits.values())


def check_ledger(pair: Pair) -> None:
    """The state is what the history says, and nothing is owed to anyone."""
    loaded = pair.first.ledger.load(IRIS)
    states = pair.first.ledger.versions(IRIS)
    stages = {number: state.stage for number, state in states.items()}
    stood = query.standings(pair.second, IRIS, None)
    holders = tuple(number for number, stage in stages.items() if stage == "Production")

    assert stages == {number: standing.stage for number, standing in stood.items()}
    assert loaded.head.holders == ({"Production": holders} if holders else {})
    assert loaded.head.owed == ()
    assert pair.first.ledger.owed(IRIS) == []
    for shard in range(keys.SHARDS):
        assert pair.first.ledger.rows.query(WORK, f"outbox-{shard:02d}") == []


def check_outside(pair: Pair) -> None:
    """Tags, lists and events say what the ledger says; Production was never without a holder."""
    states = pair.first.ledger.versions(IRIS)
    for number, state in states.items():
        snapshot = pair.registry.read(Version(IRIS, number))
        assert snapshot is not None
        assert mirrors(pair.first, state, snapshot, pair.first.lifecycle(IRIS))
        assert state.base["stage"] == state.stage
    entries = {one.version: one for one in catalog.of_asset(pair.first.ledger.rows, IRIS)}
    assert entries == {
        number: catalog.entry(IRIS, state, entries[number].followed)
        for number, state in states.items()
    }
    assert all(entry.followed >= entry.number for entry in entries.values())
    published = dict.fromkeys(record.number for record in pair.sink.taken)
    assert list(published) == [record.number for record in pair.records()]
    visible = ["Production" in stages.values() for stages in pair.registry.stages_shown()]
    assert visible == sorted(visible)


def test_promotions_at_once_leave_one_holder(open_to_all: Pair) -> None:
    """Everyone is granted Production in turn, and each displaces the one before."""
    versions = open_to_all.staged(6)
    granted = at_once(
        *(
            partial(request_transition, open_to_all.both[n % 2], wish(version, "Production"))
            for n, version in enumerate(versions)
        )
    )
    open_to_all.come_to_rest()

    stages = [state.stage for state in open_to_all.first.ledger.versions(IRIS).values()]
    assert kinds(granted) == [AnswerKind.GRANTED] * 6
    assert sorted(stages) == ["Archived"] * 5 + ["Production"]
    check(open_to_all)


def test_of_two_approvals_that_displace_each_other_the_second_is_voided(approving: Pair) -> None:
    """The first quorum grants; the other approval was bound to a stage that nobody held."""
    asked = [
        request_transition(approving.first, wish(version, "Production"))
        for version in approving.staged(2)
    ]
    at_once(
        *(
            partial(vote, approving.both[n % 2], ballot(answer, person))
            for n, person in enumerate(("bob", "eve", "ada"))
            for answer in asked
        )
    )
    approving.come_to_rest()

    ended = [query.approval(approving.second, answer.approval).approval for answer in asked]
    assert sorted(approval.status for approval in ended) == ["approved", "voided"]
    assert "it would displace version" in next(a.why for a in ended if a.status == "voided")
    check(approving)


def test_a_person_who_votes_at_both_instances_at_once_is_counted_once(approving: Pair) -> None:
    """Two votes of bob are not a quorum of two."""
    (version,) = approving.staged(1)
    asked = request_transition(approving.first, wish(version, "Production"))
    results = at_once(
        *(partial(vote, context, ballot(asked, "bob")) for context in approving.both * 3)
    )
    approving.come_to_rest()

    refused = [one.code for one in results if isinstance(one, NotAllowedNowError)]
    assert kinds(results) == [AnswerKind.VOTED]
    assert refused == ["already-voted"] * 5
    assert approving.types().count(RecordType.VOTED) == 1
    check(approving)


def test_a_signal_that_arrives_everywhere_at_once_is_followed_once(approving: Pair) -> None:
    """Registered, and what was asked by tag: one record each."""
    version = Version(IRIS, "1")
    tags = {"stage_request": "Staging: now", "team": "risk"}
    approving.registry.register(version, approving.first.clock.now(), tags=tags)

    def hear(context: Context) -> Answer:
        follow(context, Signal(version))
        return Answer(AnswerKind.UNCHANGED, str(version), "")

    results = at_once(*(partial(hear, context) for context in approving.both * 4))
    approving.come_to_rest()

    assert len(kinds(results)) == 8
    assert approving.types() == [RecordType.REGISTERED, RecordType.STAGE_CHANGED]
    assert approving.registry.tags(version).items() >= tags.items()
    check(approving)


def commands(pair: Pair) -> Mapping[str, Callable[[Context], Answer]]:
    """Return a command of each kind with an operation id of its own, ready to be given."""
    first, second, third = pair.staged(3)
    asked = request_transition(pair.first, wish(second, "Production"))
    vote(pair.first, ballot(asked, "bob"))
    granted = wish(first, "Archived", "the same transition")
    pending = wish(third, "Production", "the same request")
    refused = wish(third, "None", "the same refusal")
    last = ballot(asked, "eve", "the same vote")
    return {
        "granted": lambda context: request_transition(context, granted),
        "pending": lambda context: request_transition(context, pending),
        "refused": lambda context: request_transition(context, refused),
        "last vote": lambda context: vote(context, last),
    }


@pytest.mark.parametrize("which", ["granted", "pending", "refused", "last vote"])
def test_one_operation_given_to_both_at_once_is_carried_out_once(
    approving: Pair, which: str
) -> None:
    """All get the same answer, and there is one set of records."""
    command = commands(approving)[which]
    before = len(approving.records())
    results = at_once(*(partial(command, context) for context in approving.both * 3))
    made = approving.records()[before:]
    approving.come_to_rest()

    assert len(kinds(results)) == 6
    assert all(result == results[0] for result in results)
    assert len({record.content["commit"] for record in made}) == 1
    assert results[0].record == made[-1].number  # type: ignore[union-attr]  # none is an error
    check(approving)


def test_sweeps_that_race_decisions_take_nothing_away(open_to_all: Pair) -> None:
    """Neither what is owed by a commit just made, nor the marker of one about to be made."""
    versions = open_to_all.staged(4)

    def sweep_ahead(seconds: float) -> Answer:
        later = open_to_all.later(seconds)
        failed = [one for _ in range(3) for one in sweep(later).failed]
        return Answer(AnswerKind.UNCHANGED, "", "", "; ".join(failed))

    promotions = [
        partial(request_transition, open_to_all.both[n % 2], wish(version, "Production"))
        for n, version in enumerate(versions)
    ]
    sweeps = [partial(sweep_ahead, seconds) for seconds in (0, LEASES_OVER, FENCES_OVER)]
    results = at_once(*promotions, *sweeps)
    open_to_all.come_to_rest()

    assert kinds(results)[:4] == [AnswerKind.GRANTED] * 4
    assert len(results) == len(kinds(results))
    check(open_to_all)


def test_scans_and_signals_at_once_find_every_version_once(approving: Pair) -> None:
    """What a scan nominates while its event arrives is registered by one of them."""
    versions = [Version(IRIS, str(number)) for number in range(1, 5)]
    now = approving.first.clock.now()
    for n, version in enumerate(versions):
        approving.registry.register(version, now + timedelta(seconds=n))

    def scan(context: Context) -> Answer:
        Scanner(context).scan("demo")
        return Answer(AnswerKind.UNCHANGED, "", "")

    def hear(context: Context, version: Version) -> Answer:
        follow(context, Signal(version))
        return Answer(AnswerKind.UNCHANGED, str(version), "")

    heard = [partial(hear, approving.both[n % 2], version) for n, version in enumerate(versions)]
    results = at_once(*heard, *(partial(scan, context) for context in approving.both))
    approving.come_to_rest()

    assert len(kinds(results)) == 6
    assert approving.types() == [RecordType.REGISTERED] * 4
    check(approving)


def test_what_is_due_is_done_once_however_many_sweep_at_once(pair_over: Made) -> None:
    """A reminder, an escalation, the end of what was approved: one record each, in real time."""
    pair = pair_over(timed(WhenInvalid.RENEW))
    (version,) = pair.staged(1)
    asked = request_transition(pair.first, wish(version, "Production"))
    rung = sweeping_at_once(pair, days=2.5)
    late = pair.later(2.5 * DAY_SECONDS)
    for person in ("bob", "eve"):
        vote(late, ballot(asked, person))
    rung += sweeping_at_once(pair, days=40)

    assert sorted(map(str, rung)) == [
        "ApprovalRequested",
        "Escalated",
        "Reminded",
        "ValidityEnded",
    ]
    assert [kind for kind in pair.types() if kind in rung] == [
        RecordType.APPROVAL_REQUESTED,
        RecordType.ESCALATED,
        RecordType.REMINDED,
        RecordType.VALIDITY_ENDED,
        RecordType.APPROVAL_REQUESTED,
    ]


def sweeping_at_once(pair: Pair, days: float) -> list[RecordType]:
    """Let four instances sweep at the same moment, so many days later; return what they did."""
    instances = [pair.later(days * DAY_SECONDS) for _ in range(4)]
    barrier = threading.Barrier(len(instances))

    def begin(context: Context) -> Swept:
        barrier.wait(10)
        return sweep(context)

    with ThreadPoolExecutor(len(instances)) as threads:
        swept = list(threads.map(begin, instances))
    assert [one.failed for one in swept] == [()] * len(instances)
    return [kind for one in swept for kind in one.rung]


def test_a_ledger_opened_by_two_at_once_has_one_id_and_one_secret(
    store: Callable[[], Rows],
) -> None:
    """Whoever loses takes what the other one wrote."""
    barrier = threading.Barrier(4)

    def open_one(rows: Rows) -> tuple[str, str]:
        barrier.wait(10)
        context = context_over(rows, MemoryRegistry("demo"), LaterClock(0), Mode.ENFORCE)
        return context.ledger.id, context.ledger.mask("upn:ada@example.com")

    stores = [store() for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(open_one, stores))) == 1


def test_a_lifecycle_adopted_by_two_at_once_is_adopted_once(store: Callable[[], Rows]) -> None:
    """One record, in a history that verifies."""
    instances = [
        context_over(store(), MemoryRegistry("demo"), LaterClock(0), Mode.ENFORCE) for _ in range(4)
    ]
    barrier = threading.Barrier(4)

    def adopt_one(context: Context) -> None:
        barrier.wait(10)
        adopt(context)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(adopt_one, instances))

    ledger, partition = instances[0].ledger, keys.lifecycle_partition("default")
    records = ledger.records(partition)
    assert [record.type for record in records] == [RecordType.LIFECYCLE_ADOPTED]
    assert verify(ledger.id, "lifecycle:default", records) is None
    assert ledger.rows.get(LEDGER, partition, keys.HEAD) is not None
