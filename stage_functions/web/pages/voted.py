"""What a personal link shows to whoever voted by it, or otherwise, once the request is closed."""

from __future__ import annotations

from fastapi import Response

from stage_functions.application.context import Context
from stage_functions.application.vote import find
from stage_functions.domain.approval import Approval, Decision, Status, Vote
from stage_functions.domain.asset import Asset
from stage_functions.domain.error import LinkEndedError
from stage_functions.domain.people import Directory
from stage_functions.domain.record import minute
from stage_functions.domain.state import VersionState
from stage_functions.domain.voting import counted
from stage_functions.web.pages.render import page

_STATUSES = {
    Status.APPROVED: "It was approved",
    Status.REJECTED: "It was rejected",
    Status.WITHDRAWN: "It was withdrawn",
    Status.EXPIRED: "It has expired",
    Status.VOIDED: "It was voided",
}


def voted_page(context: Context, ended: LinkEndedError, *, status: int, sign_in: str) -> Response:
    """Return the page that thanks a voter, and says what became of the request.

    Args:
        context: what use cases work with.
        ended: their link, at its end.
        status: the HTTP status.
        sign_in: the address where they see all of it.

    Raises:
        NotFoundError: no such approval.
    """
    loaded, found = find(context, ended.approval)
    approval = found.at(context.clock.now())
    directory = context.configuration.directory
    vote = next(
        one
        for one in approval.votes
        if directory.resolve(one.voter) == directory.resolve(ended.voter)
    )
    return page(
        "link_voted.html",
        status=status,
        heading=_heading(approval, vote, directory),
        became=_became(approval, loaded.asset, loaded.versions.get(approval.version)),
        vote=vote,
        detail=str(ended),
        sign_in=sign_in,
    )


def _heading(approval: Approval, vote: Vote, directory: Directory) -> str:
    """Say what the vote came to."""
    if vote.decision is Decision.REJECT:
        return "Your reject was counted"
    if approval.status is Status.APPROVED and vote.voter in counted(approval, directory):
        return "Your approval was counted"
    return "You have voted"


def _became(approval: Approval, asset: Asset, state: VersionState | None) -> str:
    """Say where the version stands by now."""
    which, target = f"{asset.name} version {approval.version}", approval.binding.target
    stands = f"{which} is now at {state.stage}." if state is not None else ""
    if approval.status is not Status.APPROVED:
        return f"{_STATUSES.get(approval.status, f'It is {approval.status}')}. {stands}".strip()
    if approval.ratifies:
        return f"The emergency is ratified. {stands}".strip()
    if not approval.renews:
        return stands or f"{which} was approved for {target}."
    until = f" until {minute(approval.valid_until)}" if approval.valid_until else ""
    return f"The approval of {which} for {target} was renewed{until}."
