"""What is asked of assets: lists, transitions, checks, histories."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from stage_functions.cli import nothing
from stage_functions.cli.drafts import definitions_of, in_file, text_of
from stage_functions.cli.estate import show_estate
from stage_functions.cli.following import decided
from stage_functions.cli.moments import moment_of, of_what_was_asked
from stage_functions.cli.output import (
    FAULT,
    REFUSED,
    AssetArgument,
    Json,
    VersionArgument,
    complain,
    connect,
    fail,
    finish,
    moment,
    pairs,
    print_json,
    print_table,
    say,
    show_verdicts,
    validity,
)
from stage_functions.domain.approval import ending
from stage_functions.domain.authors import AuthorPart, authors
from stage_functions.domain.chain import verify
from stage_functions.domain.error import DeniedError, InvalidInputError
from stage_functions.domain.foreseen import foreseen
from stage_functions.domain.lifecycle import UNREGISTERED, OnViolation
from stage_functions.domain.record import Record, RecordType, canonical
from stage_functions.wire import api

_SAID = ("anonymous", "stage", "decision", "hold", "person", "made_at")
_WORDS = ("reason", "comment")
"""Fields of a record that say what it is about; why it is, stands between them and `_WORDS`."""


class Action(StrEnum):
    """What somebody is about to do with a version."""

    TRANSITION = "transition"
    DEPLOY = "deploy"
    DELETE = "delete"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (ls, show, promote, check, history):
        app.command()(command)
    app.command("as-of")(as_of)


def ls(
    registry: Annotated[str, typer.Argument(help="Only this registry.")] = "",
    kind: Annotated[str, typer.Option(help="models, data, environments or components.")] = "",
    stage: Annotated[str, typer.Option(help="Only versions that stand there.")] = "",
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Only versions with an open approval.")
    ] = False,
    violating: Annotated[
        bool, typer.Option("--violating", help="Only versions with a violation that stands.")
    ] = False,
    review_due: Annotated[
        bool, typer.Option("--review-due", help="Only versions to be reviewed, or not in time.")
    ] = False,
    everything: Annotated[
        bool,
        typer.Option("--all", "-a", help="Hidden stages, deleted and unregistered versions too."),
    ] = False,
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of",
            help="Where they stood then, approved by whom: 2026-11-23 for the end of that day, or "
            "2026-11-23T22:31[:09]; UTC unless an offset stands behind it.",
        ),
    ] = "",
    as_csv: Annotated[
        bool,
        typer.Option("--csv", help="Print CSV: what stood where, as of now without --as-of."),
    ] = False,
    as_json: Json = False,
) -> None:
    """List versions with their stages; with --as-of or --csv, what stood where, on what grounds."""
    if as_of or as_csv:
        only_now = waiting or violating or review_due or stage == UNREGISTERED
        if only_now or (as_csv and as_json):
            fail("--as-of and --csv go with no other list, and with one form")
        asked = moment_of(as_of) if as_of else None
        with connect() as stageward:
            stood = stageward.estate(
                asked.at if asked else None,
                registry=registry,
                kind=kind,
                stage=stage,
                hidden=everything,
            )
            if stage and not stood.stood:
                nothing.demand_stage(stageward, stage, ever=asked is not None)
        show_estate(stood, asked, as_csv=as_csv, as_json=as_json)
        return
    with connect() as stageward:
        found = list(
            stageward.versions(
                registry=registry,
                kind=kind,
                stage=stage,
                waiting=waiting,
                violating=violating,
                review_due=review_due,
                gone=everything,
                hidden=everything,
                unregistered=everything,
            )
        )
        if stage and not found:
            nothing.demand_stage(stageward, stage)
    if as_json:
        print_json(found)
    elif found and stage == UNREGISTERED:
        print_table(("version", "job", "author", "since"), [_noted(one) for one in found])
    elif found:
        print_table(("version", "stage", "since", "status"), [_listed(one) for one in found])
    else:
        complain(
            nothing.words(registry=registry, stage=stage, waiting=waiting, everything=everything)
        )


def show(
    name: Annotated[str, typer.Argument(help="registry/kind/name, or …:version")],
    as_json: Json = False,
) -> None:
    """Show an asset with its versions, or a version with its evidence."""
    with connect() as stageward:
        if ":" in name:
            _show_version(stageward.version(name), as_json=as_json)
        else:
            _show_asset(stageward.asset(name), as_json=as_json)


def promote(
    version: VersionArgument,
    stage: Annotated[str, typer.Argument(help="The stage to reach.")],
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; approvers read it.")] = "",
    expected: Annotated[
        str, typer.Option("--expect", help="Fail unless it stands there now.")
    ] = "",
    keep: Annotated[
        bool, typer.Option("--keep", help="Refuse rather than displace the present holder.")
    ] = False,
    on_behalf_of: Annotated[str, typer.Option(help="Id of the person it is asked for.")] = "",
    emergency: Annotated[
        str | None,
        typer.Option(
            metavar="INCIDENT", help="Do not wait for approval, for this incident; to be ratified."
        ),
    ] = None,
    key: Annotated[str, typer.Option(help="Idempotency-Key: ask again, be decided once.")] = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until it is decided; Ctrl-C ends only the waiting.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Ask for a transition; or, where it stands there by an approval with an end, to renew that.

    Exits 0 granted, 3 pending, 4 refused or not for you, 5 rejected or lapsed, 1 fault.
    """
    if emergency is not None and not emergency.strip():
        fail("--emergency names no incident: nothing was asked")
    if emergency and not reason.strip():
        fail("--emergency needs --reason: say why it cannot wait for approval")
    with connect() as stageward:
        try:
            decision = stageward.transition(
                version,
                stage,
                reason=reason,
                expected_stage=expected or None,
                archive_existing_versions=not keep,
                on_behalf_of=on_behalf_of or None,
                emergency=emergency or None,
                key=key,
            )
        except DeniedError as exc:
            fail(str(exc), REFUSED)
        if wait and decision.outcome == "pending":
            decision = decided(stageward, decision)
    finish(decision, as_json=as_json)


