"""Calls about lifecycles as they are governed: what waits, consent, history, a file's effect."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import Path, Query, Request, Response

from stage_functions.application import histories
from stage_functions.application.adoption import consent, law_of
from stage_functions.application.in_force import Waiting
from stage_functions.application.validating import Report, validate
from stage_functions.domain.record import Record
from stage_functions.web import drafts
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
from stage_functions.wire import lifecycles_api as api

router = calls("lifecycles")
Named = Annotated[str, Path(description="The lifecycle's name.")]
MAX_RECORDS = 1000


@router.post(
    "/lifecycles/validation",
    response_model=api.Validation,
    responses=problems(400, 401, 403, 422, 503),
)
def validate_lifecycles(request: Request, body: api.ValidationBody) -> Response:
    """Tell what a file would strand, void, loosen and rename; nothing is changed."""
    actor = caller(request)
    context = context_of(request)
    draft = drafts.read(context, actor, body.configuration, body.definitions)
    return reply(_validation(validate(draft)))


@router.get("/lifecycles/{name}/adoption", response_model=api.LifecycleLaw, responses=READS)
def show_adoption(request: Request, name: Named) -> Response:
    """Show which text of a lifecycle is in force, and what change of it waits for consent."""
    caller(request)
    digest, waiting = law_of(context_of(request), name)
    return reply(api.LifecycleLaw(name, digest, change(waiting)))


@router.post(
    "/lifecycles/{name}/adoption",
    response_model=api.Adoption,
    responses={**COMMANDS, **problems(412)},
    openapi_extra=IDEMPOTENT,
)
def adopt_lifecycle(request: Request, name: Named, body: api.AdoptionBody) -> Response:
    """Consent to a change of a lifecycle; 412 where another one waits than was shown."""
    record = consent(
        context_of(request),
        name,
        text("body.digest", body.digest),
        caller(request),
        text("body.comment", body.comment),
        operation=operation(request),
    )
    return reply(adoption(name, record))


@router.get("/lifecycles/{name}/history", response_model=api.LifecycleHistory, responses=READS)
def lifecycle_history(
    request: Request,
    name: Named,
    after: Annotated[int, Query(ge=0, description="Only records behind this number.")] = 0,
) -> Response:
    """Show a lifecycle's own records: what was adopted and proposed, with every difference."""
    caller(request)
    context = context_of(request)
    law_of(context, name)
    partition = histories.of_lifecycle(name).partition
    found = context.ledger.records(partition, after=after, limit=MAX_RECORDS)
    records: tuple[dict[str, Any], ...] = tuple(
        {**msgspec.json.decode(one.body), "prev": one.prev, "hash": one.hash} for one in found
    )
    return reply(api.LifecycleHistory(records))


def adoption(name: str, record: Record) -> api.Adoption:
    """Return what was adopted."""
    content = record.content
    lifecycle: Any = content["lifecycle"]
    actor: Any = content["actor"]
    loosens: Any = content.get("loosens", [])
    ended = any(str(one).startswith("- the lifecycle itself") for one in _list(content["changes"]))
    digest = "" if ended else str(lifecycle["digest"])
    return api.Adoption(name, digest, record.number, str(actor["id"]), tuple(loosens))


def change(waiting: Waiting | None) -> api.LifecycleChange | None:
    """Return what waits."""
    if waiting is None:
        return None
    return api.LifecycleChange(
        waiting.digest,
        waiting.text,
        waiting.before,
        waiting.changes,
        waiting.loosens,
        waiting.needs,
        waiting.groups,
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _validation(report: Report) -> api.Validation:
    return api.Validation(
        report.sound,
        report.refused,
        tuple(
            api.StrandedVersions(one.asset, one.versions, one.stage, one.why)
            for one in report.stranded
        ),
        report.more,
        tuple(api.VoidedApproval(one.id, one.version, one.deadline) for one in report.voided),
        tuple(
            api.CourseOfLifecycle(one.known.name, str(one.course), change(one.waiting))
            for one in report.judged
        ),
        tuple(
            api.RenamedStage(one.lifecycle, one.before, one.after, one.versions)
            for one in report.renamed
        ),
    )
