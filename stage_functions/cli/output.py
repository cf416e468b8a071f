"""How answers and errors are shown, and how commands end."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from stage_functions.adapters.logs import hush_sign_in
from stage_functions.client import Client, Identity, bearer_of
from stage_functions.domain.rule import Result, Verdict
from stage_functions.settings import read_settings
from stage_functions.wire import api

GRANTED, FAULT, PENDING, REFUSED, REJECTED = 0, 1, 3, 4, 5
"""Exit codes of whatever decides."""
WIDE_COLUMNS = 200
AGENT = "stageward-cli"
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Colours, moves of the cursor, titles, and text that runs the other way; not a line's end."""
_EXITS = {"granted": GRANTED, "unchanged": GRANTED, "pending": PENDING, "refused": REFUSED}

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask again.")]
VersionArgument = Annotated[str, typer.Argument(help="registry/kind/name:version")]
AssetArgument = Annotated[str, typer.Argument(help="registry/kind/name")]


def connect(timeout_seconds: float = 60) -> Client:
    """Return a client of the Stageward that the environment names.

    Raises:
        InvalidInputError: the address or the token cannot be sent.
    """
    settings = read_settings()
    bearer = bearer_of(settings)
    if isinstance(bearer, Identity):
        hush_sign_in()
    waiting = _waiting if sys.stderr.isatty() else None
    return Client(
        settings.url,
        bearer,
        agent=AGENT,
        timeout_seconds=timeout_seconds,
        waiting=waiting,
    )


def _waiting(why: str, seconds: float) -> None:
    complain(f"not yet: {why.partition(';')[0]}; trying again in {seconds:.0f} s")


def console() -> Console:
    """Return the terminal, as wide as it or COLUMNS says."""
    width = shutil.get_terminal_size((WIDE_COLUMNS, 50)).columns
    return Console(highlight=False, width=width)


def somebody_reads() -> bool:
    """Tell whether a question would be seen, and answered: both ends are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def say(text: str) -> None:
    """Print a text."""
    typer.echo(still(text))


def complain(text: str) -> None:
    """Print an error."""
    typer.echo(still(text), err=True)


def still(text: str) -> str:
    """Return a text without what a terminal would obey: it may be the words of a registry."""
    return _OBEYED.sub(" ", text)


def fail(text: str, code: int = FAULT) -> NoReturn:
    """Print an error and end."""
    complain(text)
    raise typer.Exit(code)


def print_json(document: object) -> None:
    """Print a document as JSON."""
    text = json.dumps(msgspec.to_builtins(document), indent=2, ensure_ascii=False)
    typer.echo(_OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def print_table(columns: Iterable[str], rows: Iterable[Iterable[str | None]]) -> None:
    """Print rows; what is not there is a dash.

    On a terminal, what is too long for its column is wrapped. Elsewhere each row is one line,
    however long, so that programs which read lines find whole cells.
    """
    header = list(columns)
    cells = [[still(cell or "–") for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for line in _lines([header, *cells]):
            typer.echo(line)
        return
    table = Table(
        *(Column(name, overflow="fold") for name in header),
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    for row in cells:
        table.add_row(*map(Text, row))
    console().print(table)


def _lines(rows: list[list[str]]) -> Iterator[str]:
    """Return each row as one line, with its cells below those of the row before."""
    flat = [
        ["; ".join(filter(None, map(str.strip, cell.splitlines()))) for cell in row] for row in rows
    ]
    widths = [max(map(cell_len, column)) for column in zip(*flat, strict=True)]
    for row in flat:
        padded = (set_cell_size(cell, width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()


def show_verdicts(verdicts: Iterable[api.Verdict]) -> None:
    """Print what each rule answered, with the values that it saw."""
    rows = [(one.rule, one.result, one.says, _seen(one)) for one in verdicts]
    if rows:
        print_table(("rule", "result", "says", "values"), rows)


def _seen(one: api.Verdict) -> str:
    result = Result(one.result) if one.result in list(Result) else Result.ERRORED
    verdict = Verdict(one.rule, result, one.values, one.says, one.error)
    return "\n".join([*verdict.shown, *filter(None, [verdict.unsaid])])


def moment(at: datetime | None) -> str:
    """Return a moment for people, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else ""


def validity(until: datetime | None, *, before: datetime | None = None) -> str:
    """Return until when an approval is valid, or since when it is not any more.

    Args:
        until: its end, or None for ever.
        before: what ended later than this had not ended yet; now, where that is earlier.
    """
    from stage_functions.adapters.clock import SystemClock  # noqa: PLC0415  # few commands need it

    now = SystemClock().now()
    past = until is not None and until <= (min(before, now) if before else now)
    return f"ended {moment(until)}" if past else moment(until)


def brief_address(approval: str) -> str:
    """Return where the page of an approval is."""
    return f"{read_settings().url}/approvals/{approval}"


def pairs(values: Mapping[str, object]) -> str:
    """Return a map in one line."""
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def finish(decision: api.Decision, *, as_json: bool) -> NoReturn:
    """Show a decision and end with its exit code."""
    if as_json:
        print_json(decision)
    else:
        show_decision(decision)
    if decision.status in {"rejected", "withdrawn", "expired", "voided"}:
        raise typer.Exit(REJECTED)
    raise typer.Exit(_EXITS.get(decision.outcome, GRANTED))


def show_decision(decision: api.Decision) -> None:
    """Print a decision for people."""
    named = decision.detail.startswith(decision.version)
    about = decision.detail if named else f"{decision.version}: {decision.detail}"
    say(f"{decision.outcome}: {about}")
    for verdict in decision.verdicts:
        if verdict.sentence not in about:  # a refusal has said it
            say(f"  {verdict.sentence}")
    if decision.displaces and decision.outcome == "granted":
        say(f"  displaced: {', '.join(decision.displaces)}")
    if decision.outcome == "pending":
        waits = decision.waits_for or ", ".join(decision.needs)
        say(f"  approval {decision.approval} needs {waits}")
        say(f"  approvers decide with `stageward approve {decision.approval}`, or at")
        say(f"  {brief_address(decision.approval or '')}")
