"""What is kept until when and what for, and the forgetting of people."""

from __future__ import annotations

from typing import Annotated

import typer

from stage_functions.cli.output import (
    AssetArgument,
    Json,
    Yes,
    complain,
    connect,
    moment,
    print_json,
    print_table,
    say,
    somebody_reads,
)
from stage_functions.wire import retention_api as api

SECONDS = 300
"""Every record is looked through for the names of whoever is to be forgotten."""
app = typer.Typer(
    no_args_is_help=True,
    help="Hold assets: nobody in their records is forgotten, and no list offers them for removal.",
)
Case = Annotated[str, typer.Argument(help="What it is for, such as a file number; no names.")]
Reason = Annotated[str, typer.Option("--reason", "-m", help="Why; no names.")]


def add_to(main: typer.Typer) -> None:
    """Add the commands."""
    main.command()(retention)
    main.command()(forget)


@app.command()
def place(asset: AssetArgument, case: Case, reason: Reason = "", as_json: Json = False) -> None:
    """Hold what is kept of an asset, for a case."""
    with connect() as stageward:
        found = stageward.place_hold(asset, case, reason=reason)
    if as_json:
        print_json(found)
    else:
        say(f"{found.asset} is held for {found.case} since {moment(found.since)}")


@app.command()
def lift(asset: AssetArgument, case: Case, reason: Reason = "", as_json: Json = False) -> None:
    """Lift the hold of a case."""
    with connect() as stageward:
        found = stageward.lift_hold(asset, case, reason=reason)
    if as_json:
        print_json(found)
    else:
        say(f"{found.asset} is no longer held for {found.case}")


@app.command("list")
def list_(
    asset: Annotated[str, typer.Argument(help="registry/kind/name; all if left out")] = "",
    as_json: Json = False,
) -> None:
    """List holds."""
    with connect() as stageward:
        found = stageward.holds(asset)
    if as_json:
        print_json(found)
    elif found:
        rows = [(one.asset, one.case, moment(one.since), one.by, one.reason) for one in found]
        print_table(("asset", "case", "since", "by", "reason"), rows)
    else:
        complain("nothing is held")


def retention(as_json: Json = False) -> None:
    """List what is kept of assets that are gone, and until when. Nothing is ever removed."""
    with connect(SECONDS) as stageward:
        found = stageward.retention()
    if as_json:
        print_json(found)
        return
    if not found:
        complain("every asset has a version left")
        return
    rows = [
        (
            one.asset,
            str(one.records),
            moment(one.last),
            moment(one.until) or "not said",
            _standing(one),
        )
        for one in found
    ]
    print_table(("asset", "records", "last", "to be kept until", ""), rows)
    complain("This is a list: no release so far removes records.")


def forget(
    person: Annotated[
        str, typer.Argument(help="person:<key>, <provider>:<id>, or a masked id as records have it")
    ],
    reason: Reason = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete the names of a person, for good. Their ids stay in records, and no hash changes."""
    with connect(SECONDS) as stageward:
        if not dry_run and not yes and not as_json and somebody_reads():
            _show(stageward.forget(person, dry_run=True))
            typer.confirm("Delete these names? That cannot be undone", abort=True)
        found = stageward.forget(person, reason=reason, dry_run=dry_run)
    if as_json:
        print_json(found)
    else:
        _show(found)


def _standing(one: api.Kept) -> str:
    if one.holds:
        return f"held for {', '.join(one.holds)}"
    return "past its retention" if one.removable else ""


def _show(found: api.Forgotten) -> None:
    """Show what became of it, or would, and what else has the name."""
    names = "1 name" if found.names == 1 else f"{found.names or 'no'} names"
    say(f"{found.person}: {names} {'deleted' if found.done else 'would be deleted'}")
    if found.done:
        say(f"  shown as a forgotten person from now on; record {found.record} of the ledger")
    others = [one for one in found.ids if one != found.person]
    if others:
        say(f"  known as {', '.join(others)} too")
    if found.configured:
        complain(
            f"  {found.person} is still in the configuration, which has name and mail: they go on "
            "to be shown until you take them out of `people` and start anew"
        )
    if found.mentioned:
        complain(
            f"  people have written the name in {found.mentioned} records, which never change: "
            f"{', '.join(found.mentions)}"
        )
    if not found.searched:
        complain("  not all records were looked through for the name: there was no time")
    complain("  registries, backups, mails and published events are not reached: docs/retention.md")
