"""The words of an answer to a request: what came of it, or what would.

Of a request that is only tried it is said whose approval it would need, since nothing else does.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from stage_functions.application.answer import Answer, AnswerKind
from stage_functions.application.context import Context
from stage_functions.application.judging import Judged, new_approval
from stage_functions.application.unregistered_rows import Note
from stage_functions.application.unregistered_words import refusal_words as words_of_unregistered
from stage_functions.domain.approval import Approval, Status
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.lifecycle import UNREGISTERED, Transition, course
from stage_functions.domain.record import minute
from stage_functions.domain.state import Step, VersionState
from stage_functions.domain.transition import (
    Granted,
    Pending,
    Refused,
    Request,
    Unchanged,
    refusal_words,
)
from stage_functions.domain.voting import impossible, unmet, waits_for


def unregistered(context: Context, note: Note) -> Answer:
    """Refuse what is asked of something that nobody has registered."""
    registry = context.configuration.registry(note.named.asset.registry)
    detail = words_of_unregistered(note, registry)
    return Answer(AnswerKind.REFUSED, note.version, UNREGISTERED, detail)


def answered(
    context: Context,
    version: Version,
    judged: Judged,
    step: Step,
    approval: Approval | None,
    now: datetime,
) -> Answer:
    """Return the answer to a request that was decided, with the approval that now waits."""
    directory = context.configuration.directory
    known = step.state.versions.get(version.number)  # none yet where it is only observed
    stage = known.stage if known is not None else ""
    name = str(version)
    match judged.outcome:
        case Granted(transition=transition, displaces=displaces, verdicts=verdicts):
            detail = f"{transition.source} → {transition.target}"
            return Answer(
                AnswerKind.GRANTED,
                name,
                stage,
                detail,
                verdicts=verdicts,
                displaces=displaces,
            )
        case Pending(transition=transition, verdicts=verdicts, displaces=displaces):
            return Answer(
                AnswerKind.PENDING,
                name,
                stage,
                _pending_words(context, transition, known, approval, now),
                approval=approval.id if approval else "",
                status=str(approval.status) if approval else "",
                needs=unmet(approval, directory) if approval else (),
                verdicts=verdicts,
                displaces=displaces,
                fingerprint=approval.fingerprint if approval else "",
                waits_for=waits_for(approval, directory) if approval else "",
                renews=transition.source == transition.target,
            )
        case Refused(allowed=allowed, verdicts=verdicts) as refused:
            return Answer(
                AnswerKind.REFUSED,
                name,
                stage,
                refusal_words(refused),
                allowed=allowed,
                verdicts=verdicts,
            )
        case Unchanged(stage=at):
            return Answer(AnswerKind.UNCHANGED, name, stage, f"stands at {at} already")


def foreseen(
    context: Context,
    judged: Judged,
    step: Step,
    snapshot: Snapshot,
    request: Request,
    now: datetime,
) -> Answer:
    """Return the answer to a request that is only tried: it opens nothing."""
    version = snapshot.version
    answer = answered(context, version, judged, step, None, now)
    if not isinstance(judged.outcome, Pending):
        return answer
    transition, directory = judged.outcome.transition, context.configuration.directory
    known = step.state.versions.get(version.number)
    what = f"{_standing(transition, known, now)}{course(transition.source, transition.target)}"
    waiting = judged.outcome.approval.at(now) if judged.outcome.approval else None
    open_ = waiting is not None and waiting.status is Status.OPEN
    if waiting is not None and open_ and not context.draft:
        waits = waits_for(waiting, directory)
        detail = f"{what} needs approval, and {waiting.id} of it is open: it needs {waits}"
        return replace(answer, detail=detail)
    if known is None:  # its registry is only observed, and it was not seen yet
        state = VersionState(version.number, snapshot.incarnation, "", now)
        step = step.with_version(state)
    would = new_approval(context, transition, step, snapshot, judged, request, now)
    detail = f"{what} needs approval: {waits_for(would, directory)}"
    if waiting is not None and open_:  # whose demands are of the configuration in force
        detail += f"; approval {waiting.id} of it is open now, which the draft does not change"
    return replace(answer, detail=detail)


def _pending_words(
    context: Context,
    transition: Transition,
    state: VersionState | None,
    approval: Approval | None,
    now: datetime,
) -> str:
    """Say what waits, and at once if it waits in vain."""
    said = f"{course(transition.source, transition.target)} waits for approval"
    said = f"{_standing(transition, state, now)}{said}"
    vain = impossible(approval, context.configuration.directory) if approval else ""
    return f"{said}; {vain}" if vain else said


def _standing(transition: Transition, state: VersionState | None, now: datetime) -> str:
    """Say, before what is asked, that the version stands there already and till when."""
    until = state.valid_until if state is not None else None
    if transition.source != transition.target or until is None:
        return ""
    valid = " valid until" if now < until else " which ran out on"
    return f"it stands there already, by an approval{valid} {minute(until)}; "
