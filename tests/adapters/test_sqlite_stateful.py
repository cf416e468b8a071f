"""SQLite against a model: any sequence of changes leaves what a dictionary would hold."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from stage_functions.adapters.sqlite import SQLiteRows, Synchronous
from stage_functions.application.ports.rows import (
    ANY_ETAG,
    TABLES,
    Change,
    Delete,
    Insert,
    Replace,
    Row,
    Upsert,
    Value,
)
from stage_functions.domain.error import ConflictError

Place = tuple[str, str]
Model = dict[Place, dict[str, Row]]

PLACES = tuple((table, partition) for table in TABLES[:2] for partition in ("a", "Ж:="))
KEYS = ("a", "A", "b:1", "ж", "~")

places = st.sampled_from(PLACES)
keys = st.sampled_from(KEYS)
scalars: st.SearchStrategy[Value] = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.binary(max_size=5),
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
)
contents = st.dictionaries(st.sampled_from(("one", "two", "three")), scalars, max_size=3)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Draw a change whose ETag is named, not known: `current`, `old` or any."""
    key, values = draw(keys), draw(contents)
    etag = draw(st.sampled_from(("current", "current", "old", ANY_ETAG)))
    options: tuple[Change, ...] = (
        Insert(key, values),
        Upsert(key, values),
        Replace(key, values, etag),
        Delete(key, etag),
    )
    return draw(st.sampled_from(options))


batches = st.lists(changes(), min_size=1, max_size=4, unique_by=lambda change: change.key)
upserts = st.lists(
    st.builds(Upsert, keys, contents), min_size=1, max_size=3, unique_by=lambda change: change.key
)


class SQLiteAgainstModel(RuleBasedStateMachine):
    """One store on a file, and a dictionary that is assumed to be right."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.store = self.open_store()
        self.model: Model = {place: {} for place in PLACES}
        self.prepared: list[tuple[Place, Upsert]] = []
        self.given: set[str] = set()

    def open_store(self) -> SQLiteRows:
        """Open the file again, without waiting for the disk."""
        return SQLiteRows(Path(self.directory.name) / "rows.db", synchronous=Synchronous.OFF)

    def teardown(self) -> None:
        """Leave no file."""
        self.store.close()
        self.directory.cleanup()

    @rule(place=places, batch=batches)
    def commit(self, place: Place, batch: list[Change]) -> None:
        """A batch applies whole with what was prepared, or nothing of either does."""
        expected = {at: dict(rows) for at, rows in self.model.items()}
        for at, upsert in self.prepared:
            expected[at][upsert.key] = Row(upsert.key, "prepared", upsert.values)
        known = [self.with_known_etag(place, change) for change in batch]
        held = [apply(expected[place], change) for change in known]
        self.prepared = []

        if not all(held):
            with pytest.raises(ConflictError):
                self.store.commit(*place, known)
            return
        etags = self.store.commit(*place, known)

        assert [not etag for etag in etags] == [isinstance(change, Delete) for change in known]
        self.learn(expected)

    @rule(place=places, batch=upserts)
    def prepare(self, place: Place, batch: list[Upsert]) -> None:
        """What is prepared waits for the next commit."""
        self.store.prepare(*place, batch)
        self.prepared += [(place, upsert) for upsert in batch]

    @rule()
    def reopen(self) -> None:
        """Closing loses only what was prepared."""
        self.store.close()
        self.prepared = []
        self.store = self.open_store()

    @rule(place=places, start=keys, end=st.none() | keys, limit=st.integers(1, 3))
    def query(self, place: Place, start: str, end: str | None, limit: int) -> None:
        """A range is the sorted keys of the model between its bounds."""
        found = self.store.query(*place, start=start, end=end, limit=limit)

        inside = [key for key in self.model[place] if start <= key and (end is None or key < end)]
        assert found == [self.model[place][key] for key in sorted(inside)[:limit]]

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        """Every row is as the model has it, by query and by get, in order."""
        for place, rows in self.model.items():
            found = self.store.query(*place)
            assert found == [rows[key] for key in sorted(rows)]
            assert [self.store.get(*place, key) for key in KEYS] == [rows.get(key) for key in KEYS]

    def with_known_etag(self, place: Place, change: Change) -> Change:
        """Put a real ETag where the change names one."""
        row = self.model[place].get(change.key)
        current = row.etag if row else "0"
        match change:
            case Replace(etag="current"):
                return Replace(change.key, change.values, current)
            case Replace(etag="old"):
                return Replace(change.key, change.values, self.old_etag(current))
            case Delete(etag="current"):
                return Delete(change.key, current)
            case Delete(etag="old"):
                return Delete(change.key, self.old_etag(current))
            case _:
                return change

    def old_etag(self, current: str) -> str:
        """Return an ETag that the store once gave, or never."""
        return next(iter(self.given - {current}), "nonsense")

    def learn(self, expected: Model) -> None:
        """Take the ETags of the rows that changed from the store: each must be a new one."""
        for place, rows in expected.items():
            for key, row in rows.items():
                if row == self.model[place].get(key):
                    continue
                found = self.store.get(*place, key)
                assert found is not None
                assert found.etag not in self.given
                self.given.add(found.etag)
                rows[key] = Row(key, found.etag, row.values)
        self.model = expected


def apply(rows: dict[str, Row], change: Change) -> bool:
    """Apply a change to the rows of a partition, and tell whether its condition held."""
    row = rows.get(change.key)
    match change:
        case Insert():
            holds = row is None
        case Upsert():
            holds = True
        case Replace(etag=etag) | Delete(etag=etag):
            holds = row is not None and etag in (ANY_ETAG, row.etag)
    if isinstance(change, Delete):
        rows.pop(change.key, None)
    else:
        rows[change.key] = Row(change.key, "new", change.values)
    return holds


TestSQLiteAgainstModel = SQLiteAgainstModel.TestCase
TestSQLiteAgainstModel.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
