"""What a store of rows does when several threads use it at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from stage_functions.application.ports.rows import LEDGER, Insert, Replace, Rows, Upsert
from stage_functions.domain.error import ConflictError

PARTITION = "dev:models:iris"
THREADS = 4

Result = TypeVar("Result")


def together(*calls: Callable[[], Result]) -> list[Result]:
    """Run every call on a thread of its own, all at once, and return what they return."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def number_of(store: Rows, key: str) -> tuple[int, str]:
    """Return the number in a row, and the row's ETag."""
    row = store.get(LEDGER, PARTITION, key)
    assert row is not None
    number = row.values["number"]
    assert isinstance(number, int)
    return number, row.etag


def increment(store: Rows, key: str, times: int) -> None:
    """Add to the number in a row by compare-and-set, as often as it takes."""
    done = 0
    while done < times:
        number, etag = number_of(store, key)
        try:
            store.commit(LEDGER, PARTITION, [Replace(key, {"number": number + 1}, etag)])
        except ConflictError:
            continue
        done += 1


class RowRaces:
    """Compare-and-set, insert races, batches as others see them."""

    def test_no_update_is_lost(self, store: Rows) -> None:
        """Concurrent compare-and-sets of one row all count."""
        store.commit(LEDGER, PARTITION, [Insert("counter", {"number": 0})])

        together(*(lambda: increment(store, "counter", 8) for _ in range(THREADS)))

        assert number_of(store, "counter")[0] == 8 * THREADS

    def test_one_insert_wins(self, store: Rows) -> None:
        """Of several who insert a row, one does, and its row stands."""

        def won(me: int) -> list[int]:
            keys = []
            for key in range(12):
                try:
                    store.commit(LEDGER, PARTITION, [Insert(f"key{key}", {"number": me})])
                except ConflictError:
                    continue
                keys.append(key)
            return keys

        wins = together(*(lambda me=me: won(me) for me in range(THREADS)))

        assert sorted(key for keys in wins for key in keys) == list(range(12))
        for me, keys in enumerate(wins):
            assert [number_of(store, f"key{key}")[0] for key in keys] == [me] * len(keys)

    def test_one_batch_wins(self, store: Rows) -> None:
        """A batch that lost the race for the head leaves none of its other rows."""
        store.commit(LEDGER, PARTITION, [Insert("head", {"number": 0})])

        def append(me: int) -> int:
            done = 0
            while done < 5:
                number, etag = number_of(store, "head")
                record = Insert(f"record:{number + 1:010}", {"by": me})
                head = Replace("head", {"number": number + 1}, etag)
                try:
                    store.commit(LEDGER, PARTITION, [record, head])
                except ConflictError:
                    continue
                done += 1
            return done

        together(*(lambda me=me: append(me) for me in range(THREADS)))

        records = store.query(LEDGER, PARTITION, start="record:", end="record;")
        assert [row.key for row in records] == [f"record:{n:010}" for n in range(1, 21)]
        assert number_of(store, "head")[0] == 20

    def test_no_reader_sees_half_a_batch(self, store: Rows) -> None:
        """A query finds the rows of one batch all old or all new."""
        keys = tuple(f"row{number}" for number in range(5))
        store.commit(LEDGER, PARTITION, [Insert(key, {"number": 0}) for key in keys])
        done = threading.Event()

        def write() -> int:
            try:
                for number in range(1, 31):
                    batch = [Upsert(key, {"number": number}) for key in keys]
                    store.commit(LEDGER, PARTITION, batch)
            finally:
                done.set()
            return 0

        def torn() -> int:
            count = 0
            while not done.is_set():
                rows = store.query(LEDGER, PARTITION)
                count += len({row.values["number"] for row in rows}) != 1
            return count

        assert together(write, torn, torn) == [0, 0, 0]

    def test_an_etag_is_given_to_one_write_of_a_row(self, store: Rows) -> None:
        """No two writes of a row share an ETag, wherever they come from."""

        def write() -> list[str]:
            changes = [Upsert("row", {"number": 1})]
            return [etag for _ in range(10) for etag in store.commit(LEDGER, PARTITION, changes)]

        etags = [etag for some in together(*[write] * THREADS) for etag in some]

        assert len(set(etags)) == 10 * THREADS
