"""`stageward replay`: which requests of the past a draft would have decided otherwise."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path
from typing import Annotated

import typer

from stage_functions.cli.drafts import definitions_of, in_file, text_of
from stage_functions.cli.moments import moment_of
from stage_functions.cli.output import (
    REFUSED,
    Json,
    connect,
    fail,
    moment,
    print_json,
    print_table,
    say,
)
from stage_functions.domain.error import InvalidInputError
from stage_functions.wire import replay_api

SECONDS = 120
"""An answer comes after 20 seconds, or behind the first asset if that takes longer."""


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("replay")(replay)


def replay(
    draft: Annotated[
        Path,
        typer.Option("--config", help="The draft.", exists=True, dir_okay=False),
    ],
    since: Annotated[
        str,
        typer.Option(help="2026-03-01 for the beginning of that day, or a time as for as-of."),
    ],
    asset: Annotated[str, typer.Option(help="Only assets like this, as demo/models/*.")] = "*",
    as_json: Json = False,
) -> None:
    """Tell which past requests a draft would have decided otherwise, and why. Exits 0, or 4 if any.

    It is judged by what is kept of that time; what cannot be known is said to be unknown. Nothing
    is changed, and the draft is not kept.
    """
    asked = moment_of(since)
    at = datetime.combine(asked.at.date(), time.min, asked.at.tzinfo)
    begin = at if asked.whole_day else asked.at
    text = text_of(draft)
    with connect(SECONDS) as stageward:
        try:
            found = stageward.replay(
                text, begin, assets=asset, definitions=definitions_of(draft, text)
            )
        except InvalidInputError as exc:
            fail(in_file(draft, str(exc)))
    if as_json:
        print_json(found)
    else:
        _show(found, draft, begin)
    if found.differs:
        raise typer.Exit(REFUSED)


def _show(found: replay_api.DraftReplay, draft: Path, begin: datetime) -> None:
    if found.cases:
        rows = [
            (
                moment(one.at),
                one.version,
                f"{one.source} → {one.target}",
                one.requester,
                one.came,
                one.would,
                one.why,
            )
            for one in found.cases
        ]
        print_table(("when", "version", "request", "by", "came", f"under {draft}", "why"), rows)
    judged = found.same + found.differs + found.unknown
    say(
        f"{judged} requests since {moment(begin)}: {found.same} as they were decided, "
        f"{found.differs} otherwise, {found.unknown} unknown"
    )
