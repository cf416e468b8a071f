"""What a next release writes is safe with this one: it loses nothing and decides nothing wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from stage_functions.application import keys, query, tokens, upkeep
from stage_functions.application.adoption import adopt
from stage_functions.application.answer import AnswerKind
from stage_functions.application.codec import FORMAT
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ledger_format import KEY, LEDGER_FORMAT
from stage_functions.application.link_keys import LinkKeys
from stage_functions.application.ports.rows import (
    ANY_ETAG,
    LEDGER,
    WORK,
    Change,
    Delete,
    Insert,
    Replace,
    Row,
    Value,
)
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.timeline import moment
from stage_functions.application.tokens import Token, token_id
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.error import LaterReleaseError, SinkUnavailableError
from stage_functions.domain.history import as_of
from stage_functions.domain.record import Record
from tests.builders import IRIS, World, actor, lifecycle, world
from tests.fakes.notifier import MemoryNotifier
from tests.fakes.sink import MemorySink
from tests.rolling import next_release
from tests.rolling.next_release import CONTENT, DUTY, FIELD, PROPERTY, TYPE, body, rewrite

PARTITION = keys.asset_partition(IRIS)
LATER = "update this instance"


@pytest.fixture
def sink() -> MemorySink:
    """Where records are published."""
    return MemorySink("events")


@pytest.fixture
def it(sink: MemorySink) -> Iterator[World]:
    """A world under the default lifecycle."""
    made = world(sinks=(sink,))
    yield made
    made.rows.close()


def ask(it: World, version: Version, target: str) -> str:
    """Ask for a transition; return the approval's id."""
    return request_transition(it.context, it.command(version, target)).approval


def approve(it: World, approval: str, person: str) -> AnswerKind:
    """Vote for an approval."""
    fingerprint = query.approval(it.context, approval).approval.fingerprint
    command = VoteCommand(
        approval,
        Decision.APPROVE,
        "",
        fingerprint,
        actor(person),
        it.clock.operation_id(),
    )
    return vote(it.context, command).kind


def pending(it: World) -> tuple[Version, str]:
    """Return a version that waits for Production, and its approval."""
    version = it.register("1")
    ask(it, version, "Staging")
    return version, ask(it, version, "Production")


def found(it: World, key: str, partition: str = PARTITION) -> Row:
    """Return a row of the ledger."""
    row = it.rows.get(LEDGER, partition, key)
    assert row is not None
    return row


def published(sink: MemorySink) -> list[Record]:
    """Return the records of the asset that were published."""
    return [record for record in sink.taken if record.content["asset"] == str(IRIS)]


def snapshot(it: World) -> dict[tuple[str, str], Row]:
    """Return every row of the asset."""
    rows = it.rows.query(LEDGER, PARTITION, limit=10_000)
    return {(row.key, row.etag): row for row in rows}


# Fields and properties


def test_a_version_goes_its_whole_way_with_what_a_next_release_wrote(it: World) -> None:
    """Head, version, approval and registry carry it through every decision."""
    version, approval = pending(it)
    places = [
        (PARTITION, keys.HEAD),
        (PARTITION, keys.version_key("1")),
        (PARTITION, keys.approval_key(approval)),
        (keys.registry_partition("demo"), "state"),
        (keys.lifecycle_partition("default"), keys.HEAD),
    ]
    for partition, key in places:
        rewrite(it.rows, partition, key, next_release.add_field, **{PROPERTY: b"beside"})

    approve(it, approval, "bob")
    granted = approve(it, approval, "eve")
    it.registry.set_tag(version, "stage", "None")
    follow(it.context, Signal(version))
    it.context.states.suspect("demo", str(IRIS), "why", at_once=False)
    newer = replace(lifecycle(), text={"name": "default", "shape": "another"})
    adopt(replace(it.context, configuration=replace(it.context.configuration, lifecycles=(newer,))))

    assert granted is AnswerKind.GRANTED
    for partition, key in places:
        row = found(it, key, partition)
        assert (CONTENT, b"beside") == (body(row)[FIELD], row.values[PROPERTY]), key
    assert query.check_history(it.context, IRIS) is None


