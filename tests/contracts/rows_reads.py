"""What a store of rows gives back: single rows, ranges, values as they were written."""

from __future__ import annotations

from enum import IntEnum, StrEnum

import pytest

from stage_functions.application.ports.rows import LEDGER, WORK, Insert, Rows, Upsert, Value

PARTITION = "dev:models:iris"
RECORDS = tuple(f"record:{number:010}" for number in range(1, 8))


class Colour(StrEnum):
    """A text that is more than a text."""

    RED = "red"


class Size(IntEnum):
    """A number that is more than a number."""

    SMALL = 1


class Name(str):
    """A text of a type of its own."""

    __slots__ = ()


class Raw(bytes):
    """Bytes of a type of their own."""


VALUES: tuple[Value, ...] = (
    "",
    "plain",
    "два слова",
    "emoji 😀 and \ue000",
    'it\'s "quoted" \\ / # ?',
    "line\r\nbreak\ttab",
    "\x00\x01\x1f\x7f",
    "\ufeff\ufffe\uffff\u2028",
    "true",
    "2026-11-24T00:08:41Z",
    "--batch_x\r\n\r\nPUT / HTTP/1.1",
    True,
    False,
    0,
    1,
    -1,
    2**31 - 1,
    -(2**31),
    b"",
    b"plain",
    bytes(range(256)),
)
KEYS = (
    "a",
    "record:0000000001",
    "with:colon@at|bar~tilde=2Fequals",
    "per%cent %20",
    "two  spaces",
    " edges ",
    "quote'quote''",
    'double"quote',
    "plus+and&semi;comma,(paren)",
    "$filter",
    "Ключ",
    "日本語",
    "\u00a0\ue000\uffff",
    "..",
    "k" * 512,
    "Ж" * 512,
)


def fill(store: Rows, *keys: str) -> None:
    """Insert rows that hold nothing but their number."""
    for first in range(0, len(keys), 100):
        batch = [
            Insert(key, {"number": first + index})
            for index, key in enumerate(keys[first : first + 100])
        ]
        store.commit(LEDGER, PARTITION, batch)


def keys_of(
    store: Rows, *, start: str = "", end: str | None = None, limit: int = 1000
) -> list[str]:
    """Return the keys that a query finds, in its order."""
    rows = store.query(LEDGER, PARTITION, start=start, end=end, limit=limit)
    return [row.key for row in rows]


