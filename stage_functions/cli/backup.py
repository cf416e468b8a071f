"""`stageward backup` and `restore`: the whole ledger, to a file and back, without a server."""

from __future__ import annotations

import typing
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stage_functions import __version__
from stage_functions.adapters import logs
from stage_functions.cli.output import (
    FAULT,
    Json,
    Yes,
    complain,
    fail,
    moment,
    print_json,
    say,
    somebody_reads,
)
from stage_functions.domain.error import LedgerDamagedError
from stage_functions.settings import Settings, read_settings

if typing.TYPE_CHECKING:
    from collections.abc import Iterable

    from stage_functions.application.backup import Backup
    from stage_functions.application.backup_lines import Broken
    from stage_functions.application.ports.rows import WholeRows
    from stage_functions.application.restore import Contents, Restored

_EVERY_ROWS = 10_000
File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup's file.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(backup)
    app.command()(restore)


def backup(
    file: File,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write the whole ledger to one file, verified on the way.

    Run it where the ledger is; instances may run meanwhile. The file holds the ledger's secret:
    keep it as you keep the ledger. A history that does not verify is kept as it is and named; then
    it exits with 1. A row that cannot be read at all is named, and then no file is made.
    """
    from stage_functions.adapters.backup_files import (  # noqa: PLC0415  # only here
        demand_free,
        new_file,
        spool,
    )
    from stage_functions.adapters.clock import SystemClock  # noqa: PLC0415  # likewise
    from stage_functions.application.backup import backup as run  # noqa: PLC0415  # likewise
    from stage_functions.bootstrap import (  # noqa: PLC0415  # loads a store
        ledger_is_missing,
        ledger_place,
    )

    settings = read_settings()
    if ledger_is_missing(settings):
        fail(f"There is no ledger at {ledger_place(settings)}; STAGEWARD_LEDGER names it.")
    demand_free(file, force=force)
    try:
        with closing(_rows(settings, create=False)) as rows, new_file(file, force=force) as write:
            made = run(
                rows,
                write,
                SystemClock(),
                release=__version__,
                spool=spool,
                progress=_Progress("written"),
            )
    except LedgerDamagedError as exc:
        fail(f"No backup was made, a row that cannot be read cannot be kept: {exc}.")
    if as_json:
        print_json(made)
    else:
        _show_backup(file, made)
    if made.broken:
        raise typer.Exit(FAULT)


def restore(
    file: File,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and verify the file; write nothing.")
    ] = False,
    damaged: Annotated[
        bool, typer.Option("--damaged", help="Restore histories too that do not verify.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Make a ledger of a backup, where there is none.

    Run it where the ledger is to be, while no instance runs. Nothing is written to a registry
    afterwards until `stageward resolve` was run for it. One that was broken off is run once more.
    """
    from stage_functions.adapters.backup_files import lines  # noqa: PLC0415  # only here
    from stage_functions.adapters.clock import SystemClock  # noqa: PLC0415  # likewise
    from stage_functions.application import restore as application  # noqa: PLC0415  # likewise
    from stage_functions.bootstrap import ledger_is_missing, ledger_place  # noqa: PLC0415  # a store

    settings, opened = read_settings(), partial(lines, file)
    contents = application.examine(opened, str(file), _Progress("read"))
    _tell(file, contents, ledger_place(settings))
    if contents.broken and not damaged:
        fail("Nothing is restored: histories do not verify; --damaged restores them as they are.")
    done: Restored | None = None
    if not (dry_run and ledger_is_missing(settings)):
        with closing(_rows(settings, create=not dry_run)) as rows:
            application.demand_empty(rows)
            if not dry_run:
                if not yes and not as_json and somebody_reads():
                    typer.confirm("Restore it there?", abort=True)
                done = application.restore(
                    rows, opened, SystemClock(), contents, str(file), _Progress("restored")
                )
    if as_json:
        print_json(done or contents)
    elif done is not None:
        _show_restored(done)
    else:
        say("It can be restored there.")


class _Progress:
    """Says now and then how far it is."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._said = 0

    def __call__(self, table: str, rows: int) -> None:
        if rows - self._said >= _EVERY_ROWS:
            self._said = rows
            complain(f"{rows} rows {self._what}, now in {table}")


def _rows(settings: Settings, *, create: bool) -> WholeRows:
    from stage_functions.bootstrap import open_rows  # noqa: PLC0415  # loads a store

    logs.hush_sign_in()
    return open_rows(settings, create=create)


def _tell(file: Path, contents: Contents, place: str) -> None:
    rows = sum(contents.rows.values())
    complain(
        f"{file} holds ledger {contents.ledger} as of {moment(contents.made_at)}: {rows} rows, "
        f"{contents.histories} histories with {contents.records} records. It goes to {place}."
    )
    complain(
        "Does that ledger still run elsewhere? Two that govern the same registries undo each "
        "other's work: end one, or let it only observe."
    )
    _show_broken(contents.broken)


def _show_broken(broken: Iterable[Broken]) -> None:
    for one in broken:
        complain(f"broken: {one.history} at record {one.number}: {one.why}")


def _show_backup(file: Path, made: Backup) -> None:
    rows = ", ".join(f"{count} in {table}" for table, count in made.rows.items())
    say(f"{file}: ledger {made.ledger} as of {moment(made.made_at)}")
    say(f"  {sum(made.rows.values())} rows: {rows}")
    verified = made.histories - len(made.broken)
    say(f"  {made.records} records; {verified} of {made.histories} histories verified")
    if made.reread_in_all:
        named = ", ".join(made.reread[:3]) + (", …" if made.reread_in_all > 3 else "")  # noqa: PLR2004
        say(f"  read again, since they moved meanwhile: {made.reread_in_all} ({named})")
    say(f"  SHA-256 {made.sha256}")
    _show_broken(made.broken)


def _show_restored(done: Restored) -> None:
    say(f"restored: ledger {done.contents.ledger}, {sum(done.contents.rows.values())} rows")
    if done.removed:
        say(f"  before that, {done.removed} rows of a restore that was broken off were removed")
    for alias in done.contents.registries:
        say(f"  nothing is written to {alias} until `stageward resolve {alias}`")
