"""Who is told of a review that is due or has lapsed, and in which words.

Told is whoever may make it, as of now; of one that has lapsed the operators as well. A notice that
is moot by now, since the version was reviewed or has left the stage, is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from stage_functions.application.notices import (
    GROUP,
    SHOWN_NAME_CHARACTERS,
    Notice,
    once,
    plain,
)
from stage_functions.application.ports.notifier import Message
from stage_functions.domain import review
from stage_functions.domain.lifecycle import Lifecycle, WhenUnreviewed
from stage_functions.domain.people import PERSON, Directory
from stage_functions.domain.record import Record, RecordType, minute, timestamp
from stage_functions.domain.state import VersionState

TOLD = frozenset({RecordType.REVIEW_DUE, RecordType.REVIEW_LAPSED})
_STAYS = "It stays where it is: review it, or move it."
_THEN: Mapping[str, str] = {
    WhenUnreviewed.NOTIFY: _STAYS,
    WhenUnreviewed.BLOCK: "It stays where it is, and checks refuse to deploy it until somebody "
    "has reviewed it.",
}


def review_notice(
    record: Record, state: VersionState | None, lifecycle: Lifecycle | None, directory: Directory
) -> Notice | None:
    """Return what is told of a review; None where there is nothing to tell any more.

    Args:
        record: ReviewDue or ReviewLapsed.
        state: of its version now, or None.
        lifecycle: the one that governs its asset now, or None.
        directory: who is who now.
    """
    content = record.content
    if state is None or not state.governed or lifecycle is None or state.review_due is None:
        return None
    if content["due"] != timestamp(state.review_due):
        return None
    asset = plain(str(content["asset"]), SHOWN_NAME_CHARACTERS)
    version = f"{asset}:{plain(record.version, SHOWN_NAME_CHARACTERS)}"
    stage = plain(str(content["stage"]), SHOWN_NAME_CHARACTERS)
    title, text = _words(record, f"{version} at {stage}")
    facts = [("Version", version), ("Stage", stage), ("Due since", _moment(content["due"]))]
    if "deadline" in content:
        facts.append(("Review before", _moment(content["deadline"])))
    keys = directory.operators if record.type is RecordType.REVIEW_LAPSED else ()
    recipients = (
        *review.reviewers(lifecycle, state, directory),
        *(f"{PERSON}:{key}" for key in keys if key in directory.people),
        *(f"{GROUP}:{group}" for group in review.groups(lifecycle, state)),
    )
    return Notice(once(recipients), Message(title, text, tuple(facts), action="Open"))


def _words(record: Record, what: str) -> tuple[str, str]:
    """Return the title, and what to do."""
    if record.type is RecordType.REVIEW_LAPSED:
        return f"Not reviewed in time: {what}", _THEN.get(str(record.content["then"]), _STAYS)
    again = "Reminder: " if "reminder" in record.content else ""
    return f"{again}Review {what}", "Look whether it is still fit for where it stands, and say so."


def _moment(text: object) -> str:
    return minute(datetime.fromisoformat(str(text)))
