"""Whatever call a process dies at while it copies, the next one finishes, once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any, cast

import pytest

from stage_functions.application import keys
from stage_functions.application.context import Context
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ports.registry import Registry
from stage_functions.application.ports.rows import WORK, Rows
from stage_functions.application.ports.sink import Sink
from stage_functions.application.registries import RegistryStates
from stage_functions.application.scan import Scanner
from stage_functions.application.sweep import FENCE_SECONDS, sweep
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.application.upkeep import outbox
from stage_functions.domain.asset import Version
from stage_functions.domain.error import StagewardError, UnknownOutcomeError
from stage_functions.domain.record import RecordType
from tests.builders import actor
from tests.copy_world import CopyWorld, copy_world, there


class Killed(BaseException):
    """The process is no more."""


class Ending:
    """Counts calls of ports, and ends what is done at one of them.

    Args:
        call: which one; 0 for none.
        when: before or after it is done.
        by: what is raised.
    """

    def __init__(self, call: int, when: str, by: Callable[[], BaseException]) -> None:
        self.count = 0
        self._call = call
        self._when = when
        self._by = by

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that counts itself, and ends where told."""

        def counted(*args: object, **options: object) -> object:
            self.count += 1
            mine = self.count == self._call
            if mine and self._when == "before":
                raise self._by()
            result = function(*args, **options)
            if mine:
                raise self._by()
            return result

        return counted


class Counted:
    """A port whose every call is counted."""

    def __init__(self, port: object, ending: Ending) -> None:
        self._port = port
        self._ending = ending

    def __getattr__(self, name: str) -> object:
        found = getattr(self._port, name)
        return self._ending.around(found) if callable(found) else found


def over(it: CopyWorld, ending: Ending) -> Context:
    """Return Stageward as another process over the same store and registries."""
    rows = cast("Rows", Counted(it.rows, ending))
    registries = {
        alias: cast("Registry", Counted(one, ending)) for alias, one in it.registries.items()
    }
    said = it.context.configuration
    ledger = open_ledger(rows, it.clock, [it.sink.name])
    sinks = {it.sink.name: cast("Sink", Counted(it.sink, ending))}
    states = RegistryStates(rows, it.clock, said)
    made = Context(said, ledger, registries, states, it.context.rules, sinks, it.clock)
    ending.count = 0  # opening is not part of the act
    return made


def act(context: Context, version: Version) -> None:
    """Ask for the stage that is copied."""
    command = TransitionRequest(version, "Staging", "because", actor("sam"), "the one request")
    request_transition(context, command)


def recover(it: CopyWorld, version: Version) -> None:
    """Come back later, ask again, sweep and scan as ever."""
    context = over(it, Ending(0, "", Killed))
    it.clock.sleep(60)
    act(context, version)
    for seconds in (60, FENCE_SECONDS + 60, 3700):
        it.clock.sleep(seconds)
        sweep(context)
        for alias in it.registries:
            Scanner(context).scan(alias)


def check(it: CopyWorld, version: Version) -> None:
    """Check what must hold once everything has come to rest."""
    copy = there(version, "test")
    begun = [one for one in it.records(copy) if one.type is RecordType.REGISTERED]
    granted = [one for one in it.records(version) if one.type is RecordType.STAGE_CHANGED]

    assert [] == outbox(it.context)
    assert ["copied"] == [one.content["why"] for one in begun]
    assert [begun[0].number] == [one.number for one in it.records(copy)]
    assert begun[0].content["origin"]["record"] == granted[0].hash  # type: ignore[call-overload,index]
    assert 1 == len(granted)
    assert ("Staging", "Staging") == (it.stage(version), it.stage(copy))
    assert "Staging" == it.registries["test"].tags(copy)["stage"]
    assert all(not it.rows.query(WORK, f"outbox-{n:02d}") for n in range(keys.SHARDS))


def calls() -> int:
    """Return how many calls there are from the request to the registered copy."""
    it = copy_world()
    with closing(it.rows):
        version = it.register()
        ending = Ending(0, "", Killed)
        act(over(it, ending), version)
        check(it, version)
        return ending.count


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_killed_at_any_call_copies_once(when: str) -> None:
    """Before and after every call of a port, in turn; then another process recovers."""
    number = calls()

    assert number > 30
    for call in range(1, number + 1):
        it = copy_world()
        with closing(it.rows):
            version = it.register()
            with suppress(Killed):
                act(over(it, Ending(call, when, Killed)), version)
            recover(it, version)
            check(it, version)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_reply_lost_at_any_call_copies_once(when: str) -> None:
    """The same process goes on, whether what it asked for was done or not."""

    def lost() -> BaseException:
        return UnknownOutcomeError("the reply was lost")

    for call in range(1, calls() + 1):
        it = copy_world()
        with closing(it.rows):
            version = it.register()
            with suppress(StagewardError):
                act(over(it, Ending(call, when, lost)), version)
            recover(it, version)
            check(it, version)
