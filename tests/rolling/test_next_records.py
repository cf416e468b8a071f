"""Records of a next release are verified, shown, and published by it alone; so is its ledger."""

from __future__ import annotations

import pytest

from stage_functions.application import keys, query
from stage_functions.application.codec import FORMAT
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ledger_format import KEY, KNOWN, LEDGER_FORMAT
from stage_functions.application.ports.rows import (
    ANY_ETAG,
    LEDGER,
    Change,
    Delete,
    Insert,
    Replace,
    Value,
)
from stage_functions.application.sweep import sweep
from stage_functions.application.timeline import moment
from stage_functions.domain.error import (
    LaterReleaseError,
    RegistryUnavailableError,
    SinkUnavailableError,
)
from stage_functions.domain.history import as_of
from tests.builders import IRIS, World, world
from tests.fakes.notifier import MemoryNotifier
from tests.fakes.sink import MemorySink
from tests.rolling import next_release
from tests.rolling.next_release import CONTENT, FIELD, PROPERTY, TYPE, body, rewrite
from tests.rolling.next_world import (
    CONDITIONS,
    LATER,
    PARTITION,
    ask,
    found,
    pending,
    published,
)


def test_a_history_with_records_of_a_next_release_is_verified_and_shown(it: World) -> None:
    """By their bytes; they are called as they are, and move nothing."""
    version = it.register("1")
    number = next_release.record(it.rows, IRIS, to="Production")
    ask(it, version, "Staging")
    records = list(query.all_records(it.context, IRIS))

    assert query.check_history(it.context, IRIS) is None
    assert ["Registered", TYPE, "StageChanged"] == [str(record.type) for record in records]
    assert "Rehearsed, which only a later release can tell" == moment(records[number - 1]).what
    assert as_of(records)["1"].stage == "Staging"


def test_events_wait_behind_a_record_that_only_a_next_release_can_publish(
    it: World, sink: MemorySink
) -> None:
    """It may be one that is not published; so none is lost, and none overtakes."""
    sink.fault = SinkUnavailableError("not now")
    it.register("1")
    number = next_release.record(it.rows, IRIS)
    (key,) = [one.key for one in it.context.ledger.owed(IRIS)]
    rewrite(it.rows, PARTITION, key, lambda one: one.update(last=number))
    sink.fault = None
    it.clock.sleep(7200)
    sweep(it.context)
    row = body(found(it, key))

    assert not published(sink)
    assert (row["parked"], f"record {number} of {IRIS} is of a later release" in row["error"]) == (
        False,
        True,
    )


def test_people_are_told_what_is_known_and_the_rest_waits_for_the_next_release() -> None:
    """The notice stays owed, so that nobody is left untold."""
    notifier = MemoryNotifier({"person:bob": ("mail:bob",)})
    it = world(notifier=notifier)
    _, approval = pending(it)
    (row,) = [one for one in it.context.ledger.owed(IRIS) if one.duty == "notify"]
    number = next_release.record(it.rows, IRIS, approval=approval)
    rewrite(it.rows, PARTITION, row.key, lambda one: one.update(last=number))
    it.clock.sleep(7200)
    sweep(it.context)
    told = len(notifier.told)
    it.clock.sleep(7200)
    sweep(it.context)
    left = body(found(it, row.key))

    assert (1, 1) == (told, len(notifier.told))
    assert (False, [str(row.first)]) == (left["parked"], left["sent"])
    assert f"record {number} is of a later release ({TYPE})" in left["error"]
    it.rows.close()


