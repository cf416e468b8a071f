"""Another process on a SQLite store: `python -m tests.adapters.sqlite_worker <job> <file>`.

Decides nothing; each job does one thing that a test cannot do to its own process.
"""

from __future__ import annotations

import os
import resource
import sys
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection

from stage_functions.adapters.sqlite import MEMORY, SQLiteRows, Synchronous
from stage_functions.adapters.sqlite_connections import Connections
from stage_functions.application.ports.rows import LEDGER, Insert, Upsert
from stage_functions.domain.error import StoreUnavailableError, UnknownOutcomeError
from tests.contracts.rows_races import PARTITION, increment, number_of

INCREMENTS = 60


def increments(path: Path) -> None:
    """Add to a counter that other processes add to."""
    with closing(SQLiteRows(path)) as store:
        increment(store, "counter", INCREMENTS)


def append(path: Path) -> None:
    """Commit pairs of rows without end, and say the number of each pair once it is committed."""
    store = SQLiteRows(path)
    number = 0
    while True:
        values = {"number": number}
        pair = [Insert(f"a{number:06}", values), Insert(f"b{number:06}", values)]
        store.commit(LEDGER, PARTITION, pair)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 1


def fork(path: Path) -> None:
    """Use one store before a fork, and on both sides after it."""
    with closing(SQLiteRows(path)) as store:
        store.commit(LEDGER, PARTITION, [Insert("counter", {"number": 0})])
        child = os.fork()
        increment(store, "counter", INCREMENTS)
        if child == 0:
            store.close()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        number, _ = number_of(store, "counter")
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)} {number}\n")


def fork_connections(path: Path) -> None:
    """Say whether a child lends the parent's connection, and whether it has the memory store."""
    file, memory = (
        Connections(place, busy_timeout_seconds=1, synchronous=Synchronous.FULL, schema_version=1)
        for place in (path, MEMORY)
    )
    with closing(file), closing(memory):

        def divide(of_parent: Connection) -> int:
            child = os.fork()
            if child == 0:
                inherited = file.read(lambda of_child: of_child is of_parent)
                file.close()
                os._exit(10 * inherited + is_usable(memory))
            return child

        child = file.read(lambda of_parent: memory.read(lambda _: divide(of_parent)))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)} {is_usable(memory)}\n")


def is_usable(connections: Connections) -> bool:
    """Tell whether a connection is lent."""
    try:
        return connections.read(lambda _: True)
    except StoreUnavailableError:
        return False


def full_disk(path: Path) -> None:
    """Commit to a file that may not grow, then to one that may; say what became of both."""
    with closing(SQLiteRows(path)) as store:
        store.commit(LEDGER, PARTITION, [Insert("before", {})])
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        written = Path(f"{path}-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (written + 8192, limits[1]))
        try:
            store.commit(LEDGER, PARTITION, [Insert("large", {"raw": bytes(65536)})])
        except UnknownOutcomeError as exc:
            sys.stdout.write(f"{type(exc).__name__}\n")
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        store.commit(LEDGER, PARTITION, [Upsert("after", {})])
        found = " ".join(row.key for row in store.query(LEDGER, PARTITION))
        sys.stdout.write(f"{found}\n")


JOBS = {
    "increments": increments,
    "append": append,
    "fork": fork,
    "fork-connections": fork_connections,
    "full-disk": full_disk,
}

if __name__ == "__main__":
    JOBS[sys.argv[1]](Path(sys.argv[2]))
