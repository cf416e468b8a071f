"""Lists of what stood where at a moment: as a table, as JSON, and as CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain

import typer

from stage_functions.cli.moments import Moment, of_what_was_asked
from stage_functions.cli.output import (
    complain,
    moment,
    print_json,
    print_table,
    say,
    still,
    validity,
)
from stage_functions.domain.record import timestamp
from stage_functions.wire.as_of_api import Estate, Stood

COLUMNS = (
    "asset",
    "version",
    "stage",
    "since",
    "approved_by",
    "grounds",
    "lifecycle",
    "owner",
    "review_due",
    "valid_until",
    "approval",
    "trainer",
    "record",
    "as_of",
)
"""Of the CSV, in this order: further ones come behind these, and none goes."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\n")
"""How a cell begins that a spreadsheet may take for a formula."""


def show_estate(found: Estate, asked: Moment | None, *, as_csv: bool, as_json: bool) -> None:
    """Print what stood where."""
    if as_csv:
        # Its lines end with CRLF, which Windows makes of every line's end by itself.
        text = csv_of(found)
        typer.echo(text.replace("\r\n", "\n") if os.linesep == "\r\n" else text, nl=False)
    elif as_json:
        print_json(found)
    elif not found.stood:
        complain(f"no version that fits stood anywhere at {moment(found.time)}")
    else:
        say(f"at {moment(found.time)}{of_what_was_asked(asked, found.time)}")
        columns = ("version", "stage", "since", "approved by", "grounds", "owner", "review due")
        print_table((*columns, "valid until"), [_row(one, found.time) for one in found.stood])


def csv_of(found: Estate) -> str:
    """Return what stood where as CSV (RFC 4180), safe to open in a spreadsheet.

    A cell that a spreadsheet may take for a formula begins with an apostrophe.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    lines = (_cells(one, found.time) for one in found.stood)
    for line in chain([dict(zip(COLUMNS, COLUMNS, strict=True))], lines):
        writer.writerow([_guarded(line[name]) for name in COLUMNS])
    return text.getvalue()


def _cells(one: Stood, at: datetime) -> Mapping[str, str]:
    standing = one.standing
    return {
        "asset": one.asset,
        "version": one.version,
        "stage": standing.stage,
        "since": timestamp(standing.since),
        "approved_by": "; ".join(standing.approved_by),
        "grounds": standing.grounds,
        "lifecycle": standing.lifecycle or "",
        "owner": standing.owner or "",
        "review_due": _written(standing.review_due),
        "valid_until": _written(standing.valid_until),
        "approval": standing.approval or "",
        "trainer": standing.trainer or "",
        "record": str(standing.record),
        "as_of": timestamp(at),
    }


def _written(at: datetime | None) -> str:
    return timestamp(at) if at is not None else ""


def _guarded(cell: str) -> str:
    cell = still(cell)
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell


def _row(one: Stood, at: datetime) -> Iterator[str | None]:
    standing = one.standing
    yield f"{one.asset}:{one.version}"
    yield standing.stage
    yield moment(standing.since)
    yield " and ".join(standing.approved_by)
    yield standing.grounds
    yield standing.owner
    yield moment(standing.review_due)
    yield validity(standing.valid_until, before=at)