def test_owed_work_that_is_put_off_keeps_what_a_next_release_wrote(
    it: World, sink: MemorySink
) -> None:
    """It is done by and by, by whichever release."""
    sink.fault = SinkUnavailableError("not now")
    it.register("1")
    (key,) = [one.key for one in it.context.ledger.owed(IRIS)]
    rewrite(it.rows, PARTITION, key, next_release.add_field, **{PROPERTY: True})
    it.clock.sleep(7200)
    sweep(it.context)
    row = found(it, key)
    sink.fault = None
    it.clock.sleep(7200)
    sweep(it.context)

    assert (CONTENT, True) == (body(row)[FIELD], row.values[PROPERTY])
    assert body(row)["attempts"] > 1
    assert it.rows.get(LEDGER, PARTITION, key) is None
    assert [record.number for record in published(sink)] == [1]


def test_the_row_of_an_adopted_lifecycle_keeps_its_further_properties(it: World) -> None:
    """And so does the row that says how far its sinks got."""
    partition = keys.lifecycle_partition("default")
    sweep(it.context)
    for key in ("adopted", "sink:events"):
        row = found(it, key, partition)
        it.rows.commit(LEDGER, partition, [Replace(key, {**row.values, PROPERTY: "x"}, row.etag)])
    newer = replace(lifecycle(), text={"name": "default", "shape": "another"})
    later = replace(it.context.configuration, lifecycles=(newer,))
    adopt(replace(it.context, configuration=later))
    sweep(it.context)

    for key in ("adopted", "sink:events"):
        assert found(it, key, partition).values[PROPERTY] == "x"
    assert found(it, "sink:events", partition).values["number"] == 2


# Work


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
    rewrite(it.rows, PARTITION, key, next_release.add_field, format=FORMAT + 1)
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
        {"asset": str(IRIS), "commit": 1, "at": "2026-01-01T00:00:00+00:00", "format": FORMAT + 1},
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
        {"asset": str(IRIS), "version": "1", "format": FORMAT + 1},
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


# Records


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


# Decisions

