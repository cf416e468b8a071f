"""Versions that a registry no longer has, as events tell of it: noted, asked again, recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import following, query
from stage_functions.application.following import follow_any
from stage_functions.application.signal import AssetSignal, Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import RetryableError
from stage_functions.domain.record import RecordType
from stage_functions.domain.state import MISSING_TWICE_SECONDS
from tests.builders import IRIS, World, world
from tests.fakes.sink import MemorySink
from tests.wire.samples import OID

ONE = Version(IRIS, "1")


@pytest.fixture
def it() -> Iterator[World]:
    """A world with a sink."""
    made = world(sinks=(MemorySink("events"),))
    yield made
    made.rows.close()


def gone(it: World, *, version: Version = ONE, authenticated: bool = True) -> Signal:
    """Return the hint that somebody has just deleted a version."""
    return Signal(
        version,
        actor=f"oid:{OID}",
        at=it.clock.now(),
        names=("Jo Doe",),
        authenticated=authenticated,
        deleted=True,
    )


def later(it: World, seconds: float = MISSING_TWICE_SECONDS + 1) -> None:
    """Let time pass, and the clock ring."""
    it.clock.time += timedelta(seconds=seconds)
    swept = sweep(it.context)
    assert swept.failed == ()


def types(it: World) -> list[RecordType]:
    """Return the types of the records."""
    return [record.type for record in query.all_records(it.context, IRIS)]


def staged(it: World) -> Version:
    """Return a version at Staging, which is not deletable."""
    version = it.register("1")
    request_transition(it.context, it.command(version, "Staging"))
    return version


def test_a_deleted_version_is_recorded_when_the_clock_finds_it_gone_again(it: World) -> None:
    """Nothing but the event and the sweep is needed, and five minutes."""
    it.register("1")
    it.registry.remove(ONE)

    assert follow(it.context, gone(it))
    assert [RecordType.REGISTERED] == types(it)
    later(it, MISSING_TWICE_SECONDS - 1)
    assert [RecordType.REGISTERED] == types(it)
    later(it, 2)

    assert [RecordType.REGISTERED, RecordType.DELETED] == types(it)
    assert it.context.ledger.versions(IRIS)["1"].gone


def test_a_deletion_where_none_is_allowed_is_a_violation_and_published(it: World) -> None:
    """In the same commit; the name of whoever did it is proven by the event."""
    staged(it)
    it.registry.remove(ONE)
    follow(it.context, gone(it))
    later(it)

    deleted, violated = list(query.all_records(it.context, IRIS))[-2:]
    expected = {"id": f"oid:{OID}", "attribution": "proven", "via": "registry"}
    (sink,) = it.context.sinks.values()
    assert isinstance(sink, MemorySink)
    assert (RecordType.DELETED, RecordType.VIOLATED) == (deleted.type, violated.type)
    assert expected == deleted.content["actor"]
    assert expected == violated.content["actor"]
    assert deleted.content["commit"] == violated.content["commit"]
    assert [RecordType.DELETED, RecordType.VIOLATED] == [one.type for one in sink.taken[-2:]]


def test_a_hint_that_anybody_could_send_names_nobody(it: World) -> None:
    """A record is never changed, so nobody is accused in it on a stranger's word."""
    staged(it)
    it.registry.remove(ONE)
    follow(it.context, gone(it, authenticated=False))
    later(it)

    deleted = list(query.all_records(it.context, IRIS))[-2]
    assert {"attribution": "none", "via": "scan"} == deleted.content["actor"]
    assert OID.encode() not in deleted.body


def test_the_event_that_names_somebody_may_come_second(it: World) -> None:
    """It adds who it was to what was noted already, once."""
    it.register("1")
    it.registry.remove(ONE)

    assert follow(it.context, gone(it, authenticated=False))
    assert follow(it.context, gone(it))
    assert not follow(it.context, gone(it))
    later(it)

    assert f"oid:{OID}" == actor_id(it)


@pytest.mark.parametrize("hint", ["own", "before", "timeless"])
def test_an_event_that_proves_nothing_names_nobody(it: World, hint: str) -> None:
    """Stageward's own, one from before this thing was made, one without a time."""
    it.register("1")
    it.registry.own = frozenset({f"oid:{OID}"}) if hint == "own" else frozenset()
    told = gone(it)
    if hint != "own":
        before = it.clock.now() - timedelta(days=1)
        told = replace(told, at=before if hint == "before" else None)
    it.registry.remove(ONE)
    follow(it.context, told)
    later(it)

    assert RecordType.DELETED == types(it)[-1]
    assert not actor_id(it)


