"""The connections of one SQLite file: who may use which, and who may write now.

Whoever reads or writes borrows a connection, so that in WAL mode no reader waits for the writer.
Writers of one process queue up, and share a transaction where several wait (`sqlite_queue.py`);
writers of several processes meet at SQLite's own lock, tried again with jitter, for SQLite's fixed
waits starve one of them. `:memory:` has one connection, which all threads use in turn.

A fork leaves the connections behind: the child opens its own, as SQLite demands. An in-memory
database stays with the parent. Which rows are stored, and how, is decided in `sqlite.py`.
"""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar, cast

from stage_functions.adapters.sqlite_queue import Wish, WriteQueue
from stage_functions.domain.error import (
    ConfigurationError,
    StoreUnavailableError,
    UnknownOutcomeError,
)

MEMORY = ":memory:"
SHORTEST_WAIT_SECONDS = 0.0005
LONGEST_WAIT_SECONDS = 0.02

_NORMAL = "PRAGMA synchronous = NORMAL"
_FULL = "PRAGMA synchronous = FULL"
_Result = TypeVar("_Result")
_LEFT_BY_A_FORK: list[object] = []
"""Connections of a parent process: never used, never closed by the child."""


class Synchronous(StrEnum):
    """When a commit is on the disk: SQLite's own words."""

    FULL = "FULL"
    """Before it is acknowledged: it survives a loss of power."""
    NORMAL = "NORMAL"
    """At the next checkpoint: it survives a crash of the process, not a loss of power."""
    OFF = "OFF"
    """Whenever the system writes it; for tests."""


@dataclass(slots=True, eq=False)
class Session:
    """A connection, used by one thread at a time.

    Attributes:
        connection: to the file.
        numbers: reserved by a transaction of this connection, and not used yet.
    """

    connection: sqlite3.Connection
    numbers: range = range(0)


