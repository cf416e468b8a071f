"""Verification of a ledger's rows: what is sound is whole, and what is broken is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from msgspec import Struct
from msgspec.structs import replace

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import histories, keys, query, verifying
from stage_functions.application.adoption import adopt
from stage_functions.application.codec import pack, pack_record, unpack
from stage_functions.application.histories import JOURNAL, History, of_lifecycle
from stage_functions.application.ledger import Head
from stage_functions.application.past import Past, Span
from stage_functions.application.ports.rows import (
    ANY_ETAG,
    BLOBS,
    CATALOG,
    LEDGER,
    Change,
    Delete,
    Row,
    Upsert,
)
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import request_transition
from stage_functions.domain.approval import Approval, Decision, Status
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.chain import Broken, Fault
from stage_functions.domain.error import NotFoundError
from stage_functions.domain.grounds import ITSELF
from stage_functions.domain.history import Standing
from stage_functions.domain.lifecycle import Assurance
from stage_functions.domain.record import Draft, Record, RecordType, Tail, empty_tail, seal
from stage_functions.domain.state import VersionState
from tests.application.broken_ledgers import Case, cases
from tests.builders import IRIS, World, cast, timed, world

ROSE = Asset("demo", Kind.MODELS, "rose ä=1")
HISTORIES = {
    "asset": verifying.of_asset(IRIS),
    "lifecycle": of_lifecycle("default"),
    "ledger": JOURNAL,
}


@pytest.fixture(scope="module")
def it() -> Iterator[World]:
    """A ledger with all kinds of histories, which no test leaves otherwise than it was."""
    made = told_world()
    yield made
    made.rows.close()


def told_world() -> World:
    """Return a world where versions were promoted, displaced, refused and deleted."""
    it = world()
    first, second = it.register("1"), it.register("2")
    for version in (first, second):
        request_transition(it.context, it.command(version, "Staging"))
        answer = request_transition(it.context, it.command(version, "Production"))
        cast(it.context, answer.approval, "bob")
        cast(it.context, answer.approval, "eve")
    it.tag(it.register("3"), "stage_request", "Production: too early")
    rose = Version(ROSE, "1")
    it.registry.register(rose, it.clock.now())
    follow(it.context, Signal(rose))
    request_transition(it.context, it.command(rose, "Staging"))
    configuration = replace(it.context.configuration, lifecycles=(timed(),))
    adopt(replace(it.context, configuration=configuration))
    for number in range(3):
        draft = Draft(RecordType.RESTORED, "", "", ITSELF, {"from": f"backup {number}"})
        now, operation = it.clock.now(), it.clock.operation_id()
        histories.append(it.context.ledger, JOURNAL, draft, now=now, operation=operation)
    return it


class Kept(Struct, frozen=True):
    """A history as it is in its rows."""

    history: History
    rows: Sequence[Row]
    records: Sequence[Record]
    head: Head


def kept(it: World, history: History) -> Kept:
    """Return what is in a history's partition."""
    rows = it.rows.query(LEDGER, history.partition)
    head = next(row for row in rows if row.key == keys.HEAD)
    records = it.context.ledger.records(history.partition)
    return Kept(history, rows, records, unpack(head, Head))


def put_back(it: World, known: Kept) -> None:
    """Make a history's partition what it was."""
    there = {row.key for row in it.rows.query(LEDGER, known.history.partition)}
    changes: list[Change] = [Upsert(row.key, row.values) for row in known.rows]
    changes += [Delete(key, ANY_ETAG) for key in there - {row.key for row in known.rows}]
    it.rows.commit(LEDGER, known.history.partition, changes)


def fault(it: World, history: History) -> Fault | None:
    """Return the first bad record of a history."""
    ledger = it.context.ledger
    return verifying.check(ledger.rows, ledger.id, history, documents=False).fault