CONDITIONS: dict[str, Any] = {
    "a condition in the policy": lambda one: one["policy"].update(four_eyes=True),
    "a word in the policy": lambda one: one["policy"].update(assurance="hardware_key"),
    "something that it is bound to": lambda one: one["binding"].update(container="sha256:1"),
    "a status": lambda one: one.update(status="on_hold"),
    "a kind of vote": lambda one: one["votes"][0].update(decision="abstain"),
    "more of a vote": lambda one: one["votes"][0].update(delegated="person:zoe"),
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_an_approval_that_is_not_understood_is_not_granted(it: World, condition: str) -> None:
    """Nor closed, nor reminded of, nor let lapse: nothing of it changes here."""
    version, approval = pending(it)
    approve(it, approval, "bob")
    rewrite(it.rows, PARTITION, keys.approval_key(approval), CONDITIONS[condition])
    before = found(it, keys.approval_key(approval))

    with pytest.raises(LaterReleaseError, match=LATER):
        approve(it, approval, "eve")
    with pytest.raises(LaterReleaseError, match=LATER):
        ask(it, version, "Archived")
    it.clock.sleep(30 * 86_400)
    swept = sweep(it.context)

    assert found(it, keys.approval_key(approval)) == before
    assert it.registry.tags(version)["stage"] == "Staging"
    assert LATER in swept.failed[0]
    shard = keys.deadlines_shard(PARTITION)
    assert [row.values["approval"] for row in it.rows.query(WORK, shard)] == [approval]
    assert query.approval(it.context, approval).approval.id == approval


def test_an_approval_that_is_not_understood_says_what_it_waits_for(it: World) -> None:
    """Beside what it waits for anyway."""
    _, approval = pending(it)
    key = keys.approval_key(approval)
    rewrite(it.rows, PARTITION, key, CONDITIONS["a condition in the policy"])

    needs = query.approval(it.context, approval).needs

    assert needs[0] == (
        f"row {key} was written by a later release: it has 'policy.four_eyes'; {LATER}"
    )
    assert needs[1:] == ("1 of risk", "1 more of risk or science")


@pytest.mark.parametrize("key", [keys.HEAD, keys.version_key("1")])
def test_nothing_is_decided_on_a_row_whose_meaning_has_changed(it: World, key: str) -> None:
    """By no signal, request or sweep; and nothing is written to the registry by it."""
    version = it.register("1")
    rewrite(it.rows, PARTITION, key, next_release.add_field, format=FORMAT + 1)
    before, tags = snapshot(it), it.registry.tags(version)
    it.registry.set_tag(version, "stage_request", "Staging")

    with pytest.raises(LaterReleaseError, match=LATER):
        follow(it.context, Signal(version))
    with pytest.raises(LaterReleaseError, match=LATER):
        ask(it, version, "Staging")
    it.clock.sleep(7200)
    sweep(it.context)

    assert snapshot(it) == before
    assert it.registry.tags(version) == {**tags, "stage_request": "Staging"}
    assert query.asset(it.context, IRIS).versions["1"].stage == "None"
    assert query.version(it.context, version).state is not None


def test_tags_that_are_owed_to_such_a_version_wait_for_the_next_release(
    it: World,
) -> None:
    """The row stays owed, with the reason."""
    version = it.register("1")
    loaded = it.context.ledger.load(IRIS, ["1"])
    step = loaded.step().with_version(loaded.versions["1"], touch=True)
    it.context.ledger.commit(loaded, step, now=it.clock.now(), operation="x")
    rewrite(it.rows, PARTITION, keys.version_key("1"), lambda _: None, format=FORMAT + 1)
    it.registry.set_tag(version, "stage", "Archived")
    it.clock.sleep(60)
    sweep(it.context)

    (row,) = it.context.ledger.owed(IRIS)
    assert (row.duty, row.parked, LATER in row.error) == ("reconcile", False, True)
    assert it.registry.tags(version)["stage"] == "Archived"


def test_a_registry_whose_state_is_not_understood_is_not_governed(it: World) -> None:
    """Nothing is guessed of it."""
    version = it.register("1")
    partition = keys.registry_partition("demo")
    rewrite(it.rows, partition, "state", lambda _: None, format=FORMAT + 1)
    it.context.states.get("demo", fresh=True)

    with pytest.raises(LaterReleaseError, match=LATER):
        ask(it, version, "Staging")
    with pytest.raises(LaterReleaseError, match=LATER):
        it.context.states.suspect("demo", str(IRIS), "why", at_once=True)


def test_a_token_that_a_next_release_has_bound_signs_in_nobody(it: World) -> None:
    """It may be one that permits less; it is listed all the same."""
    token = Token(token_id("stw_x"), "sam", it.clock.now())
    tokens.create(it.rows, token)
    rewrite(it.rows, "tokens", token.id, lambda one: one.update(only="read"))

    with pytest.raises(LaterReleaseError, match="it has 'only'"):
        tokens.holder(it.rows, "stw_x", it.clock.now())
    assert [one.person for one in tokens.tokens(it.rows)] == ["sam"]


def test_a_key_of_links_of_a_next_release_verifies_nothing(it: World) -> None:
    """How it signs is not known here."""
    links = LinkKeys(it.rows, it.clock, timedelta(days=1))
    number = links.newest().number
    row = found(it, f"link-key:{number:010d}", "ledger")
    values = {**row.values, "format": FORMAT + 1}
    it.rows.commit(LEDGER, "ledger", [Replace(row.key, values, row.etag)])
    it.clock.sleep(3600)

    with pytest.raises(LaterReleaseError, match=LATER):
        links.numbered(number)


# The ledger as a whole


def test_a_new_ledger_says_of_which_format_it_is(it: World) -> None:
    """So that a release that is too old for it can say so."""
    values = found(it, KEY, "ledger").values

    assert {"format": FORMAT, "ledger": LEDGER_FORMAT, "least": 1} == values


def test_a_release_that_is_too_old_for_a_ledger_does_not_start(it: World) -> None:
    """And says what to do."""
    _demand(it, LEDGER_FORMAT + 1)

    with pytest.raises(LaterReleaseError) as caught:
        open_ledger(it.rows, it.clock)
    assert (
        "this ledger was migrated by a later release of Stageward, and needs one that knows "
        f"format {LEDGER_FORMAT + 1}; this one knows {LEDGER_FORMAT}; {LATER}"
    ) == str(caught.value)


def test_one_that_runs_already_commits_nothing_from_its_next_sweep_on(it: World) -> None:
    """Until the ledger is what it was again."""
    version = it.register("1")
    _demand(it, LEDGER_FORMAT + 1)
    with pytest.raises(LaterReleaseError, match="needs one that knows"):
        sweep(it.context)
    with pytest.raises(LaterReleaseError, match="needs one that knows"):
        ask(it, version, "Staging")
    _demand(it, LEDGER_FORMAT)
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
