"""What a next release writes beside is carried along; what it means otherwise is not decided on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import keys, query, tokens
from stage_functions.application.adoption import adopt
from stage_functions.application.answer import AnswerKind
from stage_functions.application.link_keys import LinkKeys
from stage_functions.application.ports.rows import (
    LEDGER,
    WORK,
    Replace,
)
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.tokens import Token, token_id
from stage_functions.domain.error import (
    LaterReleaseError,
    SinkUnavailableError,
)
from tests.builders import IRIS, World, cast, lifecycle
from tests.fakes.sink import MemorySink
from tests.rolling import next_release
from tests.rolling.next_release import CONTENT, FIELD, PROPERTY, body, rewrite
from tests.rolling.next_world import (
    CONDITIONS,
    LATER,
    PARTITION,
    ask,
    found,
    pending,
    published,
    snapshot,
)


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

    cast(it.context, approval, "bob")
    granted = cast(it.context, approval, "eve")
    it.registry.set_tag(version, "stage", "None")
    follow(it.context, Signal(version))
    it.context.states.suspect("demo", str(IRIS), "why", at_once=False)
    newer = replace(lifecycle(), text={"name": "default", "shape": "another"})
    adopt(replace(it.context, configuration=replace(it.context.configuration, lifecycles=(newer,))))

    assert granted.kind is AnswerKind.GRANTED
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


@pytest.mark.parametrize("condition", CONDITIONS)
def test_an_approval_that_is_not_understood_is_not_granted(it: World, condition: str) -> None:
    """Nor closed, nor reminded of, nor let lapse: nothing of it changes here."""
    version, approval = pending(it)
    cast(it.context, approval, "bob")
    rewrite(it.rows, PARTITION, keys.approval_key(approval), CONDITIONS[condition])
    before = found(it, keys.approval_key(approval))

    with pytest.raises(LaterReleaseError, match=LATER):
        cast(it.context, approval, "eve")
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
    rewrite(it.rows, PARTITION, key, next_release.add_field, format=next_release.RAISED)
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
    rewrite(it.rows, PARTITION, keys.version_key("1"), lambda _: None, format=next_release.RAISED)
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
    rewrite(it.rows, partition, "state", lambda _: None, format=next_release.RAISED)
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
    values = {**row.values, "format": next_release.RAISED}
    it.rows.commit(LEDGER, "ledger", [Replace(row.key, values, row.etag)])
    it.clock.sleep(3600)

    with pytest.raises(LaterReleaseError, match=LATER):
        links.numbered(number)
