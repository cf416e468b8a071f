"""The whole ledger to one file and back: every row, verified, and nothing half there."""

from __future__ import annotations

import hashlib
import io
import json
import string
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.limits import check_batch
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.adapters.tables import TableRows, table_service
from stage_functions.application import keys
from stage_functions.application.adoption import adopt
from stage_functions.application.backup_check import histories_of
from stage_functions.application.backup_lines import Reader, Writer, line
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ledger_format import KEY, KNOWN, restoring
from stage_functions.application.ports.rows import (
    ANY_ETAG,
    BLOBS,
    CATALOG,
    LEDGER,
    TABLES,
    WORK,
    Delete,
    Insert,
    Replace,
    Upsert,
    Value,
    WholeRows,
)
from stage_functions.application.scan import found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.application.verifying_file import check_lying
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import (
    BeingRestoredError,
    ConflictError,
    InvalidInputError,
    LaterReleaseError,
    LedgerDamagedError,
    NotAllowedNowError,
    NotFoundError,
    RowTooLargeError,
)
from stage_functions.domain.history import as_of
from tests.application.aged import DiedError, Dying, Store, contents
from tests.azurite import connection_string
from tests.backup_world import Moving, backed_up, examined, opened, restored
from tests.builders import IRIS, World, actor, cast, context_over, timed, unguarded, world
from tests.fakes.clock import FakeClock
from tests.fakes.notifier import MemoryNotifier
from tests.fakes.registry import MemoryRegistry
from tests.fakes.sink import MemorySink

PARTITION = keys.asset_partition(IRIS)
STOPPED = (LEDGER, "registry:demo", "state")
COUNTED = (LEDGER, keys.LEDGER_PARTITION, keys.RESTORED)


@pytest.fixture
def it() -> Iterator[World]:
    """A world with something of every kind that a story leaves."""
    notifier = MemoryNotifier({"person:bob": ("mail:bob",)})
    made = world(sinks=(MemorySink("events"),), governed_by=timed(), notifier=notifier)
    for number in ("1", "2"):
        version = made.register(number)
        request_transition(made.context, made.command(version, "Staging"))
        request_transition(made.context, made.command(version, "Production"))
    names = made.context.ledger.names
    names.keep([names.masked("mlflow:sam@example.org").encode()], made.clock.now())
    yield made
    made.rows.close()


@pytest.fixture
def store(it: World) -> Store:
    """Its store, with rows of a later release in it."""
    made = Store(it.rows._rows)  # type: ignore[arg-type]  # noqa: SLF001  # a store that is whole
    made.commit(LEDGER, "oracle:42", [Insert("é:ü", {"format": 9, "seen": True, "much": -7})])
    head = made.get(LEDGER, PARTITION, keys.HEAD)
    assert head is not None
    values = {**head.values, "later": b"\xff\x00", "said": "later"}
    made.commit(LEDGER, PARTITION, [Replace(head.key, values, head.etag)])
    return made


@pytest.fixture
def empty() -> Iterator[SQLiteRows]:
    """A store with nothing in it."""
    with closing(SQLiteRows(":memory:")) as made:
        yield made


def unstopped(rows: WholeRows) -> dict[tuple[str, str, str], dict[str, Value]]:
    """Return all that a store holds but for what a restore adds, or leaves out."""
    return unrestored(contents(rows))


def unrestored(
    there: dict[tuple[str, str, str], dict[str, Value]],
) -> dict[tuple[str, str, str], dict[str, Value]]:
    """Return the rows of a ledger but for what a restore adds, or leaves out."""
    return {
        place: {name: one for name, one in values.items() if (place[2], name) != (KEY, "least")}
        for place, values in there.items()
        if place not in (STOPPED, COUNTED)
        and place[1] not in (keys.JOURNAL_PARTITION, keys.WHOLE_PARTITION)
    }


