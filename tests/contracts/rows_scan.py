"""What a store shows of all its rows: each once, with its partition, in order."""

from __future__ import annotations

from stage_functions.application.ports.rows import (
    ANY_ETAG,
    CATALOG,
    LEDGER,
    WORK,
    Delete,
    Insert,
    Replace,
    Upsert,
    WholeRows,
)

MANY = 1203
"""Rows: more than a page of any store."""


class RowScan:
    """Every row of a table, from one end to the other."""

    def test_a_scan_yields_every_row_once_by_partition_and_key(self, store: WholeRows) -> None:
        """As it was written, with the partition that it lies in."""
        places = [("b:models", "2"), ("a:models", "x"), ("b:models", "10"), ("a:data", "y")]
        for number, (partition, key) in enumerate(places):
            store.commit(CATALOG, partition, [Insert(key, {"number": number})])
        store.commit(WORK, "a:models", [Insert("elsewhere", {})])

        found = [(partition, row.key, row.values) for partition, row in store.scan(CATALOG)]

        assert found == [
            ("a:data", "y", {"number": 3}),
            ("a:models", "x", {"number": 1}),
            ("b:models", "10", {"number": 2}),
            ("b:models", "2", {"number": 0}),
        ]

    def test_a_scan_of_an_empty_table_yields_nothing(self, store: WholeRows) -> None:
        """And is no error."""
        assert list(store.scan(LEDGER)) == []

    def test_a_scan_goes_on_behind_each_page(self, store: WholeRows) -> None:
        """Nothing is left out between two, and nothing comes twice."""
        for partition in ("first", "second"):
            keys = [f"{number:06d}" for number in range(MANY)]
            for start in range(0, MANY, 100):
                batch = [Insert(key, {}) for key in keys[start : start + 100]]
                store.commit(LEDGER, partition, batch)

        found = [(partition, row.key) for partition, row in store.scan(LEDGER)]

        assert found == sorted(set(found))
        assert len(found) == 2 * MANY

    def test_rows_may_be_written_while_they_are_scanned(self, store: WholeRows) -> None:
        """Each by the ETag that the scan has shown: that is how rows are migrated."""
        store.commit(LEDGER, "here", [Insert(f"{number:03d}", {}) for number in range(50)])

        for partition, row in store.scan(LEDGER):
            store.commit(LEDGER, partition, [Replace(row.key, {"seen": True}, row.etag)])

        rows = store.query(LEDGER, "here")
        assert [row.values for row in rows] == [{"seen": True}] * 50

    def test_what_is_added_or_removed_meanwhile_breaks_no_scan(self, store: WholeRows) -> None:
        """It may be shown or not."""
        store.commit(LEDGER, "b", [Insert(f"{number:03d}", {}) for number in range(10)])
        scan = store.scan(LEDGER)
        first = next(scan)
        store.commit(LEDGER, "b", [Delete("005", ANY_ETAG), Upsert("999", {})])
        store.commit(LEDGER, "a", [Insert("before", {})])

        seen = {first[1].key, *(row.key for _, row in scan)}

        assert {f"{number:03d}" for number in range(10) if number != 5} <= seen