def strangers(it: World, history: History) -> list[Record]:
    """Return records of the other histories, and of the same one in another ledger."""
    found = [
        record
        for other in (*HISTORIES.values(), verifying.of_asset(ROSE))
        if other != history
        for record in it.context.ledger.records(other.partition, limit=2)
    ]
    tail = empty_tail("another0", history.name)
    for record in it.context.ledger.records(history.partition, limit=2):
        draft = Draft(record.type, record.version, "", ITSELF, {"to": "Production"})
        (made,) = seal(tail, [draft], commit=1, now=record.at, operation="op")
        tail = Tail(tail.ledger, tail.asset, made.number, made.hash, made.at)
        found.append(made)
    return found


def missed(it: World, known: Kept, case: Case) -> str:
    """Return how a broken history was misjudged; "" where it was found as it must be."""
    it.rows.commit(LEDGER, known.history.partition, case.changes)
    found = fault(it, known.history)
    put_back(it, known)
    if found is None:
        return f"{case.what}: not found"
    if found.number not in case.numbers or found.broken not in case.broken:
        return f"{case.what}: {found}"
    return ""


def test_every_history_of_a_sound_ledger_is_whole(it: World) -> None:
    """By its links, its head, the state beside it and the documents that it names."""
    rows = it.context.ledger.rows
    names = (IRIS, ROSE)
    found = {
        str(one): verifying.check(rows, it.context.ledger.id, verifying.of_asset(one))
        for one in names
    }

    assert {str(one): (True, ()) for one in names} == {
        name: (one.whole, one.beside) for name, one in found.items()
    }


@pytest.mark.parametrize("kind", HISTORIES)
def test_whatever_is_broken_in_a_history_is_found_with_its_number_and_its_reason(
    it: World, kind: str
) -> None:
    """Each byte class altered, each record dropped, swapped, doubled, moved; each tail cut."""
    known = kept(it, HISTORIES[kind])
    made = list(cases(known.records, strangers(it, known.history), known.head))
    wrong = [why for case in made if (why := missed(it, known, case))]

    assert [] == wrong[:20]
    assert len(known.records) * 100 < len(made)
    assert fault(it, known.history) is None


def test_the_corpus_has_every_reason(it: World) -> None:
    """None is left untried."""
    known = kept(it, HISTORIES["asset"])
    tried = Counter(
        one
        for case in cases(known.records, strangers(it, known.history), known.head)
        for one in case.broken
    )

    assert set(Broken) - {Broken.UNREADABLE} == set(tried)
    assert 5000 < tried.total()


def test_a_ledger_with_another_id_owns_none_of_its_histories(it: World) -> None:
    """They are bound to it from their first record on."""
    found = verifying.check(it.context.ledger.rows, "another0", HISTORIES["asset"])

    assert found.fault is not None
    assert (1, Broken.MOVED) == (found.fault.number, found.fault.broken)


def test_a_record_of_a_later_release_that_cannot_be_read_is_said_to_be_one(it: World) -> None:
    """It is not called altered, nor whole."""
    known = kept(it, HISTORIES["asset"])
    values = {**pack_record(known.records[2]), "format": 2, "body0": b"packed"}
    it.rows.commit(LEDGER, known.history.partition, [Upsert(keys.record_key(3), values)])
    found = fault(it, known.history)
    put_back(it, known)

    assert found is not None
    assert (3, Broken.UNREADABLE) == (found.number, found.broken)


def test_records_that_are_written_meanwhile_are_no_fault(it: World) -> None:
    """Up to the head that was read first it is verified; what came behind is for the next time."""
    known = kept(it, HISTORIES["asset"])
    earlier = known.records[-3]
    old = replace(known.head, number=earlier.number, hash=earlier.hash)
    reading = Earlier(it, known.history, old)
    found = verifying.check(reading, it.context.ledger.id, known.history, documents=False)

    assert (None, earlier.number) == (found.fault, found.number)


