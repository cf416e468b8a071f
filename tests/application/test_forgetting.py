"""Somebody is forgotten: their names are gone from every row, their ids and every hash stay."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.adapters.tables import TableRows, table_service
from stage_functions.application import histories, keys, query
from stage_functions.application.adoption import adopt
from stage_functions.application.brief_people import named, someone
from stage_functions.application.codec import unpack_bytes
from stage_functions.application.context import Context
from stage_functions.application.forgetting import ForgetCommand, forget
from stage_functions.application.holds import HoldCommand, lift, of_asset, place
from stage_functions.application.keeping import keep_under
from stage_functions.application.names import FORGOTTEN, MAX_NAMES
from stage_functions.application.ports.rows import BLOBS, TABLES, Row, WholeRows
from stage_functions.application.scan import found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.chain import verify
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import InvalidInputError, NotAllowedNowError, NotFoundError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.people import Directory, Person
from stage_functions.domain.record import Record, RecordType
from tests.azurite import connection_string
from tests.builders import DIRECTORY, IRIS, World, actor, cast, context_over, world
from tests.fakes.clock import FakeClock
from tests.fakes.registry import MemoryRegistry
from tests.fakes.rows import LossyRows
from tests.fakes.sink import MemorySink

ZOE = Person(
    "zoe",
    "Zoe Quartermain",
    ("mlflow:zoe.q@planted.example", "upn:zoe.q@planted.example", "mlflow:Zoe Quartermain"),
    "zoe.mail@planted.example",
)
STRANGER = "upn:ignatius@planted.example"
SHOWN = "aml:Ignatius Planted"
PLANTED = (
    "Zoe Quartermain",
    "zoe.q",
    "zoe.mail",
    "ignatius",
    "Ignatius Planted",
    "planted.example",
)

_VOTERS = {"1": "bob", "2": "zoe"}


@pytest.fixture
def it(tmp_path: Path) -> Iterator[World]:
    """A world in a file, whose people have names that are found again."""
    rows, clock, registry = SQLiteRows(tmp_path / "ledger.db"), FakeClock(), MemoryRegistry()
    lossy = LossyRows(rows)
    sink = MemorySink("events")
    made = World(
        knowing(context_over(lossy, registry, clock, Mode.ENFORCE, (sink,)), ZOE),
        registry,
        clock,
        lossy,
    )
    adopt(made.context)
    found_empty(made.context, "demo")
    yield made
    made.rows.close()


def knowing(context: Context, *people: Person) -> Context:
    """Return Stageward as it is where the file has these people too."""
    by_key = {**DIRECTORY.people, **{one.key: one for one in people}}
    groups = {**DIRECTORY.groups, "risk": (*DIRECTORY.groups["risk"], *(one.key for one in people))}
    directory = Directory(by_key, groups, DIRECTORY.operators).masked(context.ledger.mask)
    known = replace(context, configuration=replace(context.configuration, directory=directory))
    keep_under(known)
    return known


def story(it: World) -> None:
    """People with planted names register, train, ask, vote, edit tags and are seen writing."""
    for number, author in (("1", ZOE.ids[0]), ("2", STRANGER), ("3", SHOWN)):
        version = Version(IRIS, number)
        it.registry.evidences[version] = Evidence({"author": {"id": author}})
        it.registry.register(version, it.clock.now(), author=author)
        follow(it.context, Signal(version))
        of_library = {"mlflow.user": ZOE.name}
        it.registry.set_tags(version, {"stage_request": "Staging: by tag", **of_library})
        it.registry.wrote(version, author)
        follow(it.context, Signal(version, actor=author, at=it.clock.now(), authenticated=True))
        asked = request_transition(it.context, it.command(version, "Production", "sam"))
        if number in _VOTERS:  # whoever cannot be told from an author may not
            cast(it.context, asked.approval, _VOTERS[number], comment="looks good")
        sweep(it.context)
    request_transition(it.context, replace(it.command(Version(IRIS, "3"), "Archived", "zoe")))
    query.version(it.context, Version(IRIS, "1"))


def leave(it: World) -> Context:
    """Return Stageward as it is when Zoe has left the file."""
    return knowing(it.context)


def wish(who: str, *, dry_run: bool = False, operation: str = "") -> ForgetCommand:
    """Return eve's command to forget somebody."""
    return ForgetCommand(who, "asked for it", actor("eve"), operation or keys.hashed(who), dry_run)


def hashed(it: World) -> Iterator[bytes]:
    """Yield every record and every document as it was hashed."""
    for table, _, row in rows_of(it):
        if table == BLOBS:
            yield zlib.decompress(unpack_bytes(row))
        elif row.key.startswith(keys.RECORD):
            yield unpack_bytes(row)


