"""What tests of telling share: a world with channels for everybody, and what they do in it."""

from __future__ import annotations

from msgspec.structs import replace

from stage_functions.application.ledger import NOTIFY, Owed
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.domain.approval import Decision
from stage_functions.domain.lifecycle import Lifecycle
from tests.builders import IRIS, World, actor, world
from tests.fakes.notifier import MemoryNotifier, PlainLinks
from tests.fakes.sink import MemorySink

REACH = {
    "person:ada": ("mail:ada",),
    "person:bob": ("mail:bob", "bob-1"),
    "person:eve": ("mail:eve",),
    "person:sam": ("mail:sam",),
    "group:risk": ("risk-1",),
    "group:science": ("science-1",),
}
ASKED = ["mail:ada", "mail:bob", "bob-1", "mail:eve", "risk-1", "science-1"]
"""Who is asked to let sam's version into Production: all who may vote, and the groups."""
ENOUGH_SECONDS = 7300
"""Any pause is over by then."""


def told_world(
    notifier: MemoryNotifier,
    *,
    governed_by: Lifecycle | None = None,
    sinks: tuple[MemorySink, ...] = (),
) -> World:
    """Return a world that tells, with pages to link to."""
    made = world(notifier=notifier, governed_by=governed_by, sinks=sinks)
    return replace(made, context=replace(made.context, links=PlainLinks()))


def asked(it: World, number: str = "1", reason: str = "because") -> str:
    """Register a version at Staging and ask for Production; return the approval's id."""
    version = it.register(number)
    request_transition(it.context, it.command(version, "Staging"))
    command = replace(it.command(version, "Production"), reason=reason)
    return request_transition(it.context, command).approval


def voted(it: World, approval: str, person: str, decision: Decision = Decision.APPROVE) -> None:
    """Vote on the brief as it is."""
    loaded = it.context.ledger.more(it.context.ledger.load(IRIS), approval=approval)
    fingerprint = loaded.approvals[approval].fingerprint
    operation = it.clock.operation_id()
    vote(
        it.context,
        VoteCommand(approval, decision, "I looked", fingerprint, actor(person), operation),
    )


def told(notifier: MemoryNotifier) -> list[tuple[str, str]]:
    """Return what was told: channel and the first word of the title."""
    return [(channel, message.title.split()[0]) for channel, message in notifier.told]


def reached(notifier: MemoryNotifier) -> list[str]:
    """Return the channels over which something was told, in order."""
    return [channel for channel, _ in notifier.told]


def owed(it: World) -> list[Owed]:
    """Return the notices that are owed."""
    return [row for row in it.context.ledger.owed(IRIS) if row.duty == NOTIFY]
