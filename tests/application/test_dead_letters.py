"""Dead letters: shown, and followed after all as the hints that they were."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import dead_letters
from stage_functions.application.dead_letters import Letter, Replayed
from stage_functions.application.following import follow_any
from stage_functions.application.process import Process
from stage_functions.application.signal import AnySignal
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.error import (
    NotAllowedNowError,
    NotFoundError,
    RegistryUnavailableError,
)
from stage_functions.domain.record import RecordType
from stage_functions.wire.dead_letter import read
from tests.builders import World, world
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.wire.samples import MODEL_REGISTERED, OID, WORKSPACE, Event, resource_event

REGRESSION = Asset("demo", Kind.MODELS, "sklearn_regression_model")
VERSION = Version(REGRESSION, "20")


@pytest.fixture
def letters() -> MemoryDeadLetters:
    """Where they are kept."""
    return MemoryDeadLetters()


@pytest.fixture
def it(letters: MemoryDeadLetters) -> Iterator[World]:
    """A world whose registry is an Azure ML workspace, with a model that nobody was told of."""
    made = world(workspace=WORKSPACE)
    made.registry.register(VERSION, made.clock.now(), author=f"oid:{OID}")
    process = Process(dead_letters=letters)
    yield replace(made, context=replace(made.context, process=process))
    made.rows.close()


def die(it: World, letters: MemoryDeadLetters, name: str, event: Event | bytes) -> None:
    """Keep an event as one that could not be delivered, a minute after the one before."""
    it.clock.sleep(60)
    body = event if isinstance(event, bytes) else json.dumps([event]).encode()
    letters.put(name, body, it.clock.time)


def reads(it: World, body: bytes) -> Letter:
    """Read one."""
    return read(body, it.context.configuration.registries)


def replayed(it: World, after: str = "", seconds: float = 20) -> Replayed:
    """Follow them."""

    def follow(signal: AnySignal) -> bool:
        return follow_any(it.context, signal)

    return dead_letters.replay(
        it.context, follow, lambda body: reads(it, body), after=after, seconds=seconds
    )


def test_one_is_followed_and_then_deleted(it: World, letters: MemoryDeadLetters) -> None:
    """The version is governed, hours late."""
    die(it, letters, "a", MODEL_REGISTERED)
    done = replayed(it)

    assert Replayed(followed=1, changed=1, deleted=1) == done
    assert "None" == it.registry.tags(VERSION)["stage"]
    assert [] == letters.names


def test_what_one_claims_proves_nothing(it: World, letters: MemoryDeadLetters) -> None:
    """Though the registry shows the very same writer: anybody may have written the blob."""
    die(it, letters, "a", MODEL_REGISTERED)
    replayed(it)
    it.registry.set_tags(VERSION, {"stage_request": "Staging"})
    at = it.clock.now()
    it.registry.wrote(VERSION, f"oid:{OID}", at)
    written = f"{WORKSPACE}/models/sklearn_regression_model/versions/20"
    die(it, letters, "b", {**resource_event(written), "eventTime": at.isoformat()})
    done = replayed(it)
    (record,) = [
        one
        for one in it.context.ledger.records(
            f"asset:{REGRESSION.registry}:models:{REGRESSION.name}"
        )
        if one.type is RecordType.STAGE_CHANGED
    ]

    assert (1, 1) == (done.followed, done.changed)
    actor = record.content["actor"]
    assert isinstance(actor, dict)
    assert "proven" != actor["attribution"]


def test_what_cannot_be_read_is_named_and_kept_and_holds_up_nobody(
    it: World, letters: MemoryDeadLetters
) -> None:
    """It was first, and the others are done with."""
    die(it, letters, "torn", b'[{"eventType": "Micro')
    die(it, letters, "a", MODEL_REGISTERED)
    done = replayed(it)

    assert ["torn"] == letters.names
    assert [("torn", True)] == [(name, "not JSON" in why) for name, why in done.kept]
    assert (1, 1, "") == (done.followed, done.deleted, done.cursor)


def test_one_that_cannot_be_followed_now_is_kept(it: World, letters: MemoryDeadLetters) -> None:
    """It is followed the next time."""
    die(it, letters, "a", MODEL_REGISTERED)
    it.registry.away = True
    away = replayed(it)
    it.registry.away = False
    done = replayed(it)

    assert (("a", "the registry is away"),) == away.kept
    assert (0, 1) == (away.deleted, done.deleted)


def test_one_that_is_about_nothing_here_is_done_with(it: World, letters: MemoryDeadLetters) -> None:
    """Delivered, it would have been acknowledged as well."""
    die(it, letters, "a", {**MODEL_REGISTERED, "eventType": "Microsoft.Storage.BlobCreated"})
    done = replayed(it)

    assert (0, 1, 1) == (done.followed, done.deleted, len(done.ignored))
    assert [] == letters.names


def test_one_call_follows_some_and_the_next_goes_on_behind_them(
    it: World, letters: MemoryDeadLetters
) -> None:
    """Also behind those that stay: none is read twice in one go."""
    for number in range(dead_letters.AT_ONCE + 10):
        die(it, letters, f"torn-{number:03d}", b"{")
        die(it, letters, f"a-{number:03d}", MODEL_REGISTERED)
    first = replayed(it)
    second = replayed(it, first.cursor)

    assert dead_letters.AT_ONCE == first.deleted
    assert (10, "") == (second.deleted, second.cursor)
    assert dead_letters.AT_ONCE + 10 == len(first.kept) + len(second.kept) == len(letters.names)


def test_a_call_ends_when_its_time_is_over(it: World, letters: MemoryDeadLetters) -> None:
    """One is always followed, so that whoever goes on gets to the end."""
    for number in range(3):
        die(it, letters, str(number), MODEL_REGISTERED)
    cursor, calls = replayed(it, seconds=0).cursor, 1
    while cursor:
        cursor, calls = replayed(it, cursor, seconds=0).cursor, calls + 1

    assert (3, []) == (calls, letters.names)


def test_one_that_somebody_else_has_followed_meanwhile_is_not_kept(
    it: World, letters: MemoryDeadLetters
) -> None:
    """Two operators follow them at once: each is done with once, and neither is told of a fault."""
    for name in ("a", "b"):
        die(it, letters, name, MODEL_REGISTERED)
    others: list[Replayed] = []

    def follow(signal: AnySignal) -> bool:
        if not others:
            others.append(Replayed())
            others.append(replayed(it))
        return follow_any(it.context, signal)

    mine = dead_letters.replay(it.context, follow, lambda body: reads(it, body))

    assert ((), ()) == (mine.kept, others[1].kept)
    assert 2 == mine.deleted + others[1].deleted
    assert [] == letters.names


def test_the_newest_are_shown_first(it: World, letters: MemoryDeadLetters) -> None:
    """With how many there are, and when the oldest was given up."""
    began = it.clock.time
    for name in ("first", "second"):
        die(it, letters, name, {**MODEL_REGISTERED, "deadLetterReason": name})
    die(it, letters, "torn", b"{")
    shown, counted = dead_letters.newest(it.context, lambda body: reads(it, body), 2)

    assert ["torn", "second"] == [one.letter.name for one in shown]
    assert [True, False] == [bool(one.fault) for one in shown]
    assert "second" == shown[1].told[0].reason
    assert 3 == counted.count
    assert counted.oldest is not None
    assert timedelta(seconds=59) < counted.oldest - began < timedelta(seconds=61)


def test_without_a_container_it_is_said_which_setting_names_one() -> None:
    """There is nothing to look at."""
    it = world()
    with pytest.raises(NotFoundError, match="STAGEWARD_DEAD_LETTERS"):
        replayed(it)
    it.rows.close()


def test_a_container_that_lets_nobody_in_is_no_fault_of_a_letter(
    it: World, letters: MemoryDeadLetters
) -> None:
    """It is told as what it is."""
    letters.fault = NotAllowedNowError("403", code="dead-letters-refused")
    with pytest.raises(NotAllowedNowError):
        replayed(it)


def test_a_registry_that_is_away_is_no_fault_of_the_others() -> None:
    """Whoever is followed by nobody stays, and is named with the reason."""
    it, letters = world(workspace=WORKSPACE), MemoryDeadLetters()
    context = replace(it.context, process=Process(dead_letters=letters))
    it = replace(it, context=context)
    for name in ("a", "b"):
        die(it, letters, name, MODEL_REGISTERED)

    def follow(_signal: AnySignal) -> bool:
        message = "away"
        raise RegistryUnavailableError(message)

    done = dead_letters.replay(context, follow, lambda body: reads(it, body))

    assert (("a", "away"), ("b", "away")) == done.kept
    it.rows.close()