class Earlier:
    """A store whose head is an older one when it is first read by a range."""

    def __init__(self, it: World, history: History, head: Head) -> None:
        self._rows = it.context.ledger.rows
        self._partition = history.partition
        self._head = head
        self.get = self._rows.get
        self.commit = self._rows.commit
        self.prepare = self._rows.prepare
        self.close = self._rows.close

    def query(
        self,
        table: str,
        partition: str,
        *,
        start: str = "",
        end: str | None = None,
        limit: int = 1000,
    ) -> list[Row]:
        """Return rows, the head as it was."""
        found = self._rows.query(table, partition, start=start, end=end, limit=limit)
        return [
            replace(row, values=pack(self._head)) if row.key == keys.HEAD else row for row in found
        ]


# What stands beside the records.


def beside(it: World, changes: Sequence[Change], table: str = LEDGER, partition: str = "") -> str:
    """Return what is said of iris while rows are otherwise."""
    known = kept(it, HISTORIES["asset"])
    place = partition or known.history.partition
    before = it.rows.query(table, place)
    it.rows.commit(table, place, changes)
    found = verifying.check(it.context.ledger.rows, it.context.ledger.id, known.history)
    it.rows.commit(table, place, [Upsert(row.key, row.values) for row in before])
    put_back(it, known)

    assert found.fault is None
    return "; ".join(found.beside)


def version(it: World, number: str) -> VersionState:
    """Return what the ledger says of a version."""
    found = it.context.ledger.state(Version(IRIS, number))
    assert found is not None
    return found


def test_a_version_that_stands_elsewhere_than_its_records_say_is_found(it: World) -> None:
    """Nobody is governed by a row that no record speaks for."""
    moved = replace(version(it, "3"), stage="Production")

    said = beside(it, [Upsert(keys.version_key("3"), pack(moved))])

    assert "version 3 stands at Production, by its records at None" in said
    assert "Production is held by 2, by the records by 2" not in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"incarnation": "another"}, "version 3 is another, by its records"),
        ({"gone": True}, "version 3 is gone, against its records"),
        ({"number": 1}, "version 3 has record 1 as its last one, but that is record"),
    ],
)
def test_what_else_is_said_of_a_version_is_compared(
    it: World, change: dict[str, object], words: str
) -> None:
    """Which thing it is, whether it is there, and which record is its last."""
    forged = replace(version(it, "3"), **change)

    assert words in beside(it, [Upsert(keys.version_key("3"), pack(forged))])


def test_a_version_whose_row_is_gone_or_unreadable_is_found(it: World) -> None:
    """And one that no record tells of."""
    key = keys.version_key("3")
    stranger = replace(version(it, "3"), version="9")

    assert "version 3 has records, but what stands of it is gone" in beside(
        it, [Delete(key, ANY_ETAG)]
    )
    assert "row version:3 holds no VersionState" in beside(it, [Upsert(key, {"format": 1})])
    assert "version 9 is known, but no record tells of it" in beside(
        it, [Upsert(keys.version_key("9"), pack(stranger))]
    )


def test_holders_of_a_stage_that_the_records_do_not_know_are_found(it: World) -> None:
    """The head names them."""
    head = replace(kept(it, HISTORIES["asset"]).head, holders={"Production": ("3",)})

    said = beside(it, [Upsert(keys.HEAD, pack(head))])

    assert "Production is held by 3, by the records by 2" == said


def test_a_head_that_is_gone_or_unreadable_is_found(it: World) -> None:
    """The records alone do not say where they should end."""
    gone = beside(it, [Delete(keys.HEAD, ANY_ETAG)])
    unreadable = beside(it, [Upsert(keys.HEAD, {"format": 1, "body0": b"{"})])

    assert "its head is gone, so nothing says where it should end" == gone
    assert unreadable.startswith("its head cannot be read: row head holds no Head")


