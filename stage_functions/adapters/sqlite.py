"""Rows in one SQLite file: the embedded store, and with `:memory:` the one for tests.

Decides how rows, ETags and batches lie in SQLite. Who uses which connection, and what waits for
what, is decided in `sqlite_connections.py`; what a batch may be, in `limits.py`. Whether SQLite
may be used at all (not inside Azure Functions) is for the bootstrap.

- A commit is one transaction, on the disk before it returns (`synchronous=FULL`).
- ETags come from one counter in the file, which only grows: none is used twice, not even after
  the row is deleted. A connection reserves some at a time, so that few transactions write the
  counter; what it does not use is never used.
- Several processes may share the file on a local disk.
- `prepare` keeps rows in the memory of the thread; its next `commit` writes them in the same
  transaction, before its own changes: one flush a decision. A commit that fails drops them. Until
  then no `get` or `query` sees them, not even on the same thread. If no commit follows they are
  never written: nothing relies on them then. If the next commit is another decision's, they are
  written with that one: a prepared row must be harmless on its own.
- A row that cannot be read (its body is none, or a text is no UTF-8) is an error that names it; or,
  where somebody looks for damage, a row without properties, so that the others are read.
"""

from __future__ import annotations

import codecs
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from sqlite3 import Connection, Cursor, OperationalError
from typing import Any

import msgspec
from msgspec import Struct

from stage_functions.adapters.limits import check_batch, check_key, check_range, check_table
from stage_functions.adapters.sqlite_connections import MEMORY, Connections, Session, Synchronous
from stage_functions.application.ports.rows import (
    ANY_ETAG,
    CATALOG,
    TABLES,
    WORK,
    Change,
    Delete,
    Insert,
    Leftover,
    Replace,
    Row,
    Upsert,
    Value,
)
from stage_functions.domain.error import ConflictError, LedgerDamagedError

__all__ = ["MEMORY", "SQLiteRows", "Synchronous"]

SCHEMA_VERSION = 1
_RESERVED_ETAGS = 1000
_SCANNED = 500
"""Rows of a page of a scan."""


