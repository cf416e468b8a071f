"""Rows in Azure Table Storage, through `azure-data-tables`.

Decides how rows, ETags and batches are said in the SDK's words. What its errors mean is decided
in `sdk_errors.py`; what a batch may be, in `limits.py`. It does not choose a credential.

- A commit is one request, which is never sent twice: the SDK, left alone, repeats a write whose
  reply was lost, and then reports as a conflict that the first one succeeded. So a conflict here
  is somebody else's doing, and a lost reply is an `UnknownOutcomeError`. Reads are repeated.
- A deletion goes as a batch of one, for the SDK hides that a single one found no row.
- `prepare` writes at once.
- A table that is missing is a fault, unless the store is opened only to look at what is there.
- A query of more rows than a page is read page by page: each page is of one instant, the whole is
  not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

from azure.core import MatchConditions
from azure.core.credentials import AzureNamedKeyCredential, TokenCredential
from azure.core.exceptions import ResourceNotFoundError
from azure.core.pipeline import PipelineResponse
from azure.data.tables import TableClient, TableEntity, TableServiceClient, UpdateMode

from stage_functions.adapters.limits import check_batch, check_key, check_range, check_table
from stage_functions.adapters.sdk_errors import TABLE_NOT_FOUND, error_code, translated
from stage_functions.application.clocks import Heard, deaf
from stage_functions.application.ports.rows import (
    ANY_ETAG,
    TABLES,
    Change,
    Delete,
    Insert,
    Leftover,
    Replace,
    Row,
    Upsert,
    Value,
)
from stage_functions.domain.error import (
    ConfigurationError,
    ConflictError,
    LedgerDamagedError,
    RetryableError,
)

CONNECT_TIMEOUT_SECONDS = 3
READ_TIMEOUT_SECONDS = 8
PAGE_ROWS = 1000

_READ_RETRIES: Mapping[str, Any] = {
    "retry_total": 2,
    "retry_read": 1,
    "retry_backoff_factor": 0.2,
    "retry_backoff_max": 2,
}
_NO_RETRY: Mapping[str, Any] = {"retry_total": 0}
_NO_ECHO: Mapping[str, Any] = {"response_preference": "return-no-content"}
_PREFIX = re.compile("[A-Za-z][A-Za-z0-9]{0,49}")
_ETAG = re.compile("W/\"datetime'[!#-~]+'\"")
_SYSTEM_PROPERTIES = frozenset({"PartitionKey", "RowKey"})


def table_service(
    address: str,
    credential: TokenCredential | AzureNamedKeyCredential | None = None,
    heard: Heard = deaf,
) -> TableServiceClient:
    """Return a client that sends no write twice, and does not wait for five minutes.

    Args:
        address: the endpoint, `https://<account>.table.core.windows.net`; without a credential, a
            connection string.
        credential: what to sign in with at the endpoint.
        heard: takes the headers of every answer, but for those to a batch.

    Raises:
        ConfigurationError: the address cannot be understood.
    """
    options: dict[str, Any] = {
        **_NO_RETRY,
        "connection_timeout": CONNECT_TIMEOUT_SECONDS,
        "read_timeout": READ_TIMEOUT_SECONDS,
        "raw_response_hook": lambda answer: heard(answer.http_response.headers),
    }
    try:
        if credential is None:
            return TableServiceClient.from_connection_string(address, **options)
        return TableServiceClient(address, credential=credential, **options)
    except ValueError as exc:
        message = f"the address of Table Storage cannot be used: {exc}"
        raise ConfigurationError(message) from exc


class TableRows:
    """A store of rows in Azure Table Storage. Safe to share between threads."""

    def __init__(
        self,
        service: TableServiceClient,
        *,
        prefix: str = "stageward",
        missing_is_empty: bool = False,
    ) -> None:
        """Use the tables of an account whose names begin with `prefix`.

        Args:
            service: the account; closed with the store.
            prefix: letters and digits, a letter first.
            missing_is_empty: a table that is not there reads as one without rows.

        Raises:
            ConfigurationError: no table name can begin with the prefix.
        """
        if _PREFIX.fullmatch(prefix) is None:
            message = f"the table prefix {prefix!r} is not 1 to 50 letters and digits"
            raise ConfigurationError(message)
        self._service = service
        self._missing_is_empty = missing_is_empty
        self._names = {table: prefix + table for table in TABLES}
        self._clients = {
            table: service.get_table_client(name) for table, name in self._names.items()
        }

    def create_tables(self) -> None:
        """Create the tables that are missing.

        Raises:
            StoreUnavailableError: the store cannot be reached, or does not let us.
        """
        for name in self._names.values():
            with translated(f"create the table {name}", repeatable=True):
                self._service.create_table_if_not_exists(name)

    def get(self, table: str, partition: str, key: str) -> Row | None:
        """Return the row, or None; see `Rows`."""
        check_table(table)
        check_key(partition, "partition")
        check_key(key)
        with translated(f"read {self._names[table]}", repeatable=True):
            try:
                entity = self._clients[table].get_entity(partition, key, **_READ_RETRIES)
            except ResourceNotFoundError as exc:
                if error_code(exc) == TABLE_NOT_FOUND and not self._missing_is_empty:
                    raise
                return None
        return _row(entity)

    def query(
        self,
        table: str,
        partition: str,
        *,
        start: str = "",
        end: str | None = None,
        limit: int = 1000,
    ) -> list[Row]:
        """Return rows in the order of their keys, following continuations; see `Rows`."""
        check_table(table)
        check_key(partition, "partition")
        check_range(start, end, limit)
        conditions = [f"PartitionKey eq {_quoted(partition)}"]
        if start:
            conditions.append(f"RowKey ge {_quoted(start)}")
        if end is not None:
            conditions.append(f"RowKey lt {_quoted(end)}")
        with translated(f"read {self._names[table]}", repeatable=True), self._perhaps_missing():
            entities = self._clients[table].query_entities(
                " and ".join(conditions), results_per_page=min(limit, PAGE_ROWS), **_READ_RETRIES
            )
            return [_row(entity) for entity in islice(entities, limit)]
        return []

    def scan(self, table: str) -> Iterator[tuple[str, Row]]:
        """Yield every row of a table, page by page; see `WholeRows`."""
        check_table(table)
        entities = self._clients[table].list_entities(results_per_page=PAGE_ROWS, **_READ_RETRIES)
        pages = entities.by_page()
        while True:
            found = None
            with translated(f"read {self._names[table]}", repeatable=True), self._perhaps_missing():
                found = next(pages, None)
                page = [] if found is None else list(found)
            if found is None:
                return
            yield from ((entity["PartitionKey"], _row(entity)) for entity in page)

    @contextmanager
    def _perhaps_missing(self) -> Iterator[None]:
        """End the block without a word where the table is missing, and that means empty."""
        try:
            yield
        except ResourceNotFoundError as exc:
            if error_code(exc) != TABLE_NOT_FOUND or not self._missing_is_empty:
                raise

    def commit(
        self,
        table: str,
        partition: str,
        changes: Sequence[Change],
        *,
        durable: bool = True,
        leftovers: Sequence[Leftover] = (),
    ) -> tuple[str, ...]:
        """Apply all changes or none; return the ETags; see `Rows`. All of it is durable here."""
        del durable
        check_batch(table, partition, changes)
        for change in changes:
            _check_etag(change)
        client, first = self._clients[table], changes[0]
        with translated(f"commit to {self._names[table]}", repeatable=False):
            if len(changes) == 1 and not isinstance(first, Delete):
                etags = _etags(changes, [_send(client, partition, first)])
            else:
                etags = _etags(changes, _send_batch(client, partition, changes))
        for leftover in leftovers:
            with suppress(RetryableError):
                deletion = Delete(leftover.key, ANY_ETAG)
                self.commit(leftover.table, leftover.partition, [deletion])
        return etags

    def prepare(self, table: str, partition: str, changes: Sequence[Upsert]) -> None:
        """Write the rows at once; see `Rows`."""
        self.commit(table, partition, changes)

    def close(self) -> None:
        """Close the connections to the account."""
        self._service.close()


def _send(
    client: TableClient, partition: str, change: Insert | Upsert | Replace
) -> Mapping[str, Any]:
    entity = _entity(partition, change)
    match change:
        case Insert():
            return client.create_entity(entity, **_NO_RETRY, **_NO_ECHO)
        case Upsert():
            return client.upsert_entity(entity, UpdateMode.REPLACE, **_NO_RETRY)
        case Replace(etag=etag):
            return client.update_entity(entity, UpdateMode.REPLACE, **_condition(etag), **_NO_RETRY)


def _send_batch(
    client: TableClient, partition: str, changes: Sequence[Change]
) -> Sequence[Mapping[str, Any]]:
    replies: list[PipelineResponse[Any, Any]] = []
    operations = [_operation(partition, change) for change in changes]
    try:
        return client.submit_transaction(operations, raw_response_hook=replies.append, **_NO_RETRY)
    finally:
        for reply in replies:
            reply.http_response.close()


def _operation(partition: str, change: Change) -> tuple[str, dict[str, Any], dict[str, Any]]:
    entity = _entity(partition, change)
    match change:
        case Insert():
            return "create", entity, {**_NO_ECHO}
        case Upsert():
            return "upsert", entity, {"mode": UpdateMode.REPLACE}
        case Replace(etag=etag):
            return "update", entity, {"mode": UpdateMode.REPLACE, **_condition(etag)}
        case Delete(etag=etag):
            return "delete", entity, _condition(etag)


def _condition(etag: str) -> dict[str, Any]:
    if etag == ANY_ETAG:
        return {"match_condition": MatchConditions.Unconditionally}
    return {"match_condition": MatchConditions.IfNotModified, "etag": etag}


def _check_etag(change: Change) -> None:
    """Answer for an ETag that is not one of Table Storage's, which it would call bad syntax."""
    if isinstance(change, Insert | Upsert) or change.etag == ANY_ETAG:
        return
    if _ETAG.fullmatch(change.etag) is None:
        message = f"no row has the ETag {change.etag!r}"
        raise ConflictError(message)


