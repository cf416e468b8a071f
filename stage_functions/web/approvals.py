"""Calls about approvals."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query, Request, Response

from stage_functions.application import query
from stage_functions.application.brief_people import position
from stage_functions.application.vote import VoteCommand, sponsor_request, vote, withdraw
from stage_functions.domain.approval import Decision, Status
from stage_functions.domain.lifecycle import Assurance
from stage_functions.web import documents
from stage_functions.web.contract import (
    COMMANDS,
    IDEMPOTENT,
    READS,
    calls,
    problems,
    reply,
    text,
)
from stage_functions.web.service import caller, context_of, operation
from stage_functions.wire import api

router = calls("approvals")
Wanted = Annotated[str, Path(description="The approval's id.")]
_States = Literal["open", "approved", "rejected", "withdrawn", "expired", "voided", "all"]


@router.get("/approvals", response_model=api.Approvals, responses=problems(401, 403, 422, 503))
def list_approvals(
    request: Request,
    status: Annotated[_States, Query(description="Which ones; open if left out.")] = "open",
) -> Response:
    """List approvals, the next deadline first."""
    caller(request)
    wanted = None if status == "all" else Status(status)
    found = query.approvals(context_of(request), wanted)
    return reply(api.Approvals(tuple(documents.approval(view) for view in found)))


@router.get("/approvals/{approval}", response_model=api.Approval, responses=READS)
def show_approval(request: Request, approval: Wanted) -> Response:
    """Show an approval with what it still waits for, and why you cannot vote on it, if so."""
    actor, context = caller(request), context_of(request)
    view = query.approval(context, approval.lower())
    mine = position(context, view.approval, view.asset, actor.id, Assurance.SIGNED_IN)
    return reply(documents.approval(view, mine.vote))


@router.post(
    "/approvals/{approval}/votes",
    response_model=api.Decision,
    responses={**COMMANDS, **problems(412)},
    openapi_extra=IDEMPOTENT,
)
def cast_vote(request: Request, approval: Wanted, body: api.VoteBody) -> Response:
    """Approve, or reject with a comment; 412 where the approval is not what the voter saw."""
    command = VoteCommand(
        approval=approval.lower(),
        decision=Decision(body.decision),
        comment=text("body.comment", body.comment),
        fingerprint=text("body.fingerprint", body.fingerprint),
        actor=caller(request),
        operation=operation(request),
    )
    return reply(documents.decision(vote(context_of(request), command)))


@router.post(
    "/approvals/{approval}/sponsor",
    response_model=api.Decision,
    responses=COMMANDS,
    openapi_extra=IDEMPOTENT,
)
def sponsor(request: Request, approval: Wanted) -> Response:
    """Stand for a request that nobody is proven to have made; who sponsors cannot vote."""
    actor = caller(request)
    answer = sponsor_request(context_of(request), approval.lower(), actor, operation(request))
    return reply(documents.decision(answer))


@router.post(
    "/approvals/{approval}/withdrawal",
    response_model=api.Decision,
    responses=COMMANDS,
    openapi_extra=IDEMPOTENT,
)
def withdraw_request(
    request: Request, approval: Wanted, body: api.WithdrawalBody | None = None
) -> Response:
    """Take a request back."""
    actor = caller(request)
    reason = text("body.reason", body.reason if body else "")
    answer = withdraw(context_of(request), approval.lower(), actor, operation(request), reason)
    return reply(documents.decision(answer))
