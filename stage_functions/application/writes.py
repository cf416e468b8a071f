"""What somebody is about to write at a registry's own server, judged before it is stored there.

A server that asks here (an MLflow server with Stageward's store) stores nothing that was not
granted: prevention, where the registry allows it, and not repair. What is let through is what the
ledger says now, so that Stageward's own writing back needs no identity:

- a stage, a tag of the conversation, or a kept alias is let through where it is just what
  Stageward itself would show of that version;
- another stage, or an edit of the tag `stage` that asks as it may, becomes a request: what is
  granted at once is let through, what waits or is refused is not stored;
- a version at a stage that is not deletable is not deleted, alone or with its model, nor taken out
  of its history by another name.

What is not governed is let through untouched. Who runs the server is proven; whom it has
authenticated is whom a request is made for. Where it knows nobody, nobody is proven to have asked:
whoever runs the server could have, so they cannot vote, and somebody must sponsor it.
"""

from __future__ import annotations

from stage_functions.application.checks import Action, Question, check
from stage_functions.application.context import Context
from stage_functions.application.write_asking import on_stage, on_tag
from stage_functions.application.write_models import (
    governing_of,
    on_alias,
    on_create,
    on_delete,
    on_rename,
)
from stage_functions.application.write_standing import UNGOVERNED, refused, standing
from stage_functions.application.written import Guarded, Ruling, What, Write
from stage_functions.domain import presence
from stage_functions.domain.configuration import RegistryConfiguration, RegistryType
from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.mirror import MIRRORED, own_tags
from stage_functions.domain.transition import Request


def guarded(context: Context, alias: str) -> Guarded:
    """Return what of a registry is asked about.

    Raises:
        NotFoundError: no such registry.
        InvalidInputError: no MLflow server is behind it.
    """
    registry = _server(context, alias)
    keys = dict.fromkeys(MIRRORED)
    for lifecycle in presence.governing(alias, context.lifecycles):
        keys |= dict.fromkeys(own_tags(registry, lifecycle))
    return Guarded(tuple(keys), tuple(registry.aliases))


def rule(context: Context, write: Write) -> Ruling:
    """Tell whether a write may be stored; what becomes a request is decided and carried out.

    Raises:
        NotFoundError: no such registry.
        InvalidInputError: no MLflow server is behind it, or no version is named where one must be.
        NotAllowedNowError: nothing is decided on the version now.
        RegistryUnavailableError: the version cannot be read.
        ConflictError, UnknownOutcomeError: the ledger kept moving or was lost; ask again.
        RetryableError: too many are decided on now; ask again.
    """
    registry = _server(context, write.asset.registry)
    if write.what is What.RENAME:
        return on_rename(context, write)
    lifecycle = governing_of(context, write.asset)
    if lifecycle is None:
        return UNGOVERNED
    if write.prompt and not context.ledger.load(write.asset).head.number:
        return UNGOVERNED
    why = context.states.get(registry.alias).stopped and context.states.ungoverned(registry.alias)
    if why:
        return refused(f"nothing is written to {write.asset}: {why}")
    match write.what:
        case What.ALIAS:
            return on_alias(context, write, registry, lifecycle)
        case What.CREATE:
            return on_create(write, registry, lifecycle)
        case What.DELETE if not write.version:
            return on_delete(context, write.asset, lifecycle)
        case _:
            return _of_version(context, write, registry, lifecycle)


def _of_version(
    context: Context, write: Write, registry: RegistryConfiguration, lifecycle: Lifecycle
) -> Ruling:
    found = standing(context, write, registry, lifecycle)
    if found is None:
        return UNGOVERNED
    match write.what:
        case What.CONFIRM:
            return found.as_it_is()
        case What.STAGE:
            return on_stage(context, write, found)
        case What.TAG:
            return on_tag(context, write, found)
        case _:
            return _deletion(context, write)


def _deletion(context: Context, write: Write) -> Ruling:
    asked = Question(write.named, Action.DELETE, Request("", "", write.actor))
    found = check(context, asked)
    return Ruling(allowed=found.allowed, detail=found.detail)


def _server(context: Context, alias: str) -> RegistryConfiguration:
    registry = context.configuration.registry(alias)
    if registry.type is not RegistryType.MLFLOW:
        message = f"registry {alias} is no MLflow server: nobody asks before they write there"
        raise InvalidInputError(message)
    return registry
