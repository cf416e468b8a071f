"""What operators do."""

from __future__ import annotations

from typing import Annotated

import typer

from stage_functions.cli.output import (
    FAULT,
    Json,
    Yes,
    complain,
    connect,
    fail,
    moment,
    print_json,
    print_table,
    say,
    somebody_reads,
)
from stage_functions.wire import api

IMPORT_SECONDS = 900
"""A registry is listed as a whole, which takes minutes where it has thousands of assets."""
Alias = Annotated[str, typer.Argument(help="The registry's alias.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_)
    for command in (resolve, scan, registries, outbox):
        app.command()(command)


def import_(
    registry: Alias,
    mapped: Annotated[
        list[str] | None, typer.Option("--map", help="Prod=Production: a value as a stage.")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", help="kind/name:version of the holder to keep, where several are."),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell.")] = False,
    as_json: Json = False,
) -> None:
    """Take a registry's present stages as granted, before Stageward enforces.

    Exits 1 where something is to be decided first: a value that is no stage, or a stage with too
    many holders.
    """
    with connect(IMPORT_SECONDS) as stageward:
        found = stageward.import_registry(
            registry,
            mapping=_mapping(mapped or []),
            keep=tuple(keep or ()),
            reason=reason,
            dry_run=dry_run,
        )
    if as_json:
        print_json(found)
    else:
        _show_import(found)
    if not found.done and (found.unknown or found.crowded or not dry_run):
        raise typer.Exit(FAULT)


def resolve(
    registry: Alias,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Decide that this ledger is right, and write over the tags that made Stageward stop.

    What was granted only in another ledger, or before this one was taken back, is lost by that.
    """
    planned = None
    with connect(IMPORT_SECONDS) as stageward:
        if not dry_run and not yes and not as_json and somebody_reads():
            planned = stageward.resolve(registry, dry_run=True)
            _show_resolution(planned)
            typer.confirm("Is this ledger right? That cannot be undone", abort=True)
        found = stageward.resolve(registry, dry_run=dry_run)
    if as_json:
        print_json(found)
    else:
        _show_resolution(found, named=planned is None)


def scan(registry: Alias, as_json: Json = False) -> None:
    """Compare a registry with the ledger now."""
    with connect() as stageward:
        found = stageward.scan(registry)
    if as_json:
        print_json(found)
        return
    served = f", {found.endpoints} endpoints judged" if found.endpoints else ""
    rest = "" if found.complete else "; not at the end yet: scan again"
    say(
        f"{found.registry}: {found.seen} versions seen, {found.nominated} differed, {found.changed}"
        f" changed the ledger, {found.missing} missing, {found.deleted} deleted{served}{rest}"
    )
    if found.failed:
        complain(f"{found.failures} could not be read; {found.failed}")
    if found.halted:
        complain(found.halted)
    if found.unread:
        complain(found.unread)


def registries(as_json: Json = False) -> None:
    """List registries with mode and state."""
    with connect() as stageward:
        found = stageward.registries()
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one.alias,
            one.type,
            one.mode,
            one.unreadable or one.why or one.halted or "governed",
            moment(one.scanned),
        )
        for one in found
    ]
    print_table(("registry", "type", "mode", "state", "last scanned"), rows)


def outbox(
    retry: Annotated[str, typer.Option(metavar="ID", help="Try this again now.")] = "",
    as_json: Json = False,
) -> None:
    """List work that decisions still owe: tags, events, notices. Exits 1 while any is parked."""
    with connect() as stageward:
        if retry:
            tried = stageward.retry(retry)
            complain(f"{tried.duty} {tried.target} of {tried.asset} was tried again")
        found = stageward.outbox()
    if as_json:
        print_json(found)
    elif found:
        rows = [
            (
                one.id,
                f"{one.duty} {one.target}",
                str(one.attempts),
                "parked" if one.parked else moment(one.next_at),
                one.error,
            )
            for one in found
        ]
        print_table(("id", "owed", "attempts", "next", "error"), rows)
    else:
        complain("nothing is owed")
    if any(one.parked for one in found):
        raise typer.Exit(FAULT)


def _mapping(given: list[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for one in given:
        value, equals, stage = one.rpartition("=")
        if not equals or not value or not stage:
            fail(f"--map {one}: write the value, '=', and the stage, as in --map Prod=Production")
        mapping[value] = stage
    return mapping


def _show_resolution(found: api.Resolution, *, named: bool = True) -> None:
    """Show what resolving came to, or would come to; with the versions, or not once more."""
    would, show = ("", "showed") if found.done else ("would be ", "show")
    number = "1 version" if found.resumed == 1 else f"{found.resumed or 'no'} versions"
    lost = f", {found.lost} of which {show} another stage" if found.lost else ""
    say(f"{found.registry}: {would}written over: {number}{lost}")
    if named:
        for one in found.losses:
            say(f"  {one.version}: {one.shows} → {one.granted}")
        if found.lost > len(found.losses):
            say(f"  and {found.lost - len(found.losses)} more")
    if found.others:
        when = "from now on" if found.done else "then"
        say(f"  of no account {when}: tags that name ledger {', '.join(found.others)}")
    if found.idle:
        say(f"  nothing is written to it yet: {found.idle}")
    elif found.waiting:
        say(f"  still to be written, by the sweep: {found.waiting}; see `stageward status`")


def _show_import(found: api.Import) -> None:
    stages = ", ".join(f"{count} at {stage}" for stage, count in found.stages.items()) or "nothing"
    say(f"{found.registry}: {'imported' if found.done else 'would import'} {stages}")
    if found.idle:
        say(f"  nothing is written to it yet: {found.idle}")
    if found.already:
        say(f"  governed already: {found.already}")
    for value, versions in found.unknown.items():
        complain(f"  '{value}' is no stage (as in {versions[0]}): add --map {value}=<stage>")
    for where, held in found.crowded.items():
        complain(f"  {where} is held by {len(held)}: add --keep {held[0]} or another of them")
