"""Azure Table Storage as a store of rows, on Azurite through the real SDK."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from uuid import uuid4

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import TableServiceClient

from stage_functions.adapters.tables import TableRows, table_service
from stage_functions.application.ports.rows import (
    ANY_ETAG,
    LEDGER,
    TABLES,
    Change,
    Delete,
    Insert,
    Replace,
    Rows,
    Upsert,
)
from stage_functions.domain.error import (
    ConfigurationError,
    LedgerDamagedError,
    StoreUnavailableError,
    UnknownOutcomeError,
)
from tests.azurite import ACCOUNT, PUBLIC_KEY, connection_string, endpoint, free_port
from tests.contracts.rows import RowStoreContract
from tests.lossy_proxy import LossyProxy, lossy_proxy

PARTITION = "dev:models:iris"
WRITES: dict[str, tuple[Change, ...]] = {
    "insert": (Insert("new", {"number": 1}),),
    "upsert": (Upsert("new", {"number": 1}),),
    "replace": (Replace("there", {"number": 1}, ANY_ETAG),),
    "delete": (Delete("there", ANY_ETAG),),
    "batch": (Insert("new", {"number": 1}), Replace("there", {"number": 1}, ANY_ETAG)),
}


@pytest.fixture
def prefix() -> str:
    """Return a prefix that no other test uses."""
    return f"t{uuid4().hex}"


@pytest.fixture
def direct(azurite: int, prefix: str) -> Iterator[TableRows]:
    """Return a store with tables of its own."""
    with closing(TableRows(table_service(connection_string(azurite)), prefix=prefix)) as store:
        store.create_tables()
        yield store


@pytest.fixture
def proxy(azurite: int) -> Iterator[LossyProxy]:
    """Return a proxy before Azurite that can lose replies."""
    with lossy_proxy(azurite) as proxy:
        yield proxy


class TestTables(RowStoreContract):
    """Table Storage honours the contract."""

    @pytest.fixture
    def store(self, direct: TableRows) -> Rows:
        """Return an empty store."""
        return direct


def with_known_etags(store: Rows, changes: Sequence[Change]) -> list[Change]:
    """Make every condition a real one, which a second execution would not meet."""
    known: list[Change] = []
    for change in changes:
        row = store.get(LEDGER, PARTITION, change.key)
        if isinstance(change, Replace) and row is not None:
            known.append(Replace(change.key, change.values, row.etag))
        elif isinstance(change, Delete) and row is not None:
            known.append(Delete(change.key, row.etag))
        else:
            known.append(change)
    return known


@pytest.fixture(params=["ours", "as the SDK has it"])
def service(request: pytest.FixtureRequest, proxy: LossyProxy) -> TableServiceClient:
    """Return a client behind the proxy, with our retries or with those of the SDK."""
    address = connection_string(proxy.port)
    if request.param == "ours":
        return table_service(address)
    return TableServiceClient.from_connection_string(address)


@pytest.mark.parametrize("write", WRITES)
def test_a_lost_reply_to_a_write_is_an_unknown_outcome(
    direct: TableRows, proxy: LossyProxy, prefix: str, service: TableServiceClient, write: str
) -> None:
    """The write is carried out and sent once; it is not repeated into a conflict with itself."""
    direct.commit(LEDGER, PARTITION, [Insert("there", {"number": 0})])
    changes = with_known_etags(direct, WRITES[write])
    with closing(TableRows(service, prefix=prefix)) as store:
        proxy.lose_replies()

        with pytest.raises(UnknownOutcomeError, match="commit to"):
            store.commit(LEDGER, PARTITION, changes)

    found = {row.key: row.values for row in direct.query(LEDGER, PARTITION)}
    assert proxy.connections == 1
    assert ("there" in found) == (write != "delete")
    for change in changes:
        assert isinstance(change, Delete) or found[change.key] == change.values


@pytest.mark.parametrize("count", [1, 2], ids=["alone", "batch"])
def test_a_reply_to_a_write_may_be_cut_anywhere(
    direct: TableRows, proxy: LossyProxy, prefix: str, count: int
) -> None:
    """Either the outcome is unknown, or the ETags are the true ones."""
    outcomes = set()
    service = table_service(connection_string(proxy.port))
    with closing(TableRows(service, prefix=prefix)) as store:
        for after_bytes in range(0, 1600, 9):
            proxy.lose_replies(after_bytes=after_bytes)
            changes = [Upsert(f"row{index}", {"number": after_bytes}) for index in range(count)]
            try:
                etags = store.commit(LEDGER, PARTITION, changes)
            except UnknownOutcomeError:
                outcomes.add("unknown")
                continue
            outcomes.add("applied")
            rows = direct.query(LEDGER, PARTITION)
            assert [row.values["number"] for row in rows] == [after_bytes] * count
            assert tuple(row.etag for row in rows) == etags

    assert outcomes == {"unknown", "applied"}


def test_a_reply_to_a_read_may_be_cut_anywhere(
    direct: TableRows, proxy: LossyProxy, prefix: str
) -> None:
    """Either the store is not available, or the row is the true one: never none, never half."""
    direct.commit(LEDGER, PARTITION, [Insert("there", {"number": 1, "text": "x"})])
    row = direct.get(LEDGER, PARTITION, "there")
    service = table_service(connection_string(proxy.port))
    with closing(TableRows(service, prefix=prefix)) as store:
        for after_bytes in range(0, 900, 9):
            proxy.lose_replies(after_bytes=after_bytes)
            with suppress(StoreUnavailableError):
                assert store.get(LEDGER, PARTITION, "there") == row
            with suppress(StoreUnavailableError):
                assert store.query(LEDGER, PARTITION) == [row]


def test_a_lost_reply_to_prepare_is_an_unknown_outcome(
    direct: TableRows, proxy: LossyProxy, prefix: str
) -> None:
    """Preparing writes at once, and is no surer than a commit."""
    with closing(TableRows(table_service(connection_string(proxy.port)), prefix=prefix)) as store:
        proxy.lose_replies()

        with pytest.raises(UnknownOutcomeError):
            store.prepare(LEDGER, PARTITION, [Upsert("marker", {})])

    assert direct.get(LEDGER, PARTITION, "marker") is not None


def test_a_read_whose_reply_is_lost_is_tried_again(
    direct: TableRows, proxy: LossyProxy, prefix: str
) -> None:
    """A read changes nothing, so it is repeated, and then the store is not available."""
    direct.commit(LEDGER, PARTITION, [Insert("there", {})])
    with closing(TableRows(table_service(connection_string(proxy.port)), prefix=prefix)) as store:
        proxy.lose_replies()
        with pytest.raises(StoreUnavailableError, match="read"):
            store.get(LEDGER, PARTITION, "there")
        with pytest.raises(StoreUnavailableError, match="read"):
            store.query(LEDGER, PARTITION)
        proxy.forward_replies()

        assert store.get(LEDGER, PARTITION, "there") is not None

    assert proxy.connections == 5


def test_nothing_was_sent_where_nobody_listens() -> None:
    """Without a server a write is not an unknown outcome: the store is not available."""
    service = table_service(connection_string(free_port()))
    with closing(TableRows(service)) as store:
        for changes in WRITES.values():
            with pytest.raises(StoreUnavailableError):
                store.commit(LEDGER, PARTITION, changes)
        with pytest.raises(StoreUnavailableError):
            store.get(LEDGER, PARTITION, "head")
        with pytest.raises(StoreUnavailableError):
            store.create_tables()


@pytest.mark.parametrize("write", WRITES)
def test_missing_tables_are_not_taken_for_missing_rows(
    azurite: int, prefix: str, write: str
) -> None:
    """Before `create_tables` the store is not available: no row is None, no write conflicts."""
    with closing(TableRows(table_service(connection_string(azurite)), prefix=prefix)) as store:
        with pytest.raises(StoreUnavailableError, match="TableNotFound"):
            store.get(LEDGER, PARTITION, "head")
        with pytest.raises(StoreUnavailableError, match="TableNotFound"):
            store.query(LEDGER, PARTITION)
        changes = (Delete("x", ANY_ETAG),) if write == "delete" else WRITES[write]
        with pytest.raises(StoreUnavailableError, match="TableNotFound"):
            store.commit(LEDGER, PARTITION, changes)


def test_a_store_that_only_looks_takes_missing_tables_for_empty_ones(
    azurite: int, prefix: str
) -> None:
    """It makes none, and still says so where it is to write."""
    with closing(table_service(connection_string(azurite))) as service:
        store = TableRows(service, prefix=prefix, missing_is_empty=True)

        assert store.get(LEDGER, PARTITION, "head") is None
        assert (store.query(LEDGER, PARTITION), list(store.scan(LEDGER))) == ([], [])
        with pytest.raises(StoreUnavailableError, match="TableNotFound"):
            store.commit(LEDGER, PARTITION, WRITES["batch"])
        assert [name for name in service.list_tables() if name.name.startswith(prefix)] == []


def test_tables_are_created_once(direct: TableRows) -> None:
    """Creating them again changes nothing."""
    direct.commit(LEDGER, PARTITION, [Insert("head", {})])

    direct.create_tables()

    assert direct.get(LEDGER, PARTITION, "head") is not None


def test_a_prefix_separates_two_stores(azurite: int, direct: TableRows, prefix: str) -> None:
    """Two stores in one account do not see each other; tables are named prefix and table."""
    with closing(table_service(connection_string(azurite))) as service:
        other = TableRows(service, prefix=f"{prefix[:20]}other")
        other.create_tables()
        other.commit(LEDGER, PARTITION, [Insert("head", {})])

        names = {table.name for table in service.list_tables()}
        assert {f"{prefix}{table}" for table in TABLES} <= names
        assert direct.get(LEDGER, PARTITION, "head") is None


@pytest.mark.parametrize("prefix", ["", "1a", "a-b", "stage_ward", "ж", "a" * 51])
def test_a_prefix_that_no_table_may_have_is_refused(azurite: int, prefix: str) -> None:
    """It is said before anything is sent."""
    with (
        closing(table_service(connection_string(azurite))) as service,
        pytest.raises(ConfigurationError, match="prefix"),
    ):
        TableRows(service, prefix=prefix)


def test_an_endpoint_with_a_credential_is_an_address_too(azurite: int, direct: TableRows) -> None:
    """The same account is reached by connection string and by endpoint."""
    direct.commit(LEDGER, PARTITION, [Insert("head", {})])
    credential = AzureNamedKeyCredential(ACCOUNT, PUBLIC_KEY)
    with closing(table_service(endpoint(azurite), credential)) as service:
        assert [table.name for table in service.list_tables()] != []


@pytest.mark.parametrize("address", ["", "nonsense", "AccountName=a", "https://a.example"])
def test_an_address_that_cannot_be_used_is_refused(address: str) -> None:
    """A fault in the configuration is told as one."""
    with pytest.raises(ConfigurationError, match="address"):
        table_service(address)


def test_a_value_that_another_program_wrote_is_damage(
    azurite: int, direct: TableRows, prefix: str
) -> None:
    """A property of a type that the port does not know is not passed on."""
    with closing(table_service(connection_string(azurite))) as service:
        foreign = {"PartitionKey": PARTITION, "RowKey": "head", "number": 1.5}
        service.get_table_client(f"{prefix}{LEDGER}").create_entity(foreign)

    with pytest.raises(LedgerDamagedError, match="'head' holds a float"):
        direct.get(LEDGER, PARTITION, "head")