def check(
    version: VersionArgument,
    action: Annotated[Action, typer.Argument(help="What is to be done with it.")],
    target: Annotated[
        str, typer.Argument(help="The stage, or registry/endpoint for a deployment.")
    ] = "",
    draft: Annotated[
        Path | None,
        typer.Option(
            "--config", help="Try a draft of the configuration file.", exists=True, dir_okay=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell what would happen and why; nothing is changed. Exits 0 allowed, 4 not, 1 fault.

    With --config, what would happen to a transition under that draft: it is sent to the server,
    tried on what is there, and not kept.
    """
    if not target and action is not Action.DELETE:
        what = "a stage" if action is Action.TRANSITION else "registry/endpoint"
        fail(f"`stageward check {version} {action}` needs {what} behind it")
    text = text_of(draft) if draft else None
    with connect() as stageward:
        try:
            found = stageward.check(
                version,
                action.value,
                to=target if action is Action.TRANSITION else None,
                endpoint=target if action is Action.DEPLOY else None,
                configuration=text,
                definitions=definitions_of(draft, text) if draft and text else None,
            )
        except InvalidInputError as exc:
            fail(in_file(draft, str(exc)) if draft else str(exc))
    if as_json:
        print_json(found)
    else:
        under = f", under {draft}" if draft else ""
        if found.outcome == "pending":  # every rule passed: not to be taken for a failed one
            say(f"under {draft}: {found.detail}" if draft else found.detail)
        else:
            say(f"{'allowed' if found.allowed else 'not allowed'}{under}: {found.detail}")
        show_verdicts(found.verdicts)
    raise typer.Exit(0 if found.allowed else REFUSED)


def history(
    asset: Annotated[
        str, typer.Argument(help="registry/kind/name; or `ledger` for the ledger's own records.")
    ],
    after: Annotated[int, typer.Option(min=0, help="Only records behind this number.")] = 0,
    verified: Annotated[
        bool, typer.Option("--verify", help="Check every hash and link, here.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show an asset's records in order; --verify exits 1 where one is not as it was written."""
    if verified and after:
        fail("--verify reads a history from its first record: leave --after out")
    with connect() as stageward:
        records = list(stageward.history(asset, after=after))
    if as_json:
        print_json(records)
    else:
        print_table(("#", "at", "version", "what", "who"), [_told(one) for one in records])
    if verified:
        _verify(asset, records)


def as_of(
    asset: AssetArgument,
    at: Annotated[
        list[str] | None,
        typer.Argument(
            help="2026-11-23 for the end of that day, or 2026-11-23 22:31[:09]; UTC unless an "
            "offset such as +02:00 stands behind it. Now if left out.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show which version stood where at a moment, approved by whom."""
    asked = moment_of(" ".join(at)) if at else None
    with connect() as stageward:
        found = stageward.as_of(asset, asked.at if asked else None)
        begun = None if found.versions else next(stageward.history(asset), None)
    if as_json:
        print_json(found)
        return
    say(f"{found.asset} at {moment(found.time)}{of_what_was_asked(asked, found.time)}")
    if not found.versions:
        since = str(begun["at"])[:19].replace("T", " ") if begun is not None else ""
        when = f": its history begins at {since}" if since > moment(found.time) else ""
        say(f"no version stood anywhere then{when}")
        return
    rows = [
        (
            number,
            one.stage,
            moment(one.since),
            one.grounds,
            " and ".join(one.approved_by),
            one.owner,
            moment(one.review_due),
            validity(one.valid_until, before=found.time),
        )
        for number, one in found.versions.items()
    ]
    columns = ("version", "stage", "since", "grounds", "approved by", "owner", "review due")
    print_table((*columns, "valid until"), rows)


def _review(found: api.Version) -> str | None:
    """Say when the next review is due; None for never."""
    if found.review_due is None:
        return None
    return f"{moment(found.review_due)}{', not made in time' if found.review_lapsed else ''}"


def _listed(one: api.CatalogVersion) -> tuple[str | None, ...]:
    return (f"{one.asset}:{one.version}", one.stage, moment(one.since), _status(one))


def _status(one: api.CatalogVersion) -> str:
    status = "gone" if one.gone else one.stopped or one.status
    if one.drifted is not None and not one.gone:
        status = f"edited from outside (record {one.drifted}), not acknowledged\n{status}"
    if one.violation is None:
        return status
    said = f"violates (record {one.violation.record}): {one.violation.why}"
    return said if status == one.violation.why else f"{said}\n{status}"


def _noted(one: api.CatalogVersion) -> tuple[str | None, ...]:
    return (f"{one.asset}:{one.version}", one.job, one.author, moment(one.since))


def _show_asset(found: api.Asset, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    say(f"{found.asset}: lifecycle {found.lifecycle}, {found.records} records")
    if found.holds:
        say(f"held for {', '.join(found.holds)}: see `stageward hold list {found.asset}`")
    rows = [(one.version, one.stage, moment(one.since), _status(one)) for one in found.versions]
    print_table(("version", "stage", "since", "status"), rows)


def _show_version(found: api.Version, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    say(f"{found.version}: {found.stage or 'no stage granted'}")
    made = authors(found.author or "", [found.trainer or ""])
    rows: list[tuple[str, str | None]] = [
        ("since", moment(found.since)),
        ("status", found.status),
        *(("violates", _violates(one)) for one in found.violations),
        ("approval", found.approval),
        ("stands by approval", found.approved_by),
        ("valid until", validity(found.valid_until)),
        ("review due", _review(found)),
        ("edited", f"record {found.drifted}, not acknowledged" if found.drifted else None),
        ("may be asked for", ", ".join(found.allowed)),
        *made,
        ("in its registry", _there(found)),
        ("stopped", found.stopped),
        *((f"copy of {one.version}", one.detail) for one in found.origins),
        *(("copied to", _copied(one, found.version)) for one in found.copies),
        ("tags", pairs(found.tags)),
    ]
    rows += [
        (name, pairs(section) or "not recorded")
        for name, section in found.evidence.items()
        if name != AuthorPart.BOTH or not made
    ]
    print_table(("", ""), [row for row in rows if row[1] or row[0] == "status"])


def _violates(one: api.Violation) -> str:
    what = f"deployment {one.deployment}: {one.why}" if one.deployment else one.why
    return f"{what} (record {one.record}, {moment(one.at)})"


def _there(found: api.Version) -> str:
    if not found.registered:
        return "no"
    return "yes, archived there" if found.archived else "yes"


def _copied(one: api.Copy, version: str) -> str:
    via = "" if one.source == version else f", from {one.source}"
    return f"{one.version}, {one.stage or 'gone'}{via}"


def _told(record: Mapping[str, Any]) -> tuple[str, ...]:
    actor = record.get("actor", {})
    who = str(actor.get("id", "")) or "nobody known"
    return (
        str(record["number"]),
        str(record["at"])[:19].replace("T", " "),
        str(record.get("version", "")),
        _what(record),
        f"{who} ({actor.get('attribution')}, {actor.get('via')})",
    )


def _what(record: Mapping[str, Any]) -> str:
    kind = str(record["type"])
    source, target = record.get("from"), record.get("to")
    way = f"{source} → {target}" if source and target else str(target or source or "")
    status, why = str(record.get("status", "")), str(record.get("why", ""))
    why = ending(status, why) if status else why
    if source and target and why.startswith(way):
        way = ""  # it is said in why
    why = _and_then(kind, why, str(record.get("then", "")))
    if kind == RecordType.OBSERVED:
        seen, why = foreseen(record)
        way = way if record.get("approval") else seen
    output, origin = record.get("output"), record.get("origin")
    said = [f"output {output['name']} of job {output['job']}"] if output else []
    said += [f"something of job {record['job']}"] if record.get("job") else []
    said += [str(record[name]) for name in _SAID if record.get(name)]
    if kind == RecordType.DRIFT_FOUND:
        said += [str(one) for one in record.get("changes", ())]
    words = [str(origin["version"])] if origin else []
    words += [str(record[name]) for name in _WORDS if record.get(name)]
    parts = [way, *said, why, *words]
    return f"{kind} {': '.join(part for part in parts if part)}".rstrip()


def _and_then(kind: str, why: str, then: str) -> str:
    """Say behind why what follows: of a violation, where it is more than the record."""
    if kind != RecordType.VIOLATED:
        return ": ".join(part for part in (then, why) if part)
    return why if then in ("", OnViolation.RECORD) else f"{why} (on_violation: {then})"


def _verify(asset: str, records: list[Mapping[str, Any]]) -> None:
    """Check a history by what it says alone; end with exit code 1 where it does not hold."""
    if not records:
        say("nothing is recorded, so nothing can be wrong")
        return
    fault = verify(str(records[0]["ledger"]), asset, [_record(one) for one in records])
    if fault is not None:
        complain(f"record {fault.number} is not what was written: {fault.why}")
        raise typer.Exit(FAULT)
    say(f"{len(records)} records, every hash and link is right; the last is {records[-1]['hash']}")


def _record(document: Mapping[str, Any]) -> Record:
    content = {key: value for key, value in document.items() if key not in {"prev", "hash"}}
    prev, hash_ = str(document["prev"]), str(document["hash"])
    return Record(canonical(content), prev, hash_, content)