def test_all_rows_come_back_as_they_were(store: Store, empty: SQLiteRows) -> None:
    """Those of a later release too, with every property, and its type."""
    before = unstopped(store)
    content, made = backed_up(store)
    done = restored(empty, content)

    assert before == unstopped(empty)
    assert made.sha256 == done.contents.sha256
    assert (2, (), 0) == (done.contents.histories, made.broken, made.reread_in_all)
    assert ("demo",) == done.contents.registries


def test_from_sqlite_to_tables_and_back(store: Store, azurite: int) -> None:
    """The ledger need not stay where it is."""
    before = unstopped(store)
    service = table_service(connection_string(azurite))
    with (
        closing(TableRows(service, prefix=f"b{uuid.uuid4().hex}")) as tables,
        closing(SQLiteRows(":memory:")) as back,
    ):
        tables.create_tables()
        restored(tables, backed_up(store)[0])
        there = contents(tables)
        restored(back, backed_up(tables)[0])
        again = contents(back)

    assert before == unrestored(there)
    journal = (LEDGER, keys.JOURNAL_PARTITION)
    told = (STOPPED, COUNTED)
    kept = [place for place in there if place[:2] != journal and place not in told]
    assert [there[place] for place in kept] == [again[place] for place in kept]
    assert [1, 2] == [rows[COUNTED]["count"] for rows in (there, again)]
    records = [place for place in again if place[:2] == journal and "record:" in place[2]]
    assert 2 == len(records)


def test_a_backup_is_checked_with_standard_tools(store: Store) -> None:
    """Its last line has the SHA-256 of all before; each line is JSON; a record can be read."""
    content, made = backed_up(store)
    *lines, last = content.splitlines(keepends=True)
    rows = [json.loads(one) for one in lines[1:]]
    body = next(one["values"]["body0"] for one in rows if one["key"] == keys.record_key(1))

    assert made.sha256 == hashlib.sha256(b"".join(lines)).hexdigest()
    assert made.sha256 == json.loads(last)["end"]["sha256"]
    assert "Registered" == json.loads(body["utf8"])["type"]
    assert {"stageward_backup": 1, "release": "0.1.0"}.items() <= json.loads(lines[0]).items()
    assert sum(made.rows.values()) == len(rows)


NAMES = st.text(string.ascii_letters + "_", min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
VALUES = st.one_of(
    TEXTS,
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
    st.binary(max_size=60),
    st.just(b"\x00" * 60_000),
    st.just("é" * 30_000),
)
KEYS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0xD7FF, exclude_characters="/\\#?\x7f"),
    min_size=1,
    max_size=12,
)
PLACES = st.tuples(st.sampled_from(TABLES), KEYS, KEYS)


@settings(max_examples=60)
@given(st.dictionaries(PLACES, st.dictionaries(NAMES, VALUES, max_size=6), max_size=25))
def test_whatever_a_store_may_hold_comes_back(
    rows: dict[tuple[str, str, str], dict[str, Value]],
) -> None:
    """Keys and texts of any script, empty values, and more than one batch takes."""
    with closing(SQLiteRows(":memory:")) as store, closing(SQLiteRows(":memory:")) as other:
        open_ledger(store, FakeClock())
        for (table, partition, key), values in rows.items():
            try:
                check_batch(table, partition, [Upsert(key, values)])
            except (ValueError, RowTooLargeError):
                continue
            store.commit(table, partition, [Upsert(key, values)])
        restored(other, backed_up(store)[0])

        assert unstopped(store) == unstopped(other)


def test_many_rows_of_a_partition_come_in_many_batches(empty: SQLiteRows) -> None:
    """However many, and however large they are."""
    with closing(SQLiteRows(":memory:")) as store:
        open_ledger(store, FakeClock())
        for number in range(1234):
            values = {"body0": b"\x00\xff" * (20_000 if number % 50 == 0 else 20)}
            store.commit(CATALOG, "a:models", [Insert(f"{number:05d}", values)])
        restored(empty, backed_up(store)[0])

        assert unstopped(store) == unstopped(empty)


