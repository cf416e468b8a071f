"""Calls about assets and their versions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query, Request, Response

from stage_functions.application import catalog, query
from stage_functions.application.answer import Answer, AnswerKind
from stage_functions.application.as_of import Wanted, of_asset, of_estate
from stage_functions.application.checks import Action, Question, check
from stage_functions.application.context import Context
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.domain.asset import Kind
from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.transition import Request as Wish
from stage_functions.web import as_of_documents, documents, drafts
from stage_functions.web.contract import (
    COMMANDS,
    IDEMPOTENT,
    READS,
    Alias,
    KindName,
    Name,
    Number,
    calls,
    problems,
    reply,
    text,
    the_asset,
    the_version,
)
from stage_functions.web.problems import problem
from stage_functions.web.service import caller, context_of, operation
from stage_functions.wire import api
from stage_functions.wire.as_of_api import AsOf, EstatePage

_NOW = "now"
router = calls("assets")
Limit = Annotated[int, Query(ge=1, le=query.MAX_LIMIT)]
_ASSET = "/assets/{registry}/{kind}/{name}"
_VERSION = f"{_ASSET}/versions/{{version}}"


@router.post(
    f"{_VERSION}/transitions",
    response_model=api.Decision,
    responses={
        **COMMANDS,
        **problems(412),
        202: {"model": api.Decision, "description": "it waits for approval"},
    },
    openapi_extra=IDEMPOTENT,
)
def request_stage(
    request: Request,
    registry: Alias,
    kind: KindName,
    name: Name,
    version: Number,
    body: api.TransitionBody,
) -> Response:
    """Ask for a transition.

    200 granted, or unchanged where the version stands there already; 202 pending, the same
    approval when repeated, also one of the renewal of an approval that has an end; 409 refused,
    with every verdict and the stages that may be asked for. With `emergency` it is granted at once
    where the lifecycle knows that, and `approval` is the one that is to ratify it.
    """
    actor = caller(request)
    command = TransitionRequest(
        version=the_version(registry, kind, name, version),
        target=text("body.to", body.to),
        reason=text("body.reason", body.reason),
        actor=actor,
        operation=operation(request),
        expected_stage=text("body.expected_stage", body.expected_stage or ""),
        archive_existing_versions=body.archive_existing_versions,
        on_behalf_of=text("body.on_behalf_of", body.on_behalf_of or ""),
        emergency=text("body.emergency", (body.emergency or "").strip()),
    )
    if body.emergency is not None and not command.emergency:
        message = "body.emergency: name the incident"
        raise InvalidInputError(message)
    return _answered(request_transition(context_of(request), command))


@router.get("/assets", response_model=api.CatalogPage | EstatePage, responses=READS)
def list_versions(
    request: Request,
    registry: Annotated[str, Query(description="Only this registry.")] = "",
    kind: Annotated[str, Query(description="Only this kind.")] = "",
    stage: Annotated[str, Query(description="Only versions that stand there.")] = "",
    *,
    waiting: Annotated[bool, Query(description="Only versions with an open approval.")] = False,
    violating: Annotated[
        bool, Query(description="Only versions with a violation that stands.")
    ] = False,
    review_due: Annotated[
        bool, Query(description="Only versions whose review is due, or has lapsed.")
    ] = False,
    gone: Annotated[bool, Query(description="Deleted ones too.")] = False,
    hidden: Annotated[bool, Query(description="Those at hidden stages too.")] = False,
    unregistered: Annotated[
        bool, Query(description="What nobody has registered too; so does stage=Unregistered.")
    ] = False,
    as_of: Annotated[
        str, Query(description="Where they stood then: ISO 8601 with an offset, or now.")
    ] = "",
    cursor: Annotated[str, Query(description="From an earlier page.")] = "",
    limit: Limit = 100,
) -> Response:
    """List versions with their stages.

    With `as_of`, where they stood at that moment, approved by whom and on what grounds: an
    `EstatePage`. Of a moment that is still to come nothing is known: it answers with now. What is
    waiting, violating, gone or unregistered is known only of now.
    """
    caller(request)
    if as_of:
        if waiting or violating or review_due or gone or unregistered:
            message = (
                "query.as_of: waiting, violating, review_due, gone and unregistered are known only "
                "of now"
            )
            raise InvalidInputError(message)
        stood = Wanted(registry, _kind(kind), stage, hidden)
        return reply(_estate(context_of(request), as_of, stood, cursor, limit))
    context = context_of(request)
    by = context.clock.now() if review_due else None
    wanted = query.Filter(
        registry, _kind(kind), stage, waiting, gone, hidden, unregistered, violating, by
    )
    page = query.assets(context, wanted, cursor=cursor, limit=limit)
    return reply(documents.catalog_page(page))


@router.get(_ASSET, response_model=api.Asset, responses=READS)
def show_asset(request: Request, registry: Alias, kind: KindName, name: Name) -> Response:
    """Show an asset with its versions."""
    caller(request)
    view = query.asset(context_of(request), the_asset(registry, kind, name))
    entries = [catalog.entry(view.asset, state) for state in view.versions.values()]
    return reply(documents.asset(view, entries))


@router.get(f"{_ASSET}/history", response_model=api.History, responses=READS)
def show_history(
    request: Request,
    registry: Alias,
    kind: KindName,
    name: Name,
    after: Annotated[int, Query(ge=0, description="Behind this number.")] = 0,
    limit: Limit = 100,
) -> Response:
    """Show an asset's records in order."""
    caller(request)
    context, wanted = context_of(request), the_asset(registry, kind, name)
    records = query.history(context, wanted, after=after, limit=limit)
    return reply(documents.history(records, limit))


