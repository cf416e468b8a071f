"""Another process on a SQLite store: `python -m tests.adapters.sqlite_worker <job> <file>`.

Decides nothing; each job does one thing that a test cannot do to its own process.
"""

from __future__ import annotations

import os
import resource
import sys
from contextlib import closing
from pathlib import Path

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.ports.rows import LEDGER, Insert, Upsert
from stage_functions.domain.error import UnknownOutcomeError
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


JOBS = {"increments": increments, "append": append, "fork": fork, "full-disk": full_disk}

if __name__ == "__main__":
    JOBS[sys.argv[1]](Path(sys.argv[2]))
