"""A draft of the configuration, tried on what is there: nothing of it is kept.

The draft gives lifecycles, rules, calendars, people and groups. Registries and the ledger stay the
server's own, and so does the caller: an address or an id in a draft reaches nothing and nobody. Its
files come with it: no path in a draft is one of the server's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from msgspec.structs import replace

from stage_functions.application.checks import Action
from stage_functions.application.context import Context
from stage_functions.domain.configuration import Configuration
from stage_functions.domain.error import ConfigurationError, DeniedError, InvalidInputError
from stage_functions.domain.people import Actor
from stage_functions.web.contract import text
from stage_functions.wire.configuration import load

MAX_DRAFT_CHARACTERS = 200_000
NAME = "draft"
"""What the file is called where its faults are told."""


def under(
    context: Context,
    actor: Actor,
    action: Action,
    draft: str,
    definitions: Mapping[str, str] | None = None,
) -> Context:
    """Return the context as it would be under a draft.

    Args:
        context: as it is.
        actor: who asks.
        action: what is to be checked.
        draft: the text of the file.
        definitions: texts of the definitions of Azure Policy that it names, by their paths.

    Raises:
        DeniedError: whoever asks is nobody of the present configuration.
        InvalidInputError: the draft has faults, each told with line and column, or is too long; or
            something else than a transition is to be checked.
    """
    if context.configuration.directory.knows(actor.id) and action is not Action.TRANSITION:
        message = "body.configuration: a draft is tried on a transition, on nothing else"
        raise InvalidInputError(message)
    return of(context, actor, draft, definitions)


def of(
    context: Context, actor: Actor, draft: str, definitions: Mapping[str, str] | None = None
) -> Context:
    """Return the context with a draft in place of the file; see `under`.

    Raises:
        DeniedError, InvalidInputError: as `under`.
    """
    if not context.configuration.directory.knows(actor.id):
        message = f"{actor.id} is nobody in `people`; only a known person may try a draft"
        raise DeniedError(message)
    try:
        found = load(
            text("body.configuration", draft, MAX_DRAFT_CHARACTERS),
            path=NAME,
            environment=None,
            check_rule=context.rules.check,
            read_file=partial(_sent, definitions or {}),
        )
    except ConfigurationError as exc:
        raise InvalidInputError(str(exc)) from exc
    return replace(
        context,
        configuration=Configuration(
            registries=context.configuration.registries,
            directory=found.directory.masked(context.ledger.mask),
            lifecycles=found.lifecycles,
        ),
        draft=True,
    )


def _sent(definitions: Mapping[str, str], path: str) -> str:
    """Return the text of a definition that came with a draft.

    Raises:
        InvalidInputError: it did not come.
    """
    if path not in definitions:
        message = (
            "it was not sent with the draft; send its text in body.definitions, or write the "
            "definition itself in place of its path"
        )
        raise InvalidInputError(message)
    return definitions[path]
