"""`stageward token`: works on the ledger itself, since the first token cannot be asked for."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

import typer

from stage_functions.adapters import logs
from stage_functions.application import tokens
from stage_functions.application.ports.rows import Rows
from stage_functions.application.tokens import PREFIX, SHOWN, Token, token_id
from stage_functions.cli.output import (
    Json,
    complain,
    fail,
    moment,
    print_json,
    print_table,
    say,
)
from stage_functions.settings import read_settings

app = typer.Typer(
    no_args_is_help=True,
    help="Tokens that people sign in with (STAGEWARD_AUTH=tokens). Run it where the ledger is.",
)


@app.command()
def create(
    person: Annotated[str, typer.Argument(help="Key of a person in the configuration.")],
    days: Annotated[int, typer.Option(min=0, help="Days until it ends; 0 for never.")] = 90,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Make a token and print it, once: the ledger keeps only its SHA-256."""
    from stage_functions.adapters.clock import SystemClock  # noqa: PLC0415  # likewise
    from stage_functions.adapters.rules import Rules  # noqa: PLC0415  # other commands need none
    from stage_functions.bootstrap import read_configuration  # noqa: PLC0415  # likewise

    found = read_configuration(read_settings(), Rules(), addresses=False)
    people = found.directory.people
    if person not in people:
        fail(f"the configuration has no person '{person}'; it has {', '.join(people)}")
    secret, now = PREFIX + secrets.token_urlsafe(32), SystemClock().now()
    expires = now + timedelta(days=days) if days else None
    with _rows() as rows:
        tokens.create(rows, Token(token_id(secret), person, now, expires, note))
    complain(f"A token of {person}; it is shown only now. Set STAGEWARD_TOKEN to it.")
    say(secret)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List tokens: whose they are, and until when."""
    if _missing():
        found = []
    else:
        with _rows(create=False) as rows:
            found = tokens.tokens(rows)
    if as_json:
        print_json(found)
    elif found:
        table = [
            (
                one.id[:SHOWN],
                one.person,
                moment(one.created),
                moment(one.expires) or "never",
                one.note,
            )
            for one in found
        ]
        print_table(("id", "person", "created", "ends", "note"), table)
    else:
        complain("there is no token yet; make one with `stageward token create <person>`")


@app.command()
def revoke(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Its id, or how that begins.")],
) -> None:
    """End a token at once."""
    if _missing():
        fail("so there is no token to revoke")
    with _rows(create=False) as rows:
        gone = tokens.revoke(rows, id_)
    say(f"the token {gone.id[:SHOWN]} of {gone.person} signs in nobody any more")


def _missing() -> bool:
    """Say so where there is no ledger: who only looks must not make one."""
    from stage_functions.bootstrap import (  # noqa: PLC0415  # loads a store
        ledger_is_missing,
        ledger_place,
    )

    settings = read_settings()
    if not ledger_is_missing(settings):
        return False
    complain(f"There is no ledger yet at {ledger_place(settings)}; STAGEWARD_LEDGER names it.")
    return True


@contextmanager
def _rows(*, create: bool = True) -> Iterator[Rows]:
    from stage_functions.bootstrap import ledger_place, open_rows  # noqa: PLC0415  # loads a store

    settings = read_settings()
    complain(f"The ledger is {ledger_place(settings)}.")
    logs.hush_sign_in()
    rows = open_rows(settings, create=create)
    try:
        yield rows
    finally:
        rows.close()
