"""What a commit does to rows: each change, each conflict, all or nothing, ETags."""

from __future__ import annotations

import pytest

from stage_functions.application.ports.rows import (
    ANY_ETAG,
    BLOBS,
    LEDGER,
    WORK,
    Change,
    Delete,
    Insert,
    Leftover,
    Replace,
    Row,
    Rows,
    Upsert,
)
from stage_functions.domain.error import ConflictError, RowTooLargeError

PARTITION = "dev:models:iris"


def insert(store: Rows, key: str, number: int = 1) -> str:
    """Insert a row and return its ETag."""
    (etag,) = store.commit(LEDGER, PARTITION, [Insert(key, {"number": number})])
    return etag


def read(store: Rows, key: str) -> Row:
    """Return a row that must be there."""
    row = store.get(LEDGER, PARTITION, key)
    assert row is not None
    return row


def refuse(store: Rows, *changes: Change) -> None:
    """Commit changes that must conflict and leave everything as it was."""
    before = store.query(LEDGER, PARTITION)
    with pytest.raises(ConflictError):
        store.commit(LEDGER, PARTITION, changes)
    assert before == store.query(LEDGER, PARTITION)


class RowWrites:
    """Insert, replace, upsert, delete and prepare."""

    def test_insert_adds_a_row_and_returns_its_etag(self, store: Rows) -> None:
        """What an insert returns is the ETag that a get shows."""
        etag = insert(store, "head", 7)

        assert read(store, "head") == Row("head", etag, {"number": 7})

    def test_insert_of_an_existing_row_conflicts(self, store: Rows) -> None:
        """An insert never overwrites."""
        insert(store, "head")

        refuse(store, Insert("head", {"number": 2}))

    def test_replace_with_the_etag_replaces_the_row_whole(self, store: Rows) -> None:
        """Properties that the new row does not name are gone."""
        (old,) = store.commit(LEDGER, PARTITION, [Insert("head", {"number": 1, "gone": "x"})])

        (new,) = store.commit(LEDGER, PARTITION, [Replace("head", {"number": 2}, old)])

        assert read(store, "head") == Row("head", new, {"number": 2})
        assert old != new

    def test_replace_with_an_old_etag_conflicts(self, store: Rows) -> None:
        """Of two who read the same row, the second to write is refused."""
        old = insert(store, "head")
        store.commit(LEDGER, PARTITION, [Replace("head", {"number": 2}, old)])

        refuse(store, Replace("head", {"number": 3}, old))

    @pytest.mark.parametrize("etag", ["", "1", "nonsense", 'W/"1"', "ж", '"', "a b\r\n"])
    def test_an_etag_that_the_store_never_gave_conflicts(self, store: Rows, etag: str) -> None:
        """Any text may stand where an ETag does; it just does not match."""
        insert(store, "one")
        insert(store, "two")

        refuse(store, Replace("two", {"number": 2}, etag + "9"))
        refuse(store, Delete("two", etag + "9"))
        refuse(store, Replace("two", {"number": 2}, etag + "9"), Upsert("three", {}))

    def test_any_etag_replaces_whatever_is_there(self, store: Rows) -> None:
        """The ETag `*` holds for every row that exists."""
        insert(store, "head")

        (etag,) = store.commit(LEDGER, PARTITION, [Replace("head", {"number": 2}, ANY_ETAG)])

        assert read(store, "head") == Row("head", etag, {"number": 2})

    @pytest.mark.parametrize("etag", [ANY_ETAG, "of another row"])
    def test_a_missing_row_cannot_be_replaced_or_deleted(self, store: Rows, etag: str) -> None:
        """Without a row there is a conflict, alone and in a batch, even for the ETag `*`."""
        other = insert(store, "other")
        known = other if etag != ANY_ETAG else etag

        refuse(store, Replace("head", {"number": 2}, known))
        refuse(store, Delete("head", known))
        refuse(store, Delete("head", known), Upsert("other", {}))

    def test_upsert_inserts_or_replaces_whole(self, store: Rows) -> None:
        """An upsert asks for nothing, and leaves nothing of the old row."""
        store.commit(LEDGER, PARTITION, [Upsert("head", {"number": 1, "gone": "x"})])

        (etag,) = store.commit(LEDGER, PARTITION, [Upsert("head", {"number": 2})])

        assert read(store, "head") == Row("head", etag, {"number": 2})

    def test_delete_with_the_etag_removes_the_row(self, store: Rows) -> None:
        """A deletion returns no ETag, and the row is gone."""
        etag = insert(store, "head")

        assert store.commit(LEDGER, PARTITION, [Delete("head", etag)]) == ("",)
        assert store.get(LEDGER, PARTITION, "head") is None

    def test_delete_with_any_etag_removes_the_row(self, store: Rows) -> None:
        """The ETag `*` holds for every row that exists."""
        insert(store, "head")

        store.commit(LEDGER, PARTITION, [Delete("head", ANY_ETAG)])

        assert store.get(LEDGER, PARTITION, "head") is None

    def test_delete_with_an_old_etag_conflicts(self, store: Rows) -> None:
        """What was changed since it was read is not deleted."""
        old = insert(store, "head")
        store.commit(LEDGER, PARTITION, [Upsert("head", {"number": 2})])

        refuse(store, Delete("head", old))

    def test_a_batch_returns_its_etags_in_order(self, store: Rows) -> None:
        """Every change has its ETag at its place, a deletion the empty text."""
        old = insert(store, "c")
        insert(store, "b")

        etags = store.commit(
            LEDGER,
            PARTITION,
            [Insert("z", {}), Delete("b", ANY_ETAG), Replace("c", {}, old), Upsert("a", {})],
        )

        found = {row.key: row.etag for row in store.query(LEDGER, PARTITION)}
        assert etags == (found["z"], "", found["c"], found["a"])

    def test_a_returned_etag_serves_the_next_write(self, store: Rows) -> None:
        """No read is needed between two writes of one row, alone or in a batch."""
        (etag,) = store.commit(LEDGER, PARTITION, [Upsert("head", {"number": 0})])
        for number in range(1, 4):
            (etag,) = store.commit(LEDGER, PARTITION, [Replace("head", {"number": number}, etag)])
            other = Upsert("other", {})
            etag, _ = store.commit(LEDGER, PARTITION, [Replace("head", {}, etag), other])

        assert read(store, "head").etag == etag

    @pytest.mark.parametrize("position", [0, 2, 4])
    @pytest.mark.parametrize("kind", ["insert", "replace", "replace missing", "delete", "missing"])
    def test_one_conflict_anywhere_undoes_the_batch(
        self, store: Rows, position: int, kind: str
    ) -> None:
        """Nothing of a batch is applied when one condition does not hold."""
        old = insert(store, "there")
        store.commit(LEDGER, PARTITION, [Upsert("there", {}), Insert("x", {}), Insert("y", {})])
        conflict: dict[str, Change] = {
            "insert": Insert("there", {}),
            "replace": Replace("there", {}, old),
            "replace missing": Replace("nowhere", {}, ANY_ETAG),
            "delete": Delete("there", old),
            "missing": Delete("nowhere", ANY_ETAG),
        }
        changes: list[Change] = [
            Insert("new", {}),
            Upsert("newer", {}),
            Replace("x", {"number": 9}, ANY_ETAG),
            Delete("y", ANY_ETAG),
        ]
        changes.insert(position, conflict[kind])

        refuse(store, *changes)

    def test_an_etag_is_never_used_again(self, store: Rows) -> None:
        """Neither the same values nor a deletion bring an old ETag of the row back."""
        etags = []
        for _ in range(5):
            etags.append(insert(store, "head"))
            etags += store.commit(LEDGER, PARTITION, [Upsert("head", {"number": 1})])
            etags += store.commit(LEDGER, PARTITION, [Upsert("head", {"number": 1})])
            store.commit(LEDGER, PARTITION, [Delete("head", etags[-1])])
        insert(store, "head")

        assert len(set(etags)) == len(etags)
        for etag in etags:
            refuse(store, Delete("head", etag))

    def test_a_conflict_leaves_etags_as_they_were(self, store: Rows) -> None:
        """After a batch that was undone, the ETags from before it still hold."""
        etag = insert(store, "head")
        refuse(store, Replace("head", {"number": 2}, etag), Insert("head2", {}), Delete("no", "*"))

        store.commit(LEDGER, PARTITION, [Replace("head", {"number": 3}, etag)])

        assert read(store, "head").values == {"number": 3}

    def test_prepared_rows_are_there_after_the_commit(self, store: Rows) -> None:
        """The next commit of the thread brings what was prepared, in any table and partition."""
        store.prepare(BLOBS, "blob", [Upsert("a", {"raw": b"1"}), Upsert("b", {"raw": b"2"})])
        store.prepare(WORK, "outbox", [Upsert("marker", {"number": 1})])
        store.prepare(WORK, "outbox", [Upsert("marker", {"number": 2})])

        insert(store, "head")

        marker = store.get(WORK, "outbox", "marker")
        assert marker is not None
        assert marker.values == {"number": 2}
        assert [row.key for row in store.query(BLOBS, "blob")] == ["a", "b"]
        assert [row.key for row in store.query(LEDGER, PARTITION)] == ["head"]

    def test_a_commit_works_after_one_that_failed_with_prepared_rows(self, store: Rows) -> None:
        """Prepared again, the rows arrive with the commit that succeeds."""
        insert(store, "head")
        marker = Upsert("marker", {"number": 1})
        store.prepare(WORK, "outbox", [marker])
        refuse(store, Insert("head", {}))

        store.prepare(WORK, "outbox", [marker])
        store.commit(LEDGER, PARTITION, [Upsert("head", {})])

        assert store.get(WORK, "outbox", "marker") is not None

    def test_leftovers_go_with_the_batch_that_makes_them_superfluous(self, store: Rows) -> None:
        """Wherever they are; one that is missing is fine."""
        store.commit(WORK, "outbox-00", [Insert("marker", {"commit": 1})])
        there = Leftover(WORK, "outbox-00", "marker")
        missing = Leftover(WORK, "outbox-01", "marker")

        change = Insert("head", {"number": 1})
        store.commit(LEDGER, PARTITION, [change], leftovers=[there, missing])

        assert store.get(WORK, "outbox-00", "marker") is None
        assert read(store, "head").values == {"number": 1}

    def test_leftovers_stay_where_the_batch_conflicts(self, store: Rows) -> None:
        """They are superfluous only once it was applied."""
        insert(store, "head")
        store.commit(WORK, "outbox-00", [Insert("marker", {"commit": 1})])
        leftovers = [Leftover(WORK, "outbox-00", "marker")]

        with pytest.raises(ConflictError):
            store.commit(LEDGER, PARTITION, [Insert("head", {"number": 2})], leftovers=leftovers)

        assert store.get(WORK, "outbox-00", "marker") is not None

    def test_what_need_not_be_durable_is_as_atomic_and_conditional_as_the_rest(
        self, store: Rows
    ) -> None:
        """Only the loss of power tells the difference."""
        etag = insert(store, "head")

        (later,) = store.commit(
            LEDGER, PARTITION, [Replace("head", {"number": 2}, etag)], durable=False
        )
        refuse(store, Replace("head", {"number": 3}, etag), Insert("other", {"number": 3}))

        assert read(store, "head") == Row("head", later, {"number": 2})

    def test_prepare_refuses_what_commit_refuses(self, store: Rows) -> None:
        """Limits hold before anything is buffered."""
        with pytest.raises(ValueError, match="empty batch"):
            store.prepare(WORK, "outbox", [])
        with pytest.raises(ValueError, match="twice"):
            store.prepare(WORK, "outbox", [Upsert("a", {}), Upsert("a", {})])
        with pytest.raises(RowTooLargeError):
            store.prepare(WORK, "outbox", [Upsert("a", {"text": "x" * 32769})])