def rows_of(it: World) -> Iterator[tuple[str, str, Row]]:
    """Yield every row of the store, with table and partition."""
    whole: WholeRows = it.rows._rows  # type: ignore[assignment]  # noqa: SLF001  # it can be scanned
    for table in TABLES:
        for partition, row in whole.scan(table):
            yield table, partition, row


def everything(it: World) -> bytes:
    """Return every key and value of every row, documents as they read."""
    parts: list[bytes] = [*hashed(it)]
    for _, _, row in rows_of(it):
        parts += [repr((row.key, dict(row.values))).encode()]
    return b"\n".join(parts)


def found(data: bytes) -> list[str]:
    """Return the planted names that are in some bytes."""
    low = data.lower()
    return [one for one in PLANTED if one.lower().encode() in low]


def all_histories(it: World) -> dict[str, list[Record]]:
    """Return every history, by its name."""
    journal = it.context.ledger.records(histories.JOURNAL.partition)
    return {str(IRIS): list(query.all_records(it.context, IRIS)), "ledger": journal}


def test_no_name_and_no_address_is_ever_in_what_is_hashed(it: World) -> None:
    """Neither in a record nor in a document; only apart from them."""
    story(it)

    kept = {
        partition for _, partition, row in rows_of(it) if found(repr(dict(row.values)).encode())
    }

    assert [] == [name for body in hashed(it) for name in found(body)]
    assert kept == {keys.NAMES_PARTITION, keys.PEOPLE_PARTITION}


@pytest.mark.parametrize("left", [True, False])
def test_whoever_is_forgotten_is_in_no_row_and_in_no_byte_of_the_file(
    it: World, tmp_path: Path, *, left: bool
) -> None:
    """Not even where the file keeps what was deleted, nor where they have not left yet."""
    story(it)
    context = leave(it) if left else it.context
    before = found(everything(it))
    for who in ("person:zoe", ZOE.ids[0], STRANGER, SHOWN):
        forget(context, wish(who))
    after = found(everything(it))
    it.rows.close()
    files = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))

    assert before == [one for one in PLANTED if one != "zoe.mail"]  # which is never written
    assert after == []
    assert found(files) == []


def test_no_hash_changes(it: World) -> None:
    """Every history verifies as before, and has no record more; the ledger's own says it."""
    story(it)
    before = all_histories(it)
    done = forget(leave(it), wish("person:zoe"))
    after = all_histories(it)
    (said,) = after["ledger"]

    assert before[str(IRIS)] == after[str(IRIS)]
    assert verify(it.context.ledger.id, str(IRIS), after[str(IRIS)]) is None
    assert verify(it.context.ledger.id, "ledger", after["ledger"]) is None
    assert (said.type, said.content["person"]) == (RecordType.PERSON_FORGOTTEN, "person:zoe")
    assert (said.content["names"], said.content["reason"]) == (done.names, "asked for it")
    assert said.content["actor"]["id"] == "person:eve"  # type: ignore[index, call-overload]


def test_whoever_has_left_is_shown_as_of_then_until_forgotten(it: World) -> None:
    """By the name that the file gave at that time, and then as a forgotten person."""
    story(it)
    first = it.clock.now()
    it.clock.sleep(86_400)
    renamed = knowing(it.context, replace(ZOE, name="Zoe Married"))
    version = Version(IRIS, "1")
    request_transition(renamed, it.command(version, "Archived", "zoe"))
    context = leave(it)
    then, now = (someone(context, "person:zoe", at).name for at in (first, None))
    sentence = named(context, "rejected by person:zoe: no")
    forget(context, wish("person:zoe"))

    assert ("Zoe Quartermain", "Zoe Married") == (then, now)
    assert sentence == "rejected by Zoe Married: no"
    assert FORGOTTEN == someone(context, "person:zoe", first).name
    assert named(context, "by person:zoe.") == "by forgotten person."


