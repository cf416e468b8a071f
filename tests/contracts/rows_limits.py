"""What a store of rows refuses, at the very edge of what Table Storage takes."""

from __future__ import annotations

import pytest

from stage_functions.application.ports.rows import LEDGER, Change, Insert, Rows, Upsert, Value
from stage_functions.domain.error import RowTooLargeError

PARTITION = "dev:models:iris"
LARGEST: tuple[Value, ...] = (
    "x" * 32768,
    "Ж" * 32768,
    "😀" * 16384,
    b"\xff" * 65536,
)
TOO_LARGE: tuple[Value, ...] = (
    "x" * 32769,
    "Ж" * 32769,
    "😀" * 16384 + "x",
    b"\xff" * 65537,
)
BAD_KEYS = (
    "",
    *(f"a{mark}b" for mark in "/\\#?\x00\x01\n\x1f\x7f\x9f\ud800\udfff"),
    "emoji 😀",
)


def texts(count: int, characters: int) -> dict[str, Value]:
    """Return properties of so many ASCII characters each, which are two bytes in Azure."""
    return {f"text{index:03}": "x" * characters for index in range(count)}


class RowLimits:
    """Limits of values, rows, batches, keys and names; nothing is written beyond them."""

    @pytest.mark.parametrize("value", LARGEST, ids=["ascii", "cyrillic", "emoji", "bytes"])
    def test_a_value_of_64_kib_is_stored(self, store: Rows, value: Value) -> None:
        """Exactly 64 KiB, in UTF-16 for text, come back unchanged."""
        store.commit(LEDGER, PARTITION, [Insert("row", {"value": value})])

        row = store.get(LEDGER, PARTITION, "row")

        assert row is not None
        assert row.values["value"] == value

    @pytest.mark.parametrize("value", TOO_LARGE, ids=["ascii", "cyrillic", "emoji", "bytes"])
    def test_a_value_over_64_kib_is_refused(self, store: Rows, value: Value) -> None:
        """One more than 64 KiB is too large, and nothing of the batch is written."""
        with pytest.raises(RowTooLargeError, match="'value'"):
            store.commit(LEDGER, PARTITION, [Insert("a", {}), Insert("b", {"value": value})])

        assert store.query(LEDGER, PARTITION) == []

    def test_a_row_of_almost_1_mib_is_stored(self, store: Rows) -> None:
        """Fifteen properties of 64 KiB and one of a little less fit."""
        values = {**texts(15, 32768), "rest": "x" * 32300}
        store.commit(LEDGER, PARTITION, [Insert("row", values)])

        row = store.get(LEDGER, PARTITION, "row")

        assert row is not None
        assert row.values == values

    def test_a_row_over_1_mib_is_refused(self, store: Rows) -> None:
        """Names count too: sixteen properties of 64 KiB are over."""
        with pytest.raises(RowTooLargeError, match="'row'"):
            store.commit(LEDGER, PARTITION, [Insert("row", texts(16, 32768))])

        assert store.query(LEDGER, PARTITION) == []

    def test_a_row_may_have_252_properties(self, store: Rows) -> None:
        """One more is refused."""
        store.commit(LEDGER, PARTITION, [Insert("row", texts(252, 1))])

        with pytest.raises(RowTooLargeError, match="252"):
            store.commit(LEDGER, PARTITION, [Upsert("row", texts(253, 1))])

    def test_a_batch_may_have_100_rows(self, store: Rows) -> None:
        """One more is refused, and nothing of it is written."""
        changes = [Insert(f"row{number:03}", {"number": number}) for number in range(101)]

        with pytest.raises(RowTooLargeError, match="100"):
            store.commit(LEDGER, PARTITION, changes)
        etags = store.commit(LEDGER, PARTITION, changes[1:])

        found = [row.etag for row in store.query(LEDGER, PARTITION)]
        assert found == list(etags)

    @pytest.mark.parametrize(
        "value", ["x" * 32768, b"x" * 48000, "Ж" * 10800], ids=["ascii", "bytes", "cyrillic"]
    )
    def test_a_batch_of_almost_4_mib_as_sent_is_stored(self, store: Rows, value: Value) -> None:
        """Text counts as escaped JSON, bytes as base64: about 64 KiB a row in each case."""
        changes = [Insert(f"row{number:03}", {"value": value}) for number in range(61)]
        store.commit(LEDGER, PARTITION, changes[:30])

        store.commit(LEDGER, PARTITION, [Upsert(change.key, change.values) for change in changes])

        assert len(store.query(LEDGER, PARTITION)) == 61

    @pytest.mark.parametrize(
        "value", ["x" * 32768, b"x" * 48000, "Ж" * 10800], ids=["ascii", "bytes", "cyrillic"]
    )
    def test_a_batch_over_4_mib_as_sent_is_refused(self, store: Rows, value: Value) -> None:
        """What Azure would not take on the wire is refused everywhere."""
        names = ("a", "b") if isinstance(value, str) and value.isascii() else ("a",)
        values = dict.fromkeys(names, value)
        changes = [Insert(f"row{number:03}", values) for number in range(66)]

        with pytest.raises(RowTooLargeError, match="as sent"):
            store.commit(LEDGER, PARTITION, changes)

        assert store.query(LEDGER, PARTITION) == []

    @pytest.mark.parametrize("key", BAD_KEYS, ids=ascii)
    def test_a_key_that_azure_does_not_take_is_refused(self, store: Rows, key: str) -> None:
        """It is refused as row and as partition, for writing and for reading."""
        changes: list[Change] = [Insert("row", {}), Insert(key, {})]

        with pytest.raises(ValueError, match="key"):
            store.commit(LEDGER, PARTITION, changes)
        with pytest.raises(ValueError, match="key"):
            store.get(LEDGER, PARTITION, key)
        with pytest.raises(ValueError, match="partition"):
            store.commit(LEDGER, key, changes[:1])
        with pytest.raises(ValueError, match="partition"):
            store.get(LEDGER, key, "row")
        with pytest.raises(ValueError, match="partition"):
            store.query(LEDGER, key)
        assert store.query(LEDGER, PARTITION) == []

    def test_a_key_over_512_characters_is_refused(self, store: Rows) -> None:
        """As row and as partition."""
        with pytest.raises(RowTooLargeError, match="512"):
            store.commit(LEDGER, PARTITION, [Insert("k" * 513, {})])
        with pytest.raises(RowTooLargeError, match="512"):
            store.commit(LEDGER, "k" * 513, [Insert("row", {})])

    @pytest.mark.parametrize("bound", ["a\n", "a\x7f", "a\ud800", "a😀"], ids=ascii)
    def test_a_bound_that_stores_order_differently_is_refused(
        self, store: Rows, bound: str
    ) -> None:
        """Control characters and those above U+FFFF are no bounds."""
        with pytest.raises(ValueError, match="bound"):
            store.query(LEDGER, PARTITION, start=bound)
        with pytest.raises(ValueError, match="bound"):
            store.query(LEDGER, PARTITION, end=bound)

    @pytest.mark.parametrize("limit", [0, -1])
    def test_a_limit_below_one_is_refused(self, store: Rows, limit: int) -> None:
        """A limit is never read as "all"."""
        with pytest.raises(ValueError, match="limit"):
            store.query(LEDGER, PARTITION, limit=limit)

    @pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 1.5, None, [], "\ud800"], ids=ascii)
    def test_a_value_of_another_type_is_refused(self, store: Rows, value: Value) -> None:
        """Only int32, bool, bytes and text that UTF-8 can say are stored."""
        with pytest.raises(ValueError, match="'value'"):
            store.commit(LEDGER, PARTITION, [Insert("row", {"value": value})])

    @pytest.mark.parametrize("name", ["", "a-b", "1a", "a.b", "имя", "PartitionKey", "Timestamp"])
    def test_a_property_name_that_azure_does_not_take_is_refused(
        self, store: Rows, name: str
    ) -> None:
        """A name is letters, digits and underscores, and none of Azure's own."""
        with pytest.raises(ValueError, match="property"):
            store.commit(LEDGER, PARTITION, [Insert("row", {name: 1})])

    def test_a_property_name_over_255_characters_is_refused(self, store: Rows) -> None:
        """The longest name that is taken comes back whole."""
        store.commit(LEDGER, PARTITION, [Insert("row", {"n" * 255: 1})])

        with pytest.raises(RowTooLargeError, match="256"):
            store.commit(LEDGER, PARTITION, [Upsert("row", {"n" * 256: 1})])

        assert [row.values for row in store.query(LEDGER, PARTITION)] == [{"n" * 255: 1}]

    def test_an_empty_batch_is_refused(self, store: Rows) -> None:
        """There is nothing to commit."""
        with pytest.raises(ValueError, match="empty batch"):
            store.commit(LEDGER, PARTITION, [])

    def test_a_batch_that_names_a_key_twice_is_refused(self, store: Rows) -> None:
        """Whatever the two changes are."""
        with pytest.raises(ValueError, match="twice"):
            store.commit(LEDGER, PARTITION, [Insert("row", {}), Upsert("row", {})])

        assert store.query(LEDGER, PARTITION) == []

    def test_a_table_that_the_port_does_not_name_is_refused(self, store: Rows) -> None:
        """For every call."""
        with pytest.raises(ValueError, match="no table 'nowhere'"):
            store.commit("nowhere", PARTITION, [Insert("row", {})])
        with pytest.raises(ValueError, match="no table 'nowhere'"):
            store.prepare("nowhere", PARTITION, [Upsert("row", {})])
        with pytest.raises(ValueError, match="no table 'nowhere'"):
            store.get("nowhere", PARTITION, "row")
        with pytest.raises(ValueError, match="no table 'nowhere'"):
            store.query("nowhere", PARTITION)
