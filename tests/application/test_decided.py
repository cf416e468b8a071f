"""The list of decided approvals: derived, in order, and whole after any crash."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application import decided, keys, upkeep
from stage_functions.application.codec import pack
from stage_functions.application.ports.rows import CATALOG, LEDGER, Change, Delete, Upsert
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import withdraw
from stage_functions.domain.approval import Decision, Status
from stage_functions.domain.asset import Version
from stage_functions.domain.error import UnknownOutcomeError
from tests.builders import IRIS, World, actor, cast, world


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry is governed."""
    made = world()
    yield made
    made.rows.close()


def asked(it: World, number: str) -> str:
    """Return the id of an open approval of a new version."""
    version = it.register(number)
    request_transition(it.context, it.command(version, "Staging"))
    return request_transition(it.context, it.command(version, "Production")).approval


def reject(it: World, approval: str) -> None:
    """Let bob reject."""
    cast(it.context, approval, "bob", Decision.REJECT, "no")


def listed(it: World) -> list[tuple[str, Status]]:
    """Return what the list has, in its order."""
    return [(one.id, one.status) for one in decided.page(it.rows).found]


def test_every_way_of_closing_is_listed_the_latest_first(it: World) -> None:
    """Rejected, withdrawn, expired, voided."""
    rejected, withdrawn = asked(it, "1"), asked(it, "2")
    reject(it, rejected)
    withdraw(it.context, withdrawn, actor("sam"), "w", "")
    voided = asked(it, "3")
    request_transition(it.context, it.command(Version.parse("demo/models/iris:3"), "Archived"))
    expired = asked(it, "4")
    it.clock.sleep(8 * 86400)
    sweep(it.context)

    assert listed(it) == [
        (expired, Status.EXPIRED),
        (voided, Status.VOIDED),
        (withdrawn, Status.WITHDRAWN),
        (rejected, Status.REJECTED),
    ]
    assert decided.page(it.rows).found[3].voters == ("person:bob",)


def test_an_open_one_is_not_listed(it: World) -> None:
    """It is not decided."""
    asked(it, "1")

    assert listed(it) == []


def test_what_a_crash_left_is_listed_by_the_sweep(it: World) -> None:
    """The closing commit owes it."""
    approval = asked(it, "1")
    it.registry.before = _crash
    with pytest.raises(_CrashError):
        reject(it, approval)
    before = listed(it)
    it.registry.before = _nothing
    it.clock.sleep(3600)
    sweep(it.context)

    assert before == []
    assert listed(it) == [(approval, Status.REJECTED)]


def test_a_lost_reply_changes_nothing(it: World) -> None:
    """The key of a row is always the same."""
    approval = asked(it, "1")
    it.rows.losses = [True]
    reject_persistently(it, approval)
    it.clock.sleep(3600)
    sweep(it.context)

    assert listed(it) == [(approval, Status.REJECTED)]


def reject_persistently(it: World, approval: str) -> None:
    """Reject, and ask again under the same id where the reply was lost."""
    try:
        reject(it, approval)
    except UnknownOutcomeError:
        pytest.fail("the reply was lost for good")


def test_the_rebuild_lists_the_same_again(it: World) -> None:
    """From the ledger alone."""
    for number in ("1", "2"):
        reject(it, asked(it, number))
    before = decided.page(it.rows)
    found = it.rows.query(CATALOG, keys.DECIDED_PARTITION)
    deletions: list[Change] = [Delete(row.key, row.etag) for row in found]
    it.rows.commit(CATALOG, keys.DECIDED_PARTITION, deletions)
    upkeep.rebuild_catalog(it.context)

    assert decided.page(it.rows) == before
    assert len(before.found) == 2


def test_the_rebuild_reads_every_approval_of_an_asset(it: World) -> None:
    """However many it had."""
    approval = asked(it, "1")
    reject(it, approval)
    partition = keys.asset_partition(IRIS)
    closed = it.context.ledger.more(it.context.ledger.load(IRIS), approval=approval)
    one = closed.approvals[approval]
    for start in range(0, 150, 75):
        copies = [replace(one, id=f"c{n:03d}") for n in range(start, start + 75)]
        changes = [Upsert(keys.approval_key(copy.id), pack(copy)) for copy in copies]
        it.rows.commit(LEDGER, partition, changes)
    decided.rebuild(it.rows, IRIS)

    assert len(decided.page(it.rows, limit=1000).found) == 151


def test_a_page_ends_where_it_is_told_to_and_goes_on_there(it: World) -> None:
    """Nothing twice, nothing left out."""
    ids = [asked(it, str(n)) for n in range(5)]
    for id_ in ids:
        reject(it, id_)
    first = decided.page(it.rows, limit=2)
    second = decided.page(it.rows, first.cursor, limit=2)
    last = decided.page(it.rows, second.cursor, limit=2)

    pages = (first, second, last)
    assert [one.id for page in pages for one in page.found] == ids[::-1]
    assert last.cursor == ""


class _CrashError(BaseException):
    """The process is gone."""


def _crash(call: str) -> None:
    if call == "write_tags":
        raise _CrashError


def _nothing(_: str) -> None:
    """Do nothing."""
