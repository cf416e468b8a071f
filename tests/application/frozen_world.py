"""A world where Production is frozen, and what tests of that ask of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.answer import Answer
from stage_functions.application.attending import Attention, acknowledge, make_review
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.lifecycle import Lifecycle, Review, Transition, WhenUnreviewed
from stage_functions.domain.record import Record
from stage_functions.domain.state import VersionState
from tests.builders import IRIS, World, actor, cast, lifecycle, unguarded, world

Closing = Callable[[World], World]
TAGS = {"owner": "ada", "team": "risk"}


def freezing(base: Lifecycle | None = None) -> Lifecycle:
    """Return a lifecycle where anyone may take Production, and Production is frozen."""
    plain = base or unguarded()
    production = replace(plain.stages["Production"], frozen=True, deployable_to=("*/*",))
    return replace(
        plain,
        stages={**plain.stages, "Production": production},
        transitions=(
            *plain.transitions,
            Transition("Production", "Archived"),
        )
        if plain.transition("Production", "Archived") is None
        else plain.transitions,
        text={"name": plain.name, "shape": "frozen"},
    )


def reviewing(
    when: WhenUnreviewed = WhenUnreviewed.NOTIFY, groups: tuple[str, ...] = ("risk",)
) -> Lifecycle:
    """Return the lifecycle where Production is reviewed every 180 days."""
    plain = lifecycle()
    reviews = Review(
        timedelta(days=180),
        groups,
        timedelta(days=14),
        (timedelta(days=3), timedelta(days=7)),
        when,
    )
    production = replace(plain.stages["Production"], review=reviews, deployable_to=("*/*",))
    return replace(
        plain,
        stages={**plain.stages, "Production": production},
        text={"name": "default", "shape": f"reviewed, {when}, {groups}"},
    )


def frozen_world(closing: Closing, governed_by: Lifecycle | None = None) -> tuple[World, Version]:
    """Return a world with version 1 of iris at its frozen stage, Production."""
    it = closing(world(governed_by=governed_by or freezing()))
    version = it.register("1", dict(TAGS))
    it.registry.describe(version, "a classifier")
    promote(it, version)
    return it, version


def promote(it: World, version: Version, *stages: str) -> Answer:
    """Let a version go through stages, to Production if none is named."""
    for stage in stages or ("Staging", "Production"):
        answer = request_transition(it.context, it.command(version, stage))
    if answer.approval and not stages:
        cast(it.context, answer.approval, "bob")
        answer = cast(it.context, answer.approval, "eve")
    return answer


def records(it: World, type_: str = "") -> list[Record]:
    """Return the history of iris, or its records of a type."""
    return [
        one for one in query.all_records(it.context, IRIS) if not type_ or str(one.type) == type_
    ]


def types(it: World) -> list[str]:
    """Return the types of the records of iris."""
    return [str(one.type) for one in records(it)]


def state(it: World, number: str = "1") -> VersionState:
    """Return where a version stands."""
    return it.context.ledger.versions(IRIS)[number]


def said(it: World, version: Version, person: str, comment: str, record: int = 0) -> Attention:
    """Return what somebody says of a version."""
    return Attention(version, comment, actor(person), it.clock.operation_id(), record)


def acknowledged(it: World, version: Version, person: str = "eve") -> Answer:
    """Let somebody acknowledge an edit."""
    return acknowledge(it.context, said(it, version, person, "a script of ours"))


def reviewed(it: World, version: Version, person: str = "bob", record: int = 0) -> Answer:
    """Let somebody review a version."""
    return make_review(it.context, said(it, version, person, "still sound", record))