def _etags(changes: Sequence[Change], replies: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the ETags of a reply, which may have been cut anywhere: a cut head is no error."""
    if len(replies) != len(changes):
        message = f"{len(replies)} replies to {len(changes)} changes"
        raise ValueError(message)
    etags = []
    for change, reply in zip(changes, replies, strict=True):
        etag = "" if isinstance(change, Delete) else str(reply.get("etag"))
        if etag and _ETAG.fullmatch(etag) is None:
            message = f"the reply for {change.key!r} has the ETag {etag}"
            raise ValueError(message)
        etags.append(etag)
    return tuple(etags)


def _entity(partition: str, change: Change) -> dict[str, Any]:
    entity: dict[str, Any] = {"PartitionKey": partition, "RowKey": change.key}
    if not isinstance(change, Delete):
        entity.update((name, _plain(value)) for name, value in change.values.items())
    return entity


def _plain(value: Value) -> Value:
    """Take subclasses, such as those of an enumeration, for what they extend: the SDK does not."""
    match value:
        case bool():
            return value
        case int():
            return int(value)
        case str():
            return str(value)
        case bytes():
            return bytes(value)


def _row(entity: TableEntity) -> Row:
    key: str = entity["RowKey"]
    values: dict[str, Value] = {}
    for name, value in entity.items():
        if name in _SYSTEM_PROPERTIES:
            continue
        if not isinstance(value, str | int | bytes):
            message = f"the row {key!r} holds a {type(value).__name__}, which was not written here"
            raise LedgerDamagedError(message)
        values[name] = value
    return Row(key, entity.metadata["etag"] or "", values)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
