"""How Stageward fares, and what could not be delivered, on the command line."""

from __future__ import annotations

import json
from datetime import timedelta

from msgspec.structs import replace

from stage_functions.application.ports.dead_letters import MOST_LISTED
from stage_functions.application.process import Facts, Process
from stage_functions.application.scan import Scanner
from tests.api_server import api_over
from tests.builders import World, world
from tests.cli.console import Console
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.wire.samples import MODEL_REGISTERED, WORKSPACE


def test_status_exits_0_while_all_is_well_and_1_while_anything_is_wrong(
    it: World, at: Console
) -> None:
    """For a probe of one's own, without reading what it says."""
    Scanner(it.context).scan("demo")
    fine = at.run("eve", "status")
    it.context.states.suspect("demo", "demo/models/iris", "another ledger", at_once=True)
    wrong, machine = at.run("eve", "status"), at.run("eve", "status", "--json")

    assert (0, 1, 1) == (fine.code, wrong.code, machine.code)
    assert "all is well" in fine.out
    assert "registry demo: nothing is written to it since" in wrong.out
    assert "see docs/operate.md, 'A registry is stopped'" in wrong.out
    assert ["registry-stopped"] == [one["code"] for one in machine.json["troubles"]]


def test_the_words_of_a_registry_do_not_steer_the_terminal(it: World, at: Console) -> None:
    """They are shown as text; a program gets all of them, in JSON's own way to write them."""
    said = "answered 403: \x1b[2J\x1b]0;title\x07 \x9b31m \u202egnp"
    it.context.states.update("demo", lambda one: replace(one, unreadable=said))
    shown = at.run("eve", "status")
    listed = at.run("eve", "registries")
    machine = at.run("eve", "status", "--json")

    for done in (shown, listed, machine):
        assert not set("\x1b\x07\x9b\u202e") & set(done.out)
    assert "answered 403:  [2J" in shown.out
    assert said == machine.json["registries"][0]["unreadable"]


def test_only_operators_see_it(at: Console) -> None:
    """Exit 1 with who may."""
    denied = at.run("sam", "status")

    assert 1 == denied.code
    assert "operators are eve" in denied.err


def test_dead_letters_are_shown_and_followed(at: Console, it: World) -> None:
    """Exit 1 while there are any; --replay goes on until all were tried."""
    without = at.run("eve", "dead-letters")
    letters, behind = MemoryDeadLetters(), world(workspace=WORKSPACE)
    process = Process(Facts("1.2.3"), dead_letters=letters)
    behind = replace(behind, context=replace(behind.context, process=process))
    with api_over(behind) as api:
        console = Console(api, at.patch)
        none = console.run("eve", "dead-letters")
        for number in range(60):
            event = {
                **MODEL_REGISTERED,
                "deadLetterReason": "MaxDeliveryAttemptsExceeded",
                "deliveryAttempts": 30,
            }
            letters.put(f"a-{number:02d}", json.dumps([event]).encode(), it.clock.time)
        letters.put("torn", b"{", it.clock.time)
        shown = console.run("eve", "dead-letters", "--limit", "2")
        done = console.run("eve", "dead-letters", "--replay")
        again = console.run("eve", "dead-letters", "--replay", "--json")
    behind.rows.close()

    assert (1, 0, 1, 1, 1) == (without.code, none.code, shown.code, done.code, again.code)
    assert "set STAGEWARD_DEAD_LETTERS" in without.err
    assert "there are no dead letters" in none.err
    assert "MaxDeliveryAttemptsExceeded" in shown.out
    assert "torn cannot be read" in shown.err
    assert "these are 2 of 61; --limit shows more" in shown.err
    assert "60 dead letters are done with: 60 hints followed" in done.out
    assert "kept: torn: " in done.err
    assert ["torn"] == [one["name"] for one in again.json["kept"]]


def test_more_dead_letters_than_can_be_listed_are_all_followed(at: Console) -> None:
    """Also where the oldest are listed last, since a container lists by name."""
    letters, behind = MemoryDeadLetters(), world(workspace=WORKSPACE)
    process = Process(Facts("1.2.3"), dead_letters=letters)
    behind = replace(behind, context=replace(behind.context, process=process))
    foreign = json.dumps([{**MODEL_REGISTERED, "eventType": "Foreign"}]).encode()
    now = behind.clock.time
    for number in range(MOST_LISTED + 20):
        letters.put(f"a-{number}", foreign, now - timedelta(seconds=number))
    letters.put("torn", b"{", now)
    with api_over(behind) as api:
        done = Console(api, at.patch).run("eve", "dead-letters", "--replay")
    behind.rows.close()

    assert ["torn"] == letters.names
    assert f"{MOST_LISTED + 20} dead letters are done with" in done.out
    assert 1 == done.err.count("kept: torn")