def test_a_document_that_is_not_kept_or_not_what_it_was_is_named(it: World) -> None:
    """With the record that names it."""
    granted = next(one for one in query.all_records(it.context, IRIS) if "evidence" in one.content)
    digest = str(granted.content["evidence"])
    partition = keys.encode(digest)
    (row,) = it.rows.query(BLOBS, partition)
    (other, *_) = it.rows.query(BLOBS, keys.encode(timed().digest))

    said = f"record {granted.number} names the evidence {digest}, "
    assert f"{said}which is not kept" in beside(it, [Delete(row.key, ANY_ETAG)], BLOBS, partition)
    changed = [Upsert(row.key, other.values)]
    words = "but what is kept hashes to something else"
    assert f"{said}{words}" in beside(it, changed, BLOBS, partition)
    unreadable = [Upsert(row.key, {"format": 1, "body0": b"x"})]
    assert f"{said}which cannot be read" in beside(it, unreadable, BLOBS, partition)


# The whole ledger.


@pytest.fixture
def copied(it: World) -> Iterator[SQLiteRows]:
    """The same ledger in a store of its own, as `verify --all` opens it."""
    rows = SQLiteRows(":memory:")
    for partition in partitions():
        found = it.rows.query(LEDGER, partition)
        if found:
            rows.commit(LEDGER, partition, [Upsert(one.key, one.values) for one in found])
    for digest in digests(it):
        found = it.rows.query(BLOBS, digest)
        rows.commit(BLOBS, digest, [Upsert(one.key, one.values) for one in found])
    yield rows
    rows.close()


def partitions() -> list[str]:
    """Return the partitions that a verification may read."""
    own = [one.partition for one in (*HISTORIES.values(), verifying.of_asset(ROSE))]
    return [*own, keys.ASSETS_PARTITION, keys.LEDGER_PARTITION, keys.registry_partition("demo")]


def digests(it: World) -> set[str]:
    """Return the partitions of the documents that the records name."""
    found = set()
    for history in (*HISTORIES.values(), verifying.of_asset(ROSE)):
        for record in it.context.ledger.records(history.partition):
            lifecycle = record.content.get("lifecycle")
            named = [record.content.get("evidence"), record.content.get("from")]
            named += [lifecycle["digest"]] if isinstance(lifecycle, dict) else []
            found |= {keys.encode(str(one)) for one in named if str(one).startswith("sha256:")}
    return found


def test_the_whole_ledger_is_verified_in_one_pass(copied: SQLiteRows) -> None:
    """Every asset, every lifecycle, and its own history."""
    found = {one.name: one for one in verifying.check_all(copied)}

    assert {str(IRIS), str(ROSE), "lifecycle:default", "ledger"} == set(found)
    assert all(one.whole for one in found.values())
    assert 3 == found["ledger"].records


def test_one_bad_history_hides_no_other(copied: SQLiteRows) -> None:
    """Each comes to what it comes to."""
    partition = keys.asset_partition(ROSE)
    copied.commit(LEDGER, partition, [Delete(keys.record_key(1), ANY_ETAG)])
    found = {one.name: one.fault for one in verifying.check_all(copied)}

    bad = found.pop(str(ROSE))
    assert bad is not None
    assert (1, Broken.DROPPED) == (bad.number, bad.broken)
    assert {None} == set(found.values())


def test_an_asset_that_the_index_does_not_list_is_verified_and_not_whole(
    copied: SQLiteRows,
) -> None:
    """Its name is in the key of its rows."""
    copied.commit(LEDGER, keys.ASSETS_PARTITION, [Delete(keys.asset_partition(ROSE), ANY_ETAG)])
    found = {one.name: one for one in verifying.check_all(copied)}[str(ROSE)]

    assert (None, ("the index of assets does not name it",)) == (found.fault, found.beside)
    assert found.records


