"""The call about the ledger's own history: who was forgotten, what it was restored from."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from stage_functions.application.histories import JOURNAL
from stage_functions.application.query import MAX_LIMIT
from stage_functions.web import documents
from stage_functions.web.contract import READS, calls, reply
from stage_functions.web.service import caller, context_of
from stage_functions.wire import api

router = calls("ledger")


@router.get("/ledger/history", response_model=api.History, responses=READS)
def ledger_history(
    request: Request,
    after: Annotated[int, Query(ge=0, description="Behind this number.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 100,
) -> Response:
    """Show the ledger's own records in order."""
    caller(request)
    ledger = context_of(request).ledger
    records = ledger.records(JOURNAL.partition, after=after, limit=limit)
    return reply(documents.history(records, limit))