def test_an_asset_that_moves_while_it_is_read_is_read_again(
    it: World, store: Store, empty: SQLiteRows
) -> None:
    """All of it belongs to one head, and its history verifies."""
    version = it.register("3")

    def move() -> None:
        request_transition(it.context, it.command(version, "Staging"))

    content, made = backed_up(Moving(store, (LEDGER, "record:"), move))
    restored(empty, content)
    ledger = open_ledger(empty, it.clock)
    loaded = ledger.load(IRIS, ["3"])

    assert ((str(IRIS),), ()) == (made.reread, made.broken)
    assert "Staging" == loaded.versions["3"].stage
    assert loaded.versions["3"].number <= loaded.head.number
    assert () == examined(content).broken


def test_an_approval_that_is_decided_while_it_is_read_is_one_thing_or_the_other(
    it: World, store: Store, empty: SQLiteRows
) -> None:
    """What stands before the head in the order of keys was read before it."""
    approval = it.context.ledger.load(IRIS).head.approvals[0]

    def decide() -> None:
        cast(it.context, approval, "bob")

    content, made = backed_up(Moving(store, (LEDGER, "approval:"), decide))
    restored(empty, content)
    ledger = open_ledger(empty, it.clock)
    loaded = ledger.more(ledger.load(IRIS), approval=approval)
    voted = any("Voted" in str(one.type) for one in ledger.records(PARTITION))

    assert 1 == made.reread_in_all
    assert voted
    assert 1 == len(loaded.approvals[approval].votes)


def test_an_asset_that_never_rests_ends_the_backup(it: World, store: Store) -> None:
    """A backup that contradicts itself would be none."""
    version = it.register("3")

    def move() -> None:
        it.tag(version, "stage_request", f"Nowhere: {it.clock.operation_id()}")

    moving = Moving(store, (LEDGER, "record:"), move, times=-1)
    with pytest.raises(ConflictError, match="keeps changing while it is read"):
        backed_up(moving, it.clock)


def test_owed_work_that_is_done_meanwhile_is_found_after_a_restore(
    it: World, store: Store, empty: SQLiteRows
) -> None:
    """Its marker is gone when `work` is read, but the asset's rows owe it still."""
    owing = it.context.ledger.load(IRIS).head.owing
    quiet = backed_up(store)[1]

    def done() -> None:
        it.clock.sleep(60)
        sweep(it.context)

    content, made = backed_up(Moving(store, (LEDGER, "id"), done), it.clock)
    restored(empty, content)
    left = it.context.ledger.load(IRIS).head.owing
    markers = {key for table, _, key in contents(empty) if table == WORK}

    assert (True, frozenset()) == (bool(owing), left)
    assert {keys.marker_key(PARTITION, commit) for commit in owing} <= markers
    assert quiet.rows[WORK] == made.rows[WORK]


def test_whatever_is_written_meanwhile_each_asset_is_as_of_one_moment(tmp_path: Path) -> None:
    """Where each version stands follows from its records, in every backup that is made."""
    path = str(tmp_path / "ledger.db")
    with closing(SQLiteRows(path)) as rows:
        registry, clock = MemoryRegistry(), FakeClock()
        context = context_over(rows, registry, clock, Mode.ENFORCE, governed_by=unguarded())
        adopt(context)
        found_empty(context, "demo")
        ended = threading.Event()

        def write() -> None:
            for number in range(60):
                version = Version(IRIS, str(number))
                registry.register(version, clock.now())
                follow(context, Signal(version))
                for target in ("Staging", "Production"):
                    asked = TransitionRequest(
                        version, target, "", actor("sam"), f"{number}{target}"
                    )
                    request_transition(context, asked)
            ended.set()

        writer = threading.Thread(target=write)
        writer.start()
        made = [backed_up(rows)]
        while not ended.is_set():
            made.append(backed_up(rows))
        writer.join()
        made.append(backed_up(rows))
    for content, report in made:
        with closing(SQLiteRows(":memory:")) as other:
            restored(other, content)
            ledger = open_ledger(other, FakeClock())
            stood = as_of(ledger.records(PARTITION, limit=10_000))
            versions = ledger.versions(IRIS)
            found = {number: state.stage for number, state in versions.items()}
            holders = ledger.load(IRIS).head.holders

        assert () == report.broken
        assert {number: one.stage for number, one in stood.items()} == found
        assert {n for n, stage in found.items() if stage == "Production"} == {
            *holders.get("Production", ())
        }


