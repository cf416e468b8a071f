"""`stageward hold`, `retention` and `forget`, as an operator types them."""

from __future__ import annotations

import json

from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from tests.builders import IRIS, World
from tests.cli.console import Console

ASSET = "demo/models/iris"


def test_an_asset_is_held_shown_and_let_go(it: World, at: Console) -> None:
    """Each command says what is true now."""
    it.register("1")
    none = at.run("sam", "hold", "list")
    placed = at.run("eve", "hold", "place", ASSET, "case 7", "--reason", "of the court")
    listed = at.run("sam", "hold", "list")
    shown = at.run("sam", "show", ASSET)
    history = at.run("sam", "history", ASSET)
    as_json = at.run("sam", "hold", "list", ASSET, "--json")
    lifted = at.run("eve", "hold", "lift", ASSET, "case 7")

    assert (none.code, none.err) == (0, "nothing is held\n")
    assert placed.out.startswith(f"{ASSET} is held for case 7 since 2026-01-01")
    assert all(one in listed.out for one in (ASSET, "case 7", "person:eve", "of the court"))
    assert "held for case 7: see `stageward hold list demo/models/iris`" in shown.out
    assert "HoldPlaced case 7: of the court" in history.out
    assert ["case 7"] == [one["case"] for one in as_json.json]
    assert lifted.out == f"{ASSET} is no longer held for case 7\n"


def test_who_was_forgotten_is_told_by_the_ledgers_own_history(it: World, at: Console) -> None:
    """It is listed and verified as that of an asset."""
    it.register("1")
    request_transition(it.context, it.command(Version(IRIS, "1"), "Staging"))
    at.run("eve", "forget", "person:sam", "--yes", "--reason", "asked for it")
    told = at.run("eve", "history", "ledger", "--verify")

    assert "PersonForgotten person:sam: asked for it" in told.out
    assert told.code == 0


def test_who_is_no_operator_may_hold_nothing(it: World, at: Console) -> None:
    """Exit code 1, and who may."""
    it.register("1")
    done = at.run("sam", "hold", "place", ASSET, "case 7")

    assert (done.code, "operators are eve" in done.err) == (1, True)


def test_what_is_gone_is_listed_and_that_nothing_is_removed(it: World, at: Console) -> None:
    """So nobody waits for a cleaning that never comes."""
    it.register("1")
    none = at.run("eve", "retention")
    it.registry.remove(Version(IRIS, "1"))
    at.run("eve", "scan", "demo")
    it.clock.sleep(400)
    at.run("eve", "scan", "demo")
    done = at.run("eve", "retention")
    at.run("eve", "hold", "place", ASSET, "case 7")
    held = at.run("eve", "retention")

    assert (none.code, none.err) == (0, "every asset has a version left\n")
    assert all(one in done.out for one in (ASSET, "not said"))
    assert done.err == "This is a list: no release so far removes records.\n"
    assert "held for case 7" in held.out
    assert [ASSET] == [one["asset"] for one in json.loads(at.run("eve", "retention", "--json").out)]


def test_a_person_is_forgotten_and_what_else_has_the_name_is_said(it: World, at: Console) -> None:
    """The configuration, what people wrote, and what no ledger reaches."""
    version = it.register("1")
    request_transition(it.context, it.command(version, "Staging"))
    tried = at.run("eve", "forget", "person:sam", "--dry-run")
    done = at.run("eve", "forget", "person:sam", "--reason", "asked for it")
    again = at.run("eve", "forget", "person:sam", "--json")
    denied = at.run("sam", "forget", "person:sam")

    assert tried.out.startswith("person:sam: 1 name would be deleted\n")
    assert done.out.startswith("person:sam: 1 name deleted\n  shown as a forgotten person")
    assert "is still in the configuration" in done.err
    assert "registries, backups, mails and published events are not reached" in done.err
    assert (0, True, 0) == (again.code, again.json["done"], again.json["names"])
    assert denied.code == 1
