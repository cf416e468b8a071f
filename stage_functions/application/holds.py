"""Holds: that what is kept of an asset is to be kept until somebody lifts them.

A hold is a row of the asset's own partition, written in the batch that records it. Which assets are
held is found by an index, written before: a row of it without a hold means nothing. While an asset
is held nobody who appears in its records can be forgotten, and no list offers it for removal.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import Struct

from stage_functions.application import keys
from stage_functions.application.codec import pack, plain, unpack
from stage_functions.application.context import Context
from stage_functions.application.ledger import Ledger
from stage_functions.application.ports.rows import LEDGER, Change, Delete, Insert, Upsert
from stage_functions.application.signals import settle
from stage_functions.domain.asset import Asset
from stage_functions.domain.error import InvalidInputError, NotFoundError
from stage_functions.domain.people import Actor
from stage_functions.domain.record import Draft, Json, RecordType
from stage_functions.domain.stored import Stored, demand_understood

MAX_CASE_CHARACTERS = 100
MAX_HOLDS = 50
"""On one asset."""


class Hold(Stored, frozen=True):
    """That what is kept of an asset is to be kept.

    Attributes:
        case: what for, as whoever placed it named it.
        since: when it was placed.
        by: id of who placed it.
        reason: why, in their words.
    """

    case: str
    since: datetime
    by: str
    reason: str = ""


class _Answer(Struct, frozen=True):
    """What a command has come to: the type of its record, and the hold."""

    type: str
    hold: Hold


class Held(Struct, frozen=True):
    """A hold, and what it is on."""

    asset: Asset
    hold: Hold


class HoldCommand(Struct, frozen=True):
    """What an operator wants of a hold.

    Attributes:
        asset: which.
        case: what for.
        reason: why.
        actor: who, proven.
        operation: id of this operation.
    """

    asset: Asset
    case: str
    reason: str
    actor: Actor
    operation: str


def place(context: Context, command: HoldCommand) -> Hold:
    """Place a hold on an asset; one that is there already for that case stays as it is.

    Raises:
        InvalidInputError: the case is empty or too long, or there are too many holds.
        NotFoundError: the ledger does not know the asset.
        ConflictError, UnknownOutcomeError, StoreUnavailableError: try again.
    """
    _demand_case(command.case)

    def attempt() -> Hold:
        if (given := _given(context, command, RecordType.HOLD_PLACED)) is not None:
            return given
        found = {one.case: one for one in of_asset(context.ledger, command.asset)}
        if command.case in found:
            return found[command.case]
        if len(found) >= MAX_HOLDS:
            message = f"{command.asset} has {MAX_HOLDS} holds already; lift one"
            raise InvalidInputError(message)
        now = context.clock.now()
        hold = Hold(command.case, now, command.actor.id, command.reason)
        row = Insert(keys.hold_key(command.case), pack(hold))
        _commit(context, command, RecordType.HOLD_PLACED, hold, row, now)
        return hold

    return context.persistently(attempt)


def lift(context: Context, command: HoldCommand) -> Hold:
    """Lift a hold; return what it was.

    Raises:
        NotFoundError: the asset has no hold for that case.
        ConflictError, UnknownOutcomeError, StoreUnavailableError, LaterReleaseError: try again.
    """

    def attempt() -> Hold:
        if (given := _given(context, command, RecordType.HOLD_LIFTED)) is not None:
            return given
        key = keys.hold_key(command.case)
        row = context.ledger.rows.get(LEDGER, keys.asset_partition(command.asset), key)
        if row is None:
            held = ", ".join(one.case for one in of_asset(context.ledger, command.asset))
            message = f"{command.asset} has no hold for '{command.case}'; it has: {held or 'none'}"
            raise NotFoundError(message)
        hold = unpack(row, Hold)
        demand_understood(hold)
        now = context.clock.now()
        gone = Delete(key, row.etag)
        _commit(context, command, RecordType.HOLD_LIFTED, hold, gone, now)
        return hold

    return context.persistently(attempt)


def of_asset(ledger: Ledger, asset: Asset) -> tuple[Hold, ...]:
    """Return the holds on an asset, the oldest first."""
    rows = ledger.rows.query(
        LEDGER, keys.asset_partition(asset), start=keys.HOLD, end=keys.after(keys.HOLD)
    )
    return tuple(sorted((unpack(row, Hold) for row in rows), key=lambda one: one.since))


def listed(ledger: Ledger) -> Iterator[Held]:
    """Yield every hold, asset by asset."""
    start = ""
    while rows := ledger.rows.query(LEDGER, keys.HOLDS_PARTITION, start=start):
        for row in rows:
            asset = Asset.parse(str(row.values["asset"]))
            yield from (Held(asset, hold) for hold in of_asset(ledger, asset))
        start = keys.behind(rows[-1].key)


def _given(context: Context, command: HoldCommand, type_: RecordType) -> Hold | None:
    """Return what the operation has come to already.

    Raises:
        InvalidInputError: the operation id was used for another command.
    """
    answer = context.ledger.answer(command.asset, command.operation)
    if answer is None:
        return None
    try:
        given = msgspec.json.decode(answer, type=_Answer)
    except msgspec.MsgspecError:
        given = None
    if given is None or (given.type, given.hold.case) != (type_, command.case):
        message = "this Idempotency-Key was used for another command"
        raise InvalidInputError(message)
    return given.hold


def _commit(  # all that a commit is made of
    context: Context,
    command: HoldCommand,
    type_: RecordType,
    hold: Hold,
    row: Change,
    now: datetime,
) -> None:
    loaded = context.ledger.load(command.asset)
    if not loaded.etag:
        message = f"the ledger does not know {command.asset}"
        raise NotFoundError(message)
    reason: dict[str, Json] = {"reason": command.reason} if command.reason else {}
    draft = Draft(type_, "", "", command.actor, {"hold": command.case, **reason})
    partition = keys.asset_partition(command.asset)
    index = Upsert(partition, plain({"asset": str(command.asset)}))
    context.ledger.rows.prepare(LEDGER, keys.HOLDS_PARTITION, [index])
    step = loaded.step().record(draft)
    answer = msgspec.json.encode(_Answer(str(type_), hold))
    committed = context.ledger.commit(
        loaded, step, now=now, operation=command.operation, answer=answer, also=[row]
    )
    settle(context, committed)


def _demand_case(case: str) -> None:
    if not case.strip() or len(case) > MAX_CASE_CHARACTERS or not case.isprintable():
        message = (
            f"name the case of the hold in 1 to {MAX_CASE_CHARACTERS} printable characters, "
            "and name no person in it: records keep it for good"
        )
        raise InvalidInputError(message)
