"""A stage or a tag that somebody is about to write, made a request where it may ask for one.

What is granted at once is let through, what waits or is refused is not stored.
"""

from __future__ import annotations

from stage_functions.application.answer import Answer, AnswerKind
from stage_functions.application.context import Context
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.application.write_standing import (
    ASK,
    UNGOVERNED,
    Standing,
    named_alike,
    refused,
)
from stage_functions.application.write_turns import turn
from stage_functions.application.written import Ruling, Write
from stage_functions.domain import presence
from stage_functions.domain.configuration import Source, StageEdits
from stage_functions.domain.consent import waiting_words
from stage_functions.domain.mirror import own_tags
from stage_functions.domain.observation import STAGE
from stage_functions.domain.people import UNKNOWN, Actor, Attribution
from stage_functions.domain.transition import barred, displaced_by

_DISPLACE = "archive_existing_versions=True lets it displace"


def on_stage(context: Context, write: Write, standing: Standing) -> Ruling:
    """Judge a stage that is about to be set: any other than the granted one is asked for."""
    wanted = write.value or ""
    if wanted in (standing.state.stage, standing.stage):
        return standing.as_it_is()
    return _ask(context, write, standing, wanted)


def on_tag(context: Context, write: Write, standing: Standing) -> Ruling:
    """Judge a tag that is about to be set or deleted: some ask for a stage."""
    key, shown = write.key, standing.shown
    own = own_tags(standing.registry, standing.lifecycle)
    if not named_alike(key, own):
        return UNGOVERNED
    free = key == shown.kept and write.value is not None  # that it is there says it, not its value
    if key in shown.tags and (free or shown.tags[key] == write.value):
        return standing.as_it_is()
    wanted = _wanted(write, standing)
    if wanted:
        return _ask(context, write, standing, wanted)
    at = standing.state.stage
    return refused(
        f"{standing.version} stands at {at}: the tag {key} is Stageward's to write; ask {ASK}"
    )


def _wanted(write: Write, standing: Standing) -> str:
    """Return the stage that an edit of a tag may ask for, or ""."""
    registry, lifecycle, at = standing.registry, standing.lifecycle, standing.state.stage
    if write.value is None:
        return ""
    if write.key == STAGE:
        may = registry.stage_edits is StageEdits.FORWARD and Source.TAG in registry.requests_from
        stage = write.value
    else:
        may = presence.asked(registry)
        keys = presence.keys(registry, lifecycle)
        stage = next((one for one, key in keys.items() if key == write.key), "")
    return stage if may and lifecycle.transition(at, stage) is not None else ""


def _ask(context: Context, write: Write, standing: Standing, stage: str) -> Ruling:
    """Make a request of a write."""
    version = standing.version
    why = _barred(context, write, standing, stage)
    if why:
        return refused(f"{version}: refused: {why}")
    proven = bool(write.on_behalf_of)
    command = TransitionRequest(
        version=version,
        target=stage,
        reason="",
        actor=write.actor if proven else UNKNOWN,
        operation=write.operation,
        archive_existing_versions=write.archive_existing_versions,
        on_behalf_of=write.on_behalf_of,
        candidates=() if proven else (write.actor.id,),
    )
    with turn():
        answer = request_transition(context, command)
    if answer.kind in (AnswerKind.GRANTED, AnswerKind.UNCHANGED):
        return Ruling(
            allowed=True,
            detail=f"{version}: {answer.detail}",
            stage=stage,
            displaces=answer.displaces,
        )
    return Ruling(
        allowed=False,
        detail=f"{version}: {_words(context, write, standing, answer)}",
        approval=answer.approval,
    )


def _words(context: Context, write: Write, standing: Standing, answer: Answer) -> str:
    """Say why nothing is stored, as `stage_status` does."""
    if answer.kind is AnswerKind.PENDING:
        state = context.ledger.state(standing.version)
        return waiting_words(state) if state is not None and state.approval else answer.detail
    said = f"refused: {answer.detail}"
    return said if not _keeps_holder(write, standing) else f"{said}; {_DISPLACE}"


def _keeps_holder(write: Write, standing: Standing) -> bool:
    """Tell whether it was refused only because it may not displace."""
    lifecycle, target = standing.lifecycle, write.value or ""
    if write.archive_existing_versions:
        return False
    if lifecycle.transition(standing.state.stage, target) is None:
        return False
    state = standing.loaded.step().state
    return bool(displaced_by(lifecycle, state, standing.version.number, target))


def _barred(context: Context, write: Write, standing: Standing, stage: str) -> str:
    """Say why whom the server has authenticated may not ask; "" if they may, or none is known.

    Who runs the server would be asked for by the request: that they may is no leave for others.
    """
    transition = standing.lifecycle.transition(standing.state.stage, stage)
    if transition is None or not write.on_behalf_of:
        return ""
    asking = Actor(context.identify(write.on_behalf_of), Attribution.PROVEN, write.actor.via)
    return barred(transition, asking, context.configuration.directory)
