"""Who is never told of what is theirs, since no channel of the environment reaches them.

That is, whoever may vote, and operators where nobody else would hear of a violation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stage_functions.application.alarms import concerned
from stage_functions.application.notices import GROUP
from stage_functions.application.ports.notifier import Notifier
from stage_functions.domain.configuration import Configuration
from stage_functions.domain.lifecycle import OnViolation

MAX_SHOWN = 20


def not_told(configuration: Configuration, notifier: Notifier | None) -> str:
    """Say whom of those who are to be told no channel reaches; an empty text if there is nobody.

    Args:
        configuration: the file.
        notifier: the channels; None where there are none.
    """
    said = (
        _said(list(_unreached(configuration, notifier)), "who may vote"),
        _said(list(_deaf(configuration, notifier)), "who are to hear of violations"),
    )
    return "; ".join(one for one in said if one)


def _said(found: Sequence[str], who: str) -> str:
    if not found:
        return ""
    more = f" and {len(found) - MAX_SHOWN} more" if len(found) > MAX_SHOWN else ""
    return (
        f"no mail and no message reaches {', '.join(found[:MAX_SHOWN])}{more}, {who}: give "
        "them `mail` under `people` and set STAGEWARD_MAIL, or set STAGEWARD_NOTIFY_<KEY> for them "
        "or their group"
    )


def _unreached(configuration: Configuration, notifier: Notifier | None) -> Iterator[str]:
    """Yield people whom neither a channel of theirs nor of a group by which they vote reaches."""
    directory, voting = configuration.directory, _voting(configuration)

    def told(recipient: str) -> bool:
        return notifier is not None and bool(notifier.channels(recipient))

    for key, person in directory.people.items():
        groups = [group for group in voting if key in directory.groups.get(group, ())]
        if groups and not any(map(told, (person.id, *(f"{GROUP}:{name}" for name in groups)))):
            yield f"{person.name} ({key})"
    for group in voting:
        if group in directory.entra and not told(f"{GROUP}:{group}"):
            yield f"those of {group} whom Entra names"


def _deaf(configuration: Configuration, notifier: Notifier | None) -> Iterator[str]:
    """Yield operators whom no channel reaches, where only they would hear of a violation."""
    alone = any(
        lifecycle.on_violation is not OnViolation.RECORD
        and any(not concerned(lifecycle, stage) for stage in lifecycle.stages)
        for lifecycle in configuration.lifecycles
    )
    directory = configuration.directory
    for key in directory.operators if alone else ():
        person = directory.people[key]
        if notifier is None or not notifier.channels(person.id):
            yield f"{person.name} ({key})"


def _voting(configuration: Configuration) -> tuple[str, ...]:
    """Return the groups whose members may vote on something, now or after an escalation."""
    policies = [
        transition.approval
        for lifecycle in configuration.lifecycles
        for transition in lifecycle.transitions
        if transition.approval is not None
    ]
    further = (one.escalate.to for one in policies if one.escalate is not None)
    return tuple(dict.fromkeys((*(name for one in policies for name in one.groups), *further)))