def test_a_broken_history_is_kept_and_told(store: Store, empty: SQLiteRows) -> None:
    """Nothing is lost by a backup; and a restore of it is somebody's own decision."""
    store.commit(LEDGER, PARTITION, [Delete(keys.record_key(2), ANY_ETAG)])
    before = unstopped(store)
    content, made = backed_up(store)
    found = examined(content)
    restored(empty, content)

    (broken,) = made.broken
    assert (str(IRIS), 2) == (broken.history, broken.number)
    assert broken.why == "record 2 is not there; record 3 follows record 1"
    assert (broken,) == found.broken
    assert before == unstopped(empty)


@pytest.mark.parametrize(
    ("place", "values", "why"),
    [
        (keys.record_key(3), {"body0": b"[]", "prev": "", "hash": ""}, "is no record"),
        (keys.HEAD, {"body0": b"[]", "format": 1}, "its head cannot be read"),
    ],
)
def test_rows_that_cannot_be_read_are_kept_and_told(
    store: Store, place: str, values: dict[str, Value], why: str
) -> None:
    """By the number of the first bad record."""
    store.commit(LEDGER, PARTITION, [Upsert(place, values)])
    (broken,) = backed_up(store)[1].broken

    assert why in broken.why


def test_a_cut_tail_is_told(store: Store) -> None:
    """The head says where the records end."""
    last = max(key for _, _, key in contents(store) if key.startswith("record:"))
    store.commit(LEDGER, PARTITION, [Delete(last, ANY_ETAG)])
    (broken,) = backed_up(store)[1].broken

    assert broken.why.startswith("the head is at ")
    assert keys.record_key(broken.number) == last


def test_a_history_at_another_place_is_told(store: Store) -> None:
    """It is of another asset than its rows say."""
    for row in store.query(LEDGER, PARTITION):
        store.commit(LEDGER, "asset:demo:models:other", [Insert(row.key, row.values)])
    (broken,) = backed_up(store)[1].broken

    assert ("asset:demo:models:other", 1) == (broken.history, broken.number)
    assert f"it belongs to {IRIS}" == broken.why


def test_verifiers_read_the_histories_of_a_backup(it: World, store: Store) -> None:
    """Name, records, and the end when these were read."""
    content, made = backed_up(store)
    reader = Reader(opened(content)(), "it")
    found = {}
    for one in check_lying(histories_of(reader), {}):
        assert one.verified.whole
        found[one.verified.name] = (one.ledger, one.verified.number)

    assert {"lifecycle:default": (made.ledger, 1)}.items() <= found.items()
    assert (made.ledger, it.context.ledger.load(IRIS).head.number) == found[str(IRIS)]


Change = Callable[[list[bytes]], list[bytes]]


def altered(lines: list[bytes], number: int, old: bytes, new: bytes) -> list[bytes]:
    """Return lines of which one was altered: this one, or the first from there that can be."""
    number = next(n for n, one in enumerate(lines) if n >= number and old in one)
    return [*lines[:number], lines[number].replace(old, new), *lines[number + 1 :]]


