"""A world whose registry shows stages, or is asked for them, in more ways than by the tag `stage`."""

from __future__ import annotations

from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.context import Context
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mirror, Source
from tests.builders import IRIS, World, actor

SHOWN = (Mirror.TAG, Mirror.PRESENCE)
ASKED = (Source.TAG, Source.PRESENCE)
KEYS = {"Production": "prod"}
STAGE_KEYS = ("none", "staging", "prod", "archived")
WORKSPACE = (
    "/subscriptions/0/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
)


def changed(context: Context, **changes: object) -> Context:
    """Return an instance whose registry is configured otherwise."""
    registry = replace(context.configuration.registries["demo"], **changes)
    configuration = replace(context.configuration, registries={"demo": registry})
    return replace(context, configuration=configuration)


def configured(made: World, **changes: object) -> World:
    """Return a world whose registry is configured otherwise."""
    return replace(made, context=changed(made.context, **changes))


def types(it: World) -> list[str]:
    """Return the types of iris's records."""
    return [str(record.type) for record in query.all_records(it.context, IRIS)]


def keys_of(it: World, version: Version) -> dict[str, str]:
    """Return the tags of a version that stand for stages, and `approval`."""
    tags = it.registry.tags(version)
    return {key: tags[key] for key in (*STAGE_KEYS, "approval") if key in tags}


def move(it: World, version: Version, *stages: str) -> None:
    """Move a version to stage after stage, by vote where that takes one."""
    for stage in stages:
        answer = request_transition(it.context, it.command(version, stage))
        for person in ("bob", "eve") if answer.approval else ():
            operation = it.clock.operation_id()
            ballot = VoteCommand(
                answer.approval, Decision.APPROVE, "", answer.fingerprint, actor(person), operation
            )
            if query.approval(it.context, answer.approval).approval.status == "open":
                vote(it.context, ballot)
