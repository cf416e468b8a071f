"""Who else has written: what later events tell of who may have asked for what is open.

A registry names the last writer only. If one person asks by a tag, and another edits the version
before it is read, the second one is taken for who asked, and the first one may ask for their own
vote. Their event tells of them, whenever it comes: whoever wrote between the version being last
seen at base and the reading that opened the approval may have asked.

What must hold:

- only who is named by a hint that came by the platform's own way is added: anybody can post others;
- Stageward is nobody, as in `writer`;
- what an event tells of earlier writes, of later ones, or again, changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from stage_functions.application.context import Context
from stage_functions.application.signal import Signal
from stage_functions.application.writer import SAME_WRITE_SECONDS, confirmed, hinted_id
from stage_functions.domain.approval import Approval, Span
from stage_functions.domain.asset import Snapshot
from stage_functions.domain.consent import suspect
from stage_functions.domain.people import Actor, Attribution, Directory
from stage_functions.domain.state import Step


def suspected(context: Context, signal: Signal, step: Step) -> Step:
    """Return the step with who wrote as a candidate of the version's open approval.

    It is unchanged where they may not have asked for it, or are known to.
    """
    approval = step.state.approval_of(signal.version.number)
    if approval is None or not _vouched(signal) or not _within(approval.asked, signal.at):
        return step
    who, directory = hinted_id(context, signal), context.configuration.directory
    if not who or _known(approval, who, directory):
        return step
    return suspect(step, approval, Actor(who, Attribution.PROVEN, "registry"), directory)


def not_shown(context: Context, signal: Signal, snapshot: Snapshot, step: Step) -> Step:
    """Return the step with who has written what the version does not show yet.

    What is read may be old. The event will not come again, and what it tells of may ask.
    """
    state, at = step.version(snapshot.version.number), snapshot.modified_at
    if not _vouched(signal) or signal.at is None or at is None or signal.at <= at:
        return step
    who = "" if confirmed(signal, snapshot) else hinted_id(context, signal)
    if not who or who in state.writers:
        return step
    return step.with_version(replace(state, writers=(*state.writers, who)))


def _vouched(signal: Signal) -> bool:
    return signal.authenticated and bool(signal.actor) and not signal.deleted


def _within(asked: Span | None, at: datetime | None) -> bool:
    """Tell whether an event may tell of a write in a span: it comes when the write has ended."""
    if asked is None or at is None:
        return False
    return asked.since <= at <= asked.until + timedelta(seconds=SAME_WRITE_SECONDS)


def _known(approval: Approval, who: str, directory: Directory) -> bool:
    known = (approval.requester.id, *approval.candidates)
    return directory.resolve(who) in {directory.resolve(one) for one in known}