def taken_out(rows: SQLiteRows, *kept: str) -> Fault | None:
    """Return what is said of rose once its rows are gone, but for some kinds of them."""
    partition = keys.asset_partition(ROSE)
    gone: list[Change] = [
        Delete(row.key, ANY_ETAG)
        for row in rows.query(LEDGER, partition)
        if not row.key.startswith(kept or ("nothing",))
    ]
    rows.commit(LEDGER, partition, gone)
    found = {one.name: one for one in verifying.check_all(rows)}
    single = verifying.check(rows, verifying.ledger_id(rows), verifying.of_asset(ROSE))

    assert found[str(ROSE)].fault == single.fault or single.whole
    return found[str(ROSE)].fault


def test_an_asset_whose_rows_are_all_gone_was_cut_off(copied: SQLiteRows) -> None:
    """The index of assets names it."""
    why = "the index of assets names it, but neither a head nor a record is there"

    assert Fault(1, why, Broken.CUT) == taken_out(copied)


def test_an_asset_of_which_only_the_catalog_knows_was_cut_off(copied: SQLiteRows) -> None:
    """Whoever took it out of the index too left it there."""
    copied.commit(LEDGER, keys.ASSETS_PARTITION, [Delete(keys.asset_partition(ROSE), ANY_ETAG)])
    place = keys.catalog_partition("demo", Kind.MODELS)
    copied.commit(CATALOG, place, [Upsert(keys.catalog_key(Version(ROSE, "1")), {"format": 1})])
    why = "the catalog names it, but neither a head nor a record is there"

    assert Fault(1, why, Broken.CUT) == taken_out(copied)


def test_an_asset_that_has_versions_and_nothing_else_was_cut_off(copied: SQLiteRows) -> None:
    """Without its head and its records, and out of the index."""
    copied.commit(LEDGER, keys.ASSETS_PARTITION, [Delete(keys.asset_partition(ROSE), ANY_ETAG)])
    why = "what else is kept of it names it, but neither a head nor a record is there"

    assert Fault(1, why, Broken.CUT) == taken_out(copied, keys.VERSION)


def test_where_there_is_no_ledger_nothing_is_verified() -> None:
    """That is no whole ledger either."""
    rows = SQLiteRows(":memory:")

    with pytest.raises(NotFoundError, match="there is no ledger"):
        list(verifying.check_all(rows))
    rows.close()


# Approvals.


def an_approval(it: World) -> Approval:
    """Return the approval by which version 2 was let in: bob and eve have voted."""
    rows = it.rows.query(LEDGER, HISTORIES["asset"].partition, start=keys.APPROVAL)
    found = [unpack(row, Approval) for row in rows if row.key.startswith(keys.APPROVAL)]
    return next(one for one in found if one.version == "2" and one.votes)


def forged(approval: Approval) -> dict[str, tuple[Approval, str]]:
    """Return rows beside the records that say what no record says, each with what is said of it."""
    first, second = approval.votes
    voted, closed = "has a vote of person:ada, by record ", "names person:"
    tags = replace(approval.binding, tags={"forged": "yes"})
    open_again = replace(approval, status=Status.OPEN, closed=None, why="", approvers=())
    return {
        "another voter": (
            replace(approval, votes=(replace(first, voter="person:ada"), second)),
            voted,
        ),
        "another decision": (
            replace(approval, votes=(replace(first, decision=Decision.REJECT), second)),
            f"{first.voter} decided reject, by record ",
        ),
        "another brief": (
            replace(approval, votes=(replace(first, fingerprint="sha256:0"), second)),
            f"the fingerprint of the vote of {first.voter} is not as record ",
        ),
        "other groups": (
            replace(approval, votes=(replace(first, groups=("all",)), second)),
            f"the groups of the vote of {first.voter} is not as record ",
        ),
        "surer": (
            replace(approval, votes=(replace(first, assurance=Assurance.LINK), second)),
            f"the assurance of the vote of {first.voter} is not as record ",
        ),
        "a vote more": (replace(approval, votes=(first, second, first)), "no record tells of it"),
        "a vote less": (replace(approval, votes=(first,)), f"lacks the vote of {second.voter}"),
        "another approver": (replace(approval, approvers=("person:ada",)), f"{closed}ada"),
        "an approver less": (replace(approval, approvers=(first.voter,)), closed),
        "another end": (replace(approval, status=Status.REJECTED), "is rejected, by record "),
        "another reason": (replace(approval, why="so"), "was closed for another reason, by record"),
        "open again": (open_again, "is open, by record "),
        "another requester": (
            replace(approval, requester=replace(approval.requester, id="person:eve")),
            "has person:eve as its requester, by record ",
        ),
        "bound otherwise": (replace(approval, binding=tags), "is bound to something else than "),
        "another version": (replace(approval, version="3"), "is of version 3, by record "),
        "a ratification": (replace(approval, ratifies=1), "ratifies record 1, by record "),
    }


