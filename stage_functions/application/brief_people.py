"""The people of a brief: who voted, who still may, who may not and why, and what the viewer may."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application.context import Context
from stage_functions.domain.approval import Approval, Decision, Status, Vote
from stage_functions.domain.asset import Asset
from stage_functions.domain.lifecycle import Assurance
from stage_functions.domain.people import PERSON, STAGEWARD, Directory
from stage_functions.domain.voting import (
    counted,
    has_voted,
    makers,
    objection,
    parties,
    unmet,
    voters_left,
    withdrawal_objection,
)

_PERSON_ID = re.compile(rf"\b{PERSON}:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?")


class Someone(Struct, frozen=True):
    """A person as pages name them.

    Attributes:
        id: as records write it; "" where nobody is known.
        name: of the person, or the id where the file names nobody with it.
        groups: of the file, now.
    """

    id: str
    name: str
    groups: tuple[str, ...] = ()


class Ballot(Struct, frozen=True):
    """A vote that was cast.

    Attributes:
        voter: who.
        decision: approve or reject.
        comment: in the voter's words.
        at: when.
        groups: the voter's groups, as of the vote.
        assurance: how surely the voter was known.
        counts: it counts.
        why_not: why it does not, or "".
    """

    voter: Someone
    decision: Decision
    comment: str
    at: datetime
    groups: tuple[str, ...]
    assurance: Assurance
    counts: bool
    why_not: str


class Barred(Struct, frozen=True):
    """Somebody who may not vote.

    Attributes:
        who: they.
        why: in words.
    """

    who: Someone
    why: str


class Position(Struct, frozen=True):
    """What the viewer may do.

    Attributes:
        viewer: who looks.
        voted: their vote, or None.
        vote: why they may not vote, or "" if they may.
        sponsor: why they may not stand for the request, or "" if they may.
        withdraw: why they may not take it back, or "" if they may.
        then: what it still waits for once they approve; empty where that is the last vote needed.
    """

    viewer: Someone
    voted: Ballot | None
    vote: str
    sponsor: str
    withdraw: str
    then: tuple[str, ...]


class Electorate(Struct, frozen=True):
    """Who has a say.

    Attributes:
        ballots: the votes, in the order they were cast.
        left: people of the file who may still vote.
        claimed: groups whose members Entra names too, each with the roles and groups there.
        barred: who may not vote, and why.
    """

    ballots: tuple[Ballot, ...]
    left: tuple[Someone, ...]
    claimed: tuple[tuple[str, tuple[str, ...]], ...]
    barred: tuple[Barred, ...]


def someone(context: Context, id_: str, at: datetime | None = None) -> Someone:
    """Return whom an id of a record means.

    Args:
        context: the context.
        id_: as records write it.
        at: as of when somebody is named who is in the configuration no more.
    """
    directory = context.configuration.directory
    person = directory.person(id_)
    if person is not None:
        return Someone(id_, person.name, directory.groups_of(id_))
    if id_ == STAGEWARD:
        return Someone(id_, "Stageward")
    name = context.ledger.names.at(id_, at)
    return Someone(id_, name or id_, directory.groups_of(id_))


def named(context: Context, text: str) -> str:
    """Return a text in which each person is called by name, as far as one is known."""
    directory = context.configuration.directory

    def name(found: re.Match[str]) -> str:
        person = directory.person(found[0])
        kept = person.name if person is not None else context.ledger.names.at(found[0])
        return kept or found[0]

    return _PERSON_ID.sub(name, text)


def electorate(context: Context, approval: Approval) -> Electorate:
    """Return who has a say in an approval."""
    directory = context.configuration.directory
    counting = counted(approval, directory)
    open_ = approval.status is Status.OPEN
    left = voters_left(approval, directory) if open_ else ()
    claimed = tuple(
        (group, tuple(directory.entra[group]))
        for group in approval.voting_groups
        if open_ and group in directory.entra
    )
    return Electorate(
        tuple(_ballot(context, approval, vote, vote.voter in counting) for vote in approval.votes),
        tuple(someone(context, id_) for id_ in left),
        claimed,
        tuple(Barred(someone(context, id_), why) for id_, why in _barred(approval, directory)),
    )


def position(
    context: Context, approval: Approval, asset: Asset, viewer: str, assurance: Assurance
) -> Position:
    """Return what the viewer may do with an approval.

    Args:
        context: with the groups that Entra says the viewer is in.
        approval: as it stands now.
        asset: whose approval it is.
        viewer: id of who looks.
        assurance: how surely it is they.
    """
    directory = context.configuration.directory
    counting = counted(approval, directory)
    mine = [v for v in approval.votes if directory.resolve(v.voter) == directory.resolve(viewer)]
    closed = _closed(context, approval, asset)
    signed_in = assurance is Assurance.SIGNED_IN
    unsigned = "" if signed_in else "a personal link is only for voting; sign in"
    return Position(
        viewer=someone(context, viewer),
        voted=_ballot(context, approval, mine[0], mine[0].voter in counting) if mine else None,
        vote=closed or named(context, _vote(approval, viewer, directory, signed_in=signed_in)),
        sponsor=closed or unsigned or _sponsor(approval, viewer, directory),
        withdraw=closed
        or unsigned
        or named(context, withdrawal_objection(approval, viewer, directory)),
        then=_then(approval, viewer, directory),
    )


def _closed(context: Context, approval: Approval, asset: Asset) -> str:
    if approval.status is not Status.OPEN:
        return f"it is {approval.status}"
    why = context.states.ungoverned(asset.registry)
    return f"{why}; approvals stay open" if why else ""


def _vote(approval: Approval, viewer: str, directory: Directory, *, signed_in: bool) -> str:
    if not signed_in and approval.policy.assurance is not Assurance.LINK:
        return "a link is not enough to vote on this one; sign in"
    why = objection(approval, viewer, directory)
    if not why and has_voted(approval, viewer, directory):
        return "you have voted on it already"
    return why


def _sponsor(approval: Approval, viewer: str, directory: Directory) -> str:
    if not approval.needs_sponsor:
        return "it is known who asked"
    return "" if directory.knows(viewer) else "only a known person may sponsor"


def _then(approval: Approval, viewer: str, directory: Directory) -> tuple[str, ...]:
    groups = directory.groups_of(viewer)
    approve = Vote(viewer, Decision.APPROVE, "", approval.opened, approval.fingerprint, groups)
    return unmet(replace(approval, votes=(*approval.votes, approve)), directory)


def _ballot(context: Context, approval: Approval, vote: Vote, counts: bool) -> Ballot:  # noqa: FBT001
    why_not = ""
    if vote.decision is Decision.APPROVE and not counts:
        why_not = (
            "it waits for a sponsor"
            if approval.needs_sponsor
            else _part(approval, vote.voter, context.configuration.directory)
        )
    return Ballot(
        someone(context, vote.voter, vote.at),
        vote.decision,
        vote.comment,
        vote.at,
        vote.groups,
        vote.assurance,
        not why_not,
        why_not,
    )


def _part(approval: Approval, voter: str, directory: Directory) -> str:
    """Say by what part in it the vote of somebody does not count."""
    who = directory.resolve(voter)
    mine = [why for id_, why in parties(approval).items() if directory.resolve(id_) == who]
    return f"they are {mine[0]}" if mine else "they may be excluded"


def _barred(approval: Approval, directory: Directory) -> list[tuple[str, str]]:
    """Return who may not vote by their part in it, then whoever may be one of those."""
    known, barred = parties(approval), dict[str, str]()
    made = makers(approval)
    for id_, why in (*made.items(), *known.items()):
        who = directory.resolve(id_)
        others = barred.get(who, "")
        barred[who] = f"{others} and {why}" if others and why not in others else others or why
    for person in directory.people.values():
        unproven = [id_ for id_ in known if not directory.certainly_differ(person.id, id_)]
        votes = any(group in approval.voting_groups for group in directory.groups_of(person.id))
        if person.id not in barred and votes and unproven:
            provider = unproven[0].partition(":")[0]
            barred[person.id] = (
                f"may be {known[unproven[0]]}, who is known only as {unproven[0]}: "
                f"an id of {provider} under `people` would tell them apart"
            )
    return [(id_, why) for id_, why in barred.items() if id_]