@router.get(f"{_ASSET}/as-of", response_model=AsOf, responses=READS)
def show_as_of(
    request: Request,
    registry: Alias,
    kind: KindName,
    name: Name,
    time: Annotated[str, Query(description="ISO 8601 with an offset; now if left out.")] = "",
) -> Response:
    """Show where the versions of an asset stood at a moment, and who approved it.

    Of a moment that is still to come nothing is known: then it is as it stands now, and says so by
    its `time`.
    """
    caller(request)
    context, wanted = context_of(request), the_asset(registry, kind, name)
    moment = _known(context, "time", time)
    return reply(as_of_documents.as_of(wanted, moment, of_asset(context, wanted, moment)))


@router.get(_VERSION, response_model=api.Version, responses={**READS, **problems(502)})
def show_version(
    request: Request, registry: Alias, kind: KindName, name: Name, version: Number
) -> Response:
    """Show a version with its evidence."""
    caller(request)
    wanted = the_version(registry, kind, name, version)
    return reply(documents.version(query.version(context_of(request), wanted)))


@router.post(
    f"{_VERSION}/checks",
    response_model=api.Check,
    responses=problems(400, 401, 403, 404, 422, 502, 503),
)
def check_version(
    request: Request,
    registry: Alias,
    kind: KindName,
    name: Name,
    version: Number,
    body: api.CheckBody,
) -> Response:
    """Tell what would happen and why; nothing is changed.

    With `configuration`, what would happen under that draft: its lifecycles, rules and groups, on
    the registries and the ledger that are there.
    """
    actor = caller(request)
    action = Action(body.action)
    if action is Action.TRANSITION and not body.to:
        message = "'to' is missing: a transition is checked for a stage"
        raise InvalidInputError(message)
    question = Question(
        the_version(registry, kind, name, version),
        action,
        Wish(text("body.to", body.to or ""), text("body.reason", body.reason), actor),
        text("body.endpoint", body.endpoint or ""),
    )
    context = context_of(request)
    if body.configuration is not None:
        context = drafts.under(context, actor, action, body.configuration, body.definitions)
    return reply(documents.check(check(context, question)))


def _answered(answer: Answer) -> Response:
    decision = documents.decision(answer)
    if answer.kind is AnswerKind.REFUSED:
        return problem(409, "refused", decision.detail, decision=decision)
    return reply(decision, 202 if answer.kind is AnswerKind.PENDING else 200)


def _kind(text_: str) -> Kind | None:
    if text_ and text_ not in list(Kind):
        message = f"query.kind: no kind is '{text_}'; the kinds are {', '.join(Kind)}"
        raise InvalidInputError(message)
    return Kind(text_) if text_ else None


def _estate(context: Context, as_of: str, wanted: Wanted, cursor: str, limit: int) -> EstatePage:
    moment = _known(context, "as_of", "" if as_of == _NOW else as_of)
    page = of_estate(context, moment, wanted, cursor=cursor, limit=limit)
    return as_of_documents.estate(moment, page)


def _known(context: Context, name: str, text_: str) -> datetime:
    """Return the moment that a query names; now where it names none, or one still to come."""
    now = context.clock.now()
    return min(_moment(name, text_), now) if text_ else now


def _moment(name: str, text_: str) -> datetime:
    try:
        # A plus sign that was not percent-encoded arrives as a blank.
        moment = datetime.fromisoformat(text_.replace(" ", "+") if "T" in text_ else text_)
    except ValueError as exc:
        message = f"query.{name}: '{text_}' is no time; write one as 2026-11-23T22:31:09Z"
        raise InvalidInputError(message) from exc
    if moment.tzinfo is None:
        message = f"query.{name}: '{text_}' has no offset; add Z for UTC"
        raise InvalidInputError(message)
    return moment
