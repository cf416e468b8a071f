"""Stages that a lifecycle calls otherwise: their versions follow, each with a record that says so.

From the moment of the adoption a version stands at the stage by its new name, whatever reads it.
The record is written first in the next commit that has to do with the version, and by the sweep
where none comes: nothing is ever decided between two names.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from stage_functions.domain.approval import Status
from stage_functions.domain.consent import close
from stage_functions.domain.grounds import ITSELF, lifecycle_document
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.record import Draft, RecordType
from stage_functions.domain.state import Step, VersionState


def standing_anew(state: VersionState, called: Mapping[str, str]) -> VersionState:
    """Return a version's state with its stage, and those that it refers to, as they are called now.

    Args:
        state: as it is kept.
        called: what stages are called now, by their names before.
    """
    if not called or state.gone:
        return state
    left = called.get(state.retires_from, state.retires_from)
    used, mark = state.unratified, state.marked
    if used is not None and used.source in called:
        used = replace(used, source=called[used.source])
    if mark is not None and mark.stage in called:
        mark = replace(mark, stage=called[mark.stage])
    stage = called.get(state.stage, state.stage)
    held = state.held if stage in (state.stage, *state.held) else (*state.held, stage)
    return replace(state, stage=stage, held=held, retires_from=left, unratified=used, marked=mark)


def say_renamed(step: Step, kept: Mapping[str, VersionState], lifecycle: Lifecycle) -> Step:
    """Return a decision whose first records say that stages of versions are called otherwise.

    Args:
        step: the decision; its versions stand at the stages by their new names.
        kept: by number, the versions as they are kept.
        lifecycle: the one that calls them so.
    """
    drafts = tuple(
        Draft(
            RecordType.STAGE_CHANGED,
            number,
            state.incarnation,
            ITSELF,
            {
                "from": state.stage,
                "to": lifecycle.renamed[state.stage],
                "why": "renamed",
                "lifecycle": lifecycle_document(lifecycle),
            },
        )
        for number, state in kept.items()
    )
    later = tuple(
        draft
        if draft.because_of is None
        else replace(draft, because_of=draft.because_of + len(drafts))
        for draft in step.drafts
    )
    touched = (*step.touched, *(number for number in kept if number not in step.touched))
    return replace(step, drafts=(*drafts, *later), touched=touched)


def void_renamed(step: Step, number: str, now: datetime) -> Step:
    """Close the open approval of a version whose stage is called otherwise: it was bound to it.

    The ratification of an emergency goes on: the stage has changed already, and is the same one.
    """
    state, approval = step.version(number), step.state.approval_of(number)
    if approval is None or approval.ratifies:
        return step
    why = f"the lifecycle has changed: the stage of {number} is called {state.stage} now; ask again"
    return close(step, state.approval, Status.VOIDED, why, ITSELF, now)