class RowReads:
    """Point gets, range queries and the types of values."""

    def test_a_row_that_was_never_written_is_none(self, store: Rows) -> None:
        """A get of a row that is not there returns None."""
        assert store.get(LEDGER, PARTITION, "head") is None

    def test_a_row_is_found_only_in_its_own_table_and_partition(self, store: Rows) -> None:
        """The same key in another table or partition is another row."""
        store.commit(LEDGER, PARTITION, [Insert("head", {"number": 1})])

        assert store.get(WORK, PARTITION, "head") is None
        assert store.get(LEDGER, PARTITION.upper(), "head") is None
        assert store.query(WORK, PARTITION) == []
        assert store.query(LEDGER, PARTITION.upper()) == []

    @pytest.mark.parametrize("value", VALUES, ids=ascii)
    def test_a_value_comes_back_as_it_was_written(self, store: Rows, value: Value) -> None:
        """Value and type survive, alone, in a batch, by get and by query."""
        store.commit(LEDGER, PARTITION, [Insert("alone", {"value": value})])
        store.commit(LEDGER, PARTITION, [Insert(key, {"value": value}) for key in ("x", "y")])

        one = store.get(LEDGER, PARTITION, "alone")
        rows = store.query(LEDGER, PARTITION)

        assert one is not None
        assert [(type(value), value)] * 4 == [
            (type(found), found) for found in (row.values["value"] for row in (one, *rows))
        ]

    def test_a_row_may_hold_all_types_or_nothing(self, store: Rows) -> None:
        """Several properties keep their own types; a row without any is a row."""
        values: dict[str, Value] = {"text": "1", "flag": True, "number": 1, "raw": b"1", "_x9": ""}
        store.commit(LEDGER, PARTITION, [Insert("empty", {}), Insert("full", values)])

        found = {row.key: row.values for row in store.query(LEDGER, PARTITION)}

        assert found == {"empty": {}, "full": values}

    def test_a_value_of_a_subclass_is_stored_plain(self, store: Rows) -> None:
        """Members of enumerations, and other kinds of text and bytes, come back plain."""
        values: dict[str, Value] = {
            "a": Colour.RED,
            "b": Size.SMALL,
            "c": Name("x"),
            "d": Raw(b"x"),
        }
        store.commit(LEDGER, PARTITION, [Insert("row", values)])

        row = store.get(LEDGER, PARTITION, "row")

        assert row is not None
        assert row.values == {"a": "red", "b": 1, "c": "x", "d": b"x"}
        assert [type(row.values[name]) for name in values] == [str, int, str, bytes]

    @pytest.mark.parametrize("key", KEYS, ids=ascii)
    def test_a_key_may_hold_every_character_that_azure_takes(self, store: Rows, key: str) -> None:
        """Row and partition keys come back as they were, alone and in a batch."""
        store.commit(LEDGER, key, [Insert(key, {"number": 1})])
        store.commit(LEDGER, key, [Upsert(key, {"number": 2}), Insert("other", {})])

        row = store.get(LEDGER, key, key)
        found = store.query(LEDGER, key, start=key, limit=1)

        assert row is not None
        assert row.values == {"number": 2}
        assert found == [row]

    def test_keys_that_differ_only_in_case_are_two_rows(self, store: Rows) -> None:
        """Keys are compared character by character."""
        store.commit(LEDGER, PARTITION, [Insert("Iris", {"n": 1}), Insert("iris", {"n": 2})])

        upper = store.get(LEDGER, PARTITION, "Iris")
        lower = store.get(LEDGER, PARTITION, "iris")

        assert upper is not None
        assert lower is not None
        assert (upper.values, lower.values) == ({"n": 1}, {"n": 2})

    def test_rows_come_in_the_order_of_their_code_units(self, store: Rows) -> None:
        """The order is by code unit: capitals before small letters, Cyrillic after Latin."""
        keys = ("b", "B", "a:", "a", "~", "=41", "10", "9", "я", "Ж", "_", "\uffff", " ", "a!")
        fill(store, *keys)

        assert keys_of(store) == sorted(keys)

    @pytest.mark.parametrize(
        ("start", "end", "first", "last"),
        [
            ("", None, 0, 7),
            (RECORDS[2], None, 2, 7),
            ("", RECORDS[2], 0, 2),
            (RECORDS[2], RECORDS[5], 2, 5),
            ("record:", "record;", 0, 7),
            (RECORDS[2], RECORDS[2], 0, 0),
            (RECORDS[5], RECORDS[2], 0, 0),
            ("s", None, 0, 0),
            ("", "record:", 0, 0),
        ],
    )
    def test_a_range_includes_its_start_and_not_its_end(
        self, store: Rows, start: str, end: str | None, first: int, last: int
    ) -> None:
        """A query returns the rows with start <= key < end, and no others."""
        fill(store, *RECORDS)

        assert keys_of(store, start=start, end=end) == list(RECORDS[first:last])

    @pytest.mark.parametrize("mark", ["/", "\\", "#", "?", "'", "''", "%", "&", "+", " ", "Я", "~"])
    def test_a_bound_need_not_be_a_key(self, store: Rows, mark: str) -> None:
        """A bound may hold what no key may, such as the character after a dot."""
        keys = ("a", "a!", "a,", "a.", "a0", "aA", "a~~", "aё", "b")
        fill(store, *keys)

        below, above = keys_of(store, end=f"a{mark}"), keys_of(store, start=f"a{mark}")

        assert below == sorted(key for key in keys if key < f"a{mark}")
        assert above == sorted(key for key in keys if key >= f"a{mark}")

    @pytest.mark.parametrize("limit", [1, 3, 7, 8])
    def test_a_limit_keeps_the_first_rows(self, store: Rows, limit: int) -> None:
        """A query returns at most as many rows as asked for, the first in order."""
        fill(store, *RECORDS)

        assert keys_of(store, limit=limit) == list(RECORDS[:limit])

    def test_a_query_goes_on_past_a_page(self, store: Rows) -> None:
        """More than a thousand rows come in one answer when the limit allows, else the first."""
        keys = tuple(f"record:{number:010}" for number in range(1, 1106))
        fill(store, *keys)

        assert keys_of(store, limit=5000) == list(keys)
        assert keys_of(store, limit=1001) == list(keys[:1001])
        assert keys_of(store) == list(keys[:1000])
        assert keys_of(store, start=keys[3], end=keys[-2], limit=5000) == list(keys[3:-2])

    def test_get_and_query_agree(self, store: Rows) -> None:
        """A row is the same by either way, its ETag too."""
        fill(store, *RECORDS)

        rows = store.query(LEDGER, PARTITION)

        assert rows == [store.get(LEDGER, PARTITION, key) for key in RECORDS]
