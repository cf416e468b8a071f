"""Calls about how Stageward fares, and about what could not be delivered: for operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response
from msgspec.structs import asdict

from stage_functions.application import dead_letters
from stage_functions.application.backlog import SinkBacklog
from stage_functions.application.context import Context
from stage_functions.application.dead_letters import Letter, Replayed, Shown
from stage_functions.application.ports.dead_letters import Counted
from stage_functions.application.status import RegistryStatus, Status, status
from stage_functions.application.troubles import Trouble, troubles
from stage_functions.web.contract import calls, problems, reply
from stage_functions.web.service import context_of, operator, service
from stage_functions.wire import status_api as api
from stage_functions.wire.dead_letter import read

MAX_SHOWN = 200
router = calls("operations")


@router.get("/status", response_model=api.Status, responses=problems(401, 403, 503))
def show_status(request: Request) -> Response:
    """Tell operators how Stageward fares, what is wrong, and what to do about it."""
    operator(request)
    context = context_of(request)
    known = status(context)
    return reply(document(context, known, troubles(known)))


@router.get(
    "/dead-letters",
    response_model=api.DeadLetters,
    responses=problems(401, 403, 404, 409, 422, 503),
)
def list_dead_letters(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MAX_SHOWN, description="How many, newest first.")] = 20,
) -> Response:
    """List events that Event Grid could not deliver, newest first."""
    operator(request)
    context = context_of(request)
    shown, counted = dead_letters.newest(context, _reader(context), limit)
    return reply(
        api.DeadLetters(tuple(_letter(one) for one in shown), counted.count or 0, counted.more)
    )


@router.post(
    "/dead-letters/replay",
    response_model=api.Replay,
    responses=problems(401, 403, 404, 409, 422, 503),
)
def replay_dead_letters(
    request: Request,
    after: Annotated[
        str, Query(max_length=2000, description="The cursor of an earlier call.")
    ] = "",
) -> Response:
    """Follow dead letters as hints, oldest first, and delete those that are done with."""
    operator(request)
    here = service(request)
    done = dead_letters.replay(
        here.context, here.signals.follow, _reader(here.context), after=after
    )
    return reply(_replayed(done))


def document(context: Context, known: Status, wrong: tuple[Trouble, ...]) -> api.Status:
    """Return a status."""
    facts, owed, key = known.facts, known.backlog, known.link_key
    return api.Status(
        at=known.at,
        fine=not wrong,
        troubles=tuple(api.Trouble(**asdict(one)) for one in wrong),
        version=facts.version,
        started=facts.started,
        ledger=known.ledger,
        place=facts.ledger,
        format=known.format,
        sign_in=facts.sign_in,
        telemetry=known.telemetry,
        registries=tuple(_registry(known, one) for one in known.registries),
        outbox=api.OutboxStatus(
            waiting=owed.waiting,
            parked=owed.parked,
            untold=owed.untold,
            more=owed.more,
            oldest_age=(known.at - owed.oldest).total_seconds() if owed.oldest else None,
            first=tuple(
                api.ParkedWork(
                    one.view.id,
                    one.view.asset,
                    one.view.owed.duty,
                    one.view.owed.target,
                    one.since,
                    one.view.owed.error,
                )
                for one in owed.first
            ),
        ),
        approvals_open=known.approvals.number,
        approvals_more=known.approvals.more,
        dead_letters=_counted(known),
        keys=tuple(api.KeyStatus(**asdict(one)) for one in known.keys),
        link_key=api.LinkKeyStatus(key.number, key.created, key.until) if key else None,
        clocks=tuple(
            api.SkewStatus(one.source, round(one.seconds, 1), one.at) for one in known.skews
        ),
        lifecycles=tuple(
            api.LifecycleStatus(
                one.name,
                one.digest,
                one.adopted,
                one.behind,
                one.waiting.digest if one.waiting else "",
                one.waiting.needs if one.waiting else (),
            )
            for one in known.lifecycles
        ),
        sinks=tuple(_sink(known, name) for name in context.sinks),
        anchors=api.AnchorsStatus(
            known.anchors.at,
            tuple(
                api.AnchorPlaceStatus(one.where, one.behind, one.at, one.error)
                for one in known.anchors.places
            ),
        ),
    )


def _registry(known: Status, one: RegistryStatus) -> api.RegistryStatus:
    age = known.age(one)
    return api.RegistryStatus(
        alias=one.alias,
        type=one.type,
        mode=one.mode.value,
        governed=one.governed,
        imported=one.imported,
        state=one.code,
        scanned=one.scanned,
        scan_age=age.total_seconds() if age is not None else None,
        stopped=one.stopped,
        stopped_at=one.stopped_at,
        halted=one.halted,
        unreadable=one.unreadable,
        unreadable_at=one.unreadable_at,
    )


def _sink(known: Status, name: str) -> api.SinkStatus:
    found = known.backlog.sinks.get(name, SinkBacklog())
    return api.SinkStatus(name, found.waiting, found.parked)


def _counted(known: Status) -> api.DeadLettersStatus:
    found = known.letters or Counted()
    return api.DeadLettersStatus(configured=known.letters is not None, **asdict(found))


def _reader(context: Context) -> dead_letters.Read:
    registries = context.configuration.registries

    def reads(body: bytes) -> Letter:
        return read(body, registries)

    return reads


def _letter(one: Shown) -> api.DeadLetter:
    events = tuple(api.FailedEvent(**asdict(told)) for told in one.told)
    return api.DeadLetter(one.letter.name, one.letter.written, events, one.fault)


def _replayed(done: Replayed) -> api.Replay:
    return api.Replay(
        followed=done.followed,
        changed=done.changed,
        deleted=done.deleted,
        kept=tuple(api.KeptLetter(name, why) for name, why in done.kept),
        ignored=done.ignored[:MAX_SHOWN],
        cursor=done.cursor or None,
        more=done.more,
    )
