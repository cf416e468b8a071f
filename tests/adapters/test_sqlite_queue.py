"""Threads that write at the same time share a transaction; what becomes of each is its own."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from stage_functions.adapters.sqlite_connections import Connections, Session, Synchronous
from stage_functions.adapters.sqlite_queue import MOST_AT_ONCE, Wish, WriteQueue
from stage_functions.domain.error import ConflictError, StoreUnavailableError

SECONDS = 10
Work = Callable[[Session], int]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file is."""
    return tmp_path / "ledger.db"


@pytest.fixture
def connections(path: Path) -> Iterator[Connections]:
    """Return the connections of a file with one table of numbers."""
    made = Connections(
        path, busy_timeout_seconds=SECONDS, synchronous=Synchronous.FULL, schema_version=0
    )
    with closing(made):
        made.write(lambda session: session.connection.execute("CREATE TABLE it (number)"))
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA user_version = 0")
        yield made


def put(number: int) -> Work:
    """Return what writes a number."""

    def work(session: Session) -> int:
        session.connection.execute("INSERT INTO it VALUES (?)", (number,))
        return number

    return work


def numbers(connections: Connections) -> list[int]:
    """Return what is written."""
    rows = connections.read(lambda c: c.execute("SELECT number FROM it ORDER BY number").fetchall())
    return [number for (number,) in rows]


def wait_for(queue: WriteQueue[None] | Connections, waiting: int) -> None:
    """Wait until so many wait."""
    while queue.waiting < waiting:
        threading.Event().wait(0.001)


def at_once(connections: Connections, *works: Work) -> list[Future[int]]:
    """Let threads ask to write while another one writes, so that they wait for it together."""
    begun, go_on = threading.Event(), threading.Event()

    def first(_: Session) -> int:
        begun.set()
        assert go_on.wait(SECONDS)
        return 0

    with ThreadPoolExecutor(len(works) + 1) as threads:
        threads.submit(connections.write, first)
        assert begun.wait(SECONDS)
        asking = [threads.submit(connections.write, work) for work in works]
        wait_for(connections, len(works))
        go_on.set()
    return asking


def test_threads_that_wait_share_one_transaction(connections: Connections) -> None:
    """What each wrote is there, each got its own answer, and there was one commit for all."""
    statements: list[str] = []

    def watched(number: int) -> Work:
        def work(session: Session) -> int:
            session.connection.set_trace_callback(statements.append)
            return put(number)(session)

        return work

    asking = at_once(connections, *[watched(number) for number in range(1, 6)])

    assert [one.result() for one in asking] == [1, 2, 3, 4, 5]
    assert numbers(connections) == [1, 2, 3, 4, 5]
    assert statements.count("COMMIT") == 1


def test_one_that_fails_is_undone_alone(connections: Connections) -> None:
    """With the error that it raised; what the others wrote stays."""

    def conflict(session: Session) -> int:
        put(100)(session)
        message = "not as it was"
        raise ConflictError(message)

    asking = at_once(connections, put(1), conflict, put(2), conflict)

    errors = [type(one.exception()) for one in asking]
    assert errors == [type(None), ConflictError, type(None), ConflictError]
    assert numbers(connections) == [1, 2]


def test_where_all_fail_nothing_is_written(connections: Connections) -> None:
    """And the next one writes as ever."""

    def conflict(session: Session) -> int:
        put(100)(session)
        message = "not as it was"
        raise ConflictError(message)

    asking = at_once(connections, conflict, conflict)
    connections.write(put(3))

    assert [type(one.exception()) for one in asking] == [ConflictError, ConflictError]
    assert numbers(connections) == [3]


def test_when_the_database_fails_nobody_is_told_that_it_was_written(
    connections: Connections,
) -> None:
    """All who took part get an error of their own, and nothing is applied."""

    def fail(session: Session) -> int:
        session.connection.execute("INSERT INTO nowhere VALUES (1)")
        return 0

    asking = at_once(connections, put(1), fail, put(2))

    errors = [one.exception() for one in asking]
    assert [type(error) for error in errors] == [StoreUnavailableError] * 3
    assert len({id(error) for error in errors}) == 3
    assert numbers(connections) == []


def test_what_was_reserved_by_one_that_fails_is_not_used(connections: Connections) -> None:
    """Numbers that its undone part reserved belong to nobody."""
    left: list[range] = []

    def reserve(session: Session) -> int:
        session.numbers = range(1, 9)
        message = "not as it was"
        raise ConflictError(message)

    def look(session: Session) -> int:
        left.append(session.numbers)
        return 0

    at_once(connections, reserve, look)

    assert left == [range(0)]


def test_the_first_that_waits_leads_next() -> None:
    """Nobody leads twice while others wait, and nobody is left waiting."""
    queue: WriteQueue[None] = WriteQueue()
    wishes: list[Wish[None]] = [Wish(lambda _: None, durable=True) for _ in range(MOST_AT_ONCE + 2)]
    assert queue.enter(wishes[0], SECONDS)
    with ThreadPoolExecutor(len(wishes)) as threads:
        entering = []
        for position, wish in enumerate(wishes[1:], 1):
            entering.append(threads.submit(queue.enter, wish, SECONDS))
            wait_for(queue, position + 1)
        first = queue.take()
        queue.leave(first)
        assert entering[MOST_AT_ONCE - 1].result(SECONDS)
        second = queue.take()
        queue.leave(second)
        led = [one.result(SECONDS) for one in entering]

    assert (first, second) == (wishes[:MOST_AT_ONCE], wishes[MOST_AT_ONCE:])
    assert [position for position, leads in enumerate(led, 1) if leads] == [MOST_AT_ONCE]
    assert queue.enter(Wish(lambda _: None, durable=True), SECONDS)


def test_whoever_waits_too_long_is_not_carried_out() -> None:
    """It is taken back, so that what it was told stays true."""
    queue: WriteQueue[None] = WriteQueue()
    leader: Wish[None] = Wish(lambda _: None, durable=True)
    late: Wish[None] = Wish(lambda _: None, durable=True)
    queue.enter(leader, SECONDS)

    with pytest.raises(TimeoutError):
        queue.enter(late, 0.01)

    assert queue.take() == [leader]
    queue.leave([leader])
    assert queue.waiting == 0


class InterruptError(BaseException):
    """What a signal raises in the thread that waits."""


def test_whoever_is_interrupted_leads_nobody() -> None:
    """The thread is gone, so the next one must not wait for it."""
    queue: WriteQueue[None] = WriteQueue()
    leader: Wish[None] = Wish(lambda _: None, durable=True)
    queue.enter(leader, SECONDS)

    def interrupt(*_: object) -> None:
        raise InterruptError

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(InterruptError):
            queue.enter(Wish(lambda _: None, durable=True), SECONDS)
    finally:
        signal.signal(signal.SIGALRM, before)
    queue.leave(queue.take())

    assert queue.enter(Wish(lambda _: None, durable=True), SECONDS)
