"""Work, moments, notes and copies of a next release are left to it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import copies, keys, query, unregistered_rows, upkeep
from stage_functions.application.copies import Expected
from stage_functions.application.ports.rows import (
    LEDGER,
    WORK,
    Insert,
    Replace,
    Value,
)
from stage_functions.application.sweep import sweep
from stage_functions.application.unregistered_rows import Note
from stage_functions.domain import effect
from stage_functions.domain.asset import Version
from stage_functions.domain.error import (
    LaterReleaseError,
    SinkUnavailableError,
)
from stage_functions.domain.grounds import ITSELF
from stage_functions.domain.state import Origin
from tests.builders import IRIS, World
from tests.fakes.sink import MemorySink
from tests.rolling import next_release
from tests.rolling.next_release import CONTENT, DUTY, FIELD, PROPERTY, body, rewrite
from tests.rolling.next_world import (
    LATER,
    PARTITION,
    ask,
    found,
    published,
    snapshot,
)


def test_work_of_an_unknown_kind_is_left_to_the_next_release(it: World) -> None:
    """It is not done, not parked, not deleted; its marker stays; everything else goes on."""
    version = it.register("1")
    key = next_release.owe(it.rows, IRIS, **{FIELD: CONTENT})
    before = found(it, key)
    commit = it.context.ledger.load(IRIS).head.commit
    for _ in range(3):
        it.clock.sleep(7200)
        assert not sweep(it.context).failed
    ask(it, version, "Staging")

    assert found(it, key) == before
    assert it.context.ledger.load(IRIS).head.owed == (commit,)
    marker = keys.marker_key(PARTITION, commit)
    assert it.rows.get(WORK, keys.outbox_shard(PARTITION), marker) is not None
    assert it.registry.tags(version)["stage"] == "Staging"
    assert [one.owed.duty for one in upkeep.outbox(it.context)] == [DUTY]
    assert upkeep.health(it.context).ready
    with pytest.raises(LaterReleaseError, match="only a later release knows how 'call-home'"):
        upkeep.retry(it.context, f"{PARTITION}@{key}")
    assert found(it, key) == before


def test_a_sweep_over_unknown_work_writes_nothing(it: World) -> None:
    """However often: only the next release has something to do."""
    it.register("1")
    next_release.owe(it.rows, IRIS)
    before = snapshot(it)
    it.clock.sleep(7200)
    sweep(it.context)

    assert snapshot(it) == before


def test_owed_work_whose_meaning_has_changed_is_left_to_the_next_release(
    it: World, sink: MemorySink
) -> None:
    """A duty that is known, in a row of a higher format."""
    sink.fault = SinkUnavailableError("not now")
    it.register("1")
    (key,) = [one.key for one in it.context.ledger.owed(IRIS)]
    rewrite(it.rows, PARTITION, key, next_release.add_field, format=next_release.RAISED)
    before, sink.fault = found(it, key), None
    it.clock.sleep(7200)
    sweep(it.context)

    assert found(it, key) == before
    assert not published(sink)
    with pytest.raises(LaterReleaseError, match=LATER):
        upkeep.retry(it.context, f"{PARTITION}@{key}")


@pytest.mark.parametrize(
    "values",
    [
        {"what": "something else altogether"},
        {
            "asset": str(IRIS),
            "commit": 1,
            "at": "2026-01-01T00:00:00+00:00",
            "format": next_release.RAISED,
        },
        {"asset": str(IRIS), "at": "2026-01-01T00:00:00+00:00"},
    ],
)
def test_a_marker_of_the_next_release_stays(it: World, values: dict[str, Value]) -> None:
    """And the sweep finishes what lies beside it."""
    it.register("1")
    shard = keys.outbox_shard(PARTITION)
    it.rows.commit(WORK, shard, [Insert("a-later-one", values)])
    it.clock.sleep(7200)
    swept = sweep(it.context)

    row = it.rows.get(WORK, shard, "a-later-one")
    assert (row and row.values, swept.failed) == (values, ())
    assert upkeep.health(it.context).ready


@pytest.mark.parametrize(
    "values",
    [
        {"asset": str(IRIS), "rehearsal": "7"},
        {"what": "something else altogether"},
        {"asset": str(IRIS), "version": "1", "format": next_release.RAISED},
        {"asset": str(IRIS), "version": "1", "rehearsal": True},
    ],
)
def test_a_moment_of_the_next_release_is_not_forgotten(it: World, values: dict[str, Value]) -> None:
    """Whether or not this release rings it as far as it understands it."""
    it.register("1")
    shard = keys.deadlines_shard(PARTITION)
    key = f"{(it.clock.now() - timedelta(days=1)).isoformat()}@later"
    known = f"{(it.clock.now() - timedelta(days=1)).isoformat()}@known"
    own: dict[str, Value] = {"asset": str(IRIS), "version": "1"}
    it.rows.commit(WORK, shard, [Insert(key, values), Insert(known, own)])
    swept = sweep(it.context)

    assert swept.failed == ()
    assert it.rows.get(WORK, shard, key) is not None
    assert it.rows.get(WORK, shard, known) is None
    assert list(query.approvals(it.context, None)) == []


def test_the_catalog_says_nothing_of_a_version_that_is_not_understood(it: World) -> None:
    """Its rows wait for the next release, which knows what lists are to show of it."""
    version = it.register("1")
    (before,) = query.assets(it.context).entries
    loaded = it.context.ledger.load(IRIS, ["1"])
    step = effect.drift(loaded.step(), "1", ITSELF, {"why": "because"})
    it.context.ledger.commit(loaded, step, now=it.clock.now(), operation="x")
    rewrite(it.rows, PARTITION, keys.version_key("1"), lambda _: None, format=next_release.RAISED)
    it.clock.sleep(60)
    sweep(it.context)

    assert query.assets(it.context).entries == (before,)
    left = {one.duty: (one.parked, LATER in one.error) for one in it.context.ledger.owed(IRIS)}
    assert {"reconcile": (False, True), "catalog": (False, True)}.items() <= left.items()
    assert it.registry.tags(version)["stage"] == "None"


def test_a_note_keeps_what_a_next_release_wrote(it: World) -> None:
    """Also where the thing is another one by now."""
    note = Note("demo/models/x:1", "first", it.clock.now(), it.clock.now())
    partition = keys.unregistered_partition("demo")
    unregistered_rows.put(it.rows, note)
    rewrite(it.rows, partition, note.key, next_release.add_field, **{PROPERTY: 7})
    unregistered_rows.put(it.rows, replace(note, content="second"))
    row = found(it, note.key, partition)

    assert (body(row)["content"], body(row)[FIELD], row.values[PROPERTY]) == ("second", CONTENT, 7)


def test_a_note_whose_meaning_has_changed_stays(it: World) -> None:
    """It is neither written over nor removed."""
    note = Note("demo/models/x:1", "first", it.clock.now(), it.clock.now())
    unregistered_rows.put(it.rows, note)
    partition = keys.unregistered_partition("demo")
    rewrite(it.rows, partition, note.key, lambda _: None, format=next_release.RAISED)
    before = found(it, note.key, partition)

    with pytest.raises(LaterReleaseError, match=LATER):
        unregistered_rows.put(it.rows, replace(note, content="second"))
    with pytest.raises(LaterReleaseError, match=LATER):
        unregistered_rows.drop(it.rows, "demo", note.key)
    assert found(it, note.key, partition) == before


def test_an_expected_copy_keeps_what_is_beside_it_and_is_none_under_a_further_condition(
    it: World,
) -> None:
    """It begins at a stage that was granted: so nothing of it may be overlooked."""
    version, origin = Version(IRIS, "9"), Origin("a/models/b:1", "c", "r")
    key = keys.encode(str(version))
    copies.expect(it.rows, version, Expected(origin, "Staging"))
    row = found(it, key, keys.COPIES_PARTITION)
    values = {**row.values, PROPERTY: "x"}
    it.rows.commit(LEDGER, keys.COPIES_PARTITION, [Replace(key, values, row.etag)])
    copies.expect(it.rows, version, Expected(origin, "Production"))
    after = found(it, key, keys.COPIES_PARTITION)
    rewrite(it.rows, keys.COPIES_PARTITION, key, lambda one: one.update(until="noon"))

    assert (after.values[PROPERTY], body(after)["stage"]) == ("x", "Production")
    with pytest.raises(LaterReleaseError, match="it has 'until'"):
        copies.expect(it.rows, version, Expected(origin, "Staging"))
