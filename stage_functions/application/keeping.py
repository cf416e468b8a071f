"""What a ledger asks of the configuration: how long records are kept, what people are called."""

from __future__ import annotations

from datetime import timedelta

from stage_functions.application.context import Context
from stage_functions.application.names import Keeping
from stage_functions.domain.asset import Asset
from stage_functions.domain.error import InvalidInputError, NotFoundError

_OF_LIFECYCLE = "lifecycle:"


def keep_under(context: Context) -> None:
    """Let the ledger of a context ask it how long records are kept, and what people are called."""
    people = context.configuration.directory.people

    def called(id_: str) -> str:
        person = people.get(id_.partition(":")[2])
        return person.name if person is not None else ""

    context.ledger.keeping = Keeping(lambda history: retain_for(context, history), called)


def retain_for(context: Context, history: str) -> timedelta | None:
    """Return how long the records of a history are to be kept; None where nothing says.

    Args:
        context: the context.
        history: what its records have as `asset`.
    """
    if history.startswith(_OF_LIFECYCLE):
        name = history.removeprefix(_OF_LIFECYCLE)
        found = (one.retain_for for one in context.lifecycles if one.name == name)
        return next(found, None)
    try:
        return context.lifecycle(Asset.parse(history)).retain_for
    except (InvalidInputError, NotFoundError):  # the ledger's own, or governed by nothing now
        return None
