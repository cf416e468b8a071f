"""What is said of versions where they stand: reviewed, or an edit from outside acknowledged."""

from __future__ import annotations

from typing import Annotated

import typer

from stage_functions.cli.output import (
    Json,
    VersionArgument,
    connect,
    fail,
    print_json,
    say,
    somebody_reads,
)
from stage_functions.domain.error import InvalidInputError
from stage_functions.wire.standing_api import Attended

Record = Annotated[
    int,
    typer.Option("--record", help="Fail if the version has further records than this one.", min=0),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (review, acknowledge):
        app.command()(command)


def review(
    version: VersionArgument,
    comment: Annotated[
        str, typer.Option("--comment", "-m", help="What you looked at, and what you found.")
    ] = "",
    record: Record = 0,
    as_json: Json = False,
) -> None:
    """Say that you have reviewed a version: it stays, and the next review is due later."""
    with connect() as stageward:
        _told(stageward.review(version, comment=comment, record=record or None), as_json=as_json)


def acknowledge(
    version: VersionArgument,
    comment: Annotated[
        str, typer.Option("--comment", "-m", help="Who edited it, and what became of that.")
    ] = "",
    record: Record = 0,
    as_json: Json = False,
) -> None:
    """Take note of what was edited of a frozen version, so that it may move again."""
    with connect() as stageward:
        try:
            found = stageward.acknowledge(version, comment=comment, record=record or None)
        except InvalidInputError:  # that one may is answered first
            if comment.strip():
                raise
            if as_json or not somebody_reads():
                fail("a comment is needed: say with -m who edited it, and what became of that")
            comment = typer.prompt("Who edited it, and what became of that")
            found = stageward.acknowledge(version, comment=comment, record=record or None)
    _told(found, as_json=as_json)


def _told(found: Attended, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        say(f"{found.version} at {found.stage}: {found.detail}")