def actor_id(it: World) -> str:
    """Return whom the last record names."""
    actor = list(query.all_records(it.context, IRIS))[-1].content["actor"]
    assert isinstance(actor, dict)
    return str(actor.get("id", ""))


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.OBSERVE])
def test_a_version_that_reappears_was_never_deleted(mode: Mode) -> None:
    """Nor is it the next time that its registry does not find it for a moment."""
    it = world(mode)
    it.registry.register(ONE, it.clock.now())
    follow(it.context, Signal(ONE))
    before = types(it)
    kept = it.registry.read(ONE)
    it.registry.remove(ONE)
    follow(it.context, gone(it))
    assert kept is not None
    it.registry.register(ONE, kept.created_at, tags=kept.tags)
    later(it)
    assert it.context.ledger.versions(IRIS)["1"].missing_since is None
    assert not it.context.ledger.versions(IRIS)["1"].deleted_by

    it.registry.remove(ONE)
    follow(it.context, gone(it))

    assert before == types(it)
    it.rows.close()


def test_a_stopped_version_that_reappears_was_never_deleted(it: World) -> None:
    """Also where nothing is written to it."""
    it.register("1", {"stage_governor": "another0/7"})
    kept = it.registry.read(ONE)
    assert it.context.ledger.versions(IRIS)["1"].stopped
    it.registry.remove(ONE)
    follow(it.context, gone(it))
    assert kept is not None
    it.registry.register(ONE, kept.created_at, tags=kept.tags)
    later(it)

    assert it.context.ledger.versions(IRIS)["1"].missing_since is None


def test_a_deletion_told_again_commits_nothing_and_costs_one_reading(it: World) -> None:
    """Before it is certain, and after it was recorded."""
    it.register("1")
    it.registry.remove(ONE)
    follow(it.context, gone(it))
    commit = it.context.ledger.load(IRIS).head.commit
    it.registry.calls.clear()

    assert not any(follow(it.context, gone(it)) for _ in range(3))
    assert ["read"] * 3 == it.registry.calls
    assert commit == it.context.ledger.load(IRIS).head.commit
    later(it)
    recorded = it.context.ledger.load(IRIS).head.commit
    assert not follow(it.context, gone(it))
    assert recorded == it.context.ledger.load(IRIS).head.commit


def test_a_deletion_that_the_registry_does_not_show_is_none(it: World) -> None:
    """Whatever the event says: the version is read, and is there."""
    it.register("1")

    assert not follow(it.context, gone(it))
    later(it)

    assert [RecordType.REGISTERED] == types(it)


@pytest.mark.parametrize("deleted", [True, False])
def test_nothing_is_noted_of_what_nobody_knows(it: World, deleted: bool) -> None:  # noqa: FBT001
    """A version that came and went unseen has no history."""
    assert not follow(it.context, replace(gone(it), deleted=deleted))
    assert [] == types(it)


def test_a_hint_about_something_else_deletes_nothing(it: World) -> None:
    """That there is no such version may be an old answer; the scan asks further."""
    it.register("1")
    it.registry.remove(ONE)

    assert not follow(it.context, Signal(ONE))
    assert it.context.ledger.versions(IRIS)["1"].missing_since is None


class TestWholeAssets:
    """An asset that was deleted with all of its versions."""

    def test_all_of_its_versions_are_recorded(self, it: World) -> None:
        """Though the event names none of them; told again, nothing is read."""
        for number in ("1", "2", "3"):
            it.register(number)
        it.registry.delete_asset("iris")
        for number in ("1", "2", "3"):
            it.registry.remove(Version(IRIS, number))
        hint = AssetSignal(IRIS, f"oid:{OID}", it.clock.now(), (), authenticated=True)

        assert follow_any(it.context, hint)
        it.registry.calls.clear()
        assert not follow_any(it.context, hint)
        assert [] == it.registry.calls
        later(it)

        assert [RecordType.DELETED] * 3 == types(it)[3:]
        assert f"oid:{OID}" == actor_id(it)

    def test_it_is_believed_no_further_than_the_first_version_that_is_there(
        self, it: World
    ) -> None:
        """A hint that is wrong costs one reading."""
        for number in ("1", "2", "3"):
            it.register(number)
        it.registry.calls.clear()

        assert not follow_any(it.context, AssetSignal(IRIS))
        assert ["read"] == it.registry.calls

    def test_nobody_knows_it(self, it: World) -> None:
        """Then there is nothing to look for."""
        assert not follow_any(it.context, AssetSignal(IRIS))

    def test_of_very_many_versions_the_rest_waits_for_the_hint_to_come_again(
        self, it: World
    ) -> None:
        """Each time it gets further, so that it comes to an end."""
        count = following.AT_ONCE + 3
        for number in range(count):
            it.register(f"{number + 1}")
            it.registry.remove(Version(IRIS, f"{number + 1}"))

        with pytest.raises(RetryableError, match="3 more versions"):
            follow_any(it.context, AssetSignal(IRIS))
        assert follow_any(it.context, AssetSignal(IRIS))

        states = it.context.ledger.versions(IRIS).values()
        assert count == sum(one.missing_since is not None for one in states)
