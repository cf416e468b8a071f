"""Personal links: what one opens, and when it has come to its end.

A link opens the page of one approval for whoever has it, and lets them vote there as the approver
that it was sent to. Looking at it changes nothing and does not use it up: mail scanners look too.
"""

from __future__ import annotations

import re
from datetime import timedelta

from fastapi import Request, Response
from msgspec import Struct

from stage_functions.application.brief_people import named
from stage_functions.application.signatures import Purpose
from stage_functions.application.vote import find
from stage_functions.domain.approval import Approval, Status
from stage_functions.domain.error import LinkEndedError, NotFoundError
from stage_functions.domain.lifecycle import Assurance
from stage_functions.domain.people import Person
from stage_functions.domain.voting import has_voted
from stage_functions.settings import SignIn
from stage_functions.web.bearer import here_only
from stage_functions.web.service import Service

LONGEST = timedelta(hours=12)
"""How long a browser keeps what a link has opened; the link itself lasts as the approval does."""
_COOKIE = "stageward_link"
_PAGE = re.compile(r"/approvals/([^/]+)(?:/|\Z)")


class Personal(Struct, frozen=True):
    """What a link opens.

    Attributes:
        approval: the one, open.
        person: whom the link was sent to.
    """

    approval: Approval
    person: Person


def approval_in(path: str) -> str:
    """Return the id of the approval whose page, or part of it, a path names; "" for any other."""
    found = _PAGE.match(path)
    return found[1].lower() if found else ""


def opened(request: Request, here: Service, token: str, approval: str) -> Personal | None:
    """Return what a link to an approval opens; None if it was not made here, or for another one.

    Raises:
        NotSignedInError: in development, from another machine.
        LinkEndedError: it was good and is no longer.
    """
    signed = here.signatures.read(Purpose.LINK, token) if token and approval else None
    if signed is None or signed.parts[0] != approval:
        return None
    if here.sign_in is SignIn.DEV:
        here_only(request)
    _, key, fingerprint = signed.parts
    try:
        found = find(here.context, approval)[1].at(here.context.clock.now())
    except NotFoundError:
        return None
    directory = here.context.configuration.directory
    person = directory.people.get(key)
    why = _ended(found, person, fingerprint)
    if why or person is None:
        voted = person is not None and has_voted(found, person.id, directory)
        voter = person.id if person and voted and found.status is not Status.OPEN else ""
        raise LinkEndedError(named(here.context, why), approval=approval, voter=voter)
    return Personal(found, person)


def by_link(request: Request, here: Service) -> Personal | None:
    """Return what the link opens that somebody has followed to the page that is asked for.

    Raises:
        NotSignedInError, LinkEndedError: as `opened`.
    """
    token = request.cookies.get(cookie(here), "")
    return opened(request, here, token, approval_in(request.scope["path"])) if token else None


def keep(response: Response, here: Service, token: str, link: Personal) -> None:
    """Let a browser keep a link for the page that it opens, and for no other."""
    left = link.approval.deadline - here.context.clock.now()
    response.set_cookie(
        cookie(here),
        token,
        max_age=int(min(LONGEST, left).total_seconds()),
        path=f"/approvals/{link.approval.id}",
        secure=here.secure,
        httponly=True,
        samesite="lax",
    )


def forget(response: Response, here: Service, approval: str) -> None:
    """Let a browser forget the link to an approval."""
    response.delete_cookie(
        cookie(here),
        path=f"/approvals/{approval}",
        secure=here.secure,
        httponly=True,
        samesite="lax",
    )


def cookie(here: Service) -> str:
    """Return the name of the cookie."""
    return f"__Secure-{_COOKIE}" if here.secure else _COOKIE


def _ended(approval: Approval, person: Person | None, fingerprint: str) -> str:
    """Say why a link is no longer good; "" where it is."""
    if approval.status is not Status.OPEN:
        said = "" if approval.why.startswith(approval.status) else f"{approval.status}: "
        return f"The request was closed: {said}{approval.why}."
    if person is None:
        return "The request is open, but the link was sent to somebody who is no longer known here."
    if fingerprint != approval.fingerprint:
        return "The request is open, but is no longer the one that the link was sent for."
    if approval.policy.assurance is not Assurance.LINK:
        return "The request is open, but a link is not enough to vote on it."
    return ""
