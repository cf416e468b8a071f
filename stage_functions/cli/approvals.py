"""What approvers and requesters do."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from stage_functions.cli.output import (
    REJECTED,
    Json,
    Yes,
    brief_address,
    complain,
    connect,
    fail,
    finish,
    moment,
    print_json,
    print_table,
    say,
    somebody_reads,
    validity,
)
from stage_functions.client import Client
from stage_functions.domain.approval import ending
from stage_functions.domain.authors import authors
from stage_functions.domain.lifecycle import NotRatified
from stage_functions.wire import api

Id = Annotated[str, typer.Argument(metavar="ID", help="The approval's id.")]
Comment = Annotated[str, typer.Option("--comment", "-m", help="Why, in your words.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (approvals, approve, reject, withdraw, sponsor):
        app.command()(command)


def approvals(
    id_: Annotated[str, typer.Argument(metavar="[ID]", help="Only this one, whole.")] = "",
    status: Annotated[
        str, typer.Option(help="open, approved, rejected, withdrawn, expired, voided or all.")
    ] = "open",
    as_json: Json = False,
) -> None:
    """List approvals with what they wait for, or show one."""
    with connect() as stageward:
        found = (stageward.approval(id_),) if id_ else stageward.approvals(status)
    if as_json:
        print_json(found[0] if id_ else found)
    elif id_:
        _show(found[0])
    elif found:
        rows = [
            (
                one.id,
                one.version,
                _wish(one),
                _state(one),
                moment(one.deadline),
            )
            for one in found
        ]
        print_table(("id", "version", "asks for", "needs", "deadline"), rows)
    else:
        complain("no approval is open" if status == "open" else "there is no such approval")


def approve(id_: Id, comment: Comment = "", yes: Yes = False, as_json: Json = False) -> None:
    """Approve a request, as you see it now.

    Exits 0 where the vote was taken, 5 where the approval is void by what has changed since it was
    asked, 1 on a fault, as where you may not vote.
    """
    _vote(id_, "approve", comment, yes=yes, as_json=as_json)


def reject(id_: Id, comment: Comment = "", yes: Yes = False, as_json: Json = False) -> None:
    """Reject a request, which closes it; say why."""
    if not comment.strip() and (yes or as_json or not somebody_reads()):
        fail("a comment is needed: say why with -m, for whoever asked")
    _vote(id_, "reject", comment, yes=yes, as_json=as_json)


def withdraw(
    id_: Id,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why.")] = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Take your request back: what you asked for, or was asked for you.

    To take back an emergency is not to have it ratified: it is put back, or escalated, as its
    lifecycle says. At a terminal that is said first, and asked; elsewhere, and with --yes or
    --json, it is done at once, and what followed is said.
    """
    with connect() as stageward:
        if somebody_reads() and not (yes or as_json):
            found = stageward.approval(id_)
            if found.ratifies and found.status == "open":
                say(_unratified(stageward, found))
                typer.confirm("Take the emergency back?", abort=True)
        decision = stageward.withdraw(id_, reason=reason)
    _told(decision, as_json=as_json)


def sponsor(id_: Id, as_json: Json = False) -> None:
    """Stand for a request that came by tag; who sponsors cannot vote."""
    with connect() as stageward:
        decision = stageward.sponsor(id_)
    _told(decision, as_json=as_json)


def _vote(
    id_: str, decision: Literal["approve", "reject"], comment: str, *, yes: bool, as_json: bool
) -> None:
    with connect() as stageward:
        brief = stageward.approval(id_)
        if not yes and not as_json and somebody_reads():
            _show(brief)
            if brief.objection:
                fail(brief.objection)
            if decision == "reject" and not comment.strip():
                comment = typer.prompt("Why, for whoever asked")
            typer.confirm(f"{decision.capitalize()} this?", abort=True)
        found = stageward.vote(id_, decision, fingerprint=brief.fingerprint, comment=comment)
    _told(found, as_json=as_json)


