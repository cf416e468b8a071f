"""Rows of older releases are brought to the present format, while instances run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import catalog, keys, migrate, query
from stage_functions.application.formats import RowKind, kind_of
from stage_functions.application.ledger_format import KEY, LEDGER_FORMAT, ledger_format
from stage_functions.application.link_keys import LinkKeys
from stage_functions.application.ports.rows import (
    ANY_ETAG,
    CATALOG,
    LEDGER,
    TABLES,
    WORK,
    Delete,
    Insert,
    Row,
    Upsert,
    Value,
)
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.error import (
    LaterReleaseError,
    NotFoundError,
    RowTooLargeError,
)
from tests.application.aged import DiedError, Dying, Meanwhile, Store, age, contents
from tests.builders import IRIS, World, timed, world
from tests.fakes.notifier import MemoryNotifier
from tests.fakes.sink import MemorySink
from tests.rolling.next_release import DUTY, owe, packed

PARTITION = keys.asset_partition(IRIS)
TEXTUAL = {"head", "version", "approval", "record", "answer", "document"}
"""Kinds of which the first release wrote the format too."""


@pytest.fixture
def it() -> Iterator[World]:
    """A world with something of every kind that a story leaves."""
    notifier = MemoryNotifier({"person:bob": ("mail:bob",)})
    sink = MemorySink("events")
    made = world(sinks=(sink,), governed_by=timed(), notifier=notifier)
    for number in ("1", "2"):
        version = made.register(number)
        request_transition(made.context, made.command(version, "Staging"))
        request_transition(made.context, made.command(version, "Production"))
    sweep(made.context)
    LinkKeys.of(made.rows, made.clock, made.context.configuration).newest()
    names = made.context.ledger.names
    names.keep([names.masked("mlflow:sam@example.org").encode()], made.clock.now())
    yield made
    made.rows.close()


@pytest.fixture
def store(it: World) -> Store:
    """Its store, as the first release would have left it."""
    made = Store(it.rows._rows)  # type: ignore[arg-type]  # noqa: SLF001  # a store that is whole
    age(made)
    return made


def test_every_row_gets_its_format_and_nothing_else(it: World, store: Store) -> None:
    """And the ledger says of which format it is."""
    before = contents(store)
    done = migrate.migrate(store)
    after = contents(store)

    assert after.pop((LEDGER, "ledger", KEY)) == {"format": 1, "ledger": 2, "least": 1}
    assert after == {place: {"format": 1, **values} for place, values in before.items()}
    assert done.rewritten == len([one for one in before.values() if "format" not in one]) > 10
    assert (done.complete, done.ledger, done.left) == (True, LEDGER_FORMAT, ())
    assert query.check_history(it.context, IRIS) is None


def test_a_dry_run_says_the_same_and_writes_nothing(store: Store) -> None:
    """Whatever it counts as older, the run rewrites."""
    before = contents(store)
    tried = migrate.migrate(store, dry_run=True)
    untouched = contents(store) == before
    done = migrate.migrate(store)

    assert untouched
    assert (tried.found, tried.rewritten) == (done.found, done.rewritten)
    assert sum(one.rows for one in done.found if one.older) == done.rewritten
    assert sum(one.rows for one in done.found) == len(before)


def test_a_second_run_finds_nothing_to_do(store: Store) -> None:
    """Also where rows of the first release came in between: those alone are rewritten."""
    migrate.migrate(store)
    after = contents(store)
    again = migrate.migrate(store)
    unchanged = contents(store) == after
    store.commit(WORK, "outbox-00", [Insert("m", {"asset": "a", "commit": 1, "at": "t"})])
    third = migrate.migrate(store)

    assert unchanged
    assert (0, 1) == (again.rewritten, third.rewritten)


def test_it_goes_on_where_it_was_broken_off(store: Store) -> None:
    """At any commit, before it or after it: what was done is done."""
    whole = migrate.migrate(store, dry_run=True).rewritten
    rewritten, runs, dice = 0, 0, random.Random(7)
    while runs < 100:
        runs += 1
        calls = dice.randint(0, 2)
        try:
            done = migrate.migrate(Dying(store, calls, after=bool(runs % 2)))
        except DiedError:
            continue
        rewritten = done.rewritten
        if done.complete:
            break

    assert 1 < runs < 100
    assert rewritten < whole
    assert all(values.get("format") == 1 for values in contents(store).values())


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_reply_is_looked_after(store: Store, applied: bool) -> None:  # noqa: FBT001
    """Whether or not the batch was applied."""
    store.losses = [applied]
    whole = migrate.migrate(store, dry_run=True).rewritten
    done = migrate.migrate(store)

    assert (done.rewritten, done.complete) == (whole, True)
    assert all(values.get("format") == 1 for values in contents(store).values())


def test_what_an_instance_writes_meanwhile_is_not_overwritten(store: Store) -> None:
    """Nor is a row that it has removed written again."""
    place = (LEDGER, "lifecycle:default", "adopted")
    gone = (LEDGER, "lifecycle:default", "sink:events")

    def meanwhile() -> None:
        store.whole.commit(LEDGER, place[1], [Upsert(place[2], {"digest": "newer"})])
        store.whole.commit(LEDGER, gone[1], [Delete(gone[2], ANY_ETAG)])

    behind = Meanwhile(store.whole, place[1], meanwhile)
    done = migrate.migrate(behind)
    after = contents(store)

    assert done.complete
    assert after[place] == {"format": 1, "digest": "newer"}
    assert gone not in after


def test_a_row_that_never_stands_still_is_named(store: Store) -> None:
    """The ledger keeps its format, so that somebody runs it again."""
    count = iter(range(100))

    def meanwhile() -> None:
        values: dict[str, Value] = {"asset": f"demo/models/x{next(count)}"}
        store.whole.commit(LEDGER, "assets", [Upsert(PARTITION, values)])

    behind = Meanwhile(store.whole, "assets", meanwhile)
    behind.always = True
    done = migrate.migrate(behind)

    assert (done.complete, done.ledger, done.left_in_all) == (False, 1, 1)
    assert (done.left[0].key, "run `stageward migrate` again" in done.left[0].why) == (
        PARTITION,
        True,
    )
    assert ledger_format(store).ledger == 1


@pytest.mark.parametrize(
    ("table", "partition", "key", "values", "said"),
    [
        (LEDGER, PARTITION, "version:9", packed({"x": 1}), "row version:9 holds no VersionState"),
        (LEDGER, PARTITION, "record:0000009999", packed([]), "is no record"),
        (LEDGER, "tokens", "t", packed({"id": "i"}), "holds no Token"),
        (LEDGER, PARTITION, "rehearsal:1", {"x": "y"}, "this release has no such rows"),
        (LEDGER, "rehearsals", "1", {"x": "y"}, "this release has no such rows"),
        (WORK, "outbox-00", "a", {"commit": 1}, "is of a later release: it has no asset, at"),
        (CATALOG, "dev:models", "a", packed({}), "holds no CatalogEntry"),
        (LEDGER, "copies", "a", {"format": 2, **packed({"later": 1})}, "it has format 2"),
    ],
)
def test_what_cannot_be_read_is_named_and_left(
    store: Store, table: str, partition: str, key: str, values: dict[str, Value], said: str
) -> None:
    """All the rest is migrated."""
    store.commit(table, partition, [Insert(key, values)])
    done = migrate.migrate(store)
    row = store.get(table, partition, key)

    assert [(one.table, one.partition, one.key) for one in done.left] == [(table, partition, key)]
    assert said.partition(",")[0] in done.left[0].why
    assert (row and row.values, done.complete, done.ledger) == (values, False, 1)
    rest = [v for place, v in contents(store).items() if place != (table, partition, key)]
    assert all(one.get("format") == 1 for one in rest)


def test_a_report_names_no_more_than_it_may(store: Store) -> None:
    """And says how many there are."""
    rows = [Insert(f"{number:03d}", {"x": "y"}) for number in range(migrate.MAX_NAMED + 20)]
    for start in (0, 100):
        store.commit(LEDGER, "rehearsals", rows[start : start + 100])
    done = migrate.migrate(store, dry_run=True)

    assert (len(done.left), done.left_in_all) == (migrate.MAX_NAMED, migrate.MAX_NAMED + 20)


def test_work_of_a_next_release_is_migrated_over_and_left(it: World, store: Store) -> None:
    """It has its format."""
    key = owe(it.rows, IRIS)
    before = store.get(LEDGER, PARTITION, key)
    done = migrate.migrate(store)

    assert done.complete
    assert store.get(LEDGER, PARTITION, key) == before
    assert [one.duty for one in it.context.ledger.owed(IRIS)].count(DUTY) == 1


def test_a_ledger_that_a_later_release_has_migrated_is_left_to_it(store: Store) -> None:
    """One that bars this release is not touched; one that only knows more keeps its number."""
    say: Callable[[int, int], object] = lambda ledger, least: store.commit(  # noqa: E731
        LEDGER, "ledger", [Upsert(KEY, {"format": 1, "ledger": ledger, "least": least})]
    )
    say(9, 9)
    before = contents(store)
    with pytest.raises(LaterReleaseError, match="needs one that knows format 9"):
        migrate.migrate(store)
    unchanged = contents(store) == before
    say(9, 1)

    assert unchanged
    assert migrate.migrate(store).ledger == 9
    assert ledger_format(store).ledger == 9


def test_where_there_is_no_ledger_nothing_is_made() -> None:
    """Whoever only looks must not make one."""
    with closing(SQLiteRows(":memory:")) as rows:
        with pytest.raises(NotFoundError, match="there is no ledger here yet"):
            migrate.migrate(rows)
        assert contents(rows) == {}


def test_progress_is_told_by_table(store: Store) -> None:
    """With how many rows were looked at."""
    told: list[tuple[str, int]] = []
    migrate.migrate(store, progress=lambda table, rows: told.append((table, rows)))

    assert {table for table, _ in told} == set(TABLES)
    assert [rows for _, rows in told] == sorted(rows for _, rows in told)


def test_large_partitions_are_rewritten_in_batches(store: Store) -> None:
    """A hundred rows each, or a few megabytes."""
    many = [Insert(f"{number:04d}", {"id": "x"}) for number in range(250)]
    for start in range(0, 250, 100):
        store.commit(LEDGER, "names", many[start : start + 100])
    large: dict[str, Value] = {f"p{n}": bytes(60_000) for n in range(15)}
    for number in range(5):
        values: dict[str, Value] = {**large, "id": "x"}
        store.commit(LEDGER, "names", [Insert(f"large-{number}", values)])
    done = migrate.migrate(store)

    assert done.complete
    assert all(row.values["format"] == 1 for row in store.query(LEDGER, "names"))


def test_texts_that_make_a_batch_too_large_are_written_one_by_one(store: Store) -> None:
    """How many bytes a store sends of a text is its own affair; a row that is full is named."""
    texts: dict[str, Value] = {f"p{n}": "\u20ac" * 32_000 for n in range(10)}
    full: dict[str, Value] = {f"p{n}": bytes(65_536) for n in range(15)}
    for number in range(6):
        store.commit(LEDGER, "names", [Insert(f"t-{number}", {**texts, "id": "x"})])
    rest = 2**20 - 15 * (65_536 + 20) - 600
    for size in range(rest, rest + 700):
        try:
            store.commit(LEDGER, "names", [Upsert("u", {**full, "id": "x", "q": bytes(size)})])
        except RowTooLargeError:
            break
    done = migrate.migrate(store)

    assert [one.key for one in done.left] == ["u"]
    rows = store.query(LEDGER, "names", start="t-", end="u")
    assert [row.values["format"] for row in rows] == [1] * 6


def test_each_row_of_a_story_is_of_a_kind(it: World, store: Store) -> None:
    """This release has a name for all that it writes, and can read it."""
    catalog.write(it.rows, IRIS, it.context.ledger.versions(IRIS))
    kinds = {
        kind.name if kind is not None else f"? {table} {partition} {row.key}"
        for table in TABLES
        for partition, row in store.scan(table)
        for kind in [kind_of(table, partition, row.key)]
    }

    assert kinds >= {
        *TEXTUAL,
        *("asset", "approval's asset", "name", "registry", "adopted lifecycle"),
        *("published adoptions", "ledger's id", "ledger's secret", "key of links"),
        *("moment", "content", "catalog entry"),
    }
    assert not [name for name in kinds if name.startswith("?")]


def test_formats_are_raised_step_by_step() -> None:
    """A row of any older format is brought to the present one, through all that lie between."""
    steps = {0: _step("first"), 1: _step("second"), 2: _step("third")}
    kind = RowKind("kind", format=3, steps=steps)

    assert kind.migrated(Row("k", "e", {"format": 3})) is None
    assert kind.migrated(Row("k", "e", {"format": 4})) is None
    assert kind.migrated(Row("k", "e", {"x": 1})) == {
        "x": 1,
        "first": True,
        "second": True,
        "third": True,
        "format": 3,
    }
    assert kind.migrated(Row("k", "e", {"format": 2})) == {"format": 3, "third": True}


def _step(name: str) -> Callable[[object], dict[str, Value]]:
    def step(values: object) -> dict[str, Value]:
        assert isinstance(values, dict)
        return {**values, name: True}

    return step