def test_whatever_the_row_of_an_approval_says_against_its_records_is_found(it: World) -> None:
    """The approval is named, and the record that it contradicts."""
    known = an_approval(it)
    key = keys.approval_key(known.id)
    found = {what: beside(it, [Upsert(key, pack(row))]) for what, (row, _) in forged(known).items()}

    assert {} == {
        what: said
        for what, said in found.items()
        if f"approval {known.id}" not in said or forged(known)[what][1] not in said
    }
    assert "" == beside(it, [Upsert(key, pack(known))])


def test_an_approval_that_is_gone_unreadable_elsewhere_or_of_no_record_is_found(it: World) -> None:
    """Each row stands for an approval that records tell of."""
    known = an_approval(it)
    key, stranger = keys.approval_key(known.id), replace(known, id="stranger")
    elsewhere = keys.approval_key("elsewhere")

    assert f"approval {known.id} has records, but its row is gone" == beside(
        it, [Delete(key, ANY_ETAG)]
    )
    assert f"row {key} holds no Approval" in beside(it, [Upsert(key, {"format": 1, "body0": b"{"})])
    assert "approval stranger is known, but no record tells of it" == beside(
        it, [Upsert(keys.approval_key("stranger"), pack(stranger))]
    )
    assert f"approval {known.id} stands in the row {elsewhere}" == beside(
        it, [Upsert(elsewhere, pack(known))]
    )


def test_open_approvals_that_the_head_makes_up_are_found(it: World) -> None:
    """By the records all are closed."""
    head = replace(kept(it, HISTORIES["asset"]).head, approvals=("stranger",))

    said = beside(it, [Upsert(keys.HEAD, pack(head))])

    assert "the head has stranger as open, by the records none is" == said


def test_an_approver_forged_in_what_is_kept_of_the_past_is_found(it: World) -> None:
    """The estate as of a moment is read from there."""
    approval = an_approval(it)
    standing = Standing(
        "Production", it.clock.now(), 9, "approved", approval.id, approved_by=("person:ada",)
    )
    row = Upsert("iris:2", pack(Past((Span(it.clock.now(), 9, standing),))))
    place = keys.past_partition("demo", Kind.MODELS)
    it.rows.commit(CATALOG, place, [row])
    found = verifying.check(it.context.ledger.rows, it.context.ledger.id, HISTORIES["asset"])
    it.rows.commit(CATALOG, place, [Delete("iris:2", ANY_ETAG)])

    said = f"person:ada is said to have approved {approval.id}, by the records that is not so"
    assert (f"where iris:2 stood since record 9, {said}",) == found.beside


def test_votes_that_are_cast_meanwhile_are_no_contradiction() -> None:
    """What was recorded since the head was read is looked at before anything is said."""
    it = told_world()
    known = kept(it, HISTORIES["asset"])
    voted = next(one for one in known.records if one.type is RecordType.VOTED)
    before = known.records[voted.number - 2]
    old = replace(known.head, number=before.number, hash=before.hash)
    reading = Earlier(it, known.history, old)
    found = verifying.check(reading, it.context.ledger.id, known.history, documents=False)

    assert [] == [one for one in found.beside if one.startswith("approval ")]
    it.rows.close()
