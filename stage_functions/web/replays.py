"""Judging the past by a draft of the configuration: nothing is changed, and nothing is kept."""

from __future__ import annotations

from datetime import datetime

from fastapi import Request, Response

from stage_functions.application.replay import Replay, replay
from stage_functions.domain.error import InvalidInputError
from stage_functions.web import drafts
from stage_functions.web.contract import calls, problems, reply, text
from stage_functions.web.service import caller, context_of
from stage_functions.wire import replay_api

router = calls("lifecycles")


@router.post(
    "/replays",
    response_model=replay_api.DraftReplay,
    responses=problems(400, 401, 403, 422, 503),
)
def replay_requests(request: Request, body: replay_api.DraftReplayBody) -> Response:
    """Tell which requests since a moment a draft would have decided otherwise, and why.

    Nothing is changed. It answers after 20 seconds at the latest with what it has; `behind` says
    where to go on.
    """
    actor = caller(request)
    context = drafts.read(context_of(request), actor, body.configuration, body.definitions)
    found = replay(
        context,
        _moment(body.since),
        glob=text("body.assets", body.assets),
        behind=text("body.behind", body.behind),
    )
    return reply(_document(found))


def _document(found: Replay) -> replay_api.DraftReplay:
    return replay_api.DraftReplay(
        found.same,
        found.differs,
        found.unknown,
        tuple(
            replay_api.ReplayCase(
                one.version,
                one.number,
                one.at,
                one.source,
                one.target,
                one.requester,
                one.came,
                one.would,
                one.why,
            )
            for one in found.cases
        ),
        found.behind or None,
    )


def _moment(given: str) -> datetime:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as exc:
        message = f"body.since: '{given}' is no time; write one as 2026-11-23T22:31:09Z"
        raise InvalidInputError(message) from exc
    if moment.tzinfo is None:
        message = f"body.since: '{given}' has no offset; add Z for UTC"
        raise InvalidInputError(message)
    return moment
