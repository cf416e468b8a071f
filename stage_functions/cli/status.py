"""How Stageward fares, and what could not be delivered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import typer

from stage_functions.cli.output import (
    FAULT,
    Json,
    complain,
    connect,
    moment,
    print_json,
    print_table,
    say,
)
from stage_functions.domain.demands import apart, span
from stage_functions.wire import status_api

REPLAY_SECONDS = 120


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(status)
    app.command("dead-letters")(dead_letters)


def status(as_json: Json = False) -> None:
    """Tell how Stageward fares and what to do about it. Exits 1 while anything is wrong."""
    with connect() as stageward:
        found = stageward.status()
    if as_json:
        print_json(found)
    else:
        _show(found)
    if not found.fine:
        raise typer.Exit(FAULT)


def dead_letters(
    replay: Annotated[
        bool, typer.Option("--replay", help="Follow them as hints, and delete those done with.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 20,
    as_json: Json = False,
) -> None:
    """List events that Event Grid could not deliver. Exits 1 while there are any."""
    with connect(REPLAY_SECONDS) as stageward:
        done = _added(stageward.replay_dead_letters()) if replay else None
        found = None if replay else stageward.dead_letters(limit)
    if as_json:
        print_json(found if done is None else done)
    elif done is not None:
        _show_replay(done)
    elif found is not None:
        _show_letters(found)
    if (done is not None and done.kept) or (found is not None and found.count):
        raise typer.Exit(FAULT)


def _added(lots: Iterable[status_api.Replay]) -> status_api.Replay:
    """Return what several calls came to as one."""
    done = list(lots)
    kept = {kept.name: kept for one in done for kept in one.kept}
    return status_api.Replay(
        followed=sum(one.followed for one in done),
        changed=sum(one.changed for one in done),
        deleted=sum(one.deleted for one in done),
        kept=tuple(kept.values()),
        ignored=tuple(why for one in done for why in one.ignored),
        cursor=None,
        more=bool(done) and done[-1].more,
    )


def _show_replay(done: status_api.Replay) -> None:
    say(
        f"{done.deleted} dead letters are done with: {done.followed} hints followed, "
        f"{done.changed} changed the ledger, {len(done.ignored)} events acknowledged unread"
    )
    for one in done.kept:
        complain(f"kept: {one.name}: {one.why}")
    if done.more:
        complain("there are more, which cannot be listed while so many are kept: delete those")


def _show_letters(found: status_api.DeadLetters) -> None:
    rows = [
        (
            moment(one.written),
            told.subject or told.type,
            told.reason,
            told.outcome,
            str(told.attempts),
            moment(told.attempted),
        )
        for one in found.letters
        for told in one.events
    ]
    if rows:
        columns = ("given up", "about", "reason", "last outcome", "attempts", "last attempt")
        print_table(columns, rows)
    for one in found.letters:
        if one.fault:
            complain(f"{one.name} cannot be read: {one.fault}")
    if not found.count:
        complain("there are no dead letters")
    elif found.count > len(found.letters) or found.more:
        more = "more than " if found.more else ""
        complain(f"these are {len(found.letters)} of {more}{found.count}; --limit shows more")


def _show(found: status_api.Status) -> None:
    for one in found.troubles:
        say(f"{one.part}: {one.what}")
        say(f"  {one.do}; see docs/operate.md, '{one.section}'")
    if found.fine:
        say("all is well")
    rows = [
        (
            one.alias,
            one.mode,
            one.state or ("governed" if one.governed else "observed"),
            _ago(one.scanned, found.at) or "never",
        )
        for one in found.registries
    ]
    print_table(("registry", "mode", "state", "scanned to the end"), rows)
    owed, letters = found.outbox, found.dead_letters
    least = "at least " if owed.more else ""
    say(f"owed: {least}{owed.waiting} waiting, {least}{owed.parked} parked")
    if letters.configured:
        say(f"dead letters: {'not known' if letters.count is None else letters.count}")
    else:
        say("dead letters: not configured")
    for place in found.anchors.places:
        rest = f", {place.behind} to come" if place.behind else ""
        say(f"anchored in {place.where}: {moment(place.at) or 'never'}{rest}")
    if not found.anchors.places:
        say("anchors: not configured, so the histories are hash-linked only")
    for key in found.keys:
        say(f"{key.name}: {'ends' if key.ends > found.at else 'ended'} {moment(key.ends)}")
    for clock in found.clocks:
        say(f"clock against {clock.source}: {apart(clock.seconds)}")
    say(
        f"stageward {found.version}, ledger {found.ledger} in {found.place}, "
        f"sign-in {found.sign_in}, telemetry {'on' if found.telemetry else 'off'}"
    )


def _ago(at: datetime | None, now: datetime) -> str:
    return f"{span((now - at).total_seconds())} ago" if at is not None else ""
