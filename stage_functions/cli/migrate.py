"""`stageward migrate`: works on the ledger itself, which the environment names."""

from __future__ import annotations

import typing
from typing import Annotated

import typer

from stage_functions.adapters import logs
from stage_functions.cli.output import FAULT, Json, complain, fail, print_json, print_table, say
from stage_functions.settings import read_settings

if typing.TYPE_CHECKING:
    from stage_functions.application.migrate import Migration

_EVERY_ROWS = 10_000


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("migrate")(migrate)


def migrate(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would be rewritten; write nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring rows that older releases have written to this release's format.

    Run it where the ledger is, once no instance of an older release is left; instances of this one
    may run meanwhile. It can be broken off and begun again. Rows that cannot be read are named and
    left as they are; then it exits with 1.
    """
    from stage_functions.application.migrate import migrate as run  # noqa: PLC0415  # only here
    from stage_functions.bootstrap import (  # noqa: PLC0415  # loads a store
        ledger_is_missing,
        ledger_place,
        open_rows,
    )

    settings = read_settings()
    place = ledger_place(settings)
    if ledger_is_missing(settings):
        fail(f"There is no ledger at {place}; STAGEWARD_LEDGER names it.")
    logs.hush_sign_in()
    rows = open_rows(settings, create=False)  # what has no ledger yet has nothing to migrate
    complain(f"The ledger is {place}.")
    try:
        found = run(rows, dry_run=dry_run, progress=_Progress())
    finally:
        rows.close()
    if as_json:
        print_json(found)
    else:
        _show(found)
    if not found.complete:
        raise typer.Exit(FAULT)


class _Progress:
    """Says now and then how far it is."""

    def __init__(self) -> None:
        self._said = 0

    def __call__(self, table: str, rows: int) -> None:
        if rows - self._said >= _EVERY_ROWS:
            self._said = rows
            complain(f"{rows} rows looked at, now in {table}")


def _show(found: Migration) -> None:
    print_table(
        ("table", "kind", "format", "rows", ""),
        [
            (one.table, one.kind, str(one.format or "–"), str(one.rows), "older" * one.older)
            for one in found.found
        ],
    )
    for one in found.left:
        say(f"left as it is: {one.table} {one.partition} {one.key}: {one.why}")
    if found.left_in_all > len(found.left):
        say(f"… and {found.left_in_all - len(found.left)} more")
    would = "would be" if found.dry_run else "were"
    say(f"{found.rewritten} rows {would} brought to the present format")
    if found.complete:
        has = "would have" if found.dry_run else "has"
        say(f"the ledger {has} format {found.ledger}")
    else:
        complain(
            f"{found.left_in_all} rows are left as they are, so the ledger keeps format "
            f"{found.ledger}; see above for why"
        )