class Connections:
    """The connections of one store. Safe to share between threads."""

    def __init__(
        self,
        path: str | Path,
        *,
        busy_timeout_seconds: float,
        synchronous: Synchronous,
        schema_version: int,
        read_only: bool = False,
    ) -> None:
        """Open nothing yet.

        Args:
            path: the file, or `:memory:`.
            busy_timeout_seconds: how long to wait for other writers.
            synchronous: when a commit is on the disk.
            schema_version: SQLite's `user_version` of a file that is ours; another file is left
                as it is.
            read_only: write nothing to the file, and make none beside it.
        """
        self._path = str(path)
        self._schema_version = schema_version
        self._busy_timeout_seconds = busy_timeout_seconds
        self._synchronous = synchronous
        self._read_only = read_only
        self._untouched = _seen(self._path) if read_only else ()
        self._closed = False
        self._start_empty()
        _ALL.add(self)

    @property
    def in_memory(self) -> bool:
        """Whether the rows are gone when the store is closed."""
        return self._path == MEMORY

    @property
    def waiting(self) -> int:
        """How many threads wait to write."""
        return self._queue.waiting

    def close(self) -> None:
        """Close all connections, those in use when they are given back; twice does nothing more."""
        with self._alone:
            self._closed = True
            _close_all(self._idle)

    def read(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """Return what `work` reads, tried again while another process is in the way.

        Raises:
            StoreUnavailableError: the database cannot be opened or read.
        """
        with self._alone:
            idle = self._idle
            session = self._borrow()
            try:
                found = _patiently(work, session.connection, self._deadline())
            except sqlite3.Error as exc:
                self._demand_untouched()
                message = f"{self._path}: {exc}"
                raise StoreUnavailableError(message) from exc
            finally:
                self._give_back(session, idle)
            self._demand_untouched()
            return found

    def _demand_untouched(self) -> None:
        """Demand that a file that is read without its log has none still, and is what it was.

        Raises:
            StoreUnavailableError: somebody writes to it by now.
        """
        if self._untouched and _seen(self._path) != self._untouched:
            message = f"{self._path}: somebody began to write to it meanwhile; try again"
            raise StoreUnavailableError(message)

    def write(self, work: Callable[[Session], _Result], *, durable: bool = True) -> _Result:
        """Return what `work` returns, done on a connection of this process in a transaction.

        It is committed when `work` returns, and undone when it raises. Threads that write at the
        same time share a transaction, each undone alone. What is not durable reaches the disk with
        the next commit that is: SQLite's log is written in order.

        Raises:
            StoreUnavailableError: the database cannot be opened or written, or other writers held
                it for longer than the busy timeout; nothing was applied.
            UnknownOutcomeError: the disk failed while the transaction was committed.
        """
        wish: Wish[Session] = Wish(work, durable)
        try:
            leads = self._queue.enter(wish, self._busy_timeout_seconds)
        except TimeoutError as exc:
            message = f"{self._path}: other threads held it for {self._busy_timeout_seconds} s"
            raise StoreUnavailableError(message) from exc
        if leads:
            self._lead()
        if wish.error is not None:
            raise wish.error
        return cast("_Result", wish.result)

    def _lead(self) -> None:
        """Write for all threads that wait; whatever happens, each is told what became of it."""
        wishes = self._queue.take()
        try:
            self._write(wishes)
        except sqlite3.Error as exc:
            _fail(wishes, StoreUnavailableError, f"{self._path}: {exc}", exc)
        except (StoreUnavailableError, UnknownOutcomeError) as exc:
            _fail(wishes, type(exc), str(exc), exc)
        except BaseException as exc:
            _fail(wishes, UnknownOutcomeError, f"{self._path}: the writer was interrupted", exc)
            raise
        finally:
            self._queue.leave(wishes)

    def _write(self, wishes: Sequence[Wish[Session]]) -> None:
        with self._alone:
            idle = self._idle
            session = self._borrow()
            try:
                self._transact_flushed(session, wishes)
            finally:
                self._give_back(session, idle)

    def _transact_flushed(self, session: Session, wishes: Sequence[Wish[Session]]) -> None:
        """Leave the flush to a later transaction, where nobody waits for it."""
        if self._synchronous is not Synchronous.FULL or any(wish.durable for wish in wishes):
            self._transact(session, wishes)
            return
        session.connection.execute(_NORMAL)
        try:
            self._transact(session, wishes)
        finally:
            if not session.connection.in_transaction:  # else it is of no use any more
                session.connection.execute(_FULL)

    def _transact(self, session: Session, wishes: Sequence[Wish[Session]]) -> None:
        deadline = self._deadline()
        _patiently(_begin, session.connection, deadline)
        try:
            for wish in wishes:
                _carry_out(wish, session, alone=len(wishes) == 1)
        except BaseException:
            _roll_back(session)
            raise
        if all(wish.error is not None for wish in wishes):
            _roll_back(session)
            return
        try:
            _patiently(_commit, session.connection, deadline)
        except sqlite3.Error as exc:
            _roll_back(session)
            if _is_busy(exc):
                raise
            message = f"{self._path}: the disk failed during a commit: {exc}"
            raise UnknownOutcomeError(message) from exc

    def _borrow(self) -> Session:
        """Return the connection that was used last: its cache has what was written last."""
        if self._closed:
            message = f"{self._path}: the store is closed"
            raise StoreUnavailableError(message)
        try:
            return self._idle.pop()
        except IndexError:
            return Session(self._connect())

    def _give_back(self, session: Session, idle: list[Session]) -> None:
        """Put a connection where it was taken from: behind a fork, that is the parent's."""
        if session.connection.in_transaction and not self.in_memory:
            session.connection.close()
            return
        idle.append(session)
        if self._closed:
            _close_all(idle)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._address(),
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
            uri=self._read_only,
        )
        try:
            _patiently(self._prepare, connection, self._deadline())
        except sqlite3.Error as exc:  # it is no database, or damaged
            connection.close()
            message = f"{self._path}: {exc}"
            raise StoreUnavailableError(message) from exc
        except BaseException:
            connection.close()
            raise
        return connection

    def _address(self) -> str:
        """Return what to open: of a file that nobody writes to, SQLite need not find a log."""
        if not self._read_only:
            return self._path
        alone = "&immutable=1" if self._untouched else ""
        return f"{Path(self._path).absolute().as_uri()}?mode=ro{alone}"

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (objects,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if version != self._schema_version and (version or objects):
            message = f"{self._path}: not a ledger of this Stageward (version {version})"
            raise ConfigurationError(message)
        if self._read_only:
            if not objects:
                message = f"{self._path}: there is no ledger in it"
                raise ConfigurationError(message)
            return
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal" and not self.in_memory:
            message = f"{self._path}: SQLite has no WAL here ({mode}); use a file on a local disk"
            raise ConfigurationError(message)
        connection.execute(f"PRAGMA synchronous = {self._synchronous.value}")
        if self._synchronous is Synchronous.FULL:
            connection.execute("PRAGMA fullfsync = ON")
        # What is deleted is written over: a name that was forgotten stays in no free page.
        connection.execute("PRAGMA secure_delete = ON")

    def _deadline(self) -> float:
        return time.monotonic() + self._busy_timeout_seconds

    def _start_empty(self) -> None:
        self._queue: WriteQueue[Session] = WriteQueue()
        self._idle: list[Session] = []
        self._alone: AbstractContextManager[object] = (
            threading.RLock() if self.in_memory else nullcontext()
        )

    def _leave_to_parent(self) -> None:
        _LEFT_BY_A_FORK.append(self._idle)
        self._closed = self._closed or self.in_memory
        self._start_empty()


def _seen(path: str) -> tuple[int, ...]:
    """Return what tells whether a file was written to; nothing where its log says what is in it."""
    if Path(f"{path}-wal").exists():
        return ()
    try:
        found = Path(path).stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _close_all(idle: list[Session]) -> None:
    with suppress(IndexError):
        while True:
            idle.pop().connection.close()


def _roll_back(session: Session) -> None:
    """Undo a transaction; a connection where even that fails is closed when it is given back."""
    session.numbers = range(0)  # what it reserved is not
    with suppress(sqlite3.Error):
        if session.connection.in_transaction:
            session.connection.execute("ROLLBACK")


def _carry_out(wish: Wish[Session], session: Session, *, alone: bool) -> None:
    """Do what one thread wants; if that fails, undo it and let the others be.

    Raises:
        sqlite3.Error: the database fails, so the whole transaction does.
    """
    if not alone:
        session.connection.execute("SAVEPOINT wish")
    try:
        wish.result = wish.work(session)
    except sqlite3.Error:
        raise
    except Exception as exc:  # noqa: BLE001 - it is raised again in the thread that waits
        wish.error = exc
        if not alone:
            session.numbers = range(0)  # what it reserved is not
            session.connection.execute("ROLLBACK TO wish")
    if not alone:
        session.connection.execute("RELEASE wish")


def _fail(
    wishes: Sequence[Wish[Session]],
    type_: type[StoreUnavailableError | UnknownOutcomeError],
    message: str,
    cause: BaseException,
) -> None:
    """Tell each thread; an error of its own, since each adds its own traceback to it."""
    for wish in wishes:
        wish.error = type_(message)
        wish.error.__cause__ = cause


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")


def _commit(connection: sqlite3.Connection) -> None:
    connection.execute("COMMIT")


def _patiently(
    work: Callable[[sqlite3.Connection], _Result], connection: sqlite3.Connection, deadline: float
) -> _Result:
    """Return what `work` returns, trying again while another process is in the way.

    Raises:
        sqlite3.Error: what `work` raised last.
    """
    longest = SHORTEST_WAIT_SECONDS
    while True:
        try:
            return work(connection)
        except sqlite3.OperationalError as exc:
            if not _is_busy(exc) or time.monotonic() >= deadline:
                raise
        time.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, not a secret
        longest = min(2 * longest, LONGEST_WAIT_SECONDS)


def _is_busy(exc: sqlite3.Error) -> bool:
    code = getattr(exc, "sqlite_errorcode", None) or 0
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _leave_all_to_parent() -> None:
    for connections in tuple(_ALL):
        connections._leave_to_parent()  # noqa: SLF001 - the module's own


_ALL: weakref.WeakSet[Connections] = weakref.WeakSet()
if sys.platform != "win32":
    os.register_at_fork(after_in_child=_leave_all_to_parent)