class SQLiteRows:
    """A store of rows in one SQLite file. Safe to share between threads and processes."""

    def __init__(
        self,
        path: str | Path,
        *,
        busy_timeout_seconds: float = 5.0,
        synchronous: Synchronous = Synchronous.FULL,
        read_only: bool = False,
        damaged: bool = False,
    ) -> None:
        """Open the file, and create it with its tables if it is missing.

        Args:
            path: the file, in a directory that exists; or `:memory:`.
            busy_timeout_seconds: how long a write waits for other writers.
            synchronous: when a commit is on the disk.
            read_only: create nothing and write nothing, no file beside it either. Where another
                process has left a log, or writes, SQLite may need one more to share it.
            damaged: show a row that cannot be read as one without properties. Only for who looks
                for that, and writes nothing.

        Raises:
            ConfigurationError: the file is another program's or a newer Stageward's, or its file
                system has no shared memory for WAL.
            StoreUnavailableError: the file cannot be opened.
        """
        self._connections = Connections(
            path,
            busy_timeout_seconds=busy_timeout_seconds,
            synchronous=synchronous,
            schema_version=SCHEMA_VERSION,
            read_only=read_only,
        )
        self._prepared = threading.local()
        self._damaged = damaged
        try:
            if read_only:
                self._connections.read(lambda connection: connection.execute("SELECT 1").fetchall())
            else:
                self._create_tables()
        except BaseException:
            self._connections.close()
            raise

    def get(self, table: str, partition: str, key: str) -> Row | None:
        """Return the row, or None; see `Rows`.

        Raises:
            LedgerDamagedError: it cannot be read.
        """
        check_table(table)
        check_key(partition, "partition")
        check_key(key)
        sql = _STATEMENTS[table].get
        rows = self._connections.read(_executed(sql, (partition, key)))
        return self._row(table, partition, *rows[0]) if rows else None

    def query(
        self,
        table: str,
        partition: str,
        *,
        start: str = "",
        end: str | None = None,
        limit: int = 1000,
    ) -> list[Row]:
        """Return rows in the order of their keys, all of one instant; see `Rows`.

        Raises:
            LedgerDamagedError: one of them cannot be read.
        """
        check_table(table)
        check_key(partition, "partition")
        check_range(start, end, limit)
        statements = _STATEMENTS[table]
        parameters: tuple[str | int | bytes, ...] = (partition, start, limit)
        sql = statements.query_from
        if end is not None:
            parameters = (partition, start, end, limit)
            sql = statements.query_between
        rows = self._connections.read(_executed(sql, parameters))
        return [self._row(table, partition, *row) for row in rows]

    def scan(self, table: str) -> Iterator[tuple[str, Row]]:
        """Yield every row of a table with its partition; see `WholeRows`.

        Raises:
            LedgerDamagedError: one of them cannot be read.
        """
        check_table(table)
        sql = _STATEMENTS[table].scan
        partition, key = "", ""
        while True:
            found = self._connections.read(_executed(sql, (partition, key, _SCANNED)))
            yield from ((one[0], self._row(table, *one)) for one in found)
            if len(found) < _SCANNED:
                return
            partition, key = found[-1][:2]

    def commit(
        self,
        table: str,
        partition: str,
        changes: Sequence[Change],
        *,
        durable: bool = True,
        leftovers: Sequence[Leftover] = (),
    ) -> tuple[str, ...]:
        """Apply what was prepared and all changes, or nothing; return the ETags; see `Rows`."""
        prepared = self._take_prepared()
        check_batch(table, partition, changes)
        writes = [_Write.of(table, partition, change) for change in changes]
        for leftover in leftovers:
            check_table(leftover.table)

        def apply(session: Session) -> tuple[str, ...]:
            etags = _new_etags(session, len(prepared) + len(writes))
            for write in prepared:
                write.apply(session.connection, next(etags))
            applied = tuple([write.apply(session.connection, next(etags)) for write in writes])
            for leftover in leftovers:
                place = {"partition": leftover.partition, "key": leftover.key}
                session.connection.execute(_STATEMENTS[leftover.table].delete_any, place)
            return applied

        return self._connections.write(apply, durable=durable)

    def prepare(self, table: str, partition: str, changes: Sequence[Upsert]) -> None:
        """Keep rows for the next commit of this thread; see `Rows` and the module."""
        check_batch(table, partition, changes)
        kept: list[_Write] = getattr(self._prepared, "writes", [])
        kept.extend(_Write.of(table, partition, change) for change in changes)
        self._prepared.writes = kept

    def close(self) -> None:
        """Close all connections; what was only prepared is dropped."""
        self._connections.close()

    def _row(self, table: str, partition: str, key: str, etag: str, body: object) -> Row:
        """Return a row as it is stored; without properties where it cannot be read and may be so.

        Raises:
            LedgerDamagedError: it cannot be read.
        """
        try:
            values: dict[str, Value] = _DECODER.decode(body)  # type: ignore[arg-type]  # as found
            if not _TYPES.issuperset(map(type, values.values())):
                why = "a value of it is of no type that rows have"
            else:
                why = "a text of it is no UTF-8" if _TORN.search(f"{partition}{key}{etag}") else ""
        except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as exc:
            values, why = {}, str(exc)
        if why and not self._damaged:
            message = f"the row '{key}' in '{partition}' of the table {table} is damaged: {why}"
            raise LedgerDamagedError(message)
        return Row(key, etag, {} if why else values)

    def _take_prepared(self) -> Sequence[_Write]:
        kept: list[_Write] = getattr(self._prepared, "writes", [])
        self._prepared.writes = []
        return kept

    def _create_tables(self) -> None:
        def create(session: Session) -> None:
            connection = session.connection
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == SCHEMA_VERSION:
                return
            for table in TABLES:
                small = "WITHOUT ROWID" if table in _SMALL_ROWS else ""
                connection.execute(_CREATE_TABLE.format(table=table, small=small))
            connection.execute("CREATE TABLE etag (last INTEGER NOT NULL)")
            connection.execute("INSERT INTO etag VALUES (0)")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

        self._connections.write(create)


_CREATE_TABLE = """
    CREATE TABLE {table} (
        partition TEXT NOT NULL,
        key TEXT NOT NULL,
        etag TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (partition, key)
    ) {small}
"""
_SMALL_ROWS = (WORK, CATALOG)
"""They lie in the tree of their keys. Larger ones lie in the order they were written, beside that
tree: in it they would need a page of their own from a kilobyte on, and move others around."""


class _Statements(Struct, frozen=True):
    """The statements of one table: fixed texts, so that SQLite prepares each once."""

    get: str
    query_from: str
    query_between: str
    scan: str
    insert: str
    replace: str
    replace_any: str
    upsert: str
    delete: str
    delete_any: str

    @classmethod
    def of(cls, table: str) -> _Statements:
        here = "partition = :partition AND key = :key"
        read = f"SELECT key, etag, body FROM {table} WHERE partition = ?"  # noqa: S608 - own names
        insert = f"INSERT INTO {table} VALUES (:partition, :key, :etag, :body)"  # noqa: S608
        replace = f"UPDATE {table} SET etag = :etag, body = :body WHERE {here}"  # noqa: S608
        delete = f"DELETE FROM {table} WHERE {here}"  # noqa: S608
        put = "DO UPDATE SET etag = excluded.etag, body = excluded.body"
        return cls(
            get=f"{read} AND key = ?",
            query_from=f"{read} AND key >= ? ORDER BY key LIMIT ?",
            query_between=f"{read} AND key >= ? AND key < ? ORDER BY key LIMIT ?",
            scan=(
                f"SELECT partition, key, etag, body FROM {table} "  # noqa: S608 - own names
                "WHERE (partition, key) > (?, ?) ORDER BY partition, key LIMIT ?"
            ),
            insert=f"{insert} ON CONFLICT DO NOTHING",
            replace=f"{replace} AND etag = :if_etag",
            replace_any=replace,
            upsert=f"{insert} ON CONFLICT (partition, key) {put}",
            delete=f"{delete} AND etag = :if_etag",
            delete_any=delete,
        )


