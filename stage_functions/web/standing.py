"""Calls about versions where they stand: reviewed, or an edit from outside acknowledged."""

from __future__ import annotations

from fastapi import Request, Response

from stage_functions.application.answer import Answer
from stage_functions.application.attending import Attention, acknowledge, make_review
from stage_functions.domain.asset import Version
from stage_functions.web.contract import (
    COMMANDS,
    IDEMPOTENT,
    Alias,
    KindName,
    Name,
    Number,
    calls,
    problems,
    reply,
    text,
    the_version,
)
from stage_functions.web.service import caller, context_of, operation
from stage_functions.wire.standing_api import Attended, AttentionBody

router = calls("assets")
_VERSION = "/assets/{registry}/{kind}/{name}/versions/{version}"


@router.post(
    f"{_VERSION}/review",
    response_model=Attended,
    responses={**COMMANDS, **problems(412)},
    openapi_extra=IDEMPOTENT,
)
def review_version(
    request: Request,
    registry: Alias,
    kind: KindName,
    name: Name,
    version: Number,
    body: AttentionBody,
) -> Response:
    """Say that a version was reviewed; the time to the next review begins anew.

    By members of the groups that review versions at its stage, who have not made it. It may be
    done before a review is due, and clears what a rollback marked.
    """
    command = _attention(request, the_version(registry, kind, name, version), body)
    return _attended(make_review(context_of(request), command))


@router.post(
    f"{_VERSION}/acknowledgement",
    response_model=Attended,
    responses={**COMMANDS, **problems(412)},
    openapi_extra=IDEMPOTENT,
)
def acknowledge_edit(
    request: Request,
    registry: Alias,
    kind: KindName,
    name: Name,
    version: Number,
    body: AttentionBody,
) -> Response:
    """Take note of what was edited from outside at a frozen stage; the version may move again.

    By operators and whoever may vote on the way to its stage, but for whoever edited it.
    """
    command = _attention(request, the_version(registry, kind, name, version), body)
    return _attended(acknowledge(context_of(request), command))


def _attention(request: Request, version: Version, body: AttentionBody) -> Attention:
    return Attention(
        version=version,
        comment=text("body.comment", body.comment.strip()),
        actor=caller(request),
        operation=operation(request),
        record=body.record or 0,
    )


def _attended(answer: Answer) -> Response:
    return reply(Attended(answer.version, answer.stage, answer.detail, answer.record))
