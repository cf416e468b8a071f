"""Lifecycles as they are governed: consent, their history, a file held against the ledger."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import typer

from stage_functions.cli.drafts import definitions_of, text_of
from stage_functions.cli.output import (
    FAULT,
    connect,
    fail,
    moment,
    print_json,
    print_table,
    say,
    somebody_reads,
)
from stage_functions.domain.error import InvalidInputError
from stage_functions.wire import lifecycles_api as api

_PLACE = re.compile(r"\bdraft(?=:\d|$)")


def consent(name: str, digest: str, comment: str, *, yes: bool, as_json: bool) -> None:
    """Consent to a change; whoever reads sees it before, and is asked."""
    with connect() as stageward:
        waiting = None if digest else stageward.lifecycle_law(name).waiting
        if not digest and waiting is None:
            fail(f"no change of the lifecycle {name} waits")
        if waiting is not None:
            if not as_json:
                _show(waiting)
            if not yes and somebody_reads():
                typer.confirm(f"Put this in force as {name}?", abort=True)
            elif not yes:
                fail(f"to consent to it, name what you have seen: --digest {waiting.digest}")
        found = stageward.adopt_lifecycle(
            name, digest or (waiting.digest if waiting else ""), comment
        )
    if as_json:
        print_json(found)
        return
    what = f"in force now: {found.digest}" if found.digest else "no longer in force"
    say(f"lifecycle {name}: {what}; record {found.record} says that {found.actor} consented")


def told(name: str, *, as_json: bool) -> None:
    """Show a lifecycle's own records."""
    with connect() as stageward:
        records = stageward.lifecycle_history(name)
    if as_json:
        print_json(records)
        return
    for one in records:
        actor = one["actor"]["id"]
        who = "" if actor == "stageward" else f", with the consent of {actor}"
        digest = one.get("lifecycle", {}).get("digest", "")
        say(f"{one['number']}  {one['type']}  {one['at']}  {digest}{who}")
        for key in ("comment", "loosens", "needs", "changes"):
            _lines(key, one.get(key, ()))


def against(file: Path, *, as_json: bool) -> None:
    """Show what a file would do to what is there; exit 1 where it would strand versions."""
    text = text_of(file)
    with connect() as stageward:
        try:
            found = stageward.validate_lifecycles(text, definitions_of(file, text))
        except InvalidInputError as exc:
            fail(_PLACE.sub(lambda _: str(file), str(exc)))
    if as_json:
        print_json(found)
    else:
        _show_validation(found)
    raise typer.Exit(0 if found.sound else FAULT)


def _show_validation(found: api.Validation) -> None:
    for why in found.refused:
        say(f"it cannot be adopted: {why}")
    for one in found.stranded:
        say(f"stranded: {one.why}")
    if found.more:
        say(f"stranded: {found.more} more")
    for law in found.lifecycles:
        if law.change is not None and law.change.loosens:
            say(f"lifecycle {law.name} would wait for {', '.join(law.change.needs)}; it loosens:")
            _lines("loosens", law.change.loosens)
        elif law.outcome != "same":
            say(f"lifecycle {law.name} would take effect at once")
    for stage in found.renamed:
        say(
            f"lifecycle {stage.lifecycle}: {stage.before} is called {stage.after}; "
            f"{stage.versions} versions follow"
        )
    rows = [(one.id, one.version, moment(one.deadline)) for one in found.voided]
    if rows:
        say("open approvals that it would void, since they are bound to the text in force:")
        print_table(("approval", "version", "deadline"), rows)
    if found.sound:
        say("nothing is stranded")


def _show(waiting: api.LifecycleChange) -> None:
    say(f"what waits for {', '.join(waiting.needs)}: {waiting.digest}")
    _lines("loosens", waiting.loosens)
    _lines("changes", waiting.changes)


def _lines(what: str, texts: str | Iterable[str]) -> None:
    for text in (texts,) if isinstance(texts, str) else texts:
        say(f"  {what}: {text}")