_STATEMENTS = {table: _Statements.of(table) for table in TABLES}


class _Write(Struct, frozen=True):
    """One change, ready to be executed."""

    sql: str
    partition: str
    key: str
    body: bytes | None
    if_etag: str | None

    @classmethod
    def of(cls, table: str, partition: str, change: Change) -> _Write:
        statements = _STATEMENTS[table]
        match change:
            case Insert():
                sql, etag = statements.insert, None
            case Upsert():
                sql, etag = statements.upsert, None
            case Replace(etag=etag):
                sql = statements.replace_any if etag == ANY_ETAG else statements.replace
            case Delete(etag=etag):
                sql = statements.delete_any if etag == ANY_ETAG else statements.delete
        body = None if isinstance(change, Delete) else _encode(dict(change.values))
        return cls(sql, partition, change.key, body, etag)

    def apply(self, connection: Connection, etag: str) -> str:
        """Execute the change and return the row's ETag, which is "" for a deletion.

        Raises:
            ConflictError: its condition does not hold.
        """
        cursor: Cursor = connection.execute(
            self.sql,
            {
                "partition": self.partition,
                "key": self.key,
                "etag": etag,
                "body": self.body,
                "if_etag": self.if_etag,
            },
        )
        if cursor.rowcount != 1:
            message = f"the row {self.key!r} in {self.partition!r} is not as it was"
            raise ConflictError(message)
        return "" if self.body is None else etag


def _executed(
    sql: str, parameters: tuple[str | int | bytes, ...]
) -> Callable[[Connection], list[tuple[Any, ...]]]:
    """Return what reads rows, of whatever bytes their texts are; see `_TORN`."""
    if any(isinstance(one, str) and _TORN.search(one) for one in parameters):
        sql = sql.replace("?", "CAST(? AS TEXT)").replace("LIMIT CAST(? AS TEXT)", "LIMIT ?")
        parameters = tuple(_bytes(one) if isinstance(one, str) else one for one in parameters)

    def read(connection: Connection) -> list[tuple[Any, ...]]:
        try:
            return connection.execute(sql, parameters).fetchall()
        except OperationalError as exc:
            if "Could not decode" not in str(exc):
                raise
        connection.text_factory = bytes
        try:
            found = connection.execute(sql, parameters).fetchall()
        finally:
            connection.text_factory = str
        return [(*map(_text, texts), body) for *texts, body in found]

    return read


_TORN = re.compile("[\uf780-\uf7ff]")
"""What stands for bytes that are no UTF-8; Stageward writes none of these in keys and ETags."""
_FIRST_TORN = 0xF700


def _torn(exc: UnicodeError) -> tuple[str, int]:
    if not isinstance(exc, UnicodeDecodeError):
        raise exc
    torn = exc.object[exc.start : exc.end]
    return "".join(chr(_FIRST_TORN + byte) for byte in torn), exc.end


codecs.register_error("stageward-torn", _torn)


def _text(found: object) -> str:
    return found.decode(errors="stageward-torn") if isinstance(found, bytes) else str(found)


def _bytes(text: str) -> bytes:
    """Return the bytes that a text was read from, so that what is behind it is found."""
    return b"".join(
        bytes([ord(one) - _FIRST_TORN]) if _TORN.match(one) else one.encode() for one in text
    )


def _new_etags(session: Session, count: int) -> Iterator[str]:
    if len(session.numbers) < count:
        sql = "UPDATE etag SET last = last + ? RETURNING last"
        reserved = max(count, _RESERVED_ETAGS)
        ((last,),) = session.connection.execute(sql, (reserved,)).fetchall()
        session.numbers = range(last - reserved + 1, last + 1)
    taken, session.numbers = session.numbers[:count], session.numbers[count:]
    return map(str, taken)


def _plain(value: object) -> Value:
    """Take subclasses, such as those of an enumeration, for what they extend."""
    match value:
        case str():
            return str(value)
        case int():
            return int(value)
        case bytes():
            return bytes(value)
        case _:
            raise TypeError(type(value).__name__)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain)
_DECODER = msgspec.msgpack.Decoder(dict[str, Any])
_TYPES = frozenset({str, bool, int, bytes})


def _encode(values: dict[str, Value]) -> bytes:
    return _ENCODER.encode(values)