def test_a_notice_keeps_what_a_next_release_wrote_while_it_was_told() -> None:
    """What is left to be told is noted in the row as it is then."""
    notifier = MemoryNotifier({"person:bob": ("mail:bob",), "group:risk": ("chat",)})
    notifier.faults["chat"] = RegistryUnavailableError("not now")
    it = world(notifier=notifier)
    pending(it)
    (row,) = [one for one in it.context.ledger.owed(IRIS) if one.duty == "notify"]

    def meanwhile() -> None:
        rewrite(it.rows, PARTITION, row.key, next_release.add_field, **{PROPERTY: "x"})

    notifier.meanwhile = meanwhile
    it.clock.sleep(60)
    sweep(it.context)
    left = found(it, row.key)

    assert notifier.meanwhile is None
    assert (body(left)[FIELD], left.values[PROPERTY]) == (CONTENT, "x")
    assert body(left)["sent"] == [f"{row.first}@mail:bob"]
    it.rows.close()


def test_nobody_is_told_of_an_approval_that_is_not_understood() -> None:
    """The next release tells of it."""
    notifier = MemoryNotifier({"person:bob": ("mail:bob",)})
    it = world(notifier=notifier)
    _, approval = pending(it)
    key = keys.approval_key(approval)
    rewrite(it.rows, PARTITION, key, CONDITIONS["a status"])
    it.clock.sleep(60)
    sweep(it.context)

    (row,) = [one for one in it.context.ledger.owed(IRIS) if one.duty == "notify"]
    assert (notifier.told, row.parked, LATER in row.error) == ([], False, True)
    it.rows.close()


def test_adoptions_are_published_up_to_what_only_a_next_release_knows(
    it: World, sink: MemorySink
) -> None:
    """The rest waits."""
    partition = keys.lifecycle_partition("default")
    head, last = found(it, keys.HEAD, partition), found(it, keys.record_key(1), partition)
    later: dict[str, Value] = {**last.values}
    content = {**body(last), "type": TYPE, "number": 2}
    later.update(next_release.packed(content))
    changes: list[Change] = [
        Replace(keys.HEAD, head.values, head.etag),
        Insert(keys.record_key(2), later),
    ]
    it.rows.commit(LEDGER, partition, changes)
    sweep(it.context)

    assert [str(record.type) for record in sink.taken] == ["LifecycleAdopted"]
    assert found(it, "sink:events", partition).values["number"] == 1


def test_a_new_ledger_says_of_which_format_it_is(it: World) -> None:
    """So that a release that is too old for it can say so."""
    values = found(it, KEY, "ledger").values

    assert {"format": FORMAT, "ledger": LEDGER_FORMAT, "least": 1} == values


def test_a_release_that_is_too_old_for_a_ledger_does_not_start(it: World) -> None:
    """And says what to do."""
    _demand(it, KNOWN + 1)

    with pytest.raises(LaterReleaseError) as caught:
        open_ledger(it.rows, it.clock)
    assert (
        "this ledger was migrated by a later release of Stageward, and needs one that knows "
        f"format {KNOWN + 1}; this one knows {KNOWN}; {LATER}"
    ) == str(caught.value)


def test_one_that_runs_already_commits_nothing_from_its_next_sweep_on(it: World) -> None:
    """Until the ledger is what it was again."""
    version = it.register("1")
    _demand(it, KNOWN + 1)
    with pytest.raises(LaterReleaseError, match="needs one that knows"):
        sweep(it.context)
    with pytest.raises(LaterReleaseError, match="needs one that knows"):
        ask(it, version, "Staging")
    _demand(it, KNOWN)
    sweep(it.context)

    assert "" == ask(it, version, "Staging")


def test_a_ledger_of_the_first_release_is_opened_as_it_is(it: World) -> None:
    """It says nothing of itself, before it is migrated."""
    it.rows.commit(LEDGER, "ledger", [Delete(KEY, ANY_ETAG)])
    ledger = open_ledger(it.rows, it.clock)

    assert ledger.id == it.context.ledger.id
    assert it.rows.get(LEDGER, "ledger", KEY) is None


def _demand(it: World, least: int) -> None:
    values: dict[str, Value] = {"format": FORMAT, "ledger": LEDGER_FORMAT, "least": least}
    it.rows.commit(LEDGER, "ledger", [Replace(KEY, values, ANY_ETAG)])
