"""Worlds of the way back: Production can be rolled back, and an emergency used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from stage_functions.application.rollback import RollbackCommand
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.lifecycle import Emergency, Lifecycle, NotRatified
from stage_functions.domain.record import Json
from stage_functions.wire.configuration import lifecycle_of
from tests.builders import IRIS, World, actor, cast, lifecycle, world

PERIOD = timedelta(days=30)
RATIFY = timedelta(days=1)


def returning(**further: object) -> Lifecycle:
    """Return the default lifecycle with `rollback_within` at Production.

    Args:
        further: fields of Production to set besides.
    """
    plain = lifecycle()
    production = replace(plain.stages["Production"], rollback_within=PERIOD, **further)
    text = {"name": "default", "shape": "the default's, with a way back"}
    return replace(plain, stages={**plain.stages, "Production": production}, text=text)


def urgent(then: NotRatified = NotRatified.REVERT, waives: tuple[str, ...] = ()) -> Lifecycle:
    """Return that lifecycle with an emergency: sam and ada of science may use it."""
    emergency = Emergency(
        ("science",),
        RATIFY,
        then,
        "science" if then is NotRatified.ESCALATE else "",
        waives,
    )
    return replace(returning(), emergency=emergency)


_BEGUN: list[World] = []


def begun(governed_by: Lifecycle) -> World:
    """Return a new world; `end` ends all of them."""
    here = world(governed_by=governed_by)
    _BEGUN.append(here)
    return here


def end() -> None:
    """Close the stores of all worlds that were begun."""
    while _BEGUN:
        _BEGUN.pop().rows.close()


def promoted(here: World, number: str) -> Version:
    """Register a version, and bring it to Production with the approval that this takes."""
    version = here.register(number)
    request_transition(here.context, here.command(version, "Staging"))
    answer = request_transition(here.context, here.command(version, "Production"))
    if answer.approval:
        cast(here.context, answer.approval, "bob")
        cast(here.context, answer.approval, "eve")
    return version


def two(governed_by: Lifecycle | None = None) -> World:
    """Return a world where version 2 has taken Production from version 1 an hour ago."""
    here = begun(governed_by or returning())
    promoted(here, "1")
    here.clock.sleep(3600)
    promoted(here, "2")
    here.clock.sleep(3600)
    return here


def back(here: World, person: str = "bob", **more: object) -> RollbackCommand:
    """Return a rollback of iris, as asked by a person."""
    operation = here.clock.operation_id()
    return replace(RollbackCommand(IRIS, actor(person), operation, reason="it fails"), **more)


def stages(here: World) -> dict[str, str]:
    """Return where the ledger says that every version stands."""
    return {one: s.stage for one, s in here.context.ledger.versions(IRIS).items()}


NAMES: tuple[Mapping[str, str], ...] = (
    {},
    {"Staging": "Testing", "Production": "Live", "Archived": "Retired"},
    {"Staging": "Trial", "Production": "Prod", "Archived": "Shelved"},
)


def called(stage: str, names: int) -> str:
    """Return what a stage is called after so many renamings."""
    return NAMES[names].get(stage, stage)


def whole_law(
    names: int = 0, then: str = "revert", renamed: Mapping[str, str] | None = None
) -> Lifecycle:
    """Return a lifecycle as a file would have it, with all that there is to go wrong together.

    Args:
        names: after so many renamings of its stages.
        then: what follows where nobody ratifies; "" for no emergency.
        renamed: the stages that are called otherwise besides.
    """
    more = dict(renamed or {})
    none, staging, live, off = (
        more.get(called(one, names), called(one, names))
        for one in ("None", "Staging", "Production", "Archived")
    )
    after: dict[str, Json] = {"escalate_to": "science"} if then == "escalate" else {}
    terms: dict[str, Json] = {"groups": ["science"], "ratify_within": "1d", "not_ratified": then}
    before = {called(one, names - 1): called(one, names) for one in NAMES[1]} if names else more
    text: dict[str, Json] = {
        "name": "default",
        "applies_to": ["*/*/*"],
        "stages": {
            none: {"initial": True, "deletable": True},
            staging: {},
            live: {
                "exclusive": True,
                "displaced_to": off,
                "rollback_within": "30d",
                "frozen": True,
                "review_every": "180d",
                "review": {"within": "14d"},
                "retire_within": "2d",
                "deployable_to": ["*/*"],
            },
            off: {"terminal": True, "deletable": True, "hidden": True},
        },
        "transitions": [
            {"from": none, "to": staging},
            {"from": none, "to": off},
            {"from": staging, "to": off},
            {
                "from": staging,
                "to": live,
                "approval": {
                    "quorum": 2,
                    "groups": {"risk": 1, "science": 0},
                    "valid_for": "90d",
                },
            },
            {
                "from": live,
                "to": off,
                "approval": {"quorum": 1, "groups": {"risk": 1}, "exclude": ["requester"]},
            },
        ],
        **({"emergency": {**terms, **after}} if then else {}),
        **({"renamed": {**before}} if before else {}),
    }
    return lifecycle_of(msgspec.json.decode(msgspec.json.encode(text)))
