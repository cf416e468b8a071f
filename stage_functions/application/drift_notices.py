"""Who is told that a version at a frozen stage was edited, and in which words.

Told is whoever may acknowledge it, once: of the first edit, not of those that come before somebody
did. A notice that is moot by now, since it was acknowledged, is none. What was edited is on the
page: values of tags go to no channel.
"""

from __future__ import annotations

from stage_functions.application.notices import (
    GROUP,
    SHOWN_NAME_CHARACTERS,
    Notice,
    once,
    plain,
)
from stage_functions.application.ports.notifier import Message
from stage_functions.domain import review
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.people import PERSON, Directory
from stage_functions.domain.record import Record
from stage_functions.domain.state import VersionState

_TEXT = (
    "Nothing is granted to it until somebody acknowledges that, who did not edit it: see what "
    "changed, and find out why."
)


def drift_notice(
    record: Record, state: VersionState | None, lifecycle: Lifecycle | None, directory: Directory
) -> Notice | None:
    """Return what is told of an edit; None where there is nothing to tell any more.

    Args:
        record: DriftFound of a version at a frozen stage.
        state: of its version now, or None.
        lifecycle: the one that governs its asset now, or None.
        directory: who is who now.
    """
    if state is None or lifecycle is None or state.drifted != record.number:
        return None
    asset = plain(str(record.content["asset"]), SHOWN_NAME_CHARACTERS)
    version = f"{asset}:{plain(record.version, SHOWN_NAME_CHARACTERS)}"
    stage = plain(str(record.content["granted"]), SHOWN_NAME_CHARACTERS)
    may = [
        one.id
        for one in directory.people.values()
        if review.may_vote(lifecycle, state, one.id, directory)
    ]
    recipients = (
        *may,
        *(f"{PERSON}:{key}" for key in directory.operators if key in directory.people),
        *(f"{GROUP}:{group}" for group in review.voters(lifecycle, state)),
    )
    title = f"Edited from outside: {version} at {stage}"
    facts = (("Version", version), ("Stage", stage))
    return Notice(once(recipients), Message(title, _TEXT, facts, action="Open"))
