"""The way back on the command line: take the holder of a stage out, and bring back what it had."""

from __future__ import annotations

from typing import Annotated

import typer

from stage_functions.cli.output import (
    FAULT,
    GRANTED,
    REFUSED,
    AssetArgument,
    Json,
    complain,
    connect,
    fail,
    finish,
    moment,
    print_json,
    say,
    somebody_reads,
)
from stage_functions.domain.error import DeniedError, NotAllowedNowError
from stage_functions.domain.rollback import NO_ROLLBACK
from stage_functions.wire import rollback_api


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(rollback)


def rollback(
    asset: AssetArgument,
    stage: Annotated[
        str, typer.Option(help="The exclusive stage, where several can be rolled back.")
    ] = "",
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; the history keeps it.")] = "",
    mark: Annotated[
        bool,
        typer.Option("--mark", help="What is taken out must be reviewed before it may return."),
    ] = False,
    expected: Annotated[
        str, typer.Option("--expect", help="Fail unless this version holds the stage now.")
    ] = "",
    key: Annotated[str, typer.Option(help="Idempotency-Key: ask again, be done once.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would happen.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    as_json: Json = False,
) -> None:
    """Bring back, at once, the version that the present holder of an exclusive stage displaced.

    Nobody votes, and no rule is asked: it comes back under the approval that the promotion carried.
    At a terminal it first shows what will happen, and asks. Exits 0 done, 4 not possible or not for
    you, 1 fault, as where the registry is stopped or only observed (which --dry-run answers by 4,
    as `check` does).
    """
    asks = somebody_reads() and not (yes or as_json)
    if not (dry_run or reason.strip()):
        fail("say why with --reason: the history keeps it")
    with connect() as stageward:
        if dry_run or asks:
            foreseen = stageward.rollback_foreseen(asset, stage=stage)
            if dry_run and as_json:
                print_json(foreseen)
            else:
                _show(foreseen, mark=mark)
            if dry_run or not foreseen.allowed:
                raise typer.Exit(GRANTED if foreseen.allowed else REFUSED)
            typer.confirm("Roll back?", abort=True)
            expected = expected or foreseen.out or ""
        try:
            decision = stageward.rollback(
                asset,
                reason=reason,
                stage=stage or None,
                mark=mark,
                expected_holder=expected or None,
                key=key,
            )
        except DeniedError as exc:
            fail(str(exc), REFUSED)
        except NotAllowedNowError as exc:
            complain(str(exc))
            raise typer.Exit(REFUSED if exc.code == NO_ROLLBACK else FAULT) from exc
    finish(decision, as_json=as_json)


def _show(found: rollback_api.Rollback, *, mark: bool) -> None:
    if found.out is None:
        say(f"not possible: {found.detail}")
        return
    say(f"{found.asset}: version {found.back} would come back to {found.stage}")
    for line in found.effects:
        say(f"  {line}")
    if mark:
        say(f"  Version {found.out} is marked: it must be reviewed before it may return.")
    say(f"  Possible until {moment(found.until)}.")
    if found.detail:
        say(f"not possible for you: {found.detail}")