BAD: dict[str, tuple[Change, str]] = {
    "no last line": (lambda lines: lines[:-1], "its last line is missing"),
    "only a first line": (lambda lines: lines[:1], "line 1: the backup is cut off"),
    "half a last line": (
        lambda lines: [*lines[:-1], lines[-1][:50]],
        "the last line cannot be read",
    ),
    "a line less": (lambda lines: [*lines[:3], *lines[4:]], "the file is not what was written"),
    "two lines swapped": (
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        "the file is not what was written",
    ),
    "another table": (lambda lines: altered(lines, 1, b"catalog", b"ledger"), "not what was writt"),
    "no table": (lambda lines: altered(lines, 1, b"catalog", b"k"), "line 2: there is no table"),
    "no row": (lambda lines: altered(lines, 1, b'"key"', b'"kee"'), "line 2: the line holds no"),
    "no bytes": (lambda lines: altered(lines, 1, b'"utf8"', b'"utf9"'), ": the line holds no"),
    "no base64": (
        lambda lines: altered(lines, 1, b'{"utf8"', b'{"base64"'),
        ": the line holds no row",
    ),
    "two in one": (lambda lines: [*lines, *lines], "the file goes on behind the end"),
    "no first line": (lambda lines: lines[1:], "line 1: this is no backup of Stageward"),
    "nothing": (lambda _: [], "line 1: this is no backup of Stageward"),
    "something else": (lambda _: [b"\x00\x01\n"], "line 1: this is no backup of Stageward"),
    "a later format": (
        lambda lines: altered(lines, 0, b'backup":1', b'backup":2'),
        "line 1: the backup has format 2, this release reads 1: update Stageward",
    ),
    "half a first line": (
        lambda lines: altered(lines, 0, b'"made_at"', b'"made"'),
        "line 1: the first line says too little",
    ),
    "other counts": (
        lambda lines: altered(lines, len(lines) - 1, b'"rows":{"ledger":', b'"rows":{"ledger":1'),
        "the rows are not those that were counted",
    ),
}


@pytest.mark.parametrize(("change", "said"), BAD.values(), ids=BAD)
def test_a_file_that_is_not_whole_is_refused_with_the_place(
    store: Store, empty: SQLiteRows, change: Change, said: str
) -> None:
    """And nothing was written."""
    content, _ = backed_up(store)
    bad = b"".join(change(content.splitlines(keepends=True)))

    with pytest.raises(InvalidInputError, match=r"it\.backup, line") as found:
        restored(empty, bad)
    assert said in str(found.value)
    assert {} == contents(empty)


def test_a_restore_goes_where_there_is_nothing(it: World, store: Store, empty: SQLiteRows) -> None:
    """What is there is named."""
    content, _ = backed_up(store)
    with pytest.raises(NotAllowedNowError, match=f"there is the ledger {it.context.ledger.id} al"):
        restored(store, content)
    empty.commit(BLOBS, "x", [Insert("y", {})])

    with pytest.raises(NotAllowedNowError, match="there is something already: row y of x in table"):
        restored(empty, content)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("calls", [0, 1, 3, 9, 20, -2, -1])
def test_a_restore_that_dies_is_recognised_and_begun_anew(
    it: World, store: Store, calls: int, *, after: bool
) -> None:
    """Wherever that was: nothing works on what is half there, and the next one is whole."""
    content, _ = backed_up(store)
    with closing(SQLiteRows(":memory:")) as counted, closing(SQLiteRows(":memory:")) as rows:
        counting = Dying(Store(counted), 10**6, after=False)
        restored(counting, content)
        all_ = 10**6 - counting._calls  # noqa: SLF001  # how often it has committed
        calls = min(calls, all_ - 3) if calls >= 0 else all_ + calls
        dying = Dying(Store(rows), calls, after=after)
        with pytest.raises(DiedError):
            restored(dying, content)
        left = len(contents(rows))
        nothing, over = left == 0, (calls, after) == (all_ - 1, True)
        if not nothing and not over:
            with pytest.raises(BeingRestoredError, match="nothing works on it until"):
                open_ledger(rows, it.clock)
            with pytest.raises(BeingRestoredError):
                backed_up(rows)
        if not over:
            done = restored(rows, content)
            assert max(0, left - 1) == done.removed

        assert unstopped(store) == unstopped(rows)
        assert it.context.ledger.id == open_ledger(rows, it.clock).id