def test_what_is_forgotten_is_not_kept_again(it: World) -> None:
    """Whoever is seen again, in the file or by a registry, is written nowhere."""
    story(it)
    forget(it.context, wish("person:zoe"))
    forget(it.context, wish(STRANGER))
    knowing(it.context, ZOE)
    for number, author in (("7", ZOE.ids[0]), ("8", STRANGER)):
        it.registry.register(Version(IRIS, number), it.clock.now(), author=author)
        follow(it.context, Signal(Version(IRIS, number)))
    request_transition(it.context, it.command(Version(IRIS, "8"), "Staging", "zoe"))
    other = World(
        knowing(context_over(it.rows, it.registry, it.clock, Mode.ENFORCE), ZOE),
        it.registry,
        it.clock,
        it.rows,
    )
    request_transition(other.context, other.command(Version(IRIS, "8"), "Archived", "zoe"))

    names = it.context.ledger.names

    assert ("Zoe Quartermain" in everything(it).decode(), names.at("person:zoe")) == (
        False,
        FORGOTTEN,
    )
    assert FORGOTTEN == names.at(names.mask(STRANGER))
    assert names.text(names.mask(STRANGER)) == ""


def test_a_dry_run_tells_the_same_and_changes_nothing(it: World) -> None:
    """How many names, under which ids, and that the file has the person still."""
    story(it)
    before = everything(it)
    tried = forget(it.context, wish("person:zoe", dry_run=True))
    untouched = everything(it) == before
    done = forget(it.context, wish("person:zoe"))

    assert untouched
    assert (tried.names, tried.ids, tried.done) == (done.names, done.ids, False)
    assert tried.configured
    assert done.names == 2
    assert done.record == 1


def test_it_can_be_repeated(it: World) -> None:
    """The same operation gets the same answer; another finds nothing left, and records nothing."""
    story(it)
    done = forget(it.context, wish("person:zoe", operation="one"))
    again = forget(it.context, wish("person:zoe", operation="one"))
    other = forget(it.context, wish("person:zoe", operation="two"))

    assert (done.names, done.record) == (again.names, again.record)
    assert (0, done.record) == (other.names, other.record)
    with pytest.raises(InvalidInputError, match="used for another command"):
        forget(it.context, wish(STRANGER, operation="one"))


def test_what_people_have_written_is_counted_and_stays(it: World) -> None:
    """Because it is hashed: the answer says in which records."""
    version = it.register("1")
    wrote = replace(it.command(version, "Staging"), reason="as zoe quartermain said")
    request_transition(it.context, wrote)

    done = forget(it.context, wish("person:zoe"))

    assert (1, (f"{IRIS} 2",), True) == (done.mentioned, done.mentions, done.searched)
    assert query.check_history(it.context, IRIS) is None


def test_nobody_in_the_records_of_a_held_asset_is_forgotten(it: World) -> None:
    """Until the hold is lifted; whoever is in none of them can be."""
    story(it)
    place(it.context, HoldCommand(IRIS, "case 7", "", actor("eve"), "h"))

    with pytest.raises(NotAllowedNowError, match=r"appears in the records of demo/models/iris"):
        forget(it.context, wish("person:zoe"))
    with pytest.raises(NotAllowedNowError, match="which is held"):
        forget(it.context, wish(STRANGER, dry_run=True))
    spared = forget(it.context, wish("person:ada"))
    lift(it.context, HoldCommand(IRIS, "case 7", "", actor("eve"), "l"))
    done = forget(it.context, wish("person:zoe"))

    assert spared.done
    assert done.names == 2


@pytest.mark.parametrize("who", ["zoe", "person:", ":x", ""])
def test_what_is_no_id_is_refused(it: World, who: str) -> None:
    """With what to write instead."""
    with pytest.raises(InvalidInputError, match="is no id; write person:<key>"):
        forget(it.context, wish(who))


def test_the_reason_may_not_have_the_name(it: World) -> None:
    """Or it would be in a record for good."""
    story(it)
    command = replace(wish("person:zoe"), reason="ZOE.Q@planted.example has asked")

    with pytest.raises(InvalidInputError, match="the reason has a name of theirs"):
        forget(it.context, command)


def test_of_whom_nothing_is_kept_nothing_is_forgotten(it: World) -> None:
    """And that is said, rather than done."""
    with pytest.raises(NotFoundError, match="no name is kept of mlflow:nobody"):
        forget(it.context, wish("mlflow:nobody"))


def test_a_look_writes_no_name(it: World) -> None:
    """A page that shows a stranger shows the name that it read, and keeps it nowhere."""
    version = Version(IRIS, "1")
    it.registry.register(version, it.clock.now(), author=STRANGER)
    it.registry.evidences[version] = Evidence({"author": {"id": STRANGER}})
    before = everything(it)

    shown = it.context.evidence(it.registry.read(version)).section("author")["id"]  # type: ignore[arg-type]

    assert everything(it) == before
    assert shown == it.context.ledger.mask(STRANGER)
    assert someone(it.context, str(shown)).name == "ignatius@planted.example"


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("call", range(8))
def test_a_lost_reply_forgets_nothing_twice_and_nothing_less(
    it: World, call: int, *, applied: bool
) -> None:
    """Whichever commit it was, and whether it was applied: one record, and no name is left."""
    story(it)
    it.rows.losses = [None] * call + [applied]
    done = forget(it.context, wish("person:zoe"))
    (said,) = all_histories(it)["ledger"]

    assert (2, 2) == (done.names, said.content["names"])
    assert verify(it.context.ledger.id, "ledger", [said]) is None
    assert "quartermain" not in everything(it).decode().lower()