def _told(decision: api.Decision, *, as_json: bool) -> None:
    """Show what a vote, a sponsor or a withdrawal came to; that it was taken is success."""
    if as_json:
        print_json(decision)
    elif decision.outcome == "granted":
        finish(decision, as_json=False)
    else:
        said = ending(decision.status or "", decision.detail)
        say(f"approval {decision.approval} is {said}")
    if decision.status == "voided":
        complain("nothing was granted: it must be asked for again, as it is now")
        raise typer.Exit(REJECTED)


def _unratified(stageward: Client, one: api.Approval) -> str:
    """Say what follows where an emergency is not ratified, as its lifecycle stands now."""
    texts = {str(law.text.get("name", "")): law.text for law in stageward.lifecycles()}
    terms = texts.get(one.lifecycle, {}).get("emergency") or {}
    number = one.version.rpartition(":")[2]
    if terms and terms.get("not_ratified") == NotRatified.REVERT:
        comes = f", and version {one.displaces[0]} comes back" if one.displaces else ""
        return (
            f"The emergency is not ratified then, and is put back: version {number} leaves "
            f"{one.to_stage} for {one.from_stage}{comes}. Where that cannot be it stays, not to be "
            "deployed, and a ratification opens again."
        )
    return (
        f"The emergency is not ratified then: version {number} stays at {one.to_stage}, not to be "
        "deployed, and a ratification opens again."
    )


def _state(one: api.Approval) -> str:
    waits = one.waits_for or ", ".join(one.needs)
    return waits if one.status == "open" else ending(one.status, one.why)


def _wish(one: api.Approval) -> str:
    if one.ratifies:
        return f"the emergency {one.from_stage} → {one.to_stage} to be ratified"
    if one.renews:
        return f"the renewal of {one.to_stage}"
    return f"{one.from_stage} → {one.to_stage}"


def _show(one: api.Approval) -> None:
    rows: list[tuple[str, str | None]] = [
        ("asks for", f"{one.version}: {_wish(one)}"),
        ("its page", brief_address(one.id)),
        ("displaces", ", ".join(one.displaces) or "nothing"),
        *_copied(one),
        ("reason", one.reason),
        ("requester", one.requester if one.proven else f"{one.requester or 'unknown'}, not proven"),
        ("on behalf of", one.on_behalf_of or "nobody else"),
        *authors(one.author or "", one.trainers),
        ("opened", moment(one.opened)),
        ("deadline", moment(one.deadline)),
        ("escalated", moment(one.escalated) or "no"),
        ("a vote takes", "a personal link" if one.assurance == "link" else "signing in"),
        ("status", _state(one) if one.status != "open" else f"open: needs {_state(one)}"),
    ]
    if one.status == "approved":
        rows.append(("valid until", validity(one.valid_until) or "for ever"))
    if one.status == "open":
        rows.append(("may still vote", ", ".join(one.voters) or "nobody of the configuration"))
    rows += [("rule", verdict.sentence) for verdict in one.verdicts]
    rows += [("vote", _ballot(vote)) for vote in one.votes]
    rows += [("may not vote", f"{who}: {why}") for who, why in one.excluded.items()]
    print_table((f"approval {one.id}", ""), rows)


def _copied(one: api.Approval) -> list[tuple[str, str]]:
    if one.copied_to is None:
        return []
    displaces = f", displaces {', '.join(one.copy_displaces)}" if one.copy_displaces else ""
    return [("copied to", f"{one.copied_to}{displaces}")]


def _ballot(vote: api.Vote) -> str:
    counts = "" if vote.counts or vote.decision == "reject" else ", does not count"
    how = ", by personal link" if vote.assurance == "link" else ""
    groups = f" of {' and '.join(vote.groups)}" if vote.groups else ""
    said = f": {vote.comment}" if vote.comment else ""
    return f"{vote.voter}{groups} {vote.decision} at {moment(vote.at)}{how}{counts}{said}"