def test_an_older_release_does_not_work_on_a_ledger_that_is_being_restored() -> None:
    """The row says that it needs to know more than any does."""
    row = restoring("ab" * 32, FakeClock().now())

    assert 2**31 - 1 == row["least"]
    assert 2 < int(row["least"])


def test_an_instance_that_runs_finds_out_by_its_sweep(it: World) -> None:
    """And commits nothing more."""
    version = it.register("9")
    row = it.rows.get(LEDGER, "ledger", KEY)
    assert row is not None
    it.rows.commit(LEDGER, "ledger", [Upsert(KEY, restoring("ab" * 32, it.clock.now()))])
    with pytest.raises(BeingRestoredError):
        sweep(it.context)
    with pytest.raises(BeingRestoredError):
        request_transition(it.context, it.command(version, "Staging"))
    it.rows.commit(LEDGER, "ledger", [Upsert(KEY, row.values)])
    sweep(it.context)

    assert "granted" == request_transition(it.context, it.command(version, "Staging")).kind


def test_a_row_that_is_lost_on_the_way_is_found_before_the_ledger_opens(store: Store) -> None:
    """The store is compared with the file."""
    content, _ = backed_up(store)

    class Losing(Store):
        def scan(self, table: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
            found = list(super().scan(table))
            return iter(found[:-1] if table == WORK else found)

    with closing(SQLiteRows(":memory:")) as rows:
        with pytest.raises(LedgerDamagedError, match="table work holds"):
            restored(Losing(rows), content)
        with pytest.raises(BeingRestoredError):
            open_ledger(rows, SystemClock())


def test_lost_replies_of_the_store_are_asked_for_again(store: Store) -> None:
    """A batch may be written twice."""
    content, _ = backed_up(store)
    with closing(SQLiteRows(":memory:")) as rows:
        lossy = Store(rows)
        lossy.losses = [None, True, False, True]
        restored(lossy, content, FakeClock())

        assert unstopped(store) == unstopped(rows)


def test_where_there_is_no_ledger_there_is_no_backup(empty: SQLiteRows) -> None:
    """It would be taken for one."""
    with pytest.raises(NotFoundError, match="there is no ledger here yet"):
        backed_up(empty)


@pytest.mark.parametrize("says", [True, False])
def test_a_ledger_that_was_restored_bars_releases_that_would_not_wait(
    store: Store, empty: SQLiteRows, *, says: bool
) -> None:
    """The release before lets approvals lapse before anybody has resolved the registry."""
    if not says:
        store.commit(LEDGER, keys.LEDGER_PARTITION, [Delete(KEY, ANY_ETAG)])
    restored(empty, backed_up(store)[0])
    row = empty.get(LEDGER, keys.LEDGER_PARTITION, KEY)

    assert row is not None
    assert {"format": 1, "ledger": 2 if says else 1, "least": KNOWN} == row.values


def test_a_ledger_that_this_release_is_too_old_for_is_not_restored(store: Store) -> None:
    """That is the later release's."""
    reader, out = Reader(opened(backed_up(store)[0])(), "it"), io.BytesIO()
    writer = Writer(out.write)
    writer.header(reader.header)
    for table, partition, row in reader.rows():
        later = {"least": 7} if row.key == KEY else {}
        writer.row(table, line(table, partition, replace(row, values={**row.values, **later})))
    writer.end(reader.end.at, 0, 0, ())

    with pytest.raises(LaterReleaseError, match="needs one that knows format 7"):
        examined(out.getvalue())
