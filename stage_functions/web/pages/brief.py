"""The brief: the page where somebody decides, and what its forms are sent to.

A GET shows and changes nothing, however often a scanner opens it. Whatever goes wrong with a form
is said on top of the same page, with what was typed still in it.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request, Response
from msgspec.structs import replace
from starlette.routing import Route

from stage_functions.application.brief import brief
from stage_functions.application.brief_people import named
from stage_functions.application.vote import VoteCommand, sponsor_request, vote, withdraw
from stage_functions.domain.approval import Decision
from stage_functions.domain.error import (
    DeniedError,
    InvalidInputError,
    NotFoundError,
    NotSignedInError,
    RetryableError,
    StagewardError,
)
from stage_functions.domain.lifecycle import Assurance
from stage_functions.domain.record import MAX_TEXT_CHARACTERS
from stage_functions.web.pages import brief_words
from stage_functions.web.pages.addresses import url_for_approval
from stage_functions.web.pages.bars import bars
from stage_functions.web.pages.render import page, redirect
from stage_functions.web.pages.routes import act, fields, operation_of, show
from stage_functions.web.pages.visitor import Visitor, visitor
from stage_functions.web.problems import RETRY_AFTER_SECONDS, status_of

MAX_BARS = 24
"""Drawn at once; the table below has every metric."""
CLIPPED_CHARACTERS = 600
_PATH = "/approvals/{approval}"


def routes() -> list[Route]:
    """Return the routes of the brief and its forms."""
    return [
        show(_PATH, show_brief),
        act(f"{_PATH}/votes", cast_vote),
        act(f"{_PATH}/sponsor", sponsor),
        act(f"{_PATH}/withdrawal", take_back),
    ]


def show_brief(request: Request) -> Response:
    """Show the brief of an approval."""
    return _shown(_visitor(request), _approval(request))


def cast_vote(request: Request) -> Response:
    """Take a vote; whoever sends it twice has voted once."""
    who, approval = _visitor(request), _approval(request)
    sent = fields(request)
    comment = _typed(sent.get("comment", ""))

    def command() -> None:
        decision = _decision(sent.get("decision", ""))
        _check(comment, "your comment")
        if decision is Decision.REJECT and not comment:
            message = "a reject needs a comment: say what stands in the way, so that it can be met"
            raise InvalidInputError(message)
        cast = VoteCommand(
            approval=approval,
            decision=decision,
            comment=comment,
            fingerprint=sent.get("fingerprint", ""),
            actor=who.actor,
            operation="",
            assurance=who.assurance,
        )
        operation = operation_of(sent, who, cast.asked)
        vote(who.context, replace(cast, operation=operation))

    return _answered(who, approval, command, comment=comment)


def sponsor(request: Request) -> Response:
    """Stand for a request."""
    who, approval = _visitor(request), _approval(request)
    sent = fields(request)

    def command() -> None:
        _demand_signed_in(who)
        operation = operation_of(sent, who, "sponsor")
        sponsor_request(who.context, approval, who.actor, operation)

    return _answered(who, approval, command)


def take_back(request: Request) -> Response:
    """Take a request back."""
    who, approval = _visitor(request), _approval(request)
    sent = fields(request)
    reason = _typed(sent.get("reason", ""))

    def command() -> None:
        _demand_signed_in(who)
        _check(reason, "your reason")
        operation = operation_of(sent, who, f"withdraw {reason}")
        withdraw(who.context, approval, who.actor, operation, reason)

    return _answered(who, approval, command, reason=reason)


def _answered(
    who: Visitor, approval: str, command: Callable[[], None], *, comment: str = "", reason: str = ""
) -> Response:
    """Run a command; go back to the brief, or show it with what went wrong and what was typed."""
    try:
        command()
    except (NotFoundError, NotSignedInError):
        raise
    except StagewardError as exc:
        return _shown(who, approval, exc, comment=comment, reason=reason)
    return redirect(url_for_approval(approval))


def _shown(
    who: Visitor,
    approval: str,
    error: StagewardError | None = None,
    *,
    comment: str = "",
    reason: str = "",
) -> Response:
    found = brief(who.context, approval, who.actor.id, who.assurance)
    response = page(
        "brief.html",
        who,
        status=status_of(error) if error is not None else 200,
        here="approvals",
        brief=found,
        words=brief_words,
        message=named(who.context, str(error)) if error is not None else "",
        comment=comment,
        reason=reason,
        operation=who.context.clock.operation_id(),
        longest=MAX_TEXT_CHARACTERS,
        most_bars=MAX_BARS,
        bars=bars,
        clip=clip,
    )
    if isinstance(error, RetryableError):
        wait = error.retry_after_seconds or RETRY_AFTER_SECONDS
        response.headers["Retry-After"] = str(wait)
    return response


def clip(text: str) -> str:
    """Return a text for a table, cut where it is endless, and saying so."""
    if len(text) <= CLIPPED_CHARACTERS:
        return text
    return f"{text[:CLIPPED_CHARACTERS]}… ({len(text):,} characters)"


def _visitor(request: Request) -> Visitor:
    """Return who looks, if they may see this approval.

    Raises:
        NotSignedInError: nobody has signed in.
        DeniedError: their link opens another one.
    """
    who = visitor(request)
    if who.approval and who.approval != _approval(request):
        message = f"your link opens approval {who.approval} and no other; sign in to see more"
        raise DeniedError(message)
    return who


def _approval(request: Request) -> str:
    return str(request.path_params["approval"]).lower()


def _demand_signed_in(who: Visitor) -> None:
    if who.assurance is not Assurance.SIGNED_IN:
        message = "a personal link is only for voting; sign in to do this"
        raise DeniedError(message)


def _typed(text: str) -> str:
    """Return a text as it was meant: browsers send every line's end as two characters."""
    return text.replace("\r\n", "\n").strip()


def _check(text: str, what: str) -> None:
    if len(text) > MAX_TEXT_CHARACTERS:
        message = (
            f"{what} has {len(text):,} characters and the history keeps {MAX_TEXT_CHARACTERS:,}: "
            "shorten it and send it again; it is still in the form below, whole"
        )
        raise InvalidInputError(message)


def _decision(text: str) -> Decision:
    try:
        return Decision(text)
    except ValueError as exc:
        message = "decide with one of the two buttons, Approve or Reject"
        raise InvalidInputError(message) from exc