def test_whoever_is_forgotten_is_in_no_row_of_table_storage(
    request: pytest.FixtureRequest,
) -> None:
    """The same in the other store."""
    service = table_service(connection_string(request.getfixturevalue("azurite")))
    rows, clock, registry = (
        TableRows(service, prefix=f"t{uuid4().hex}"),
        FakeClock(),
        MemoryRegistry(),
    )
    rows.create_tables()
    lossy = LossyRows(rows)
    context = knowing(context_over(lossy, registry, clock, Mode.ENFORCE), ZOE)
    it = World(context, registry, clock, lossy)
    adopt(context)
    found_empty(context, "demo")
    story(it)
    place(context, HoldCommand(IRIS, "case 7", "", actor("eve"), "h"))
    held = [one.case for one in of_asset(context.ledger, IRIS)]
    lift(context, HoldCommand(IRIS, "case 7", "", actor("eve"), "l"))
    before = found(everything(it))
    for who in ("person:zoe", STRANGER, SHOWN):
        forget(context, wish(who))
    after = found(everything(it))
    it.rows.close()

    assert ["case 7"] == held
    assert len(before) == len(PLANTED) - 1
    assert after == []


HOSTILE = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40)


@settings(max_examples=30)
@given(HOSTILE, HOSTILE.filter(lambda text: ":" not in text))
def test_whatever_somebody_is_called_it_is_hashed_nowhere_and_forgotten_everywhere(
    name: str, local: str
) -> None:
    """Quotes, backslashes, other scripts, what looks like an id of somebody else."""
    called, mail = f"Qx {name} person:sam Zq", f"qx{local}zq@planted.example"
    person = Person("zoe", called, (f"upn:{mail}",), mail)
    it = world()
    it = World(knowing(it.context, person), it.registry, it.clock, it.rows)
    version = Version(IRIS, "1")
    for number, author in (("1", f"mlflow:{mail}"), ("2", f"aml:{called}")):
        version = Version(IRIS, number)
        it.registry.evidences[version] = Evidence({"author": {"id": author}})
        it.registry.register(version, it.clock.now(), author=author)
        follow(it.context, Signal(version))
        request_transition(it.context, it.command(version, "Staging", "zoe"))
    before = [one for body in hashed(it) for one in written(called, mail) if one in body]
    kept = [one for one in written(called, mail) if one in everything(it)]
    forget(it.context, wish("person:zoe"))
    after = [one for one in written(called, mail) if one in everything(it)]
    it.rows.close()

    assert ([], []) == (before, after)
    assert kept


def written(*texts: str) -> list[bytes]:
    """Return how texts stand in rows: as they are, in JSON, and as Python shows bytes."""
    plain = [text.encode() for text in texts]
    quoted = [json.dumps(text, ensure_ascii=False)[1:-1].encode() for text in texts]
    shown = [repr(one)[2:-1].encode() for one in (*plain, *quoted)]
    return [*plain, *quoted, *shown, *(repr(text)[1:-1].encode() for text in texts)]


def test_of_many_names_the_first_and_the_latest_are_kept(it: World) -> None:
    """So that the row stays small whatever a directory does."""
    names, at = it.context.ledger.names, it.clock.now()
    for number in range(MAX_NAMES + 5):
        names.keep([b'"person:zoe"'], it.clock.now(), lambda _, n=number: f"Name {n}")  # type: ignore[misc]
        it.clock.sleep(1)

    kept = names.called("person:zoe")

    assert (MAX_NAMES, "Name 0", f"Name {MAX_NAMES + 4}") == (len(kept), kept[0], kept[-1])
    assert names.at("person:zoe", at) == "Name 0"


def test_a_name_is_written_once(it: World) -> None:
    """Later commits by the same people write no name, and read none."""
    story(it)
    before = [row for _, partition, row in rows_of(it) if partition in {"names", "people"}]
    version = Version(IRIS, "9")
    it.registry.register(version, it.clock.now(), author=ZOE.ids[0])
    follow(it.context, Signal(version))

    after = [row for _, partition, row in rows_of(it) if partition in {"names", "people"}]

    assert before == after
